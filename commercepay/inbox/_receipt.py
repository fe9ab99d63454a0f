"""What became of one arrival."""

from __future__ import annotations

from enum import Enum

from commercepay._base.record import Record
from commercepay.callbacks import Callback
from commercepay.errors import CallbackError, CallbackRejection


class State(Enum):
    """Where an arrival stands; the value is what the database holds."""

    STORED = "stored"
    """Kept, and waiting to be handed out, for the first time or again."""

    HANDLED = "handled"
    """The handler has returned, and what it wrote is committed."""

    DUPLICATE = "duplicate"
    """The fact it reports was handled before; the handler was not called."""

    REJECTED = "rejected"
    """Not to be believed; kept as evidence."""

    def __str__(self) -> str:
        return self.value


class Receipt(Record):
    """What became of one arrival.

    Attributes:
        arrival_id: its number in the table of arrivals.
        state: where it stands.
        callback: what it says; None if it was rejected.
        rejection: why it was rejected, or None.
        error: what the handler raised, from `process_pending`; the arrival stays stored.
    """

    arrival_id: int
    state: State
    callback: Callback | None = None
    rejection: CallbackRejection | None = None
    error: Exception | None = None

    @property
    def http_status(self) -> int:
        """What to answer the gateway: 200 once it is stored, 401 for a signature that is wrong, 400 for nonsense.

        Whatever `receive` raises is a 500 of the framework's own, and the gateway tries again.
        """
        if self.rejection is None:
            return 200
        return 401 if CallbackError(self.rejection, "", body=b"").is_forgery else 400
