"""The steps of the inbox, each on a connection in a transaction. Written once; `_inbox` drives them, sync and async.

Concurrency, in short. The first statement of every transaction is a write: it takes the row's lock on PostgreSQL, and on
SQLite the one write lock, with nothing read before that could be out of date (what `BEGIN IMMEDIATE` is for, without
meddling with the application's engine). Locks are taken in one order, arrival, then key, then whatever the handler takes;
nobody who holds a key waits for an arrival. A process that dies loses its connection, and with it its transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from commercepay._base.secret import Secret
from commercepay.callbacks import MAX_BODY, Callback, verify
from commercepay.errors import CallbackError, CallbackRejection
from commercepay.inbox._receipt import Receipt, State
from commercepay.inbox._tables import Unshown, arrivals, handled, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_MAX_HEADER = 512  # characters; a right one has 64
_CREATION_LOCK = 0x636F6D6D70617921  # any number that no other application is likely to lock


class Ledger:
    """The steps of one inbox, by its name and secrets."""

    def __init__(self, name: str, secrets: Sequence[str]) -> None:
        self.name = name
        self._secrets = tuple(Secret(secret) for secret in secrets)

    def create_tables(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            # Two at once would not find the table, and both create it.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))

    def store(self, connection: Connection, body: bytes, signature: object, callback_url: str) -> int:
        """Keep what came, whatever it is. The number of the arrival."""
        statement = insert(arrivals).values(
            inbox=self.name,
            received_at=_now(),
            body=body[: MAX_BODY + 1],  # enough to be found too large again
            signature=_storable(signature),
            callback_url=callback_url,
            state=State.STORED.value,
            attempts=0,
        )
        return int(connection.execute(statement.returning(arrivals.c.id)).scalar_one())

    def waiting(self, connection: Connection, limit: int) -> list[int]:
        """Arrivals to be handed out, those that failed least often first: one that always fails keeps nobody waiting."""
        statement = (
            select(arrivals.c.id)
            .where(arrivals.c.inbox == self.name, arrivals.c.state == State.STORED.value)
            .order_by(arrivals.c.attempts, arrivals.c.id)
            .limit(limit)
        )
        return list(connection.execute(statement).scalars())

    def take(self, connection: Connection, arrival_id: int, wait: bool) -> Callback | Receipt | None:
        """Lock an arrival that waits, verify it, and claim the fact it reports.

        Returns:
            The callback, to be handed out in this transaction; or the receipt, if there is nothing to hand out; or None, if
            somebody else has it (only without `wait`) or it is gone.
        """
        claim = (
            update(arrivals)
            .where(arrivals.c.id == arrival_id, arrivals.c.inbox == self.name, arrivals.c.state == State.STORED.value)
            .values(attempts=arrivals.c.attempts + 1)
            .returning(*_AS_IT_CAME)
        )
        if not wait:
            free = select(arrivals.c.id).where(arrivals.c.id == arrival_id).with_for_update(skip_locked=True)
            claim = claim.where(arrivals.c.id.in_(free))
        row = connection.execute(claim).one_or_none()
        if row is None:
            return self._settled(connection, arrival_id) if wait else None
        try:
            callback = self.verified(row.body, row.signature, row.callback_url)
        except CallbackError as error:
            return self.reject(connection, arrival_id, error)
        if not self._claim_fact(connection, arrival_id, callback):
            return self._settle(connection, arrival_id, State.DUPLICATE, callback)
        return callback

    def verified(self, body: bytes, signature: str | None, callback_url: str) -> Callback:
        return verify(body, signature, callback_url, tuple(secret.reveal() for secret in self._secrets))

    def _claim_fact(self, connection: Connection, arrival_id: int, callback: Callback) -> bool:
        """Enter the key. Waits for whoever has entered it and not committed yet; False if it stands."""
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = (
            dialect.insert(handled)
            .values(inbox=self.name, fact_key=callback.fact_key, arrival_id=arrival_id, handled_at=_now())
            .on_conflict_do_nothing()
            .returning(handled.c.fact_key)
        )
        return connection.execute(statement).one_or_none() is not None

    def done(self, connection: Connection, arrival_id: int, callback: Callback) -> Receipt:
        """The handler has returned."""
        return self._settle(connection, arrival_id, State.HANDLED, callback)

    def reject(self, connection: Connection, arrival_id: int, error: CallbackError) -> Receipt:
        self._update(connection, arrival_id, State.REJECTED, reason=error.reason.value, detail=str(error))
        return Receipt(arrival_id=arrival_id, state=State.REJECTED, rejection=error.reason)

    def failed(self, connection: Connection, arrival_id: int, error: Exception) -> None:
        """The handler has raised, and its transaction is undone: keep count. The text may hold anything, so it isn't kept."""
        kind = type(error)
        statement = (
            update(arrivals)
            .where(arrivals.c.id == arrival_id, arrivals.c.state == State.STORED.value)
            .values(attempts=arrivals.c.attempts + 1, detail=f"{kind.__module__}.{kind.__qualname__}"[:_MAX_HEADER])
        )
        connection.execute(statement)

    def purge(self, connection: Connection, before: datetime) -> int:
        statement = delete(arrivals).where(
            arrivals.c.inbox == self.name, arrivals.c.state != State.STORED.value, arrivals.c.received_at < before
        )
        return connection.execute(statement).rowcount

    def _settle(self, connection: Connection, arrival_id: int, state: State, callback: Callback) -> Receipt:
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

    def _update(self, connection: Connection, arrival_id: int, state: State, **values: Any) -> None:
        statement = update(arrivals).where(arrivals.c.id == arrival_id, arrivals.c.state == State.STORED.value)
        connection.execute(statement.values(state=state.value, settled_at=_now(), **values))

    def _settled(self, connection: Connection, arrival_id: int) -> Receipt | None:
        """The receipt of an arrival that somebody else was faster with."""
        row = connection.execute(
            select(arrivals.c.state, arrivals.c.reason, *_AS_IT_CAME).where(arrivals.c.id == arrival_id)
        ).one_or_none()
        if row is None:
            return None
        state = State(row.state)
        if state is State.REJECTED:
            return Receipt(arrival_id=arrival_id, state=state, rejection=CallbackRejection(row.reason))
        callback = self.verified(row.body, row.signature, row.callback_url)
        return Receipt(arrival_id=arrival_id, state=state, callback=callback)


_AS_IT_CAME = (arrivals.c.body, arrivals.c.signature, arrivals.c.callback_url)


def _now() -> datetime:
    return datetime.now(UTC)


def _storable(header: object) -> str | None:
    """A header in a form that every database takes. A right one stays as it is, and no wrong one becomes right.

    It is unshown from here on: if storing fails, a debug page shows the frames of SQLAlchemy, which hold it.
    """
    if header is None:
        return None
    shown = header if isinstance(header, str) else repr(header)
    return Unshown(shown.encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")[:_MAX_HEADER])


def passes(error: DBAPIError) -> bool:
    """Whether doing the same transaction again is the cure: a lost race or connection, not a mistake."""
    origin = error.orig
    return (
        error.connection_invalidated
        # PostgreSQL: serialization failure, deadlock detected
        or getattr(origin, "sqlstate", None) in ("40001", "40P01")
        # SQLite: busy, locked (the low byte; the others say in what way)
        or (getattr(origin, "sqlite_errorcode", 0) & 0xFF) in (5, 6)
    )
