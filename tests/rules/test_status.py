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

QUESTIONS = ("is_known", "is_paid", "is_pending", "is_authorised", "is_closed_unpaid", "is_refund", "is_final")
unknown = st.integers().filter(lambda code: code not in list(PaymentStatus))


@pytest.mark.parametrize("status", PaymentStatus)
def test_known(status: PaymentStatus) -> None:
    """Every known status is one of: paid, pending, authorised, closed unpaid, refund. From the facts: which codes are which."""
    assert PaymentStatus(int(status)) is PaymentStatus[status.name] is status
    assert status.is_known
    code = status.value
    assert status.is_paid == (code == 1)
    assert status.is_pending == (code == 0)
    assert status.is_authorised == (code == 9)
    assert status.is_refund == ("REFUND" in status.name)
    groups = (status.is_paid, status.is_pending, status.is_authorised, status.is_closed_unpaid, status.is_refund)
    assert sum(groups) == 1
    assert status.is_final == (not status.is_pending and not status.is_authorised and code != 12)
    assert json.dumps(status) == str(code)


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


@pytest.mark.parametrize("value", ["1", "PAID", None, 1.5, [], b"1", "", object])
def test_no_code(value: Any) -> None:
    """A value that is not an integer is not a status."""
    with pytest.raises(ValueError, match="is not a valid PaymentStatus"):
        PaymentStatus(value)


def test_known_ones_survive_pickling() -> None:
    """A known status is the same object after copy and pickle."""
    for status in PaymentStatus:
        assert pickle.loads(pickle.dumps(status)) is copy.deepcopy(status) is copy.copy(status) is status
