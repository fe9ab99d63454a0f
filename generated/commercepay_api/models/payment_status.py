# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from enum import IntEnum


class PaymentStatus(IntEnum):
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

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def _missing_(cls, value: object) -> "PaymentStatus | None":
        """Keep an unknown code as a new member, named after its number."""
        if type(value) is not int:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @classmethod
    def read(cls, value: object) -> "PaymentStatus":
        """Read a code from JSON. It must be an integer: true, 1.0 and "1" are not."""
        if type(value) is not int:
            raise TypeError("not an integer")
        return cls(value)

    @property
    def is_known(self) -> bool:
        """Whether the description has the code."""
        return self._name_ in type(self).__members__
