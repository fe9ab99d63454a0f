"""The status of a payment."""

from __future__ import annotations

from enum import IntEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["PaymentStatus"]


class PaymentStatus(IntEnum):
    """The status of a payment (source: public integrations).

    The gateway's table has more codes than are known. An unknown code keeps its number: `PaymentStatus(99)` is a status with
    the name `UNKNOWN_99`, for which every `is_...` property is false. It is neither paid nor failed.
    """

    PENDING = 0
    PAID = 1
    FAILED = 2
    CANCELLED = 3
    TRANSACTION_LIMIT_EXCEEDED = 4
    MINIMUM_AMOUNT_NOT_MET = 5
    INSUFFICIENT_FUNDS = 6
    INVALID_TRANSACTION = 7
    CANCELLED_BY_USER = 8
    AUTHORISED = 9
    EXPIRED = 10
    REFUNDED = 11
    REFUND_IN_PROGRESS = 12
    REFUND_FAILED = 13
    VOIDED = 18

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if type(value) is not int:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_ = f"UNKNOWN_{value}"
        unknown._value_ = value
        return unknown

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """For OpenAPI documents: an integer, because a list of the known codes would forbid the others."""
        return {"type": "integer", "title": cls.__name__, "description": "The gateway's status code; others may come"}

    @property
    def is_known(self) -> bool:
        """Whether the code's meaning is known."""
        return self.value in type(self)._value2member_map_

    @property
    def is_paid(self) -> bool:
        """Whether the payment is paid, and no refund was reported. Only `PAID`."""
        return self is PaymentStatus.PAID

    @property
    def is_pending(self) -> bool:
        """Whether the customer or the channel must still act. Only `PENDING`."""
        return self is PaymentStatus.PENDING

    @property
    def is_authorised(self) -> bool:
        """Whether the amount is reserved but not captured: not paid."""
        return self is PaymentStatus.AUTHORISED

    @property
    def is_closed_unpaid(self) -> bool:
        """Whether the payment ended unpaid: failed, cancelled, expired or voided."""
        return self in _CLOSED_UNPAID

    @property
    def is_refund(self) -> bool:
        """Whether a refund was made, is in progress, or failed."""
        return self in _REFUND

    @property
    def is_final(self) -> bool:
        """Whether the payment has ended. A paid payment is final, but it can be refunded later.

        `PENDING`, `AUTHORISED`, `REFUND_IN_PROGRESS` and every unknown code are not final.
        """
        return self in _FINAL


_CLOSED_UNPAID = frozenset(
    {
        PaymentStatus.FAILED,
        PaymentStatus.CANCELLED,
        PaymentStatus.TRANSACTION_LIMIT_EXCEEDED,
        PaymentStatus.MINIMUM_AMOUNT_NOT_MET,
        PaymentStatus.INSUFFICIENT_FUNDS,
        PaymentStatus.INVALID_TRANSACTION,
        PaymentStatus.CANCELLED_BY_USER,
        PaymentStatus.EXPIRED,
        PaymentStatus.VOIDED,
    }
)
_REFUND = frozenset({PaymentStatus.REFUNDED, PaymentStatus.REFUND_IN_PROGRESS, PaymentStatus.REFUND_FAILED})
_FINAL = _CLOSED_UNPAID | {PaymentStatus.PAID, PaymentStatus.REFUNDED, PaymentStatus.REFUND_FAILED}
