"""`commercepay.decision`: every status against every kind of disagreement, in one table."""

from __future__ import annotations

import itertools
import pickle
from functools import partial
from typing import Any

import pytest

from commercepay.callbacks import Callback
from commercepay.decision import Expected, Outcome, decide
from commercepay.errors import ArgumentError
from commercepay.models import Payment
from commercepay.money import Money
from commercepay.reconciliation import OpenPayment
from commercepay.status import PaymentStatus

EXPECTED = Expected(reference_code="INV-1", amount=Money("12.34", "MYR"))


def meaning(status: PaymentStatus) -> Outcome:
    """Written out from the facts about the gateway, not taken from the code under test."""
    if status == 1:
        return Outcome.PAID
    if status in (0, 9):  # 9 is authorised, not captured
        return Outcome.PENDING
    if "REFUND" in status.name:
        return Outcome.REFUNDED
    return Outcome.CLOSED if status in list(PaymentStatus) else Outcome.UNKNOWN


MEANING = {int(status): meaning(status) for status in (*PaymentStatus, *map(PaymentStatus, (99, -1, 4711)))}
DISAGREEMENTS: dict[str, list[str]] = {
    "reference_code": ["INV-2", "inv-1", "INV-1 ", "", "INV\u20101"],
    "amount": ["12.35", "12.33", "1234.00", "0.01"],
    "currency": ["SGD", "USD", "JPY"],
}


def reported(
    kind: str, status: int = 1, reference: str = "INV-1", minor: int = 1234, currency: str = "MYR"
) -> Callback | Payment:
    common: dict[str, Any] = {
        "status": PaymentStatus(status),
        "amount": Money.from_minor(minor, currency),
        "reference_code": reference,
        "transaction_number": "TN1",
        "raw": {},
    }
    if kind == "callback":
        return Callback(**common, body=b"{}")
    return Payment(**common)


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
    paid = []
    for status, wrong in table():
        minor = Money(wrong.get("amount", "12.34"), "MYR").minor
        decision = decide(
            EXPECTED, reported(kind, status, wrong.get("reference_code", "INV-1"), minor, wrong.get("currency", "MYR"))
        )
        assert decision.outcome is (Outcome.MISMATCH if wrong else MEANING[status]), (status, wrong)
        assert [mismatch.field for mismatch in decision.mismatches] == list(wrong)
        assert decision.status == status
        assert decision.is_paid == (status == 1 and not wrong)
        if decision.is_paid:
            paid.append((status, wrong))
    assert paid == [(1, {})], "one row of the whole table is paid"


def test_mismatch_has_what_was_expected_and_reported() -> None:
    """Each disagreement holds both values, and reads as a sentence."""
    decision = decide(EXPECTED, reported("callback", reference="INV-2", minor=1, currency="SGD"))
    assert [(m.field, m.expected, m.reported) for m in decision.mismatches] == [
        ("reference_code", ("INV-1",), "INV-2"),
        ("amount", (1234,), 1),
        ("currency", ("MYR",), "SGD"),
    ]
    assert str(decision.mismatches[1]) == "amount should be 1234 minor units, but the gateway reported 1 minor units"
    assert str(decision.mismatches[0]) == "reference_code should be 'INV-1', but the gateway reported 'INV-2'"


def test_reads_in_a_log() -> None:
    """A decision is one printable line, whatever the gateway reported."""
    assert str(decide(EXPECTED, reported("payment"))) == "paid: 'INV-1', MYR 12.34, status PAID"
    line = str(decide(EXPECTED, reported("payment", status=99, reference="\x1b[2J\n\u202e")))
    assert line.startswith("mismatch: 'INV-1', MYR 12.34, status UNKNOWN_99; reference_code should be")
    assert line.isprintable()
    assert line.isascii()


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"reference_code": ""}, "reference_code must be a non-empty str"),
        ({"reference_code": None}, "reference_code must be a non-empty str"),
        ({"reference_code": 17}, "reference_code must be a non-empty str"),
        ({"reference_codes": ["INV-1"]}, "give either reference_code or reference_codes"),
        ({"reference_code": None, "reference_codes": []}, "reference_code must be a non-empty str"),
        ({"reference_codes": "INV-1"}, "reference_codes must be a list or tuple, not str"),
        ({"reference_code": None, "reference_codes": ["INV-1", ""]}, "each of reference_codes must be a non-empty str"),
        ({"reference_code": None, "reference_codes": ["INV-1", 5]}, "each of reference_codes must be a non-empty str"),
        ({"amount": 1234}, "amount must be a Money, not int"),
        ({"amount": "12.34"}, "amount must be a Money, not str"),
        ({"amount": None}, "amount must be a Money, not NoneType"),
        ({"surcharges": Money("0.50", "MYR")}, "surcharges must be a list or tuple, not Money"),
        ({"surcharges": [50]}, "each of surcharges must be a Money, not int"),
        ({"surcharges": [Money("0.50", "SGD")]}, "each of surcharges must be in MYR, not SGD"),
    ],
)
@pytest.mark.parametrize("cls", [Expected, partial(OpenPayment, session_number="S-1")])
def test_expectation_must_be_one(cls: Any, wrong: dict[str, Any], problem: str) -> None:
    """An expectation without a reference, with a bare number, or with a surcharge in another currency is an ArgumentError."""
    with pytest.raises(ArgumentError) as caught:
        cls(**{"reference_code": "INV-1", "amount": EXPECTED.amount} | wrong)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize("numbers", [{}, {"session_number": "S-1", "transaction_number": "T-1"}])
def test_an_open_payment_has_one_number(numbers: dict[str, str]) -> None:
    """An open payment is asked about by its session's number or by its own, not both; every problem is named."""
    with pytest.raises(ArgumentError) as caught:
        OpenPayment(reference_code="", amount=EXPECTED.amount, **numbers)
    assert "give either session_number or transaction_number" in caught.value.problems
    assert len(caught.value.problems) == 2


def test_an_expectation_holds_what_was_given() -> None:
    """References, amount and surcharges are kept unchanged, also by an open payment. `reference_code` is the first."""
    expected = Expected(reference_code="INV-2", amount=Money("1.00", "SGD"))
    assert (expected.reference_code, expected.amount) == ("INV-2", Money("1.00", "SGD"))
    assert (expected.reference_codes, expected.surcharges) == (("INV-2",), ())
    assert (SEVERAL.reference_code, SEVERAL.reference_codes) == ("INV-1", ("INV-1", "INV-1-2"))
    assert OpenPayment(session_number="S-1", **vars(SEVERAL)).expected == SEVERAL


SEVERAL = Expected(
    reference_codes=["INV-1", "INV-1-2"],
    amount=Money("12.34", "MYR"),
    surcharges=[Money("0.50", "MYR"), Money("0.19", "MYR")],
)


@pytest.mark.parametrize("reference", SEVERAL.reference_codes)
@pytest.mark.parametrize(
    ("minor", "surcharge"), [(1234, ""), (1284, " + MYR 0.50 surcharge"), (1253, " + MYR 0.19 surcharge")]
)
@pytest.mark.parametrize("status", [1, 10])
def test_several_references_and_surcharges(reference: str, minor: int, surcharge: str, status: int) -> None:
    """Each reference of the order agrees, and the amount with or without one surcharge, which the decision names."""
    decision = decide(SEVERAL, reported("payment", status, reference, minor))
    assert decision.outcome is MEANING[status]
    assert (decision.surcharge.minor if decision.surcharge else 0) == minor - 1234
    assert str(decision).startswith(f"{decision.outcome}: {reference!r}, MYR 12.34{surcharge}, status ")


@pytest.mark.parametrize("reference", ["INV-1-3", "INV-1-", "inv-1-2"])
def test_no_other_reference(reference: str) -> None:
    """A reference that only looks like one of the order is a mismatch."""
    decision = decide(SEVERAL, reported("payment", 1, reference, 1284))
    assert [one.field for one in decision.mismatches] == ["reference_code"]
    assert decision.surcharge is None
    assert str(decision).startswith("mismatch: 'INV-1' or 'INV-1-2', ")
    assert "reference_code should be 'INV-1' or 'INV-1-2', but" in str(decision)


@pytest.mark.parametrize("minor", [50, 1233, 1235, 1252, 1254, 1283, 1285, 1303, 1334])
def test_no_other_sum(minor: int) -> None:
    """Neither a sum in between nor both surcharges together are the amount of the order."""
    (mismatch,) = decide(SEVERAL, reported("payment", minor=minor)).mismatches
    assert (mismatch.field, mismatch.expected, mismatch.reported) == ("amount", (1234, 1284, 1253), minor)
    assert str(mismatch).startswith("amount should be 1234 or 1284 or 1253 minor units, but")


@pytest.mark.parametrize(
    "other", [{}, {"status": 1, "amount": 1234}, None, "paid", b"{}", PaymentStatus.PAID, EXPECTED]
)
def test_only_what_the_gateway_reported_is_compared(other: Any) -> None:
    """A dict or a status is neither a verified callback nor a queried payment, and is an error."""
    with pytest.raises(ArgumentError, match=f"reported must be .*, not {type(other).__name__}"):
        decide(EXPECTED, other)


def test_expectation_is_not_a_bare_value() -> None:
    """The two arguments can't be swapped."""
    with pytest.raises(ArgumentError, match="expected must be an Expected, not Callback"):
        decide(reported("callback"), EXPECTED)  # type: ignore[arg-type]


def test_decision_is_a_value() -> None:
    """A decision is immutable, is compared by its content, and can be pickled."""
    callback = reported("callback")
    decision = decide(EXPECTED, callback)
    assert (decision.expected, decision.reported) == (EXPECTED, callback)
    assert decision == decide(EXPECTED, reported("callback"))
    assert pickle.loads(pickle.dumps(decision)) == decision
    with pytest.raises(AttributeError, match="immutable"):
        decision.outcome = Outcome.CLOSED  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        EXPECTED.amount = Money("0.01", "MYR")  # type: ignore[misc]
