"""Values that are stored in merchants' databases don't change; tests/stored-values.json holds them."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from commercepay import Callback, CallbackRejection, Money, Outcome, Payment, PaymentStatus
from commercepay.inbox import ArrivalState

STORED = json.loads((Path(__file__).parents[1] / "stored-values.json").read_text())


def reports(vector: dict[str, Any]) -> tuple[Callback, Payment]:
    """A callback and a query result that report the fact of a vector; in all other members they differ."""
    fact: dict[str, Any] = {
        "transaction_number": vector["transaction_number"],
        "status": PaymentStatus(vector["status"]),
        "amount": Money.from_minor(vector["minor"], vector["currency"]),
        "reference_code": vector["reference_code"],
    }
    return (
        Callback(**fact, raw={}, body=b"{}"),
        Payment(**fact, **dict.fromkeys(Payment.__annotations__.keys() - fact.keys(), "other")),
    )


@pytest.mark.parametrize("vector", STORED["fact_keys"], ids=lambda vector: vector["reference_code"])
def test_fact_key(vector: dict[str, Any]) -> None:
    """A callback and a query result of one fact have the key that was computed independently."""
    callback, payment = reports(vector)
    assert callback.fact_key == payment.fact_key == vector["key"]


def test_no_fact_key_without_a_transaction_number() -> None:
    """A query result without a transaction number has no key."""
    _, payment = reports(STORED["fact_keys"][0] | {"transaction_number": None})
    assert payment.fact_key is None


@pytest.mark.parametrize("kind", [Outcome, CallbackRejection, ArrivalState])
def test_enumerations(kind: type[Enum]) -> None:
    """The string values of an enumeration have not changed."""
    assert {member.name: member.value for member in kind} == STORED[kind.__name__]
