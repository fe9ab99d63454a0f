"""What a token store must have. `commercepay.tokens` documents it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class TokenStore(Protocol):
    """A place where the processes of an application keep one access token together.

    It stores text under a key, and has a lock for each key. Threads call it at the same time. Whatever its methods raise is
    logged, and the client then uses a token of its own; a method that does not return within 2 seconds counts as failed.
    """

    def load(self, key: str) -> str | None:
        """The value that was saved last under a key, or None."""

    def save(self, key: str, value: str, seconds: float) -> object:
        """Store a value. It is a secret: nobody else may read it. After so many seconds it is of no use."""

    def lock(self, key: str, seconds: float) -> Callable[[], object] | None:
        """Take the lock of a key if it is free, without waiting.

        Returns:
            The function that releases the lock if it is still held by this call; None if the lock is not free. If the
            function is not called, because the process was killed, the lock must become free by itself: after so many
            seconds, and not before.
        """


class AsyncTokenStore(Protocol):
    """`TokenStore` for asyncio. It may be used in several event loops."""

    async def load(self, key: str) -> str | None:
        """The value that was saved last under a key, or None."""

    async def save(self, key: str, value: str, seconds: float) -> object:
        """Store a value, which is a secret."""

    async def lock(self, key: str, seconds: float) -> Callable[[], Awaitable[object]] | None:
        """Take the lock of a key if it is free, without waiting. Returns the function that releases it, or None."""
