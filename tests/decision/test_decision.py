"""`commercepay.decision`: every status against every kind of disagreement, in one table."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercepay.callbacks import Callback
from commercepay.decision import Expected, Outcome, decide
from commercepay.errors import ArgumentError
from commercepay.models import Payment
from commercepay.money import Money
from commercepay.status import PaymentStatus

EXPECTED = Expected(reference_code="INV-1", amount=Money("12.34", "MYR"))

# Written out from the facts about the gateway, not taken from the code under test.
MEANING = {
    0: Outcome.PENDING,
    1: Outcome.PAID,
    2: Outcome.CLOSED,
    3: Outcome.CLOSED,
    4: Outcome.CLOSED,
    5: Outcome.CLOSED,
    6: Outcome.CLOSED,
    7: Outcome.CLOSED,
    8: Outcome.CLOSED,
    9: Outcome.PENDING,  # authorised, not captured
    10: Outcome.CLOSED,
    11: Outcome.REFUNDED,
    12: Outcome.REFUNDED,
    13: Outcome.REFUNDED,
    18: Outcome.CLOSED,
    14: Outcome.UNKNOWN,
    -1: Outcome.UNKNOWN,
    4711: Outcome.UNKNOWN,
}
DISAGREEMENTS: dict[str, list[str]] = {
    "reference_code": ["INV-2", "inv-1", "INV-1 ", "", "INV\u20101"],
    "amount": ["12.35", "12.33", "1234.00", "0.01"],
    "currency": ["SGD", "USD", "JPY"],
}


def said(
    kind: str, status: int = 1, reference: str = "INV-1", minor: int = 1234, currency: str = "MYR"
) -> Callback | Payment:
    common: dict[str, Any] = {
        "status": PaymentStatus(status),
        "amount": Money.from_minor(minor, currency),
        "reference_code": reference,
        "transaction_number": "TN1",
        "session_number": None,
        "channel_id": None,
        "provider_transaction_number": None,
        "raw": {},
    }
    if kind == "callback":
        return Callback(**common, body=b"{}")
    return Payment(**common, provider_payment_method=None, provider_error_message=None, created=None, remark=None)


def table() -> list[Any]:
    """Every status x every set of disagreeing fields x every way to disagree."""
    rows = []
    for status in MEANING:
        for size in range(4):
            for fields in itertools.combinations(DISAGREEMENTS, size):
                for values in itertools.product(*(DISAGREEMENTS[field] for field in fields)):
                    rows.append((status, dict(zip(fields, values, strict=True))))
    return rows


@pytest.mark.parametrize("kind", ["callback", "payment"])
def test_every_status_against_every_disagreement(kind: str) -> None:
    """Without a disagreement, the outcome is that of the status; else it is a mismatch with the fields that disagree."""
    assert {status.value for status in PaymentStatus} <= set(MEANING)
    paid = []
    for status, wrong in table():
        minor = Money(wrong.get("amount", "12.34"), "MYR").minor
        decision = decide(
            EXPECTED, said(kind, status, wrong.get("reference_code", "INV-1"), minor, wrong.get("currency", "MYR"))
        )
        assert decision.outcome is (Outcome.MISMATCH if wrong else MEANING[status]), (status, wrong)
        assert [mismatch.field for mismatch in decision.mismatches] == list(wrong)
        assert decision.status == status
        assert decision.is_paid == (status == 1 and not wrong)
        if decision.is_paid:
            paid.append((status, wrong))
    assert paid == [(1, {})], "one row of the whole table is paid"


def test_mismatch_says_what_was_expected_and_said() -> None:
    """Each disagreement holds both values, and reads as a sentence."""
    decision = decide(EXPECTED, said("callback", reference="INV-2", minor=1, currency="SGD"))
    assert [(m.field, m.expected, m.reported) for m in decision.mismatches] == [
        ("reference_code", "INV-1", "INV-2"),
        ("amount", 1234, 1),
        ("currency", "MYR", "SGD"),
    ]
    assert str(decision.mismatches[1]) == "amount should be 1234 minor units, but the gateway reported 1 minor units"
    assert str(decision.mismatches[0]) == "reference_code should be 'INV-1', but the gateway reported 'INV-2'"


def test_reads_in_a_log() -> None:
    """A decision is one printable line, whatever the gateway reported."""
    assert str(decide(EXPECTED, said("payment"))) == "paid: 'INV-1', MYR 12.34, status PAID"
    line = str(decide(EXPECTED, said("payment", status=14, reference="\x1b[2J\n\u202e")))
    assert line.startswith("mismatch: 'INV-1', MYR 12.34, status UNKNOWN_14; reference_code should be")
    assert line.isprintable()
    assert line.isascii()


@pytest.mark.parametrize(
    ("reference", "amount", "problem"),
    [
        ("", Money("1.00", "MYR"), "reference_code"),
        (None, Money("1.00", "MYR"), "reference_code"),
        (17, Money("1.00", "MYR"), "reference_code"),
        ("INV-1", 1234, "amount must be a Money, not int"),
        ("INV-1", "12.34", "amount must be a Money, not str"),
        ("INV-1", None, "amount must be a Money"),
    ],
)
def test_expectation_must_be_one(reference: Any, amount: Any, problem: str) -> None:
    """An expectation without a reference or with a bare number is an ArgumentError."""
    with pytest.raises(ArgumentError, match=problem):
        Expected(reference_code=reference, amount=amount)


def test_an_expectation_holds_what_was_given() -> None:
    """Reference and amount are kept unchanged."""
    expected = Expected(reference_code="INV-2", amount=Money("1.00", "SGD"))
    assert (expected.reference_code, expected.amount) == ("INV-2", Money("1.00", "SGD"))


@pytest.mark.parametrize(
    "other", [{}, {"status": 1, "amount": 1234}, None, "paid", b"{}", PaymentStatus.PAID, EXPECTED]
)
def test_only_what_the_gateway_said_is_judged(other: Any) -> None:
    """A dict or a status is neither a verified callback nor a queried payment, and is an error."""
    with pytest.raises(ArgumentError, match=f"reported must be .*, not {type(other).__name__}"):
        decide(EXPECTED, other)


def test_expectation_is_not_a_bare_value() -> None:
    """The two arguments can't be swapped."""
    with pytest.raises(ArgumentError, match="expected must be an Expected, not Callback"):
        decide(said("callback"), EXPECTED)  # type: ignore[arg-type]


def test_decision_is_a_value() -> None:
    """A decision is immutable, is compared by its content, and can be pickled."""
    callback = said("callback")
    decision = decide(EXPECTED, callback)
    assert (decision.expected, decision.reported) == (EXPECTED, callback)
    assert decision == decide(EXPECTED, said("callback"))
    assert pickle.loads(pickle.dumps(decision)) == decision
    with pytest.raises(AttributeError, match="immutable"):
        decision.outcome = Outcome.CLOSED  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        EXPECTED.amount = Money("0.01", "MYR")  # type: ignore[misc]


@given(
    st.integers(-5, 30),
    st.sampled_from(["INV-1", "INV-2"]),
    st.sampled_from([1234, 1235]),
    st.sampled_from(["MYR", "SGD"]),
    st.sampled_from(["callback", "payment"]),
)
def test_paid_means_that_all_four_agree(status: int, reference: str, minor: int, currency: str, kind: str) -> None:
    """A decision is paid exactly if status, reference, amount and currency all agree."""
    agree = (status, reference, minor, currency) == (1, "INV-1", 1234, "MYR")
    assert decide(EXPECTED, said(kind, status, reference, minor, currency)).is_paid == agree
