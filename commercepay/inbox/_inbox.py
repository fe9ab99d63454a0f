"""`Inbox` and `AsyncInbox`: one flow for each of their methods, and two thin drivers.

A flow (see `commercepay._base.flow`) yields a `Step`, which is one transaction.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from commercepay._base.flow import Pause, adrive, drive, jittered
from commercepay._base.secret import hidden
from commercepay.callbacks import Callback, Verifier
from commercepay.errors import ArgumentError, CallbackError
from commercepay.inbox._arrivals import ArrivalState, Receipt
from commercepay.inbox._ledger import Ledger, MistakeError, Verify, is_transient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

Handler = Callable[[Callback, Connection], object]
"""The merchant's function for a verified callback. Its writes over the connection are part of the inbox's transaction. What
it returns is ignored."""

AsyncHandler = Callable[[Callback, AsyncConnection], Awaitable[object]]
"""`Handler` for asyncio."""


_P = ParamSpec("_P")
_T = TypeVar("_T")
_log = logging.getLogger("commercepay.inbox")
_PAUSES = (0.05, 0.2, 0.5, 1.0)  # seconds at most, before a transaction that lost a race is tried again
_DATABASES = ("postgresql", "sqlite")


class Step(NamedTuple):
    """One transaction: `first`; if that returns a callback and there is a handler, the handler and then `last`."""

    first: Callable[[Connection], object]
    handler: Callable[[Callback, Any], object] | None = None
    last: Callable[[Connection, Callback], Receipt] | None = None


_Flow = Generator[Step | Pause, Any, _T]


class _Inbox:
    """The flows, which both inboxes share."""

    def __init__(
        self,
        engine: Engine,
        verify: Verify | None,
        secret_key: str | Sequence[str] | None,
        callback_url: str | Sequence[str] | None,
        name: str,
    ) -> None:
        if not isinstance(name, str) or not 0 < len(name) <= 64:
            raise ArgumentError("name must be a str of 1 to 64 characters")
        secret_key = hidden(secret_key)
        self._ledger = Ledger(name, _verify(verify, secret_key, callback_url))
        _check_engine(engine)

    def __repr__(self) -> str:
        ledger = getattr(self, "_ledger", None)  # none if the arguments were refused
        return f"{type(self).__name__}(name={ledger.name if ledger is not None else None!r})"

    def _receive(
        self,
        body: bytes,
        signature: str | None,
        handler: Callable[[Callback, Any], object] | None,
        callback_url: str | None,
    ) -> _Flow[Receipt]:
        if not isinstance(body, bytes):
            raise ArgumentError(f"the body must be the raw bytes of the request, not {type(body).__name__}")
        with suppress(
            CallbackError
        ):  # without a usable callback URL nothing is stored: that is the application's mistake
            self._ledger.verify(b"", None, callback_url)
        arrival_id = yield from self._transaction(self._ledger.store, body, signature, callback_url)
        if handler is None:
            try:
                callback = self._ledger.verify(body, signature, callback_url)
            except CallbackError as error:
                return _logged((yield from self._transaction(self._ledger.reject, arrival_id, error)))
            return Receipt(arrival_id=arrival_id, state=ArrivalState.STORED, callback=callback)
        try:
            receipt = yield from self._process(arrival_id, handler, wait=True)
        except Exception as error:
            with suppress(SQLAlchemyError):  # the first error is the one to raise
                yield from self._transaction(self._ledger.failed, arrival_id, error)
            raise
        return _logged(receipt or Receipt(arrival_id=arrival_id, state=ArrivalState.STORED))

    def _process_pending(self, handler: Callable[[Callback, Any], object], limit: int) -> _Flow[list[Receipt]]:
        receipts: list[Receipt] = []
        for arrival_id in (yield from self._transaction(self._ledger.pending, limit)):
            try:
                receipt = yield from self._process(arrival_id, handler, wait=False)
            except MistakeError:
                raise
            except Exception as error:  # noqa: BLE001  if one handler fails, the others still run
                _log.error("the handler failed on arrival %d, which stays pending", arrival_id, exc_info=error)
                receipt = Receipt(arrival_id=arrival_id, state=ArrivalState.STORED, error=error)
                yield from self._transaction(self._ledger.failed, arrival_id, error)
            if receipt is not None:
                receipts.append(_logged(receipt))
        return receipts

    def _purge(self, before: datetime) -> _Flow[int]:
        if before.tzinfo is None:
            raise ArgumentError("the time must be aware, such as datetime.now(UTC) - timedelta(days=90)")
        return (yield from self._transaction(self._ledger.purge, before))

    def _process(
        self, arrival_id: int, handler: Callable[[Callback, Any], object], *, wait: bool
    ) -> _Flow[Receipt | None]:
        claim = partial(self._ledger.claim, arrival_id=arrival_id, wait=wait)
        receipt: Receipt | None = yield from _retried(
            Step(claim, handler, partial(self._ledger.handled, arrival_id=arrival_id))
        )
        return receipt

    def _transaction(
        self, step: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **options: _P.kwargs
    ) -> _Flow[_T]:
        def first(connection: Connection) -> _T:
            return step(connection, *args, **options)

        result: _T = yield from _retried(Step(first))
        return result


def _retried(step: Step) -> _Flow[Any]:
    for pause in _PAUSES:
        try:
            return (yield step)
        except DBAPIError as error:
            if not is_transient(error):
                raise
        yield Pause(jittered(pause, least=0.0))
    return (yield step)


class Inbox(_Inbox):
    """Stores callbacks and has each fact handled once. Safe to share between threads; build it, or its engine, after a fork.

        inbox = Inbox(engine, verify=cp.callbacks.verify, callback_url=CALLBACK_URL)

    Args:
        engine: a SQLAlchemy engine on PostgreSQL or SQLite, preferably the one that the merchant's own tables are on.
        verify: verifies callbacks: a client's `cp.callbacks.verify`, or what an adapter passes to the function that makes the
            inbox. Or, without a client:
        secret_key: the merchant's secret key; or several, while one is being rotated.
        callback_url: the callback URL that payments are opened with; or several, if it has changed. None if `verify` has it,
            or if it differs from payment to payment and is passed to `receive`.
        name: distinguishes inboxes (tenants, environments) that share a database; up to 64 characters.

    Raises:
        ArgumentError: a secret key, URL or name is wrong, not exactly one of `verify` and `secret_key` was given, or the
            engine is of another database or in AUTOCOMMIT.
    """

    def __init__(
        self,
        engine: Engine,
        verify: Verify | None = None,
        *,
        secret_key: str | Sequence[str] | None = None,
        callback_url: str | Sequence[str] | None = None,
        name: str = "default",
    ) -> None:
        secret_key = hidden(secret_key)
        super().__init__(engine, verify, secret_key, callback_url, name)
        self.engine = engine

    def create_tables(self) -> None:
        """Create the tables and indexes that are missing. Any number of processes may do so at once."""
        drive(self._transaction(self._ledger.create_tables), self._perform)

    def receive(
        self, body: bytes, signature: str | None, handler: Handler | None = None, *, callback_url: str | None = None
    ) -> Receipt:
        """Store a callback, then verify it and have the handler handle it, once per fact.

        Args:
            body: the request's body, byte for byte.
            signature: the `cap-signature` header, or None.
            handler: called in the transaction that marks the callback as handled. Without a handler, a verified callback is
                left to `process_pending`.
            callback_url: the URL that this payment was opened with, if it differs from the inbox's.

        Returns:
            The receipt: handled, duplicate, rejected or stored. `http_status` is the status for the response.

        Raises:
            ArgumentError: the body is not bytes, there is no callback URL, the handler is `async`, or the engine's driver
                commits by itself. No callback counts as handled.
            Exception: the handler's exception; its writes are rolled back and the callback stays stored. Let it become a 500.
            SQLAlchemyError: the database failed. If the callback could not even be stored, the gateway has to send it again,
                so let it become a 500, too.
        """
        signature = hidden(signature)
        return drive(self._receive(body, signature, handler, callback_url), self._perform)

    def process_pending(self, handler: Handler, *, limit: int = 100) -> list[Receipt]:
        """Handle what is stored and was not handled: after a crash, after a failure, or because `receive` had no handler.

        Any number of workers may do so at once; none waits for another's callbacks. If the handler raises, that one callback
        stays pending and the others are handled.

        Args:
            handler: as for `receive`.
            limit: the most callbacks to process; those that failed least often come first.

        Returns:
            The receipts. One that is still stored holds what its handler raised as `error`. Empty: nothing is pending.

        Raises:
            ArgumentError: the handler is `async`, or the engine's driver commits by itself.
            SQLAlchemyError: the database failed.
        """
        return drive(self._process_pending(handler, limit), self._perform)

    def purge(self, before: datetime) -> int:
        """Delete the arrivals that were received before a time, except those that are pending.

        The keys of handled facts are kept. Returns how many arrivals were deleted.
        """
        return drive(self._purge(before), self._perform)

    def _perform(self, step: Step) -> object:
        with self.engine.begin() as connection:
            result = step.first(connection)
            if step.handler is None or step.last is None or not isinstance(result, Callback):
                return result
            _require_no_awaitable(step.handler(result, connection))
            return step.last(connection, result)


class AsyncInbox(_Inbox):
    """`Inbox` for asyncio: an async engine, an async handler that is given an `AsyncConnection`, and `await` in front.

    Cancelling a call undoes the transaction it is in; a callback that was stored stays stored.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        verify: Verify | None = None,
        *,
        secret_key: str | Sequence[str] | None = None,
        callback_url: str | Sequence[str] | None = None,
        name: str = "default",
    ) -> None:
        secret_key = hidden(secret_key)
        super().__init__(engine.sync_engine, verify, secret_key, callback_url, name)
        self.engine = engine

    async def create_tables(self) -> None:
        """See `Inbox.create_tables`."""
        await adrive(self._transaction(self._ledger.create_tables), self._perform)

    async def receive(
        self,
        body: bytes,
        signature: str | None,
        handler: AsyncHandler | None = None,
        *,
        callback_url: str | None = None,
    ) -> Receipt:
        """See `Inbox.receive`."""
        signature = hidden(signature)
        return await adrive(self._receive(body, signature, handler, callback_url), self._perform)

    async def process_pending(self, handler: AsyncHandler, *, limit: int = 100) -> list[Receipt]:
        """See `Inbox.process_pending`."""
        return await adrive(self._process_pending(handler, limit), self._perform)

    async def purge(self, before: datetime) -> int:
        """See `Inbox.purge`."""
        return await adrive(self._purge(before), self._perform)

    async def _perform(self, step: Step) -> object:
        async with self.engine.begin() as connection:
            result = await connection.run_sync(step.first)
            if step.handler is None or step.last is None or not isinstance(result, Callback):
                return result
            await _require_awaitable(step.handler(result, connection))
            return await connection.run_sync(step.last, result)


def _verify(
    verify: Verify | None, secret_key: str | Sequence[str] | None, callback_url: str | Sequence[str] | None
) -> Verify:
    if verify is None and secret_key is not None:
        return Verifier(secret_key=secret_key, callback_url=callback_url).verify
    if verify is None or secret_key is not None:
        raise ArgumentError("give either verify, such as cp.callbacks.verify, or secret_key")
    if callback_url is None:
        return verify
    with suppress(CallbackError):  # a URL that can't be right is an error now, and not at the first callback
        verify(b"", None, callback_url)
    return partial(verify, callback_url=callback_url)


def _check_engine(engine: Engine) -> None:
    """Without transactions, and row locks or one writer, nothing can be handled exactly once."""
    if engine.dialect.name not in _DATABASES:
        raise ArgumentError(f"the inbox works on PostgreSQL and SQLite, not on {engine.dialect.name}")
    levels = (
        engine.get_execution_options().get("isolation_level"),
        getattr(engine.dialect, "_on_connect_isolation_level", 0),
    )
    if "AUTOCOMMIT" in levels:
        raise ArgumentError("the inbox needs transactions: pass an engine whose isolation_level is not AUTOCOMMIT")


def _require_no_awaitable(result: object) -> None:
    """A coroutine that is never awaited would be a handler that did nothing, marked as done."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise MistakeError("the handler is async: use AsyncInbox, or a handler that is a plain function")


def _require_awaitable(result: object) -> Awaitable[object]:
    if not inspect.isawaitable(result):
        raise MistakeError("the handler of an AsyncInbox must be async: what it wrote was undone")
    return result


def _logged(receipt: Receipt) -> Receipt:
    if receipt.rejection is not None:
        _log.warning("arrival %d rejected: %s", receipt.arrival_id, receipt.rejection)
    return receipt
