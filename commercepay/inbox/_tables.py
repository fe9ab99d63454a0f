"""The tables. Arrivals may be deleted in time; the keys of handled facts must be kept.

A change of the tables needs a revision in `migrations/versions`, and its number in `_schema`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator

from commercepay._base.secret import Hidden

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class _HiddenText(TypeDecorator[str]):
    """Text that is stored unchanged and never shown, because a callback can be replayed with its signature."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else Hidden(value)

    process_result_value = process_bind_param


class _Instant(TypeDecorator[datetime]):
    """A time. In Python it is aware and in UTC, although SQLite has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata: MetaData = MetaData()
"""Holds the tables; name it among the `target_metadata` of your migrations, or call `create_tables`."""

arrivals: Table = Table(
    "commercepay_arrivals",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("inbox", String(64), nullable=False),
    # As received.
    Column("received_at", _Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("signature", _HiddenText),
    Column("callback_url", Text),  # as passed to `receive`; NULL: the inbox's own
    # The result of processing it.
    Column("state", String(16), nullable=False),
    Column("settled_at", _Instant),
    Column("attempts", Integer, nullable=False),
    Column("detail", Text),  # why it was rejected, in a sentence; or the type of what the handler raised last
    Column("reason", String(32)),  # a CallbackRejection
    # What the callback reports, once verified.
    Column("fact_key", String(64)),
    Column("reference_code", Text, index=True),
    Column("transaction_number", Text),
    Column("status", BigInteger),
    # When it is tried again.
    Column("first_attempt_at", _Instant),
    Column("next_attempt_at", _Instant),
    # Of a rejected one: equal for equal evidence, which is kept once.
    Column("digest", String(64)),
)
"""One row per arrival. Of those that are not genuine, a bounded number is kept."""

# Indexes of the arrivals in one state: small, however many arrivals there are. One for each state, because SQLite compares the
# condition of an index with that of a query literally.
for _name, _state, _column in (
    ("pending", "stored", arrivals.c.next_attempt_at),
    ("dead", "dead", None),
    ("rejected", "rejected", arrivals.c.digest),
):
    _condition = text(f"state = '{_state}'")
    Index(
        f"ix_commercepay_arrivals_{_name}",
        *(column for column in (arrivals.c.inbox, _column) if column is not None),
        postgresql_where=_condition,
        sqlite_where=_condition,
    )

handled: Table = Table(
    "commercepay_handled",
    metadata,
    Column("inbox", String(64), primary_key=True),
    Column("fact_key", String(64), primary_key=True),  # or the key of an order that is paid
    # No foreign key: arrivals may be purged, these must not. NULL: not from a callback.
    Column("arrival_id", BigInteger),
    Column("handled_at", _Instant, nullable=False),
    Column("outcome", String(16)),  # of the decision; NULL: handled by a handler of callbacks
    Column("transaction_number", Text),
)
"""One row per fact that was handled, and per order that is paid. Its primary key makes handling happen once."""

rejections: Table = Table(
    "commercepay_rejections",
    metadata,
    Column("inbox", String(64), primary_key=True),
    Column("hour", _Instant, primary_key=True),
    Column("plausible", Boolean, primary_key=True),
    Column("seen", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
    Column("kept_bytes", BigInteger, nullable=False),
)
"""How many callbacks were rejected in an hour, and how many of them are kept."""
