"""Reading a result: member by member, nothing coerced, everything that is wrong named at once."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, TypeVar, cast

from commercepay._base.json_guards import is_array, is_object
from commercepay._calls.checks import url as url_problem
from commercepay._protocol import envelope
from commercepay._protocol.call import Call
from commercepay._protocol.envelope import Response
from commercepay._protocol.exchange import unreadable
from commercepay._protocol.token import HEADER_VALUE
from commercepay.errors import ArgumentError
from commercepay.money import Money
from commercepay.status import PaymentStatus

T = TypeVar("T")

NUMBERS = ("transactionNumber", "sessionNumber", "redirectUrl")
RECEIVED = (*NUMBERS, "clientScript")
SCRIPT = 2
"""The `redirectionType` of a payment that continues through `clientScript`."""


class Reader:
    """Reads the members of one result, and collects what is wrong with them.

    What a method returns for a wrong member has the right type and is never used: `checked`, which is called last, raises.
    """

    def __init__(self, call: Call, response: Response, result: Any, *, place: str = "") -> None:
        self._call = call
        self._response = response
        self._place = place  # before the problems of one result of several
        self._problems: list[str] = []
        self.result: dict[str, Any] = result if is_object(result) else {}
        if not is_object(result):
            self._problems.append("it holds no result")

    def checked(self, value: T) -> T:
        """The value, which was built from the members.

        Raises:
            InvalidResponse: (for a POST: UnreadableOutcome) something was wrong with a member; it names every problem.
        """
        if self._problems:
            problems = self._problems if self.result else self._problems[:1]
            found = {name: item for name in RECEIVED if isinstance(item := self.result.get(name), str | int) and item}
            received = ", ".join(f"{name} {str(found[name])[:300]!a}" for name in NUMBERS if name in found)
            why = "; ".join([*problems, f"but it has {received}"] if received else problems)
            error = unreadable(self._call, envelope.invalid(self._response, self._place + why))
            error.received = found
            raise error
        return value

    def text(self, name: str) -> str:
        value: object = self.result.get(name)
        if isinstance(value, str) and value.strip():
            return value
        wrong = "is missing" if value is None else "is empty" if isinstance(value, str) else "is not a string"
        self._problems.append(f"{name} {wrong}")
        return ""

    def optional_text(self, name: str, *, asked: str | None) -> str | None:
        """Text, or None. `asked` is the number that the payment was asked for by: no other number may come back."""
        value: object = self.result.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self._problems.append(f"{name} is not a string")
        elif asked is None or value.lower() == asked.lower():
            return value
        else:
            self._problems.append(f"{name} is that of another payment than was asked for")
        return None

    def aside(self, name: str, kind: type[T]) -> T | None:
        """A member that decides nothing and has no published type: None if it is not of this type (see `raw`)."""
        value: object = self.result.get(name)
        return value if type(value) is kind and value != "" else None

    def number(self, name: str) -> Decimal | None:
        """A number that decides nothing, as the gateway wrote it; None if it is none."""
        value: object = self.result.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return Decimal(str(value))

    def parts(self, name: str) -> list[Reader]:
        """A reader for each object of an array that decides nothing."""
        value: object = self.result.get(name)
        return (
            [Reader(self._call, self._response, item) for item in value if is_object(item)] if is_array(value) else []
        )

    def token(self, name: str) -> str:
        value = self.text(name)
        if value and not HEADER_VALUE.fullmatch(value):  # it would fail as a header, and the error might quote it
            self._problems.append(f"{name} holds what a header can't")
        return value

    def url(self, name: str) -> str:
        value = self.text(name)
        if value and url_problem(value):
            self._problems.append(f"{name} is not an absolute URL")
        return value

    def redirect(self) -> tuple[str | None, str | None]:
        """`redirectUrl` and `clientScript`, of which one is None. If both came, `redirectionType` decides."""
        url, script = self.result.get("redirectUrl"), self.aside("clientScript", str)
        if script and script.strip() and (url is None or url == "" or self.result.get("redirectionType") == SCRIPT):
            return None, script
        if url is None:
            self._problems.append("redirectUrl is missing, and there is no clientScript")
            return None, None
        return self.url("redirectUrl"), None

    def integer(self, name: str) -> int:
        value: object = self.result.get(name)
        if type(value) is int:
            return value
        self._problems.append(f"{name} is missing" if value is None else f"{name} is not an integer")
        return -1

    def optional_integer(self, name: str) -> int | None:
        return None if self.result.get(name) is None else self.integer(name)

    def status(self, name: str) -> PaymentStatus:
        return PaymentStatus(self.integer(name))

    def money(self, amount: str, currency: str) -> Money:
        before = len(self._problems)
        minor, code = self.integer(amount), self.text(currency)
        if len(self._problems) == before:
            try:
                return Money.from_minor(minor, code)
            except ArgumentError as error:
                self._problems += error.problems
        return cast("Money", None)
