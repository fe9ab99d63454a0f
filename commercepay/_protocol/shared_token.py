"""A renewal through a token store, which all processes of an application share. A store that fails costs no call."""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import logging
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from commercepay import tokens
from commercepay._base.flow import Pause, jittered
from commercepay._base.json_guards import is_object
from commercepay._base.secret import Secret, hidden
from commercepay._base.token_store import AsyncTokenStore, TokenStore
from commercepay._protocol import defaults
from commercepay._protocol.progress import HeldLock, Work, WorkFailed
from commercepay._protocol.settings import Settings
from commercepay._protocol.token import HEADER_VALUE, Authenticate, Caller, Grant, Wait
from commercepay.errors import APITimeoutError, CommercePayError, ConfigurationError

log = logging.getLogger("commercepay")

Steps = Generator[Pause | Wait | Authenticate, Any, Grant | None]


class SharedToken:
    """The entry of one client in a token store.

    A store may be down, slow or damaged. Therefore each of its operations has a limit of time, and after a failure the store
    is not used for a while. The client has a token of its own then.
    """

    def __init__(self, store: TokenStore | AsyncTokenStore, settings: Settings) -> None:
        self._store: Any = store
        self.is_async = inspect.iscoroutinefunction(store.load)
        self._key = key_of(settings)
        self._not_before = 0.0

    def renew(self, caller: Caller) -> Steps:
        """The token in the store if it can be used. Otherwise a new one, which is stored.

        Returns:
            None if the store can't be used: then the caller must log in without it.
        """
        if not self._is_usable():
            return None
        try:
            return (yield from self._renew(caller))
        except WorkFailed as failure:
            self._suspend(failure)
            return None

    def _renew(self, caller: Caller) -> Steps:
        spare = caller.need.seconds_to_spare() * defaults.TOKEN_STORE_WAIT_SHARE
        give_up = time.monotonic() + min(spare, defaults.TOKEN_STORE_WAIT)
        pause = defaults.TOKEN_STORE_POLL_FIRST
        while True:
            if found := (yield from self._find(caller)):
                return found
            login_ends = time.monotonic() + defaults.TOKEN_STORE_LOGIN  # before the lock is taken, so before it lapses
            seconds = defaults.TOKEN_STORE_LOCK
            lock = HeldLock(partial(self._store.lock, self._key, seconds), is_async=self.is_async, seconds=seconds)
            granted = None
            try:
                lock.start(caller.loop)
                if locked := (yield from self._result(caller, lock)) is not None:
                    granted = yield from self._renew_locked(caller, login_ends)
                lock.release()
            except BaseException as error:  # an interrupt, too
                lock.release()
                if isinstance(error, CommercePayError):
                    yield from self._wait_for(caller, lock.releasing)
                raise
            if locked:
                yield from self._wait_for(caller, lock.releasing)
            if granted is not None:
                return granted
            if locked:
                break
            if time.monotonic() >= give_up:
                log.warning("%s: the lock was not free in time; this process logs in without it", self._name())
                break
            yield Pause(jittered(pause))
            pause = min(pause * 1.5, defaults.TOKEN_STORE_POLL_MOST)
        return (yield from self._log_in(caller, caller.need.deadline))

    def _renew_locked(self, caller: Caller, login_ends: float) -> Steps:
        """None if the login exceeded the limit that it has under the lock, but not the caller's deadline."""
        if found := (yield from self._find(caller, warn=True)):  # another process has renewed it in the meantime
            return found
        try:
            return (yield from self._log_in(caller, min(login_ends, caller.need.deadline)))
        except APITimeoutError:
            if login_ends >= caller.need.deadline:
                raise
            return None

    def _log_in(self, caller: Caller, deadline: float) -> Steps:
        granted = yield from caller.log_in(deadline)
        save = self._start(caller, self._store.save, self._key, _entry(granted), granted.seconds)
        yield from self._wait_for(caller, save)
        return granted

    def _find(self, caller: Caller, *, warn: bool = False) -> Steps:
        """The token in the store, unless it has expired or was refused."""
        value = yield from self._result(caller, self._start(caller, self._store.load, self._key))
        if value is None:
            return None
        try:
            found = _read(value)
        except (ValueError, ArithmeticError, RecursionError):
            if warn:
                log.warning("%s: the entry can't be read, and is replaced", self._name())
            return None
        return found if found.seconds > 0 and found.secret != caller.refused else None

    # --- operations of the store --------------------------------------------------------------------------------------

    def _start(self, caller: Caller, function: Callable[..., Any], *args: object) -> Work:
        work = Work(partial(function, *args), is_async=self.is_async)
        work.start(caller.loop)
        return work

    def _result(self, caller: Caller, work: Work) -> Generator[Wait, object, Any]:
        """What an operation returned.

        Raises:
            WorkFailed: it raised, or it did not end in time.
        """
        limit = min(tokens.TIMEOUT, caller.need.seconds_to_spare() * defaults.TOKEN_STORE_SHARE)
        ends = time.monotonic() + limit
        while work.in_progress:
            left = ends - time.monotonic()
            if left <= 0:
                work.cancel()
                raise WorkFailed(f"no response within {limit:.2g} s")
            yield Wait(work, left)
        return work.result()

    def _wait_for(self, caller: Caller, work: Work) -> Generator[Wait, object, None]:
        """Wait for an operation without which the token is good all the same."""
        if self._is_usable():
            try:
                yield from self._result(caller, work)
            except WorkFailed as failure:
                self._suspend(failure)

    def _is_usable(self) -> bool:
        return time.monotonic() >= self._not_before

    def _suspend(self, failure: WorkFailed) -> None:
        self._not_before = time.monotonic() + defaults.TOKEN_STORE_PAUSE
        log.warning(
            "%s failed (%s): this client has a token of its own, and uses the store again after %.0f s",
            self._name(),
            failure,
            defaults.TOKEN_STORE_PAUSE,
        )

    def _name(self) -> str:
        """The repr of a store of the user's own may hold a password."""
        ours = isinstance(self._store, tokens.FileStore | tokens.RedisStore | tokens.AsyncRedisStore)
        return f"token store {self._store if ours else type(self._store).__name__}"


def shared_token(store: TokenStore | AsyncTokenStore | Secret, settings: Settings, *, is_async: bool) -> SharedToken:
    """The entry of a client in the store of its settings, which may be a URL.

    Raises:
        ConfigurationError: the store is async, and the client is not; or the store is neither.
    """
    if isinstance(store, Secret):
        store = tokens.store_at(store.reveal(), is_async=is_async)
    shared = SharedToken(store, settings)
    if {inspect.iscoroutinefunction(method) for method in (store.save, store.lock)} != {shared.is_async}:
        raise ConfigurationError(["token_store: all of load, save and lock must be async, or none"])
    if shared.is_async and not is_async:
        raise ConfigurationError(["token_store is async: CommercePay needs a sync one, such as RedisStore"])
    return shared


def key_of(settings: Settings) -> str:
    """The key of a client's entry. With another environment, tenant, user or password it is another one.

    It is keyed with the secret key: from a bare hash, a weak password could be guessed.
    """
    covered = (
        "commercepay token",
        settings.environment,
        settings.base_url,
        settings.tenant_id,
        settings.username,
        settings.password.reveal(),
    )
    return hmac.new(settings.secret_key.reveal().encode(), json.dumps(covered).encode(), hashlib.sha256).hexdigest()


def _entry(granted: Grant) -> str:
    return hidden(json.dumps({"token": granted.secret.reveal(), "end": time.time() + granted.seconds}))


def _read(value: object) -> Grant:
    """The token of an entry, and for how long it can be used; that is negative if it has expired.

    Raises:
        ValueError, ArithmeticError, RecursionError: it is not an entry.
    """
    entry: object = json.loads(value) if isinstance(value, str) and len(value) < tokens.LARGEST else None
    if not is_object(entry):
        raise ValueError
    text, end = entry.get("token"), entry.get("end")
    if not isinstance(text, str) or not HEADER_VALUE.fullmatch(text) or not isinstance(end, int | float):
        raise ValueError
    seconds: float = end - time.time()
    if not seconds < defaults.TOKEN_LIFETIME_MOST + defaults.CLOCKS_DIFFER:  # NaN, or from a clock that is wrong
        raise ValueError
    return Grant(Secret(text), min(seconds, defaults.TOKEN_LIFETIME_MOST), from_store=True)
