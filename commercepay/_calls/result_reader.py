"""Reading a result: member by member, nothing coerced, everything that is wrong named at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from commercepay._base.json_guards import is_object
from commercepay._calls.checks import url as url_problem
from commercepay._protocol import envelope
from commercepay._protocol.envelope import Response
from commercepay._protocol.exchange import Call, unreadable
from commercepay.errors import ArgumentError
from commercepay.money import Money
from commercepay.status import PaymentStatus

T = TypeVar("T")

HEADER_VALUE = re.compile("[!-~]+")


class Reader:
    """Hands out the members of one result, and remembers what is wrong with them."""

    def __init__(self, call: Call, answer: Response, result: Any) -> None:
        self._call = call
        self._answer = answer
        self._problems: list[str] = []
        self.result: dict[str, Any] = result if is_object(result) else {}
        if not is_object(result):
            self._problems.append("it holds no result")

    def finish(self) -> None:
        """Raises:
        InvalidResponse: (for a POST: UnreadableOutcome) if anything was wrong; it names every problem.
        """
        if self._problems:
            problems = self._problems if self.result else self._problems[:1]
            raise unreadable(self._call, envelope.invalid(self._answer, "; ".join(problems)))

    def value(self, cls: Callable[..., T], **fields: Any) -> T:
        """The value that the members make, if nothing was wrong with them."""
        self.finish()
        return cls(**fields, raw=self.result)

    def text(self, name: str, *, required: bool = False, asked: str | None = None) -> Any:
        value = self.result.get(name)
        if value is None or (value == "" and not required):
            if required:
                self._problems.append(f"{name} is missing")
            return None
        if not isinstance(value, str) or (required and not value.strip()):
            self._problems.append(f"{name} is not a string" if not isinstance(value, str) else f"{name} is empty")
        elif asked is not None and value.lower() != asked.lower():
            self._problems.append(f"{name} is that of another payment than was asked for")
        return value

    def aside(self, name: str, kind: type) -> Any:
        """A member that decides nothing, and whose type nobody published: None if it is of another one (see `raw`)."""
        value = self.result.get(name)
        return value if type(value) is kind and value != "" else None

    def token(self, name: str) -> Any:
        value = self.text(name, required=True)
        # Else it would fail as a header, and the transport's error might quote it.
        if isinstance(value, str) and value.strip() and not HEADER_VALUE.fullmatch(value):
            self._problems.append(f"{name} holds what a header can't")
        return value

    def url(self, name: str) -> Any:
        value = self.text(name, required=True)
        if isinstance(value, str) and value.strip() and url_problem(value):
            self._problems.append(f"{name} is not an absolute URL")
        return value

    def integer(self, name: str, *, required: bool = False) -> Any:
        value = self.result.get(name)
        if value is None:
            if required:
                self._problems.append(f"{name} is missing")
        elif type(value) is not int:
            self._problems.append(f"{name} is not an integer")
        return value

    def status(self, name: str) -> Any:
        value = self.integer(name, required=True)
        return PaymentStatus(value) if type(value) is int else None

    def money(self, amount: str, currency: str) -> Any:
        minor, code = self.integer(amount, required=True), self.text(currency, required=True)
        if type(minor) is not int or not isinstance(code, str) or not code.strip():
            return None
        try:
            return Money.from_minor(minor, code)
        except ArgumentError as error:
            self._problems += error.problems
            return None
