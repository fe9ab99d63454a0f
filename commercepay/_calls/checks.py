"""Checks of the parameters. All problems of a call are found at once, before anything is sent."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from time import time_ns
from typing import Any
from urllib.parse import urlsplit

from commercepay_api import limits

from commercepay import signature
from commercepay._base.json_guards import is_mapping
from commercepay._base.suggestions import did_you_mean
from commercepay._base.text import has_lone_surrogate, shown, utf16_length
from commercepay._protocol.call import Options
from commercepay._protocol.settings import Settings, retries_problem, timeout_problem, url_problem
from commercepay.callbacks import Callback, ReceivedCallback
from commercepay.errors import ArgumentError
from commercepay.models import Customer, IdentificationType, PlatformCharge, Recurrence, RecurrenceMode, SubMerchant
from commercepay.money import Money
from commercepay.params import CallOptions, QueryParams, WaitParams
from commercepay.signature import ESCAPED

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, as the second half of a sentence, or None."""


def problems(given: Mapping[str, Any], declared: type) -> list[str]:
    """Everything that is wrong with the parameters of a call, a sentence each.

    Args:
        given: what the application passed.
        declared: the `TypedDict` of the parameters.
    """
    required, known = _names(declared)
    found = [f"{name} is required" for name in required if given.get(name) is None]
    for name, value in given.items():
        if name not in known:
            found.append(f"there is no parameter {name!r}{did_you_mean(name, known)}")
        elif value is None:
            continue
        elif name in RECORDS:
            found += _record_problems(name, value)
        elif problem := CHECKS[name](value):
            found.append(f"{name} {problem}")
    return found


@cache
def _names(declared: type) -> tuple[list[str], frozenset[str]]:
    """The required parameters, in the order of their declaration, and all of them."""
    required: frozenset[str] = vars(declared)["__required_keys__"]
    optional: frozenset[str] = vars(declared)["__optional_keys__"]
    return [name for name in declared.__annotations__ if name in required], required | optional


def _record_problems(name: str, value: object) -> list[str]:
    kind, fields = RECORDS[name]
    if not isinstance(value, kind):
        return [f"{name} must be a {kind.__name__}, not {type(value).__name__}"]
    given = {field: getattr(value, field) for field in fields}
    return [
        f"{name}.{field} {problem}"
        for field, item in given.items()
        if item is not None and (problem := fields[field](item))
    ]


def text(most: int | None = None) -> Check:
    """A non-empty string that can be signed, of at most so many characters.

    The gateway is assumed to count UTF-16 code units, as its framework does.
    """

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"must be a str, not {type(value).__name__}"
        if not value.strip():
            return "must not be empty"
        found: list[str] = []
        if most is not None and (length := utf16_length(value)) > most:
            counted = "" if length == len(value) else " (as the gateway counts: an emoji is two)"
            found.append(f"has {length} characters{counted}; the gateway takes up to {most}")
        if value.isascii():
            return found[0] if found else None
        if has_lone_surrogate(value):
            found.append("holds a lone surrogate, which has no UTF-8 form")
        if escaped := [f"U+{ord(char):04X}" for char in ESCAPED if char in value]:
            found.append(f"holds {', '.join(escaped)}, which can't be signed; use a line feed")
        return "; ".join(found) or None

    return check


_any_text = text()
_reference_text = text(limits.PAYMENT_DETAILS_REFERENCE_CODE_MAX_LENGTH)


def reference(value: Any) -> str | None:
    """A reference code, which is printable text."""
    return _reference_text(value) or printable_text(value)


def printable_text(value: Any) -> str | None:
    """Text that is shown in logs and terminals, where control characters could do harm."""
    return _any_text(value) or (None if value.isprintable() else "must not hold control characters")


_LARGEST = 2**63 - 1
"""A limit of this package: what fits 64 bits."""


def integer(least: int | None = None, most: int | None = None) -> Check:
    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"must be an int, not {type(value).__name__}"
        if least is not None and value < least:
            return f"must be at least {least}, not {shown(value)}"
        if value > (largest := _LARGEST if most is None else most):
            return f"must be at most {largest}, not {shown(value)}"
        return None

    return check


def instance(kind: type) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is kind or (kind not in (bool, int, date) and isinstance(value, kind)):
            return None
        return f"must be a {kind.__name__}, not {type(value).__name__}"

    return check


def url(value: Any) -> str | None:
    if problem := _any_text(value):
        return problem
    return None if _is_url(value) else "must be an absolute URL such as https://shop.example.my/callback"


def unsignable(settings: Settings, data: Mapping[str, Any]) -> list[str]:
    """What is wrong with members that are sent as they are: URLs of another environment, and what can't be signed."""
    problems = environment_problems(
        settings, {"callback_url": data.get("callbackUrl"), "return_url": data.get("returnUrl")}
    )
    try:
        signature.message(settings.base_url, data)
    except ArgumentError as error:
        problems += error.problems
    return problems


def environment_problems(settings: Settings, urls: Mapping[str, object]) -> list[str]:
    """What is wrong with `callback_url` and `return_url` in the client's environment; not whether they are URLs."""
    return [
        f"{name} {problem}"
        for name, value in urls.items()
        if isinstance(value, str) and _is_url(value) and (problem := url_problem(settings, name, value))
    ]


@lru_cache(maxsize=128)  # a shop uses the same few in every call
def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and value.isprintable() and " " not in value
    except ValueError:  # brackets that do not match, for example
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


def country(value: Any) -> str | None:
    if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha() and value.isupper():
        return None
    return f"must be the two capital letters of a country, such as 'MY', not {ascii(value)[:60]}"


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


def _callback_problem(value: Any) -> str | None:
    if isinstance(value, Callback | ReceivedCallback):
        return None
    return f"must be a Callback or a ReceivedCallback, not {type(value).__name__}"


def _params_problem(value: Any) -> str | None:
    if isinstance(value, str) or is_mapping(value):
        return None
    return f"must be a mapping or a query string, not {type(value).__name__}"


def milliseconds(when: datetime | None = None) -> int:
    """Milliseconds since the epoch, as the gateway counts (source: public integrations)."""
    if when is None:
        return time_ns() // 1_000_000
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def options_of(settings: Settings, given: CallOptions) -> Options:
    """The options of a call that starts now."""
    timeout, max_retries = given.get("timeout"), given.get("max_retries")
    return Options.starting_now(
        settings.timeout if timeout is None else timeout,
        settings.max_retries if max_retries is None else max_retries,
        own=timeout is not None or max_retries is not None,
    )


def number_of(given: QueryParams | WaitParams) -> str | None:
    """The number that a call asks about, for errors: "session_number 'S-1'"."""
    names = ("session_number", "transaction_number")
    return next((f"{name} {value!r}" for name in names if (value := given.get(name)) is not None), None)


def refuse(call: str, problems: list[str]) -> None:
    """Refuse a call that has problems.

    Raises:
        ArgumentError: there are any; it names the call.
    """
    if problems:
        raise ArgumentError(problems, call=call)


CHECKS: Mapping[str, Check] = {
    "amount": instance(Money),
    "reference_code": reference,
    "ip_address": ip_address,
    "return_url": url,
    "callback_url": url,
    "description": text(limits.PAYMENT_DETAILS_DESCRIPTION_MAX_LENGTH),
    "user_agent": text(),
    "save_payment": instance(bool),
    "local_citizen": instance(bool),
    "channel_group_id": integer(),
    "hidden_channels": integers,
    "timestamp": moment,
    "expires_in": whole_minutes,
    "country": country,
    "channel_id": integer(),
    "provider_channel_id": text(),
    "session_number": text(),
    "transaction_number": text(),
    "callback": _callback_problem,
    "return_params": _params_problem,
    "timeout": timeout_problem,
    "max_retries": retries_problem,
}
"""The check of each parameter, whichever call it belongs to."""

RECORDS: Mapping[str, tuple[type, Mapping[str, Check]]] = {
    "customer": (
        Customer,
        {
            "name": text(limits.CUSTOMER_NAME_MAX_LENGTH),
            "email": text(),
            "mobile_number": text(),
            "username": text(),
            "identification_number": text(),
            "identification_type": instance(IdentificationType),
        },
    ),
    "sub_merchant": (SubMerchant, {"unique_id": text(), "name": text()}),
    "recurring": (
        Recurrence,
        {
            "mode": instance(RecurrenceMode),
            "number_of_payments": integer(1, limits.RECURRING_PAYMENT_INFO_NUMBER_OF_PAYMENTS_MAXIMUM),
            "effective_date": instance(date),
            "expiry_date": instance(date),
            "maximum_amount": instance(Money),
            "is_fixed_amount": instance(bool),
            "id": text(),
        },
    ),
    "platform_charge": (PlatformCharge, {"partner_id": text(), "amount": instance(Money)}),
}
"""The parameters that have fields, and the check of each field. A field may be None."""
