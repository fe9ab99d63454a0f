"""The access token of one client: stored, reused until shortly before it expires, renewed by one caller for all."""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, NamedTuple

from commercepay._base.flow import Pause, adrive, drive, jittered
from commercepay._base.secret import Secret
from commercepay._protocol import defaults, fork
from commercepay.errors import APIConnectionError, APITimeoutError, CommercePayError

if TYPE_CHECKING:
    import asyncio


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


class Renewal:
    """One Authenticate in progress, led by one caller, and the callers that wait for its outcome.

    The leader may vanish at any moment: by an exception from a signal handler, by a cancelled task, by an event loop that
    is stopped. Nothing here needs the leader to finish: a renewal whose leader is gone is abandoned, and another caller
    takes over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None, ends_at: float) -> None:
        self.loop = loop
        self.outcome: Token | CommercePayError | None = None
        self.in_progress = [True]  # a list, because `clear` is one C call, which no signal handler can interrupt
        self._ends_at = ends_at
        self._wake: list[Callable[[], object]] = []

    def is_abandoned(self) -> bool:
        if not self.in_progress or time.monotonic() > self._ends_at:
            return True
        return self.loop is not None and not self.loop.is_running()

    def notify(self) -> None:
        while self._wake:
            self._wake.pop()()

    def wait(self, seconds: float) -> None:
        """Wait in this thread. May return early."""
        gate = threading.Lock()  # not an Event or a Future: an interrupt inside of those can leave them locked
        gate.acquire()
        self._wake.append(gate.release)
        if self.in_progress:
            gate.acquire(timeout=seconds)

    async def wait_async(self, seconds: float) -> None:
        """Wait in this task. May return early."""
        import asyncio  # in the functions that use it: a sync program does not need it

        loop = asyncio.get_running_loop()
        gate: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the event loop of this waiter was closed
                loop.call_soon_threadsafe(_open, gate)

        self._wake.append(wake)
        if self.in_progress:
            await asyncio.wait([gate], timeout=seconds)


class Need(NamedTuple):
    """A caller's need of a token.

    Attributes:
        deadline: when to stop waiting for another caller's renewal, in seconds of `time.monotonic`.
        refused: a token that the gateway refused with a 401. Only this one is dropped: another thread may have renewed it.
        shared: whether a connection error of Authenticate concerns all who wait. It does not if it can come from this caller's
            own options, such as a short timeout: then one of those who wait tries with its own.
    """

    deadline: float
    refused: Token | None = None
    shared: bool = True


class Wait(NamedTuple):
    """A step of `Tokens`: wait for a renewal that another caller leads, or for so many seconds."""

    renewal: Renewal
    seconds: float


class Authenticate:
    """A step of `Tokens`: ask the gateway for a token."""


Steps = Generator[Pause | Wait | Authenticate, "tuple[str, object] | None", Token]


class Tokens:
    """The token of one client, for all its threads, tasks and event loops.

    `_lock` is held for a few instructions, never while anything is sent, so it blocks no event loop.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token: Token | None = None
        self._renewal: Renewal | None = None
        self._next_after_refusal = 0.0
        self._lock = threading.Lock()
        fork.watch(self)

    def after_fork(self) -> None:
        # The token stays valid. The lock may be held, and the renewal led, by a thread that does not exist in this process.
        self._lock = threading.Lock()
        self._renewal = None

    def fresh(self) -> Token | None:
        """The token, if there is one that needs no renewal yet."""
        token = self._token
        return token if token is not None and self._clock() < token.renew_at else None

    def drop(self, refused: Token) -> None:
        """Renew the token for the next call, if it is still the one that was refused."""
        with self._lock:
            if self._token is refused:
                self._token = None

    def get(self, authenticate: Callable[[], tuple[str, object]], need: Need) -> Token:
        """A usable token. `authenticate` returns one from the gateway, with the lifetime in seconds that the gateway gave.

        Raises:
            CommercePayError: from `authenticate`; each waiting caller gets a copy.
            APITimeoutError: another caller's renewal was still in progress at the deadline.
        """

        def perform(step: object) -> tuple[str, object] | None:
            if not isinstance(step, Wait):
                return authenticate()
            step.renewal.wait(step.seconds)
            return None

        return drive(self._steps(need, None), perform)

    async def aget(self, authenticate: Callable[[], Awaitable[tuple[str, object]]], need: Need) -> Token:
        """`get`, for tasks of any event loop."""
        import asyncio

        def perform(step: object) -> Awaitable[object]:
            return step.renewal.wait_async(step.seconds) if isinstance(step, Wait) else authenticate()

        return await adrive(self._steps(need, asyncio.get_running_loop()), perform)

    def _steps(self, need: Need, loop: asyncio.AbstractEventLoop | None) -> Steps:
        deadline, refused, shared = need
        mine = Renewal(loop, deadline + defaults.TOKEN_WAIT_SLICE)
        # Nothing is registered before this `try`, and its `finally` starts with one C call: whatever is raised in between, by
        # a signal handler too, ends the renewal.
        try:
            while True:
                with self._lock:
                    if refused is not None and self._token is refused:
                        self._token = None
                    token, renewal = self._token, self._renewal
                    if token is not None and self._clock() < token.renew_at:
                        return token
                    # A sync call inside of the event loop that renews blocks that loop: it can't wait for it.
                    blocked = (
                        loop is None and renewal is not None and renewal.loop is _loop_of_this_thread() is not None
                    )
                    if renewal is None or renewal.is_abandoned() or blocked:
                        renewal = self._renewal = mine
                if renewal is mine:
                    if refused is not None:
                        yield from self._pace(deadline)
                    return (yield from self._authenticate(mine))
                seconds = deadline - time.monotonic()
                if seconds <= 0:
                    raise APITimeoutError("no access token in time: another call's Authenticate was still in progress")
                yield Wait(renewal, min(seconds, defaults.TOKEN_WAIT_SLICE))
                if isinstance(renewal.outcome, CommercePayError):
                    raise copy.copy(renewal.outcome)
        except CommercePayError as error:
            # A thousand tasks must not try a thousand wrong passwords. Other exceptions concern only this caller.
            if not isinstance(error, APITimeoutError) and (shared or not isinstance(error, APIConnectionError)):
                mine.outcome = error
            raise
        finally:
            mine.in_progress.clear()
            mine.notify()

    def _authenticate(self, renewal: Renewal) -> Steps:
        granted = yield Authenticate()
        if granted is None:
            raise TypeError("the result of Authenticate must be a token")
        token = Token(*granted, now=self._clock())
        with self._lock:
            self._token = token
        renewal.outcome = token
        return token

    def _pace(self, deadline: float) -> Generator[Pause, object]:
        """Keep renewals after a 401 apart: where each login ends the other process's token, two would log in in turns."""
        now = time.monotonic()
        seconds = max(0.0, self._next_after_refusal - now)
        if seconds > deadline - now:
            raise APITimeoutError("no access token in time: the gateway keeps refusing new ones")
        self._next_after_refusal = now + seconds + jittered(2 * defaults.RENEWAL_PAUSE)
        if seconds:
            yield Pause(seconds)


def _open(gate: asyncio.Future[None]) -> None:
    if not gate.done():
        gate.set_result(None)


def _loop_of_this_thread() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
