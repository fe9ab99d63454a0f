"""The SQL of the inbox: each step on a connection in a transaction. `_inbox` performs the steps, sync and async.

Concurrency, in short. The first statement of every transaction is a write: it takes the row's lock on PostgreSQL, and on
SQLite the one write lock, with nothing read before that could be out of date (as `BEGIN IMMEDIATE` does, without a change to
the application's engine). Locks are taken in one order: arrival, then key, then whatever the handler takes; a transaction
that holds a key never waits for an arrival. A process that dies loses its connection, and with it its transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import delete, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from commercepay._base.json_guards import is_object
from commercepay._base.secret import Hidden
from commercepay.callbacks import MAX_BODY, Callback
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection
from commercepay.inbox._arrivals import ArrivalState, Receipt, arrivals, handled, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_MAX_HEADER = 512  # characters; a right one has 64
_CREATION_LOCK = 0x636F6D6D70617921  # any number that no other application is likely to lock


class Verify(Protocol):
    """The function that verifies callbacks, such as `cp.callbacks.verify` or `Verifier.verify`."""

    def __call__(
        self, body: bytes, signature: str | None, callback_url: str | Sequence[str] | None = None
    ) -> Callback: ...


class MistakeError(ArgumentError):
    """A mistake of the application that concerns every arrival. An ArgumentError of a handler concerns only one."""


class Ledger:
    """The steps of one inbox.

    Args:
        name: the inbox's.
        verify: verifies its callbacks.
    """

    def __init__(self, name: str, verify: Verify) -> None:
        self.name = name
        self._verify = verify

    def verify(self, body: bytes, signature: str | None, callback_url: str | None) -> Callback:
        if callback_url is None:
            return self._verify(body, signature)
        return self._verify(body, signature, callback_url=callback_url)

    def create_tables(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            # Two at once would not find the table, and both create it.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))

    def store(self, connection: Connection, body: bytes, signature: object, callback_url: str | None) -> int:
        """Store an arrival unchecked. Returns its number."""
        statement = insert(arrivals).values(
            inbox=self.name,
            received_at=_now(),
            body=body[: MAX_BODY + 1],  # enough to be rejected as too large again
            signature=_storable(signature),
            callback_url=callback_url,
            state=ArrivalState.STORED.value,
            attempts=0,
        )
        return int(connection.execute(statement.returning(arrivals.c.id)).scalar_one())

    def pending(self, connection: Connection, limit: int) -> list[int]:
        """The arrivals to process, those that failed least often first: one that always fails delays no other."""
        statement = (
            select(arrivals.c.id)
            .where(arrivals.c.inbox == self.name, arrivals.c.state == ArrivalState.STORED.value)
            .order_by(arrivals.c.attempts, arrivals.c.id)
            .limit(limit)
        )
        return list(connection.execute(statement).scalars())

    def claim(self, connection: Connection, arrival_id: int, wait: bool) -> Callback | Receipt | None:
        """Lock a pending arrival, verify it, and claim the fact that it reports.

        Returns:
            The callback, to be handled in this transaction; or the receipt, if there is nothing to handle; or None, if
            another transaction holds the arrival (only without `wait`) or it is gone.

        Raises:
            MistakeError: the write was committed at once, so that a failing handler could not be undone.
        """
        claim = (
            update(arrivals)
            .where(
                arrivals.c.id == arrival_id,
                arrivals.c.inbox == self.name,
                arrivals.c.state == ArrivalState.STORED.value,
            )
            .values(attempts=arrivals.c.attempts + 1)
            .returning(*_AS_RECEIVED)
        )
        if not wait:
            free = select(arrivals.c.id).where(arrivals.c.id == arrival_id).with_for_update(skip_locked=True)
            claim = claim.where(arrivals.c.id.in_(free))
        row = connection.execute(claim).one_or_none()
        if row is None:
            return self._settled(connection, arrival_id) if wait else None
        try:
            callback = self.verify(row.body, row.signature, row.callback_url)
        except CallbackError as error:
            return self.reject(connection, arrival_id, error)
        if not self._claim_fact(connection, arrival_id, callback):
            return self._settle(connection, arrival_id, ArrivalState.DUPLICATE, callback)
        return callback

    def _claim_fact(self, connection: Connection, arrival_id: int, callback: Callback) -> bool:
        """Insert the key. Waits for a transaction that has inserted it and is still open; False if the key is there."""
        values = {
            "inbox": self.name,
            "fact_key": callback.fact_key,
            "arrival_id": arrival_id,
            "handled_at": _now(),
        }
        statement: Any
        if is_sqlite := connection.dialect.name == "sqlite":
            _require_transaction(connection.connection.driver_connection.in_transaction)  # type: ignore[union-attr]  # it is open
            statement = sqlite.insert(handled).values(values)
        else:  # inserts nothing outside of a transaction: asked within the statement, as another one would cost a round trip
            row = (literal(value, handled.c[name].type) for name, value in values.items())
            statement = postgresql.insert(handled).from_select(list(values), select(*row).where(_HAS_WRITTEN))
        inserted = connection.execute(statement.on_conflict_do_nothing().returning(handled.c.fact_key)).one_or_none()
        if inserted is None and not is_sqlite:
            _require_transaction(connection.execute(select(_HAS_WRITTEN)).scalar_one())
        return inserted is not None

    def handled(self, connection: Connection, callback: Callback, arrival_id: int) -> Receipt:
        """The handler has returned."""
        return self._settle(connection, arrival_id, ArrivalState.HANDLED, callback)

    def reject(self, connection: Connection, arrival_id: int, error: CallbackError) -> Receipt:
        self._update(connection, arrival_id, ArrivalState.REJECTED, reason=error.reason.value, detail=str(error))
        return Receipt(arrival_id=arrival_id, state=ArrivalState.REJECTED, rejection=error.reason)

    def failed(self, connection: Connection, arrival_id: int, error: Exception) -> None:
        """The handler has raised, and its transaction is undone. The text of its error may hold a secret and is not stored."""
        kind = type(error)
        statement = (
            update(arrivals)
            .where(arrivals.c.id == arrival_id, arrivals.c.state == ArrivalState.STORED.value)
            .values(attempts=arrivals.c.attempts + 1, detail=f"{kind.__module__}.{kind.__qualname__}"[:_MAX_HEADER])
        )
        connection.execute(statement)

    def purge(self, connection: Connection, before: datetime) -> int:
        statement = delete(arrivals).where(
            arrivals.c.inbox == self.name,
            arrivals.c.state != ArrivalState.STORED.value,
            arrivals.c.received_at < before,
        )
        return connection.execute(statement).rowcount

    def _settle(self, connection: Connection, arrival_id: int, state: ArrivalState, callback: Callback) -> Receipt:
        self._update(
            connection,
            arrival_id,
            state,
            reason=None,
            detail=None,
            fact_key=callback.fact_key,
            reference_code=callback.reference_code,
            transaction_number=callback.transaction_number,
            status=callback.status.value,
        )
        return Receipt(arrival_id=arrival_id, state=state, callback=callback)

    def _update(self, connection: Connection, arrival_id: int, state: ArrivalState, **values: Any) -> None:
        statement = update(arrivals).where(arrivals.c.id == arrival_id, arrivals.c.state == ArrivalState.STORED.value)
        connection.execute(statement.values(state=state.value, settled_at=_now(), **values))

    def _settled(self, connection: Connection, arrival_id: int) -> Receipt | None:
        """The receipt of an arrival that another transaction has settled."""
        row = connection.execute(
            select(arrivals.c.state, arrivals.c.reason, *_AS_RECEIVED).where(arrivals.c.id == arrival_id)
        ).one_or_none()
        if row is None:
            return None
        state = ArrivalState(row.state)
        if state is ArrivalState.REJECTED:
            return Receipt(arrival_id=arrival_id, state=state, rejection=CallbackRejection(row.reason))
        callback = self.verify(row.body, row.signature, row.callback_url)
        return Receipt(arrival_id=arrival_id, state=state, callback=callback)


_AS_RECEIVED = (arrivals.c.body, arrivals.c.signature, arrivals.c.callback_url)


def _now() -> datetime:
    return datetime.now(UTC)


def _storable(header: object) -> str | None:
    """A header in a form that every database stores. A right one is unchanged, and no wrong one becomes right.

    Its repr is hidden from here on: if storing fails, a debug page shows the frames of SQLAlchemy, which hold it.
    """
    if header is None:
        return None
    shown = header if isinstance(header, str) else repr(header)
    return Hidden(shown.encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")[:_MAX_HEADER])


_HAS_WRITTEN = func.txid_current_if_assigned().is_not(None)
"""Whether an earlier statement of this transaction has written (PostgreSQL). False if each statement is a transaction."""


def _require_transaction(is_open: bool) -> None:
    """Called after a write. The driver may commit each statement in spite of the engine's settings."""
    if not is_open:
        raise MistakeError(
            "the inbox needs transactions, but the driver of this engine commits each statement by itself: remove autocommit"
            " (isolation_level=None with SQLite) from connect_args and from event listeners"
        )


# PostgreSQL: serialization failure, deadlock, and connections that the server ends
_TRANSIENT = ("40001", "40P01", "57P01", "57P02", "57P03")


def is_transient(error: DBAPIError) -> bool:
    """Whether repeating the transaction can help: it lost a race or its connection. False for a mistake."""
    origin = error.orig
    if error.connection_invalidated or _sqlstate(origin).startswith(("08", *_TRANSIENT)):
        return True
    # SQLite: busy, locked (the low byte; the others have details). Drivers such as sqlcipher3 have only the text.
    if (code := getattr(origin, "sqlite_errorcode", None)) is not None:
        return (code & 0xFF) in (5, 6)
    return str(origin).startswith(("database is locked", "database table is locked"))


def _sqlstate(origin: BaseException | None) -> str:
    """PostgreSQL's code: `sqlstate` in psycopg and asyncpg, `pgcode` in psycopg2, a member of a dict in pg8000."""
    fields: object = next(iter(getattr(origin, "args", ())), None)
    code = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    return str(code or (is_object(fields) and fields.get("C")) or "")
