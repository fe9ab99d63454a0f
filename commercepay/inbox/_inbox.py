"""The two drivers of the inbox's steps. What they do is one thing, said twice: with and without `await`."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from commercepay.callbacks import Callback
from commercepay.errors import ArgumentError, CallbackError
from commercepay.inbox._ledger import Ledger, passes
from commercepay.inbox._receipt import Receipt, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

Handler = Callable[[Callback, Connection], object]
"""Called with a verified callback and the connection whose transaction it is part of. What it returns is ignored."""

AsyncHandler = Callable[[Callback, AsyncConnection], Awaitable[object]]
"""As `Handler`, to be awaited."""

_P = ParamSpec("_P")
_T = TypeVar("_T")
_log = logging.getLogger("commercepay.inbox")
_PAUSES = (0.05, 0.2, 0.5, 1.0)  # seconds at most, before a transaction that lost a race is tried again


class _Inbox:
    """What both inboxes are told, and check."""

    def __init__(self, secret_key: str | Sequence[str], callback_url: str | None, name: str) -> None:
        secrets = (secret_key,) if isinstance(secret_key, str) else tuple(secret_key)
        if not isinstance(name, str) or not 0 < len(name) <= 64:
            raise ArgumentError("name must be a str of 1 to 64 characters")
        self._ledger = Ledger(name, secrets)
        self._callback_url = callback_url
        # Whatever is wrong with secrets and URL is found now, not when the first callback comes.
        with contextlib.suppress(CallbackError):
            self._ledger.verified(b"", None, "https://none.invalid/" if callback_url is None else callback_url)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self._ledger.name!r}, callback_url={self._callback_url!r})"

    def _arrived(self, body: object, callback_url: str | None) -> tuple[bytes, str]:
        """Body and URL of an arrival, or the application's mistake."""
        if not isinstance(body, bytes):
            raise ArgumentError(f"the body must be the raw bytes of the request, not {type(body).__name__}")
        url = self._callback_url if callback_url is None else callback_url
        if url is None:
            raise ArgumentError("no callback_url: pass it to receive(), or to the inbox if it is always the same")
        if url != self._callback_url:
            with contextlib.suppress(CallbackError):
                self._ledger.verified(b"", None, url)
        return body, url


def _refuse_autocommit(engine: Engine) -> None:
    """Without transactions there is no exactly-once."""
    levels = (
        engine.get_execution_options().get("isolation_level"),
        getattr(engine.dialect, "_on_connect_isolation_level", 0),
    )
    if "AUTOCOMMIT" in levels:
        raise ArgumentError("the inbox needs transactions: pass an engine whose isolation_level is not AUTOCOMMIT")


class Inbox(_Inbox):
    """Callbacks in, each fact handled once. Safe to share between threads; build it anew, or its engine, after a fork.

    Args:
        engine: a SQLAlchemy engine on PostgreSQL or SQLite, best the one that the merchant's own tables are on.
        secret_key: the merchant's secret key; several while one is being rotated.
        callback_url: the callback URL that payments are opened with; None if it differs and is passed to `receive`.
        name: tells apart the inboxes (tenants, environments) that share a database; up to 64 characters.

    Raises:
        ArgumentError: a secret key, URL or name that can't be one, or an engine without transactions.
    """

    def __init__(
        self, engine: Engine, *, secret_key: str | Sequence[str], callback_url: str | None = None, name: str = "default"
    ) -> None:
        super().__init__(secret_key, callback_url, name)
        _refuse_autocommit(engine)
        self._engine = engine

    def create_tables(self) -> None:
        """Create the tables and indexes that are missing. Any number of processes may do so at once."""
        self._transaction(self._ledger.create_tables)

    def receive(
        self, body: bytes, signature: str | None, handler: Handler | None = None, *, callback_url: str | None = None
    ) -> Receipt:
        """Store what came, then verify it and hand it to the handler, once per fact.

        Args:
            body: the request's body, byte for byte.
            signature: the `cap-signature` header, or None.
            handler: called in the transaction that marks the callback as handled. Without one, a verified callback is left to
                `process_pending`.
            callback_url: the URL that this payment was opened with, if it differs from the inbox's.

        Returns:
            The receipt: handled, duplicate, rejected or stored. `http_status` is what to answer.

        Raises:
            ArgumentError: the body is no bytes, there is no callback URL, or the handler is `async`.
            Exception: whatever the handler raised; its writes are undone and the callback stays stored. Let it become a 500.
            SQLAlchemyError: the database failed. If the callback could not even be stored, the gateway has to send it again,
                so let it become a 500, too.
        """
        body, url = self._arrived(body, callback_url)
        arrival_id = self._transaction(self._ledger.store, body, signature, url)
        if handler is None:
            return self._check(arrival_id, body, signature, url)
        try:
            receipt = self._hand_out(arrival_id, handler, wait=True)
        except Exception as error:
            with contextlib.suppress(SQLAlchemyError):  # the first error is the one to tell
                self._transaction(self._ledger.failed, arrival_id, error)
            raise
        return _logged(receipt or Receipt(arrival_id=arrival_id, state=State.STORED))

    def process_pending(self, handler: Handler, *, limit: int = 100) -> list[Receipt]:
        """Hand out what is stored and was not handled: after a crash, after a failure, or because `receive` had no handler.

        Any number of workers may do so at once; none waits for another's callbacks. A handler that raises costs only the
        callback in question.

        Args:
            handler: as for `receive`.
            limit: the most callbacks to take on; those that failed least often come first.

        Returns:
            The receipts. One that is still stored holds what its handler raised as `error`. Empty: nothing waits.

        Raises:
            ArgumentError: the handler is `async`.
            SQLAlchemyError: the database failed.
        """
        receipts: list[Receipt] = []
        for arrival_id in self._transaction(self._ledger.waiting, limit):
            try:
                receipt = self._hand_out(arrival_id, handler, wait=False)
            except _WrongKindOfHandlerError:
                raise
            except Exception as error:  # noqa: BLE001  one that fails must not keep the others from being handled
                receipt = _failure(arrival_id, error)
                self._transaction(self._ledger.failed, arrival_id, error)
            if receipt is not None:
                receipts.append(_logged(receipt))
        return receipts

    def purge(self, before: datetime) -> int:
        """Delete the evidence of arrivals that are done with: all received before a time, except those that wait.

        What was handled stays remembered. Returns how many were deleted.
        """
        _require_aware(before)
        return self._transaction(self._ledger.purge, before)

    def _check(self, arrival_id: int, body: bytes, signature: str | None, url: str) -> Receipt:
        try:
            callback = self._ledger.verified(body, signature, url)
        except CallbackError as error:
            return _logged(self._transaction(self._ledger.reject, arrival_id, error))
        return Receipt(arrival_id=arrival_id, state=State.STORED, callback=callback)

    def _hand_out(self, arrival_id: int, handler: Handler, *, wait: bool) -> Receipt | None:
        return self._transaction(self._hand_out_in, arrival_id, handler, wait)

    def _hand_out_in(self, connection: Connection, arrival_id: int, handler: Handler, wait: bool) -> Receipt | None:
        taken = self._ledger.take(connection, arrival_id, wait)
        if not isinstance(taken, Callback):
            return taken
        _require_no_awaitable(handler(taken, connection))
        return self._ledger.done(connection, arrival_id, taken)

    def _transaction(self, step: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **options: _P.kwargs) -> _T:
        for pause in _PAUSES:
            try:
                with self._engine.begin() as connection:
                    return step(connection, *args, **options)
            except DBAPIError as error:
                if not passes(error):
                    raise
            time.sleep(_jitter(pause))
        with self._engine.begin() as connection:
            return step(connection, *args, **options)


class AsyncInbox(_Inbox):
    """`Inbox` for asyncio: an async engine, an async handler that is given an `AsyncConnection`, and `await` in front.

    Cancelling a call undoes the transaction it is in; a callback that was stored stays stored.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        secret_key: str | Sequence[str],
        callback_url: str | None = None,
        name: str = "default",
    ) -> None:
        super().__init__(secret_key, callback_url, name)
        _refuse_autocommit(engine.sync_engine)
        self._engine = engine

    async def create_tables(self) -> None:
        """See `Inbox.create_tables`."""
        await self._in_sync(self._ledger.create_tables)

    async def receive(
        self,
        body: bytes,
        signature: str | None,
        handler: AsyncHandler | None = None,
        *,
        callback_url: str | None = None,
    ) -> Receipt:
        """See `Inbox.receive`."""
        body, url = self._arrived(body, callback_url)
        arrival_id = await self._in_sync(self._ledger.store, body, signature, url)
        if handler is None:
            return await self._check(arrival_id, body, signature, url)
        try:
            receipt = await self._hand_out(arrival_id, handler, wait=True)
        except Exception as error:
            with contextlib.suppress(SQLAlchemyError):  # the first error is the one to tell
                await self._in_sync(self._ledger.failed, arrival_id, error)
            raise
        return _logged(receipt or Receipt(arrival_id=arrival_id, state=State.STORED))

    async def process_pending(self, handler: AsyncHandler, *, limit: int = 100) -> list[Receipt]:
        """See `Inbox.process_pending`."""
        receipts: list[Receipt] = []
        for arrival_id in await self._in_sync(self._ledger.waiting, limit):
            try:
                receipt = await self._hand_out(arrival_id, handler, wait=False)
            except _WrongKindOfHandlerError:
                raise
            except Exception as error:  # noqa: BLE001  one that fails must not keep the others from being handled
                receipt = _failure(arrival_id, error)
                await self._in_sync(self._ledger.failed, arrival_id, error)
            if receipt is not None:
                receipts.append(_logged(receipt))
        return receipts

    async def purge(self, before: datetime) -> int:
        """See `Inbox.purge`."""
        _require_aware(before)
        return await self._in_sync(self._ledger.purge, before)

    async def _check(self, arrival_id: int, body: bytes, signature: str | None, url: str) -> Receipt:
        try:
            callback = self._ledger.verified(body, signature, url)
        except CallbackError as error:
            return _logged(await self._in_sync(self._ledger.reject, arrival_id, error))
        return Receipt(arrival_id=arrival_id, state=State.STORED, callback=callback)

    async def _hand_out(self, arrival_id: int, handler: AsyncHandler, *, wait: bool) -> Receipt | None:
        return await self._transaction(self._hand_out_in, arrival_id, handler, wait)

    async def _hand_out_in(
        self, connection: AsyncConnection, arrival_id: int, handler: AsyncHandler, wait: bool
    ) -> Receipt | None:
        taken = await connection.run_sync(self._ledger.take, arrival_id, wait)
        if not isinstance(taken, Callback):
            return taken
        await _require_awaitable(handler(taken, connection))
        return await connection.run_sync(self._ledger.done, arrival_id, taken)

    async def _in_sync(
        self, step: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **options: _P.kwargs
    ) -> _T:
        """A step of the ledger, which knows nothing of asyncio."""
        return await self._transaction(lambda connection: connection.run_sync(step, *args, **options))

    async def _transaction(
        self, step: Callable[Concatenate[AsyncConnection, _P], Awaitable[_T]], *args: _P.args, **options: _P.kwargs
    ) -> _T:
        for pause in _PAUSES:
            try:
                async with self._engine.begin() as connection:
                    return await step(connection, *args, **options)
            except DBAPIError as error:
                if not passes(error):
                    raise
            await asyncio.sleep(_jitter(pause))
        async with self._engine.begin() as connection:
            return await step(connection, *args, **options)


class _WrongKindOfHandlerError(ArgumentError):
    """Apart from an ArgumentError that a handler raises itself."""


def _require_no_awaitable(result: object) -> None:
    """A coroutine that nobody awaits would be a handler that did nothing, marked as done."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise _WrongKindOfHandlerError("the handler is async: use AsyncInbox, or a handler that is a plain function")


def _require_awaitable(result: Awaitable[object]) -> Awaitable[object]:
    if not inspect.isawaitable(result):
        raise _WrongKindOfHandlerError("the handler of an AsyncInbox must be async: what it wrote was undone")
    return result


def _jitter(pause: float) -> float:
    return random.uniform(0, pause)  # noqa: S311  (to keep processes apart, not to keep a secret)


def _require_aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ArgumentError("the time must be aware, such as datetime.now(UTC) - timedelta(days=90)")


def _failure(arrival_id: int, error: Exception) -> Receipt:
    _log.error("the handler failed on arrival %d; it will be handed out again", arrival_id, exc_info=error)
    return Receipt(arrival_id=arrival_id, state=State.STORED, error=error)


def _logged(receipt: Receipt) -> Receipt:
    if receipt.rejection is not None:
        _log.warning("arrival %d rejected: %s", receipt.arrival_id, receipt.rejection)
    return receipt
