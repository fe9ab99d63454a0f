"""The access token of one client: stored, reused until shortly before it expires, renewed by one caller for all."""

from __future__ import annotations

import copy
import re
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from commercepay._base.flow import Pause, adrive, drive, jittered
from commercepay._base.secret import Secret
from commercepay._protocol import defaults, fork
from commercepay._protocol.progress import Progress
from commercepay.errors import APIConnectionError, APITimeoutError, CommercePayError

if TYPE_CHECKING:
    import asyncio

    from commercepay._protocol.shared_token import SharedToken


HEADER_VALUE = re.compile("[!-~]+")
"""A token that can be sent in a header."""


class Token(NamedTuple):
    """An access token.

    Attributes:
        renew_at: until when it is used, in seconds of `time.monotonic`.
        from_store: whether it comes from a token store, and not from a login of this process.
    """

    secret: Secret
    renew_at: float
    from_store: bool = False

    def reveal(self) -> str:
        return self.secret.reveal()


class Grant(NamedTuple):
    """An access token and the seconds for which it is used; `from_store` as in `Token`."""

    secret: Secret
    seconds: float
    from_store: bool = False


def seconds_of_use(lifetime: object, least_margin: float = 0.0) -> float:
    """How long a token is used that the gateway granted for `lifetime` seconds.

    Args:
        lifetime: as the gateway gave it, even if it is not a number.
        least_margin: seconds before the end, if it is more than the usual margin; at most half of the lifetime.
    """
    seconds = defaults.TOKEN_LIFETIME_UNKNOWN
    if type(lifetime) is int and lifetime > 0:
        seconds = min(lifetime, defaults.TOKEN_LIFETIME_MOST)
    margin = min(seconds * defaults.TOKEN_MARGIN, defaults.TOKEN_MARGIN_MOST)
    return seconds - max(margin, min(least_margin, seconds / 2))


class Renewal(Progress):
    """One Authenticate in progress, led by one caller, and the callers that wait for its outcome.

    The leader may vanish at any moment: by an exception from a signal handler, by a cancelled task, by an event loop that
    is stopped. Nothing here needs the leader to finish: a renewal whose leader is gone is abandoned, and another caller
    takes over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None, ends_at: float) -> None:
        super().__init__()
        self.loop = loop
        self.outcome: Token | CommercePayError | None = None
        self._ends_at = ends_at

    def is_abandoned(self) -> bool:
        if not self.in_progress or time.monotonic() > self._ends_at:
            return True
        return self.loop is not None and not self.loop.is_running()


class Need(NamedTuple):
    """A caller's need of a token.

    Attributes:
        deadline: when to stop waiting for another caller's renewal, in seconds of `time.monotonic`.
        least_seconds: that must be left at the deadline to send the request.
        refused: a token that the gateway refused with a 401. Only this one is dropped: another thread may have renewed it.
        shared: whether a connection error of Authenticate concerns all who wait. It does not if it can come from this caller's
            own options, such as a short timeout: then one of those who wait tries with its own.
    """

    deadline: float
    refused: Token | None = None
    shared: bool = True
    least_seconds: float = 0.0

    def seconds_to_spare(self) -> float:
        return max(0.0, self.deadline - self.least_seconds - time.monotonic())


class Wait(NamedTuple):
    """A step of `Tokens`: wait for a renewal that another caller leads, or for other work, or for so many seconds."""

    progress: Progress
    seconds: float


class Authenticate(NamedTuple):
    """A step of `Tokens`: ask the gateway for a token, until the deadline."""

    deadline: float


class Caller(NamedTuple):
    """The caller that renews the token for all callers of this process, through a token store.

    Attributes:
        need: its need of a token.
        refused: a token that is of no use, although it may be in the store.
        loop: the event loop, of an async caller.
        log_in: asks the gateway for a token, until a deadline.
    """

    need: Need
    refused: Secret | None
    loop: asyncio.AbstractEventLoop | None
    log_in: Callable[[float], Generator[Pause | Authenticate, Any, Grant]]


Steps = Generator[Pause | Wait | Authenticate, "tuple[str, object] | None", Token]


class Tokens:
    """The token of one client, for all its threads, tasks and event loops.

    `_lock` is held for a few instructions, never while anything is sent, so it blocks no event loop.

    Args:
        shared: the token in a store, if there is one, for all processes.
    """

    def __init__(self, shared: SharedToken | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._clock = clock
        self._token: Token | None = None
        self._refused: Secret | None = None
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
            self._refused = refused.secret
            if self._token is refused:
                self._token = None

    def get(self, authenticate: Callable[[float], tuple[str, object]], need: Need) -> Token:
        """A usable token. `authenticate` returns one from the gateway, with the lifetime in seconds that the gateway gave.

        Raises:
            CommercePayError: from `authenticate`; each waiting caller gets a copy.
            APITimeoutError: another caller's renewal was still in progress at the deadline.
        """

        def perform(step: object) -> tuple[str, object] | None:
            if isinstance(step, Authenticate):
                return authenticate(step.deadline)
            assert isinstance(step, Wait)
            step.progress.wait(step.seconds)
            return None

        return drive(self._steps(need, None), perform)

    async def aget(self, authenticate: Callable[[float], Awaitable[tuple[str, object]]], need: Need) -> Token:
        """`get`, for tasks of any event loop."""
        import asyncio

        def perform(step: object) -> Awaitable[object]:
            if isinstance(step, Authenticate):
                return authenticate(step.deadline)
            assert isinstance(step, Wait)
            return step.progress.wait_async(step.seconds)

        return await adrive(self._steps(need, asyncio.get_running_loop()), perform)

    def _steps(self, need: Need, loop: asyncio.AbstractEventLoop | None) -> Steps:
        deadline, refused, shared = need.deadline, need.refused, need.shared
        mine = Renewal(loop, deadline + defaults.TOKEN_WAIT_SLICE)
        # Nothing is registered before this `try`, and its `finally` starts with one C call: whatever is raised in between, by
        # a signal handler too, ends the renewal.
        try:
            while True:
                with self._lock:
                    if refused is not None:
                        self._refused = refused.secret
                        if self._token is refused:
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
                    granted = None
                    if self._shared is not None and not blocked:
                        caller = Caller(need, self._refused, loop, partial(self._log_in, need))
                        granted = yield from self._shared.renew(caller)
                    granted = granted or (yield from self._log_in(need, deadline))
                    token = Token(granted.secret, self._clock() + granted.seconds, granted.from_store)
                    with self._lock:
                        self._token = token
                    mine.outcome = token
                    return token
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

    def _log_in(self, need: Need, deadline: float) -> Generator[Pause | Authenticate, Any, Grant]:
        if need.refused is not None:
            yield from self._pace(deadline)
        text, lifetime = yield Authenticate(deadline)
        return Grant(Secret(text), seconds_of_use(lifetime, defaults.CLOCKS_DIFFER if self._shared else 0.0))

    def _pace(self, deadline: float) -> Generator[Pause, object]:
        """Keep renewals after a 401 apart: where each login ends the other process's token, two would log in in turns."""
        now = time.monotonic()
        seconds = max(0.0, self._next_after_refusal - now)
        if seconds > deadline - now:
            raise APITimeoutError("no access token in time: the gateway keeps refusing new ones")
        self._next_after_refusal = now + seconds + jittered(2 * defaults.RENEWAL_PAUSE)
        if seconds:
            yield Pause(seconds)


def _loop_of_this_thread() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
