# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from enum import IntEnum


class ErrorCode(IntEnum):
    INVALID_SIGNATURE = 1
    DUPLICATE_TRANSACTION = 2009
    TRANSACTION_NOT_FOUND = 2010
    PAYMENT_EXPIRED = 2021
    TRANSACTION_ALREADY_PROCESSED = 2022

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def _missing_(cls, value: object) -> "ErrorCode | None":
        """Keep an unknown code as a new member, named after its number."""
        if type(value) is not int:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @classmethod
    def read(cls, value: object) -> "ErrorCode":
        """Read a code from JSON. It must be an integer: true, 1.0 and "1" are not."""
        if type(value) is not int:
            raise TypeError("not an integer")
        return cls(value)

    @property
    def is_known(self) -> bool:
        """Whether the description has the code."""
        return self._name_ in type(self).__members__
