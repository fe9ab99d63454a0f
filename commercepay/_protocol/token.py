"""The life of an access token: stored, reused until shortly before its end, renewed once however many ask."""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from commercepay._base.secret import Secret
from commercepay._protocol import defaults, fork
from commercepay.errors import APIConnectionError


class Token:
    """An access token and the time (on this process's monotonic clock) until which it is used."""

    __slots__ = ("_secret", "renew_at")

    def __init__(self, text: str, lifetime: object, now: float) -> None:
        self._secret = Secret(text)
        seconds = defaults.TOKEN_LIFETIME_UNKNOWN
        if type(lifetime) is int and lifetime > 0:
            seconds = min(lifetime, defaults.TOKEN_LIFETIME_MOST)
        self.renew_at = now + seconds - min(seconds * defaults.TOKEN_MARGIN, defaults.TOKEN_MARGIN_MOST)

    def reveal(self) -> str:
        return self._secret.reveal()


class _Flight:
    """One Authenticate under way. Whoever finds it there waits for how it lands."""

    def __init__(self) -> None:
        self.landed: Future[Token | Exception | None] = Future()
        # A running future can't be cancelled: a task that gives up waiting does not take the token from the others.
        self.landed.set_running_or_notify_cancel()


class Tokens:
    """Keeps one client's token, for all its threads, tasks and event loops.

    The lock is held for a few instructions, never while anything is sent, so no event loop is ever blocked by it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token: Token | None = None
        self._flight: _Flight | None = None
        self._lock = threading.Lock()
        fork.watch(self)

    def after_fork(self) -> None:
        # The token stays good; a lock or a flight of a thread that does not exist here would never be released.
        self._lock = threading.Lock()
        self._flight = None

    def get(
        self, authenticate: Callable[[], tuple[str, object]], refused: Token | None = None, shared: bool = True
    ) -> Token:
        """A usable token.

        Args:
            authenticate: asks the gateway; returns the token and its lifetime in seconds as the gateway gave it.
            refused: a token that the gateway just answered with 401. Only this very one is dropped: another thread may
                have renewed it already.
            shared: whether an error of `authenticate` is true of all who wait. It is not where the caller's own options,
                such as a short timeout, may be to blame: then one of those who wait tries with its own.
        """
        while True:
            token, flight, leads = self._enter(refused)
            if token is None and leads:
                with self._leading(flight, shared):
                    token = self._land(flight, authenticate())
            elif token is None:
                token = _shared(flight.landed.result())
            if token is not None:
                return token

    async def aget(
        self,
        authenticate: Callable[[], Awaitable[tuple[str, object]]],
        refused: Token | None = None,
        shared: bool = True,
    ) -> Token:
        """`get`, for tasks of any event loop."""
        while True:
            token, flight, leads = self._enter(refused)
            if token is None and leads:
                with self._leading(flight, shared):
                    token = self._land(flight, await authenticate())
            elif token is None:
                token = _shared(await asyncio.wrap_future(flight.landed))
            if token is not None:
                return token

    def _enter(self, refused: Token | None) -> tuple[Token | None, Any, bool]:
        """A fresh token; or else the flight to wait for, and whether the caller has to fly it."""
        with self._lock:
            if refused is not None and self._token is refused:
                self._token = None
            if self._token is not None and self._clock() < self._token.renew_at:
                return self._token, None, False
            if self._flight is not None:
                return None, self._flight, False
            self._flight = _Flight()
            return None, self._flight, True

    def _land(self, flight: _Flight, granted: tuple[str, object]) -> Token:
        token = Token(*granted, now=self._clock())
        with self._lock:
            self._token = token
            self._flight = None
        flight.landed.set_result(token)
        return token

    @contextmanager
    def _leading(self, flight: _Flight, shared: bool) -> Generator[None]:
        """Sees to it that a flight ends whatever happens, so that nobody waits for ever."""
        try:
            yield
        except Exception as error:
            self._forget(flight)
            # Those who waited get the error too: a thousand tasks must not try a thousand wrong passwords.
            flight.landed.set_result(error if shared or not isinstance(error, APIConnectionError) else None)
            raise
        except BaseException:
            # Cancelled or interrupted: that concerns this caller alone. One of those who waited takes over.
            self._forget(flight)
            flight.landed.set_result(None)
            raise

    def _forget(self, flight: _Flight) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None


def _shared(outcome: Token | Exception | None) -> Token | None:
    """The outcome of somebody else's flight: None if it was given up. An error is copied: each waiter raises its own."""
    if isinstance(outcome, Exception):
        raise copy.copy(outcome)
    return outcome
