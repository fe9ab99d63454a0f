"""Checking what the application passed: everything at once, before anything is sent."""

from __future__ import annotations

import socket
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from commercepay._settings import option_problems
from commercepay.errors import ArgumentError
from commercepay.money import Money
from commercepay.values import Customer, IdentificationType, PlatformCharge, Recurrence, RecurrenceMode, SubMerchant

USER_AGENT_LONGEST = 200


class Checker:
    """Takes parameters one by one, remembers what is wrong, and raises once.

    `take` answers None for a parameter that was left out. What it answers for a wrong one is never used.
    """

    def __init__(self, call: str, given: Mapping[str, Any], required: Iterable[str], known: Container[str]) -> None:
        self._given = given
        self.problems = [f"{call} has no parameter {name!r}" for name in given if name not in known]
        self.problems += [f"{name} is required" for name in required if given.get(name) is None]

    def finish(self) -> None:
        """Raises:
        ArgumentError: if anything was wrong.
        """
        if self.problems:
            raise ArgumentError(self.problems)

    def take(self, name: str, check: Callable[[Any], str | None]) -> Any:
        """The parameter, after `check` has said what is wrong with it (nothing: None)."""
        value = self._given.get(name)
        if value is not None and (problem := check(value)):
            self.problems.append(f"{name} {problem}")
        return value

    def record(self, name: str, kind: type, fields: Mapping[str, Callable[[Any], str | None]]) -> Any:
        """A parameter that is a value with fields of its own, each checked."""
        value = self._given.get(name)
        if value is None:
            return None
        if not isinstance(value, kind):
            self.problems.append(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
            return None
        for field, check in fields.items():
            item = getattr(value, field)
            if item is not None and (problem := check(item)):
                self.problems.append(f"{name}.{field} {problem}")
        return value

    def options(self, timeout: float, max_retries: int) -> tuple[float | None, int]:
        """The call's own timeout, or None for the client's, and its number of retries."""
        own = self._given.get("timeout")
        retries = self._given.get("max_retries")
        retries = max_retries if retries is None else retries
        self.problems += option_problems(timeout=timeout if own is None else own, max_retries=retries)
        return own, retries


def text(most: int | None = None) -> Callable[[Any], str | None]:
    """A non-empty string of at most so many characters."""

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"must be a str, not {type(value).__name__}"
        if not value.strip():
            return "must not be empty"
        if most is not None and len(value) > most:
            return f"has {len(value)} characters; the gateway takes up to {most}"
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds a lone surrogate, which has no UTF-8 form"
        return None

    return check


_any_text = text()


def integer(least: int | None = None, most: int | None = None) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"must be an int, not {type(value).__name__}"
        if least is not None and value < least:
            return f"must be at least {least}, not {value}"
        if most is not None and value > most:
            return f"must be at most {most}, not {value}"
        return None

    return check


def instance(kind: type) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if type(value) is kind or (kind not in (bool, int, date) and isinstance(value, kind)):
            return None
        return f"must be a {kind.__name__}, not {type(value).__name__}"

    return check


def url(value: Any) -> str | None:
    if problem := _any_text(value):
        return problem
    return None if _is_url(value) else "must be an absolute URL such as https://shop.example.my/callback"


@lru_cache(maxsize=128)  # a shop names the same few in every call
def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and len(value.split()) == 1
    except ValueError:  # brackets that do not match, say
        return False


def ip_address(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"must be a str, not {type(value).__name__}"
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, value)
        except (OSError, ValueError):
            continue
        return None
    return f"must be the customer's IP address, not {value[:60]!r}"


def whole_minutes(value: Any) -> str | None:
    if not isinstance(value, timedelta):
        return f"must be a timedelta, not {type(value).__name__}"
    if value <= timedelta(0) or value % timedelta(minutes=1):
        return f"must be a positive number of whole minutes, not {value}"
    return None


def moment(value: Any) -> str | None:
    if not isinstance(value, datetime):
        return f"must be a datetime, not {type(value).__name__}"
    return None if value.tzinfo is not None else "must have a time zone, such as datetime.now(timezone.utc)"


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence)  # an iterator would be used up by the check


def integers(value: Any) -> str | None:
    if isinstance(value, str | bytes) or not _is_sequence(value):
        return f"must be a sequence of ints, not {type(value).__name__}"
    problems = {problem for item in value if (problem := integer()(item))}
    return f"each {sorted(problems)[0]}" if problems else None


def milliseconds(when: datetime | None = None) -> int:
    """Milliseconds since the epoch, as the gateway counts (source: public integrations)."""
    when = datetime.now(UTC) if when is None else when
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


CUSTOMER: Mapping[str, Callable[[Any], str | None]] = {
    "name": text(36),
    "email": text(),
    "mobile_number": text(),
    "username": text(),
    "identification_number": text(),
    "identification_type": instance(IdentificationType),
}
SUB_MERCHANT: Mapping[str, Callable[[Any], str | None]] = {"unique_id": text(), "name": text()}
RECURRENCE: Mapping[str, Callable[[Any], str | None]] = {
    "mode": instance(RecurrenceMode),
    "number_of_payments": integer(1, 999),
    "effective_date": instance(date),
    "expiry_date": instance(date),
    "maximum_amount": instance(Money),
    "is_fixed_amount": instance(bool),
    "id": text(),
}
PLATFORM_CHARGE: Mapping[str, Callable[[Any], str | None]] = {"partner_id": text(), "amount": instance(Money)}

RECORDS: Mapping[str, tuple[type, Mapping[str, Callable[[Any], str | None]]]] = {
    "customer": (Customer, CUSTOMER),
    "sub_merchant": (SubMerchant, SUB_MERCHANT),
    "recurring": (Recurrence, RECURRENCE),
    "platform_charge": (PlatformCharge, PLATFORM_CHARGE),
}
