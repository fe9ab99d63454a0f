"""Arrivals: the receipt, and the two tables. Arrivals may be deleted in time; the keys of handled facts must be kept."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

from commercepay._base.record import Record
from commercepay._base.secret import Hidden
from commercepay.callbacks import Callback
from commercepay.errors import CallbackError, CallbackRejection

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class ArrivalState(Enum):
    """The state of an arrival; the value is what the database holds."""

    STORED = "stored"
    """Stored and pending: not handled yet, or the handler failed."""

    HANDLED = "handled"
    """The handler has returned, and what it wrote is committed."""

    DUPLICATE = "duplicate"
    """The fact it reports was handled before; the handler was not called."""

    REJECTED = "rejected"
    """Not a genuine callback; kept as evidence."""

    def __str__(self) -> str:
        return self.value


class Receipt(Record):
    """What became of one arrival.

    Attributes:
        arrival_id: its number in the table of arrivals.
        state: an `ArrivalState`.
        callback: the verified callback; None if it was rejected.
        rejection: why it was rejected, or None.
        error: what the handler raised, from `process_pending`; the arrival stays stored.
    """

    arrival_id: int
    state: ArrivalState
    callback: Callback | None = None
    rejection: CallbackRejection | None = None
    error: Exception | None = None

    @property
    def http_status(self) -> int:
        """The status for the response: 200 once it is stored, 401 for a wrong signature, 400 for a body that is no callback.

        Let what `receive` raises become a 500: the gateway tries again.
        """
        if self.rejection is None:
            return 200
        return 401 if CallbackError(self.rejection, "", body=b"").is_forgery else 400


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
"""Holds both tables; name it among the `target_metadata` of your migrations, or call `create_tables`."""

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
)
"""One row per arrival, genuine or not."""

# Small, however many arrivals there are: it holds the pending ones.
Index(
    "ix_commercepay_arrivals_waiting",
    arrivals.c.inbox,
    arrivals.c.attempts,
    arrivals.c.id,
    postgresql_where=arrivals.c.state == "stored",
    sqlite_where=arrivals.c.state == "stored",
)

handled: Table = Table(
    "commercepay_handled",
    metadata,
    Column("inbox", String(64), primary_key=True),
    Column("fact_key", String(64), primary_key=True),
    Column("arrival_id", BigInteger, nullable=False),  # no foreign key: arrivals may be purged, these must not
    Column("handled_at", _Instant, nullable=False),
)
"""One row per fact that was handled. Its primary key is what makes handling happen once."""
