"""`Inbox` and `AsyncInbox`: two thin drivers for the flows of `commercepay._arrivals.rules`."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from commercepay._arrivals.records import PURGED, ArrivalState, Evidence, MistakeError, Receipt, Retries, Stats, Verify
from commercepay._arrivals.rules import Rules
from commercepay._arrivals.storage import Ask, Call, Step, Transaction, require_no_awaitable
from commercepay._arrivals.sync_inbox import SyncInbox
from commercepay._base.flow import Pause, adrive
from commercepay._base.secret import hidden
from commercepay._protocol import fork
from commercepay.callbacks import Callback, Verifier
from commercepay.decision import Decision
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection
from commercepay.inbox import _schema
from commercepay.inbox._storage import SqlStorage, limit_wait, require_open, require_transaction, restore_wait

if TYPE_CHECKING:
    from commercepay._arrivals.records import AsyncFindOrder, FindOrder

Handler = Callable[[Callback, Connection], object]
"""The merchant's function for a verified callback. Its writes over the connection are part of the inbox's transaction. What
it returns is ignored."""

AsyncHandler = Callable[[Callback, AsyncConnection], Awaitable[object]]
"""`Handler` for asyncio."""

OnSettled = Callable[[Decision, Connection], object]
"""The merchant's one function for a decision about an order, as `Handler`."""

AsyncOnSettled = Callable[[Decision, AsyncConnection], Awaitable[object]]
"""`OnSettled` for asyncio."""

Enqueue = Callable[[Connection, int], object]
"""Adds a job for an arrival to a queue, in the transaction that stores the arrival."""

AsyncEnqueue = Callable[[AsyncConnection, int], Awaitable[object]]
"""`Enqueue` for asyncio."""

T = TypeVar("T")
_DATABASES = ("postgresql", "sqlite")


class _Inbox:
    """What both inboxes share."""

    def __init__(
        self,
        engine: Engine,
        verify: Verify | None,
        secret_key: str | Sequence[str] | None,
        callback_url: str | Sequence[str] | None,
        name: str,
        **options: Any,
    ) -> None:
        secret_key = hidden(secret_key)
        self.name = name
        self._rules = Rules(SqlStorage(name), _verify(verify, secret_key, callback_url), name=name, **options)
        _check_engine(engine)
        self._core = engine
        fork.watch(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={getattr(self, 'name', None)!r})"  # none if the arguments were refused

    def after_fork(self) -> None:
        """The child process opens connections of its own, and leaves those of its parent open."""
        self._core.dispose(close=False)


class Inbox(_Inbox, SyncInbox):
    """Stores callbacks and has each fact handled once. Safe to share between threads, and inherited over a fork.

        inbox = Inbox(engine, verify=cp.callbacks.verify, callback_url=CALLBACK_URL, find_order=..., on_settled=...)

    Args:
        engine: a SQLAlchemy engine on PostgreSQL or SQLite, preferably the one that the merchant's own tables are on.
        verify: verifies callbacks: a client's `cp.callbacks.verify`, or what an adapter passes to the function that makes the
            inbox. Or, without a client:
        secret_key: the merchant's secret key; or several, while one is being rotated.
        callback_url: the callback URL that payments are opened with; or several, if it has changed. None if `verify` has it,
            or if it differs from payment to payment and is passed to `receive`.
        name: distinguishes inboxes (tenants, environments) that share a database; up to 64 characters.
        find_order: `find_order(hint)` returns your record of the order with `hint.reference_code`, as an `OpenPayment` or
            `Expected`; None if there is no such order. Called outside of the transaction.
        on_settled: `on_settled(decision, connection)` acts on a decision about an order. It is called once per fact, whichever
            comes first: the callback, the customer's return or the reconciliation (see `settle`). Of an order, the outcome
            `PAID` is passed at most once; another payment of it has the outcome `PAID_AGAIN`. What it writes over the
            connection is committed together with the claim; what it raises undoes both.
        enqueue: `enqueue(connection, arrival_id)` adds a job to a queue, in the transaction that stores the arrival. `receive`
            then handles nothing: the job calls `process`.
        retries: when an arrival is tried again after a failure.
        evidence: how much is kept of callbacks that are rejected.

    Raises:
        ArgumentError: a secret key, URL, name or other argument is wrong, not exactly one of `verify` and `secret_key` was
            given, or the engine is of another database or in AUTOCOMMIT.
    """

    def __init__(
        self,
        engine: Engine,
        verify: Verify | None = None,
        *,
        secret_key: str | Sequence[str] | None = None,
        callback_url: str | Sequence[str] | None = None,
        name: str = "default",
        find_order: FindOrder | None = None,
        on_settled: OnSettled | None = None,
        enqueue: Enqueue | None = None,
        retries: Retries | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        secret_key = hidden(secret_key)
        super().__init__(
            engine,
            verify,
            secret_key,
            callback_url,
            name,
            find_order=find_order,
            on_settled=on_settled,
            enqueue=enqueue,
            retries=retries,
            evidence=evidence,
        )
        self.engine = engine
        self.find_order = find_order
        self.on_settled = on_settled

    def create_tables(self) -> None:
        """Create the tables, or upgrade those of an older version of this package. Any number of processes may do so at once.

        Raises:
            ArgumentError: the tables are of a newer version of this package.
        """
        self._drive(_schema.create(self._rules))

    def receive(
        self, body: bytes, signature: str | None, handler: Handler | None = None, *, callback_url: str | None = None
    ) -> Receipt:
        """Verify a callback, store it, and have it handled, once per fact.

        Args:
            body: the request's body, byte for byte.
            signature: the `cap-signature` header (`commercepay.callbacks.signature_of`), or None if there was none.
            handler: called with the verified callback and the connection, in the transaction. None: `on_settled`; if there is
                none either, or there is `enqueue`, the callback is stored for `process` or `process_pending`.
            callback_url: the callback URL that this payment was opened with, if it is not the inbox's.

        Returns:
            The receipt. `http_status` is the status for the response. If the database is locked for more than 4.5 seconds,
            that is 503, and nothing is stored.

        Raises:
            ArgumentError: the body is not bytes, there is no callback URL, the handler is `async`, or the engine's driver
                commits by itself. No callback counts as handled.
            UnknownOrder: `find_order` returned None. The callback stays stored.
            Exception: the handler's exception; its writes are rolled back and the callback stays stored. Let it become a 500.
            SQLAlchemyError: the database failed. If the callback could not even be stored, the gateway has to send it again,
                so let it become a 500, too.
        """
        signature = hidden(signature)
        return self._drive(self._rules.receive(body, signature, handler, callback_url))

    def process(self, arrival_id: int, handler: Handler | None = None) -> Receipt:
        """Handle one arrival, for the job of a queue. An arrival that was handled before is not handled again.

        Args:
            arrival_id: its number, as `enqueue` got it.
            handler: as for `receive`.

        Returns:
            The receipt. If the handler raised, its state is `STORED` or `DEAD`, and it has the `error` and the
            `next_attempt_at`, when `process_pending` tries it again.

        Raises:
            ArgumentError: there is no such arrival, or as for `receive`.
            SQLAlchemyError: the database failed.
        """
        return self._drive(self._rules.process(arrival_id, handler))

    def process_pending(self, handler: Handler | None = None, *, limit: int = 100) -> list[Receipt]:
        """Handle what is stored and due: after a crash, after a failure, or because `receive` did not handle it.

        Any number of workers may do so at once; none waits for another's callbacks. If the handler raises, that one callback
        is tried again later (see `Retries`) and the others are handled.

        Args:
            handler: as for `receive`.
            limit: the most callbacks to process.

        Returns:
            The receipts, as from `process`. Empty: nothing is due.

        Raises:
            ArgumentError: the handler is `async`, or the engine's driver commits by itself.
            SQLAlchemyError: the database failed.
        """
        return self._drive(self._rules.process_pending(handler, limit))

    def _perform(self, step: Step) -> object:
        if isinstance(step, Ask):
            return require_no_awaitable(step.function(), "find_order")
        assert isinstance(step, Transaction)  # there is no other step
        with self._begin(step.deadline) as connection:
            require_transaction(connection)
            result = step.work(connection)
            if not isinstance(result, Call):
                return result
            require_no_awaitable(result.function(connection), result.name)
            require_open(connection)
            return result.result

    @contextmanager
    def _begin(self, deadline: float | None) -> Generator[Connection]:
        with self.engine.connect() as connection:
            former = None if deadline is None else limit_wait(connection, deadline - time.monotonic())
            try:
                with connection.begin():
                    yield connection
            finally:
                if former is not None:
                    restore_wait(connection, former)


class AsyncInbox(_Inbox):
    """`Inbox` for asyncio: an async engine, async functions that are given an `AsyncConnection`, and `await` in front.

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
        find_order: AsyncFindOrder | None = None,
        on_settled: AsyncOnSettled | None = None,
        enqueue: AsyncEnqueue | None = None,
        retries: Retries | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        secret_key = hidden(secret_key)
        super().__init__(
            engine.sync_engine,
            verify,
            secret_key,
            callback_url,
            name,
            find_order=find_order,
            on_settled=on_settled,
            enqueue=enqueue,
            retries=retries,
            evidence=evidence,
        )
        self.engine = engine
        self.find_order = find_order
        self.on_settled = on_settled

    async def create_tables(self) -> None:
        """See `Inbox.create_tables`."""
        await self._drive(_schema.create(self._rules))

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
        return await self._drive(self._rules.receive(body, signature, handler, callback_url))

    async def process(self, arrival_id: int, handler: AsyncHandler | None = None) -> Receipt:
        """See `Inbox.process`."""
        return await self._drive(self._rules.process(arrival_id, handler))

    async def process_pending(self, handler: AsyncHandler | None = None, *, limit: int = 100) -> list[Receipt]:
        """See `Inbox.process_pending`."""
        return await self._drive(self._rules.process_pending(handler, limit))

    async def settle(self, decision: Decision) -> Receipt:
        """See `Inbox.settle`."""
        return await self._drive(self._rules.settle(decision))

    async def replay(
        self,
        arrival_id: int | None = None,
        *,
        state: ArrivalState | None = None,
        reason: CallbackRejection | None = None,
        received_from: datetime | None = None,
        received_before: datetime | None = None,
        callback_url: str | None = None,
    ) -> int:
        """See `Inbox.replay`."""
        return await self._drive(
            self._rules.replay(arrival_id, state, reason, received_from, received_before, callback_url)
        )

    async def purge(self, before: datetime, *, states: Sequence[ArrivalState] = PURGED) -> int:
        """See `Inbox.purge`."""
        return await self._drive(self._rules.purge(before, states))

    async def stats(self) -> Stats:
        """See `Inbox.stats`."""
        return await self._drive(self._rules.stats())

    async def _drive(self, flow: Generator[Step | Pause, Any, T]) -> T:
        return await adrive(flow, self._perform)

    async def _perform(self, step: Step) -> object:
        if isinstance(step, Ask):
            return await _require_awaitable(step.function(), "find_order")
        assert isinstance(step, Transaction)  # there is no other step
        async with self._begin(step.deadline) as connection:
            await connection.run_sync(require_transaction)
            result = await connection.run_sync(step.work)
            if not isinstance(result, Call):
                return result
            await _require_awaitable(result.function(connection), result.name)
            await connection.run_sync(require_open)
            return result.result

    @asynccontextmanager
    async def _begin(self, deadline: float | None) -> AsyncGenerator[AsyncConnection]:
        async with self.engine.connect() as connection:
            former = None
            if deadline is not None:
                former = await connection.run_sync(limit_wait, deadline - time.monotonic())
            try:
                async with connection.begin():
                    yield connection
            finally:
                if former is not None:
                    await connection.run_sync(restore_wait, former)


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


def _require_awaitable(result: object, name: str) -> Awaitable[object]:
    if not inspect.isawaitable(result):
        raise MistakeError(f"the {name} of an AsyncInbox must be async; nothing was committed")
    return result
