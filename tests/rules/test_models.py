"""The small values: immutable, compared by content, shown, pickled."""

from __future__ import annotations

import copy
import pickle
from datetime import date
from typing import Any

import pytest

from commercepay import (
    Callback,
    Customer,
    IdentificationType,
    Money,
    Payment,
    PaymentStatus,
    PlatformCharge,
    Recurrence,
    RecurrenceMode,
    Response,
    Session,
    StartedPayment,
    SubMerchant,
    ValidationProblem,
)
from commercepay._base.record import Record

MONEY = Money("12.34", "MYR")
OPTIONAL = dict.fromkeys(
    (
        "transaction_number",
        "session_number",
        "channel_id",
        "provider_transaction_number",
        "provider_payment_method",
        "provider_error_message",
        "created",
        "remark",
    )
)
EXAMPLES: list[tuple[type, dict[str, Any], str, Any]] = [
    (Customer, {"name": "A", "identification_type": IdentificationType.PASSPORT}, "name", "B"),
    (SubMerchant, {"unique_id": "U", "name": "N"}, "name", "M"),
    (Recurrence, {"mode": RecurrenceMode.DAILY, "effective_date": date(2026, 1, 1)}, "id", "P"),
    (PlatformCharge, {"partner_id": "P", "amount": MONEY}, "amount", Money("1.00", "MYR")),
    (
        Session,
        {"redirect_url": "u", "session_number": "S", "redirection_type": 1, "reference_code": "R", "raw": {}},
        "session_number",
        "T",
    ),
    (
        StartedPayment,
        {"redirect_url": "u", "transaction_number": "T", "redirection_type": None, "reference_code": "R", "raw": {}},
        "reference_code",
        "Q",
    ),
    (
        Payment,
        OPTIONAL | {"status": PaymentStatus(14), "amount": MONEY, "reference_code": "R", "raw": {"x": [1]}},
        "status",
        PaymentStatus.PAID,
    ),
    (
        Callback,
        {
            "status": PaymentStatus.PAID,
            "amount": MONEY,
            "reference_code": "R",
            "transaction_number": "T",
            "session_number": None,
            "channel_id": 2,
            "provider_transaction_number": None,
            "raw": {},
            "body": b"{}",
        },
        "amount",
        Money("1.00", "MYR"),
    ),
    (ValidationProblem, {"message": "m", "members": ("a",)}, "members", ("b",)),
    (Response, {"status_code": 200, "headers": {"a": "b"}, "body": b"x"}, "status_code", 400),
]
each = pytest.mark.parametrize(
    ("cls", "fields", "name", "other"), EXAMPLES, ids=lambda value: value.__name__ if isinstance(value, type) else ""
)


@each
def test_equality_and_hash(cls: Any, fields: dict[str, Any], name: str, other: Any) -> None:
    """Two values of the same fields are equal and hash alike; another field makes another value."""
    assert cls(**fields) == cls(**fields)
    assert hash(cls(**fields)) == hash(cls(**fields))
    assert cls(**fields) != cls(**fields | {name: other})
    assert len({cls(**fields), cls(**fields), cls(**fields | {name: other})}) == 2
    assert cls(**fields) != fields
    assert cls(**fields) != None  # noqa: E711  # the operator is what is tested


@each
def test_immutable(cls: Any, fields: dict[str, Any], name: str, other: Any) -> None:
    """A value can't be changed, nor given further attributes."""
    value = cls(**fields)
    for attribute in (name, "further"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(value, attribute, other)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(value, attribute)
    assert value == cls(**fields)


@each
def test_copies(cls: Any, fields: dict[str, Any], name: str, other: Any) -> None:
    """A value survives pickle and both kinds of copy, with what is carried aside."""
    value = cls(**fields)
    for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert again == value
        assert vars(again) == vars(value)
        assert repr(again) == repr(value)


@each
def test_repr(cls: Any, fields: dict[str, Any], name: str, other: Any) -> None:
    """A value shows its class and its fields, but no raw answer."""
    shown = repr(cls(**fields))
    assert shown.startswith(f"{cls.__name__}(")
    assert f"{name}={fields.get(name)!r}" in shown
    assert "raw=" not in shown
    assert "body=" not in shown
    assert "headers=" not in shown


@each
def test_wrong_arguments(cls: Any, fields: dict[str, Any], name: str, other: Any) -> None:
    """A value takes its fields by keyword, all that have no default, and no others; one error names all that is wrong."""
    with pytest.raises(TypeError, match="unknown argument 'nonsense'"):
        cls(**fields, nonsense=1)
    with pytest.raises(TypeError):
        cls("positional")
    required = [field for field in cls._fields if field not in cls._defaults]
    if required:
        with pytest.raises(TypeError, match=f"unknown argument 'nonsense'.*missing argument '{required[0]}'"):
            cls(nonsense=1)
    else:
        assert vars(cls()) == cls._defaults


def test_values_of_different_classes_differ() -> None:
    """Values of different classes are never equal, nor is a subclass's equal to its base's."""

    class A(Record):
        x: int

    class B(Record):
        x: int

    class C(A):
        y: int = 1

    assert A(x=1) != B(x=1)
    assert A(x=1) != C(x=1)
    assert C(x=1) == C(x=1, y=1)
    assert C._fields == ("x", "y")


def test_raw_does_not_count() -> None:
    """What came along as `raw` makes no difference between two values."""
    fields = {"redirect_url": "u", "session_number": "S", "redirection_type": 1, "reference_code": "R"}
    assert Session(**fields, raw={"a": 1}) == Session(**fields, raw={})  # type: ignore[arg-type]


def test_enumerations() -> None:
    """The two enumerations have the facts' numbers."""
    assert [(kind.name, kind.value) for kind in IdentificationType] == [
        ("NEW_IDENTITY_NUMBER", 1),
        ("OLD_IDENTITY_NUMBER", 2),
        ("PASSPORT", 3),
        ("BUSINESS_REGISTRATION", 4),
        ("OTHER", 5),
    ]
    assert [(mode.name, mode.value) for mode in RecurrenceMode] == [
        ("DAILY", 1),
        ("WEEKLY", 2),
        ("MONTHLY", 3),
        ("YEARLY", 4),
    ]
