# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from enum import IntEnum


class IdentificationType(IntEnum):
    NEW_IDENTITY_NUMBER = 1
    OLD_IDENTITY_NUMBER = 2
    PASSPORT = 3
    BUSINESS_REGISTRATION = 4
    OTHER = 5

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def _missing_(cls, value: object) -> "IdentificationType | None":
        """Keep an unknown code as a new member, named after its number."""
        if type(value) is not int:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @classmethod
    def read(cls, value: object) -> "IdentificationType":
        """Read a code from JSON. It must be an integer: true, 1.0 and "1" are not."""
        if type(value) is not int:
            raise TypeError("not an integer")
        return cls(value)

    @property
    def is_known(self) -> bool:
        """Whether the description has the code."""
        return self._name_ in type(self).__members__
