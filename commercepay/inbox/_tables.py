"""The two tables. What is kept as evidence may be thrown away in time; what was handled must be remembered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class Unshown(str):
    """SQLAlchemy's echo, its errors and the repr of a row show parameters and columns by their repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class _Unseen(TypeDecorator[str]):
    """Text that is stored as it is, and shown nowhere: whoever has a signature can replay its callback."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else Unshown(value)

    process_result_value = process_bind_param


class _Instant(TypeDecorator[datetime]):
    """A point in time; aware and in UTC on either side, though SQLite knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()
"""Holds both tables; name it among the `target_metadata` of your migrations, or call `create_tables`."""

arrivals = Table(
    "commercepay_arrivals",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("inbox", String(64), nullable=False),
    # As it came.
    Column("received_at", _Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("signature", _Unseen),
    Column("callback_url", Text, nullable=False),
    # What became of it.
    Column("state", String(16), nullable=False),
    Column("settled_at", _Instant),
    Column("attempts", Integer, nullable=False),
    Column("detail", Text),  # why it was rejected, in a sentence; or the type of what the handler raised last
    Column("reason", String(32)),  # a CallbackRejection
    # What it says, once verified.
    Column("fact_key", String(64)),
    Column("reference_code", Text, index=True),
    Column("transaction_number", Text),
    Column("status", BigInteger),
)
"""One row per arrival, genuine or not."""

# Small, however many arrivals there are: it holds those that wait.
Index(
    "ix_commercepay_arrivals_waiting",
    arrivals.c.inbox,
    arrivals.c.attempts,
    arrivals.c.id,
    postgresql_where=arrivals.c.state == "stored",
    sqlite_where=arrivals.c.state == "stored",
)

handled = Table(
    "commercepay_handled",
    metadata,
    Column("inbox", String(64), primary_key=True),
    Column("fact_key", String(64), primary_key=True),
    Column("arrival_id", BigInteger, nullable=False),  # no foreign key: arrivals may be purged, these must not
    Column("handled_at", _Instant, nullable=False),
)
"""One row per fact that was handled. Its primary key is what makes handling happen once."""
