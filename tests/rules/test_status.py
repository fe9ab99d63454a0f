"""The status of a payment, known and unknown."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercepay import PaymentStatus

# From the facts: code, name, paid, pending, final.
KNOWN = [
    (0, "PENDING", False, True, False),
    (1, "PAID", True, False, True),
    (2, "FAILED", False, False, True),
    (3, "CANCELLED", False, False, True),
    (4, "TRANSACTION_LIMIT_EXCEEDED", False, False, True),
    (5, "MINIMUM_AMOUNT_NOT_MET", False, False, True),
    (6, "INSUFFICIENT_FUNDS", False, False, True),
    (7, "INVALID_TRANSACTION", False, False, True),
    (8, "CANCELLED_BY_USER", False, False, True),
    (9, "AUTHORISED", False, False, False),
    (10, "EXPIRED", False, False, True),
    (11, "REFUNDED", False, False, True),
    (12, "REFUND_IN_PROGRESS", False, False, False),
    (13, "REFUND_FAILED", False, False, True),
    (18, "VOIDED", False, False, True),
]
QUESTIONS = ("is_known", "is_paid", "is_pending", "is_authorised", "is_closed_unpaid", "is_refund", "is_final")
unknown = st.integers().filter(lambda code: code not in {row[0] for row in KNOWN})


@pytest.mark.parametrize(("code", "name", "paid", "pending", "final"), KNOWN, ids=lambda value: str(value))
def test_known(code: int, name: str, paid: bool, pending: bool, final: bool) -> None:
    """Every code of the facts has its name and its properties."""
    status = PaymentStatus(code)
    assert (status.name, status.value, int(status)) == (name, code, code)
    assert status is PaymentStatus[name]
    assert status.is_known
    assert (status.is_paid, status.is_pending, status.is_final) == (paid, pending, final)
    assert status.is_authorised == (code == 9)
    assert status.is_refund == (code in (11, 12, 13))
    assert status.is_closed_unpaid == (code in (2, 3, 4, 5, 6, 7, 8, 10, 18))
    assert json.dumps(status) == str(code)


def test_no_more_are_known() -> None:
    """There are no other names than those of the facts."""
    assert [(status.value, status.name) for status in PaymentStatus] == [row[:2] for row in KNOWN]


@given(unknown)
def test_unknown(code: int) -> None:
    """An unknown code is kept with its number, and all its properties are false."""
    status = PaymentStatus(code)
    assert (status.value, status.name) == (code, f"UNKNOWN_{code}")
    assert type(status) is PaymentStatus
    assert not any(getattr(status, question) for question in QUESTIONS)
    assert status == PaymentStatus(code)
    assert hash(status) == hash(PaymentStatus(code))
    assert status != PaymentStatus.PAID
    assert str(code) in repr(status)
    assert pickle.loads(pickle.dumps(status)) == copy.copy(status) == copy.deepcopy(status) == status
    assert PaymentStatus(code) not in list(PaymentStatus)
    assert len(PaymentStatus) == len(KNOWN)


@pytest.mark.parametrize("value", ["1", "PAID", None, 1.5, [], b"1", "", object])
def test_no_code(value: Any) -> None:
    """A value that is not an integer is not a status."""
    with pytest.raises(ValueError, match="is not a valid PaymentStatus"):
        PaymentStatus(value)


def test_known_ones_survive_pickling() -> None:
    """A known status is the same object after copy and pickle."""
    for status in PaymentStatus:
        assert pickle.loads(pickle.dumps(status)) is copy.deepcopy(status) is copy.copy(status) is status
