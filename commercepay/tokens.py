"""Token stores: one access token for all processes and machines of an application.

    cp = CommercePay(..., token_store="redis://cache:6379/0")
    cp = CommercePay(..., token_store=FileStore("/run/shop/commercepay"))

Without a store each client keeps its token in memory. docs/tokens.md describes what is stored, and what happens if the store
fails.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from commercepay._base.extras import missing
from commercepay._base.secret import Secret, hidden
from commercepay._base.token_store import AsyncTokenStore, TokenStore
from commercepay.errors import ConfigurationError

if TYPE_CHECKING:
    import redis
    import redis.asyncio

__all__ = ["AsyncRedisStore", "AsyncTokenStore", "FileStore", "RedisStore", "TokenStore"]

TIMEOUT: Final = 2.0
"""Seconds for one operation of a store."""

LARGEST: Final = 65_536
"""Characters that are read of an entry: more than any token has."""

_PREFIX: Final = "commercepay:token:"


class FileStore:
    """A folder on this machine, for all processes of one user. Works with both clients.

    The folder is made when it is first needed. Only its owner can read the files, and an entry is replaced as a whole. The
    operating system releases the lock of a process that ends, however it ends. Needs `pip install 'commercepay[filestore]'`.

    Args:
        path: an absolute path. On a network file system a lock may not work, so use a folder of the machine.

    Raises:
        ModuleNotFoundError: filelock is not installed.
        ConfigurationError: the path is not absolute.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            import filelock
        except ModuleNotFoundError as error:
            raise missing("commercepay[filestore]", error) from error
        self._filelock = filelock
        self._folder = Path(path)
        if not self._folder.is_absolute():
            raise ConfigurationError(["FileStore needs an absolute path: processes may have different directories"])

    def __repr__(self) -> str:
        return f"FileStore({str(self._folder)!r})"

    def load(self, key: str) -> str | None:
        try:
            with self._file(key, "json").open(encoding="utf-8", errors="replace") as file:
                return file.read(LARGEST)
        except FileNotFoundError:
            return None

    def save(self, key: str, value: str, seconds: float) -> None:
        value = hidden(value)
        self._make_folder()
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=f"{key}.", suffix=".new")  # for the owner only
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(value)
            os.replace(name, self._file(key, "json"))
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise

    def lock(self, key: str, seconds: float) -> Callable[[], object] | None:
        self._make_folder()
        # Not bound to the thread: another one may release it.
        lock = self._filelock.FileLock(self._file(key, "lock"), mode=0o600, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except self._filelock.Timeout:
            return None
        return lock.release

    def _file(self, key: str, kind: str) -> Path:
        return self._folder / f"{key}.{kind}"

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


Client = TypeVar("Client")


class _Redis(Generic[Client]):
    """What both stores on Redis have in common.

    With a URL, each operation opens a connection and closes it: a token is renewed about once a day, and a connection that is
    kept that long may be dead, or belong to another event loop or to the process before a fork.
    """

    def __init__(self, where: str | Client) -> None:
        where = hidden(where)
        try:
            from redis import ConnectionPool
        except ModuleNotFoundError as error:
            raise missing("commercepay[redis]", error) from error
        self._client: Client | None = None if isinstance(where, str) else where
        self._url = Secret(where if isinstance(where, str) else "")
        self._place = type(where).__name__
        if not isinstance(where, str):
            return
        parts = None
        with suppress(ValueError, TypeError):  # their text may quote the password
            ConnectionPool.from_url(where)  # pyright: ignore[reportUnknownMemberType]  # redis-py does not type its options
            parts = urlsplit(where)
        if parts is None:
            examples = "redis://cache:6379/0, rediss://cache:6379/0 or unix:///run/redis.sock"
            raise ConfigurationError([f"{type(self).__name__} needs a URL such as {examples}"])
        at = "" if "@" in parts.path else parts.hostname or parts.path
        self._place = f"{parts.scheme}://{at}"  # no more of it: the rest may hold a password

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place})"


class RedisStore(_Redis["redis.Redis"]):
    """A Redis, for all processes on all machines. Works with both clients.

    Needs `pip install 'commercepay[redis]'`. The lock is that of redis-py: it lapses by itself, and only the process that
    holds it can release it.

    Args:
        where: a URL, `redis://`, `rediss://` (TLS) or `unix://`, with user name and password if the server needs them; or a
            `redis.Redis` or `redis.RedisCluster` of yours, which is not closed. A process that forks should pass the URL.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ConfigurationError: the URL can't be used; the error does not quote it.
    """

    def load(self, key: str) -> str | None:
        with self._open() as client:
            return _text(client.get(_PREFIX + key))

    def save(self, key: str, value: str, seconds: float) -> None:
        value = hidden(value)
        with self._open() as client:
            client.set(_PREFIX + key, value, px=int(seconds * 1000))

    def lock(self, key: str, seconds: float) -> Callable[[], None] | None:
        from redis.exceptions import LockNotOwnedError
        from redis.lock import Lock

        with self._open() as client:
            # Not bound to the thread: another one may release it.
            lock = Lock(client, f"{_PREFIX}{key}:lock", timeout=seconds, thread_local=False)
            if not lock.acquire(blocking=False):
                return None

        def release() -> None:
            with self._open() as client, suppress(LockNotOwnedError):  # it has lapsed
                lock.redis = client
                lock.release()

        return release

    @contextmanager
    def _open(self) -> Generator[redis.Redis]:
        if self._client is not None:
            yield self._client
            return
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # redis-py does not type its options
            self._url.reveal(), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        with client:
            yield client


class AsyncRedisStore(_Redis["redis.asyncio.Redis"]):
    """`RedisStore` for `AsyncCommercePay`, without threads.

    Args:
        where: a URL, or a `redis.asyncio.Redis` or `redis.asyncio.RedisCluster` of yours, which is not closed and belongs to
            one event loop.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ConfigurationError: the URL can't be used; the error does not quote it.
    """

    async def load(self, key: str) -> str | None:
        async with self._open() as client:
            return _text(await client.get(_PREFIX + key))

    async def save(self, key: str, value: str, seconds: float) -> None:
        value = hidden(value)
        async with self._open() as client:
            await client.set(_PREFIX + key, value, px=int(seconds * 1000))

    async def lock(self, key: str, seconds: float) -> Callable[[], Awaitable[None]] | None:
        from redis.asyncio.lock import Lock
        from redis.exceptions import LockNotOwnedError

        async with self._open() as client:
            lock = Lock(client, f"{_PREFIX}{key}:lock", timeout=seconds, thread_local=False)
            if not await lock.acquire(blocking=False):
                return None

        async def release() -> None:
            async with self._open() as client:
                lock.redis = client
                with suppress(LockNotOwnedError):
                    await lock.release()

        return release

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[redis.asyncio.Redis]:
        if self._client is not None:
            yield self._client
            return
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        client = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # redis-py does not type its options
            self._url.reveal(), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        async with client:
            yield client


def _text(value: bytes | str | None) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def store_at(url: str, *, is_async: bool = False) -> TokenStore | AsyncTokenStore:
    """The store that a URL names.

    Raises:
        ConfigurationError: it names none; the error does not quote it.
        ModuleNotFoundError: the library for it is not installed.
    """
    url = hidden(url)
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return FileStore(unquote(rest.removeprefix("//")))
    if scheme not in ("redis", "rediss", "unix"):
        raise ConfigurationError(
            ["it must be redis://host:port/db, rediss:// for TLS, unix:// and a socket, or file: and a folder"]
        )
    return AsyncRedisStore(url) if is_async else RedisStore(url)
