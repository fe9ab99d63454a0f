"""From what the gateway says to what the merchant may do about it.

    decision = decide(Expected(reference_code="INV-1", amount=Money("12.34", "MYR")), callback_or_payment)
    if decision.is_paid:
        ship()

A pure function: it asks nobody and changes nothing. What it is given has to be true already: a `Callback` that `verify`
returned, or a `Payment` that the gateway answered with when it was asked.

The order of the questions is part of the promise:

1. Is it said of this order? If reference, amount or currency disagree, the outcome is `MISMATCH` whatever the status, an
   unknown one included: what is said of another order, or of another sum, neither pays this order nor closes it. The status
   that was said stays in `Decision.status`, and every disagreement is named.
2. What does the status mean? `PAID` alone is paid. An authorised payment is reserved, not captured: pending. A refund that
   was made, is under way or failed: refunded, never paid. A code that nobody knows: unknown, neither paid nor closed.
"""

from __future__ import annotations

from enum import Enum

from commercepay._base.record import Record
from commercepay.callbacks import Callback
from commercepay.errors import ArgumentError
from commercepay.models import Payment
from commercepay.money import Money
from commercepay.status import PaymentStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

__all__ = ["Decision", "Expected", "Mismatch", "Outcome", "decide"]


class Expected(Record):
    """What the merchant's own record says of the order. Take it from there, never from the callback or the browser.

    Attributes:
        reference_code: the reference that the payment was opened with; compared exactly, letter case included.
        amount: what is to be paid; a `Money`.

    Raises:
        ArgumentError: the reference is empty or no string, or the amount is no `Money`.
    """

    reference_code: str
    amount: Money

    def __init__(self, *, reference_code: str, amount: Money) -> None:
        problems = expectation_problems(reference_code, amount)
        if problems:
            raise ArgumentError(problems)
        self.__dict__.update(reference_code=reference_code, amount=amount)


def expectation_problems(reference_code: object, amount: object) -> list[str]:
    """What is wrong with the two members of an expectation, a sentence each."""
    problems: list[str] = []
    if not isinstance(reference_code, str) or not reference_code:
        problems.append("reference_code must be a non-empty str")
    if not isinstance(amount, Money):
        problems.append(f"amount must be a Money, not {type(amount).__name__}")
    return problems


class Outcome(Enum):
    """What a merchant has to tell apart."""

    PAID = "paid"
    """The money is there, and everything agrees. The only outcome on which to ship."""

    PENDING = "pending"
    """Not ended: the customer or the channel has still to act, or the amount is only reserved. Wait, or ask again later."""

    CLOSED = "closed"
    """This payment ended without money: failed, cancelled, expired, voided. In a session the customer may try again."""

    REFUNDED = "refunded"
    """The payment was once paid, and a refund was made, is under way, or failed (`Decision.status` says which)."""

    MISMATCH = "mismatch"
    """Reference, amount or currency are not those of the order. Change nothing; have a person look."""

    UNKNOWN = "unknown"
    """A status code whose meaning nobody published. Change nothing; ask again later, and ask the gateway's operator."""

    def __str__(self) -> str:
        return self.value


class Mismatch(Record):
    """One disagreement; as a str, a sentence.

    Attributes:
        field: `reference_code`, `amount` or `currency`.
        expected: what the merchant's record says: a str, for the amount an int in minor units.
        said: what the gateway says, of the same type.
    """

    field: Literal["reference_code", "amount", "currency"]
    expected: str | int
    said: str | int

    def __str__(self) -> str:
        unit = " minor units" if self.field == "amount" else ""
        # ascii(): what was said may come from outside and end up in a terminal.
        return f"{self.field} should be {self.expected!a}{unit}, but the gateway says {self.said!a}{unit}"


class Decision(Record):
    """What the gateway's word means for the order.

    Attributes:
        outcome: an `Outcome`.
        status: the status as it was said, whatever the outcome.
        mismatches: every disagreement; empty unless the outcome is `MISMATCH`.
        expected: what it was compared with.
        said: what was judged, a `Callback` or a `Payment`.
    """

    outcome: Outcome
    status: PaymentStatus
    mismatches: tuple[Mismatch, ...]
    expected: Expected
    said: Callback | Payment

    _aside = ("said",)

    @property
    def is_paid(self) -> bool:
        """Whether status, amount, currency and reference all say that this order is paid."""
        return self.outcome is Outcome.PAID

    def __str__(self) -> str:
        """One line for a log: the outcome, the order, and what disagrees."""
        line = f"{self.outcome}: {self.expected.reference_code!a}, {self.expected.amount}, status {self.status.name}"
        return "; ".join([line, *map(str, self.mismatches)])


def decide(expected: Expected, said: Callback | Payment) -> Decision:
    """Decide what the gateway's word means for an order.

    Args:
        expected: what the merchant's own record says.
        said: a verified callback, or a payment that the gateway was asked about.

    Returns:
        The decision. It is `PAID` only if status, amount, currency and reference all agree.

    Raises:
        ArgumentError: an argument of another type; a dict, for one, was neither verified nor answered.
    """
    problems: list[str] = []
    if not isinstance(expected, Expected):
        problems.append(f"expected must be an Expected, not {type(expected).__name__}")
    if not isinstance(said, Callback | Payment):
        problems.append(f"said must be a verified Callback or a queried Payment, not {type(said).__name__}")
    if problems:
        raise ArgumentError(problems)
    mismatches = tuple(_mismatches(expected, said))
    outcome = Outcome.MISMATCH if mismatches else _meaning(said.status)
    return Decision(outcome=outcome, status=said.status, mismatches=mismatches, expected=expected, said=said)


def _mismatches(expected: Expected, said: Callback | Payment) -> Iterator[Mismatch]:
    if said.reference_code != expected.reference_code:
        yield Mismatch(field="reference_code", expected=expected.reference_code, said=said.reference_code)
    if said.amount.minor != expected.amount.minor:
        yield Mismatch(field="amount", expected=expected.amount.minor, said=said.amount.minor)
    if said.amount.currency != expected.amount.currency:
        yield Mismatch(field="currency", expected=expected.amount.currency, said=said.amount.currency)


def _meaning(status: PaymentStatus) -> Outcome:
    if status.is_paid:
        return Outcome.PAID
    if status.is_pending or status.is_authorised:
        return Outcome.PENDING
    if status.is_closed_unpaid:
        return Outcome.CLOSED
    if status.is_refund:
        return Outcome.REFUNDED
    return Outcome.UNKNOWN
