"""The `Storage` of the inbox with SQLAlchemy: see `commercepay._arrivals.storage`, also for the order of locks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from commercepay._arrivals.records import ArrivalState, MistakeError, Stats
from commercepay._arrivals.storage import Arrival, Claim, Filter, Kept
from commercepay._base.json_guards import is_object
from commercepay.errors import ArgumentError
from commercepay.inbox._tables import arrivals, handled, rejections

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from commercepay._arrivals.storage import Changes, NewArrival


class SqlStorage:
    """The statements of one inbox. They are built once: SQLAlchemy compiles each of them once per dialect.

    Args:
        name: the inbox's.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def insert(self, connection: Connection, values: NewArrival) -> int:
        return int(connection.execute(_INSERT, {"inbox": self.name, **values}).scalar_one())

    def take(self, connection: Connection, now: datetime) -> Arrival | None:
        statement = _TAKE_SQLITE if connection.dialect.name == "sqlite" else _TAKE
        return _arrival(connection.execute(statement, {"of": self.name, "now": now}).one_or_none())

    def get(self, connection: Connection, arrival_id: int) -> Arrival | None:
        statement = _GET_SQLITE if connection.dialect.name == "sqlite" else _GET
        return _arrival(connection.execute(statement, {"of": self.name, "of_id": arrival_id}).one_or_none())

    def update(self, connection: Connection, arrival_id: int, state: ArrivalState, values: Changes) -> bool:
        found = {"of": self.name, "of_id": arrival_id, "of_state": state.value}
        return connection.execute(_UPDATE, {**found, **values}).rowcount == 1

    def claim(self, connection: Connection, claim: Claim) -> Claim | None:
        values = {"inbox": self.name, **claim._asdict()}
        if connection.execute(_CLAIM[connection.dialect.name], values).one_or_none() is not None:
            return None
        lock = select(*(handled.c[name] for name in Claim._fields)).where(_is_key(self.name, claim.fact_key))
        return Claim(*connection.execute(lock.with_for_update()).one())

    def change_outcome(self, connection: Connection, claim: Claim) -> None:
        values = {name: value for name, value in claim._asdict().items() if name != "fact_key"}
        connection.execute(update(handled).where(_is_key(self.name, claim.fact_key)).values(values))

    def matching(self, connection: Connection, which: Filter, after_id: int, limit: int) -> Sequence[int]:
        columns = arrivals.c
        conditions: list[ColumnElement[bool]] = [
            columns.inbox == self.name,
            columns.id > after_id,
            or_(*map(_is_in, which.states)),
        ]
        if which.arrival_id is not None:
            conditions.append(columns.id == which.arrival_id)
        if which.reason is not None:
            conditions.append(columns.reason == which.reason)
        if which.received_from is not None:
            conditions.append(columns.received_at >= which.received_from)
        if which.received_before is not None:
            conditions.append(columns.received_at < which.received_before)
        if which.reference_codes is not None:
            conditions.append(columns.reference_code.in_(which.reference_codes))
        return list(
            connection.execute(select(columns.id).where(*conditions).order_by(columns.id).limit(limit)).scalars()
        )

    def update_all(self, connection: Connection, arrival_ids: Sequence[int], values: Changes) -> None:
        connection.execute(update(arrivals).where(arrivals.c.id.in_(arrival_ids)).values(**values))

    def delete_all(self, connection: Connection, arrival_ids: Sequence[int]) -> None:
        connection.execute(delete(arrivals).where(arrivals.c.id.in_(arrival_ids)))

    def count_rejection(self, connection: Connection, hour: datetime, plausible: bool) -> Kept:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        added = dialect.insert(rejections).values(
            inbox=self.name, hour=hour, plausible=plausible, seen=1, kept=0, kept_bytes=0
        )
        counted = added.on_conflict_do_update(
            index_elements=list(rejections.primary_key), set_={"seen": rejections.c.seen + 1}
        )
        return Kept(*connection.execute(counted.returning(rejections.c.kept, rejections.c.kept_bytes)).one())

    def count_kept(self, connection: Connection, hour: datetime, plausible: bool, size: int) -> None:
        columns = rejections.c
        counted = update(rejections).where(
            columns.inbox == self.name, columns.hour == hour, columns.plausible == plausible
        )
        connection.execute(counted.values(kept=columns.kept + 1, kept_bytes=columns.kept_bytes + size))

    def has_evidence(self, connection: Connection, digest: str) -> bool:
        return bool(connection.execute(_HAS_EVIDENCE, {"of": self.name, "of_digest": digest}).scalar_one())

    def forget_rejections(self, connection: Connection, before: datetime) -> None:
        connection.execute(delete(rejections).where(rejections.c.inbox == self.name, rejections.c.hour < before))

    def stats(self, connection: Connection) -> Stats:
        mine = {"of": self.name}
        waiting, oldest = connection.execute(_COUNT_PENDING, mine).one()
        return Stats(
            waiting=waiting,
            oldest=oldest,
            dead=connection.execute(_COUNT_DEAD, mine).scalar_one(),
            rejected=int(connection.execute(_COUNT_REJECTED, mine).scalar_one()),
        )

    def is_transient(self, error: Exception) -> bool:
        return isinstance(error, DBAPIError) and is_transient(error)


def _arrival(row: Any) -> Arrival | None:
    return None if row is None else Arrival(*row)


def _is_key(inbox: str, key: str) -> ColumnElement[bool]:
    return and_(handled.c.inbox == inbox, handled.c.fact_key == key)


def _is_in(state: ArrivalState) -> ColumnElement[bool]:
    """A literal, not a parameter: the planner compares it with the condition of the partial index."""
    return arrivals.c.state == literal_column(f"'{state}'")


_PENDING = _is_in(ArrivalState.STORED)
_OF = arrivals.c.inbox == bindparam("of")
_COLUMNS = [arrivals.c[name] for name in Arrival._fields]
_INSERT = insert(arrivals).returning(arrivals.c.id)
_UPDATE = update(arrivals).where(
    _OF, arrivals.c.id == bindparam("of_id"), arrivals.c.state == bindparam("of_state", type_=arrivals.c.state.type)
)
_DUE = (
    select(arrivals.c.id)
    .where(_OF, _PENDING, arrivals.c.next_attempt_at <= bindparam("now"))
    .order_by(arrivals.c.next_attempt_at)
    .limit(1)
)
_TAKE = _DUE.with_only_columns(*_COLUMNS).with_for_update(skip_locked=True)
_GET = select(*_COLUMNS).where(_OF, arrivals.c.id == bindparam("of_id")).with_for_update()
# On SQLite a write comes first: it takes the one write lock, so that nothing is read that could be out of date (as `BEGIN
# IMMEDIATE` does, without a change to the application's engine).
_LOCK = update(arrivals).values(attempts=arrivals.c.attempts).returning(*_COLUMNS)
_TAKE_SQLITE = _LOCK.where(arrivals.c.id == _DUE.scalar_subquery())
_GET_SQLITE = _LOCK.where(_OF, arrivals.c.id == bindparam("of_id"))

_HAS_EVIDENCE = select(exists().where(_OF, _is_in(ArrivalState.REJECTED), arrivals.c.digest == bindparam("of_digest")))
_COUNT_PENDING = select(func.count(), func.min(arrivals.c.received_at)).where(_OF, _PENDING)
_COUNT_DEAD = select(func.count()).where(_OF, _is_in(ArrivalState.DEAD))
_COUNT_REJECTED = select(func.coalesce(func.sum(rejections.c.seen), 0)).where(rejections.c.inbox == bindparam("of"))

_CLAIM = {
    dialect: make(handled).on_conflict_do_nothing().returning(handled.c.fact_key)
    for dialect, make in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}


def require_transaction(connection: Connection) -> None:
    """Called when a transaction has begun: the driver may commit each statement in spite of the engine's settings.

    Raises:
        MistakeError: it does, so that a failing handler could not be undone.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver = getattr(driver, "_conn", driver)  # aiosqlite's has no attribute for it
        alone = driver.isolation_level is None or getattr(driver, "autocommit", None) is True
        commits = alone and not driver.in_transaction  # it is open if an event listener has begun it
    else:
        commits = getattr(connection.connection.dbapi_connection, "autocommit", None) is True
    if commits:
        raise MistakeError(
            "the inbox needs transactions, but the driver of this engine commits each statement by itself: remove autocommit"
            " (isolation_level=None with SQLite) from connect_args and from event listeners"
        )


def require_open(connection: Connection) -> None:
    """Called when the merchant's function has returned: a commit after an error in the transaction would be a rollback.

    Raises:
        ArgumentError: nothing more can be committed.
    """
    if connection.in_transaction():
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            is_open = driver.in_transaction
        elif hasattr(driver, "info"):  # psycopg, psycopg2
            is_open = driver.info.transaction_status == _IN_TRANSACTION
        else:
            is_open = connection.execute(select(1)).scalar_one() == 1  # or it raises
        if is_open:
            return
    raise ArgumentError(
        "the handler has ended the inbox's transaction, by commit, rollback or an error of the database that it caught:"
        " leave commit and rollback to the inbox, and use connection.begin_nested() around what may fail"
    )


def limit_wait(connection: Connection, seconds: float) -> int | None:
    """Shorten the time that a connection to SQLite waits for locks; the former one in milliseconds, or None if unchanged.

    Called before the transaction begins, which may wait for the lock.
    """
    if connection.dialect.name != "sqlite":
        return None
    cursor = connection.connection.cursor()
    try:
        cursor.execute("PRAGMA busy_timeout")
        former = int(cursor.fetchall()[0][0])
        if (limit := max(0, int(seconds * 1000))) >= former:
            return None
        cursor.execute(f"PRAGMA busy_timeout = {limit}")
        return former
    finally:
        cursor.close()


def restore_wait(connection: Connection, former: int) -> None:
    """Undo `limit_wait`."""
    if not connection.invalidated:
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {former}")
        cursor.close()


_IN_TRANSACTION = 2  # the driver's constant: open, and without an error

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
