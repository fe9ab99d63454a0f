"""One example of every public class that is a record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

import commercepay
from commercepay import (
    ArgumentError,
    Callback,
    CallbackRejection,
    Channel,
    ChannelCurrency,
    Customer,
    Decision,
    Expected,
    IdentificationType,
    Money,
    OpenPayment,
    Outcome,
    Payment,
    PaymentStatus,
    PlatformCharge,
    ReceivedCallback,
    Reconciled,
    Recurrence,
    RecurrenceMode,
    Response,
    ReturnHint,
    SubMerchant,
    ValidationProblem,
)
from commercepay._base.record import Record
from commercepay._protocol.published import Credentials
from commercepay.decision import Mismatch
from commercepay.inbox import ArrivalState, Evidence, Receipt, Stats
from commercepay.integrations.starlette import Returned

SECRET = "do-not-show-me"


def unset(cls: Any) -> dict[str, Any]:
    """The fields that are None by default."""
    return {name: value for name, value in cls._defaults.items() if value is None and name not in cls._aside}


@dataclass
class Example:
    """A record class, the fields of an instance as they are and as JSON-ready data, and a change of one field.

    Fields that are None by default can be left out.
    """

    cls: Any
    fields: dict[str, Any]
    data: dict[str, Any]
    change: dict[str, Any]

    def __post_init__(self) -> None:
        self.data = unset(self.cls) | self.data

    @property
    def value(self) -> Any:
        return self.cls(**self.fields)


MONEY = Money("12.34", "MYR")
MONEY_DATA = {"minor": 1234, "currency": "MYR"}
ORDER = {"reference_code": "R", "amount": MONEY}
ORDER_DATA = {"reference_code": "R", "amount": MONEY_DATA}
EXPECTED = {"reference_codes": ("R",), "amount": MONEY, "surcharges": ()}
EXPECTED_DATA = {"reference_codes": ["R"], "amount": MONEY_DATA, "surcharges": []}
REPORTED = {"transaction_number": "T", "channel_id": 2}
ONLY_QUERIED = {"provider_payment_method": "FPX"}
PAYMENT = Payment(status=PaymentStatus(99), **ORDER, **REPORTED, **ONLY_QUERIED, raw={"x": [1]})
CALLBACK = Callback(status=PaymentStatus.PAID, **ORDER, **REPORTED, raw={"amount": 1234}, body=b"{}")
CALLBACK_DATA = {**unset(Callback), "status": 1, **ORDER_DATA, **REPORTED}
MISMATCH = {"field": "amount", "expected": (1,), "reported": 1234}
MISMATCH_DATA = {**MISMATCH, "expected": [1]}
DECISION = {
    "outcome": Outcome.MISMATCH,
    "status": PaymentStatus.PAID,
    "mismatches": (Mismatch(**MISMATCH),),
    "expected": Expected(**ORDER),
    "surcharge": None,
}
DECISION_DATA = {
    "outcome": "mismatch",
    "status": 1,
    "mismatches": [MISMATCH_DATA],
    "expected": EXPECTED_DATA,
    "surcharge": None,
}
OPEN = {"session_number": None, "transaction_number": "T"}
LIMITS = {"currency": "MYR", "is_surcharge_percentage": True}
CHANNEL = {"id": 2, "name": "FPX", "save_payment": False}
CURRENCY = ChannelCurrency(**LIMITS, surcharge=Decimal("1.50"), raw={"x": 1})
CURRENCY_DATA = {**unset(ChannelCurrency), **LIMITS, "surcharge": "1.50"}
ERROR = ArgumentError("no")
ERROR_DATA = {"type": "ArgumentError", "message": "no"}

ARGUMENTS = [
    Example(Money, MONEY_DATA, MONEY_DATA, {"minor": 1}),
    Example(
        Customer,
        {"name": "A", "identification_type": IdentificationType.PASSPORT},
        {"name": "A", "identification_type": 3},
        {"name": "B"},
    ),
    Example(SubMerchant, {"unique_id": "U"}, {"unique_id": "U"}, {"name": "N"}),
    Example(
        Recurrence,
        {"mode": RecurrenceMode.DAILY, "effective_date": date(2026, 1, 31), "maximum_amount": MONEY},
        {"mode": 1, "effective_date": "2026-01-31", "maximum_amount": MONEY_DATA},
        {"number_of_payments": 3},
    ),
    Example(PlatformCharge, {"amount": MONEY}, {"amount": MONEY_DATA}, {"partner_id": "P"}),
]
RESULTS = [
    Example(ChannelCurrency, {**vars(CURRENCY)}, CURRENCY_DATA, {"surcharge": Decimal(2)}),
    Example(
        Channel,
        {**CHANNEL, "currencies": (CURRENCY,), "raw": {}},
        {**CHANNEL, "currencies": [CURRENCY_DATA]},
        {"id": 4},
    ),
    Example(
        Payment,
        {**vars(PAYMENT)},
        {"status": 99, **ORDER_DATA, **REPORTED, **ONLY_QUERIED},
        {"status": PaymentStatus.PAID},
    ),
    Example(Callback, {**vars(CALLBACK)}, CALLBACK_DATA, {"amount": Money("1.00", "MYR")}),
    Example(
        ReceivedCallback,
        {"body": b"{}", "signature": SECRET, "callback_url": "u"},
        {"callback_url": "u"},
        {"callback_url": "v"},
    ),
    Example(
        Response, {"status_code": 200, "headers": {"a": SECRET}, "body": b"x"}, {"status_code": 200}, {"status_code": 4}
    ),
    Example(
        ValidationProblem,
        {"message": "m", "members": ("a",)},
        {"message": "m", "members": ["a"]},
        {"members": ("b",)},
    ),
    Example(Expected, EXPECTED, EXPECTED_DATA, {"reference_codes": ("R", "R2")}),
    Example(OpenPayment, {**EXPECTED, **OPEN}, {**EXPECTED_DATA, **OPEN}, {"transaction_number": "T2"}),
    Example(Mismatch, MISMATCH, MISMATCH_DATA, {"reported": 2}),
    Example(Decision, {**DECISION, "reported": CALLBACK}, DECISION_DATA, {"outcome": Outcome.PAID}),
    Example(
        Reconciled,
        {"index": 0, "item": OpenPayment(**ORDER, **OPEN), "decision": None, "error": ERROR},
        {"index": 0, "item": {**EXPECTED_DATA, **OPEN}, "decision": None, "error": ERROR_DATA},
        {"item": 5},
    ),
    Example(
        ReturnHint,
        {"reference_code": "R"},
        {"reference_code": "R", "transaction_number": None},
        {"transaction_number": "T"},
    ),
    Example(
        Returned,
        {
            "hint": ReturnHint(),
            "order": OpenPayment(**ORDER, **OPEN),
            "decision": Decision(**DECISION, reported=PAYMENT),
            "error": None,
        },
        {
            "hint": {"reference_code": None, "transaction_number": None},
            "order": {**EXPECTED_DATA, **OPEN},
            "decision": DECISION_DATA,
            "error": None,
        },
        {"decision": None},
    ),
    Example(
        Receipt,
        {
            "arrival_id": 1,
            "state": ArrivalState.HANDLED,
            "callback": CALLBACK,
            "rejection": CallbackRejection.SIGNATURE_WRONG,
            "error": ValueError("x"),
            "decision": None,
            "next_attempt_at": None,
        },
        {
            "arrival_id": 1,
            "state": "handled",
            "callback": CALLBACK_DATA,
            "rejection": "signature_wrong",
            "error": {"type": "ValueError", "message": "x"},
            "decision": None,
            "next_attempt_at": None,
        },
        {"arrival_id": 2},
    ),
    Example(
        Stats,
        {"waiting": 1, "oldest": None, "dead": 0, "rejected": 2},
        {"waiting": 1, "oldest": None, "dead": 0, "rejected": 2},
        {"dead": 3},
    ),
    Example(
        Evidence,
        {"count": 1, "size": 2, "plausible_count": 3, "plausible_size": 4},
        {"count": 1, "size": 2, "plausible_count": 3, "plausible_size": 4},
        {"count": 5},
    ),
    Example(
        Credentials,
        {"tenant_id": 1, "username": "u", "password": SECRET, "secret_key": SECRET},
        {"tenant_id": 1, "username": "u"},
        {"tenant_id": 2},
    ),
]
VALUES = {"str": "text", "int": 2, "bool": True, "Money": MONEY, "PaymentStatus": PaymentStatus.PAID}


def derived(cls: Any) -> Example:
    """An example of a result, from its required fields: at least one is a string."""
    kinds = {name: kind for name, kind in cls._annotated.items() if name not in cls._defaults and name != "raw"}
    fields = {name: VALUES[kind] for name, kind in kinds.items()}
    data = {name: MONEY_DATA if value is MONEY else value for name, value in fields.items()}
    changed = next(name for name, kind in kinds.items() if kind == "str")
    return Example(cls, {**fields, "raw": {"a": 1}}, data, {changed: "other"})


def exported() -> list[type[Record]]:
    """Every record class that a public module exports."""
    modules = [commercepay, *(import_module(f"commercepay.{name}") for name in ("decision", "inbox", "testing"))]
    found = {getattr(module, name) for module in modules for name in module.__all__}
    records = {value for value in found if isinstance(value, type) and issubclass(value, Record)}
    return sorted(records, key=lambda cls: cls.__name__)


RESULTS += [derived(cls) for cls in exported() if cls not in {example.cls for example in ARGUMENTS + RESULTS}]
EXAMPLES = ARGUMENTS + RESULTS


def each(examples: list[Example]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", examples, ids=lambda example: example.cls.__name__)
