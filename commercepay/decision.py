"""Compare what the gateway reported with your record of the order, and decide what it means.

    decision = decide(Expected(reference_code="INV-1", amount=Money("12.34", "MYR")), callback_or_payment)
    if decision.is_paid:
        ship()

`decide` is a pure function: it sends nothing and changes nothing. Its input must be genuine: a `Callback` that `verify`
returned, or a `Payment` that a query returned.

The steps, in this order:

1. Reference code, amount and currency are compared with your record. If one differs, the outcome is `MISMATCH`, whatever the
   status: a report about another order or another sum neither pays this order nor closes it. `Decision.status` holds the
   reported status, and `Decision.mismatches` every difference.
2. The status decides. Only `PAID` is paid. An authorised payment is reserved and not captured: pending. A refund, whether it
   was made, is in progress or failed: refunded, never paid. An unknown code: unknown, neither paid nor closed.
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
    """The order in your record. Take the values from there, never from a callback or a browser.

    Attributes:
        reference_code: the reference code that the payment was opened with; compared exactly, letter case included.
        amount: the amount to pay.

    Raises:
        ArgumentError: the reference code is empty or not a str, or the amount is not a `Money`.
    """

    reference_code: str
    amount: Money

    def __init__(self, *, reference_code: str, amount: Money) -> None:
        problems = expectation_problems(reference_code, amount)
        if problems:
            raise ArgumentError(problems)
        self.__dict__.update(reference_code=reference_code, amount=amount)


def expectation_problems(reference_code: object, amount: object) -> list[str]:
    """The problems of an expected reference code and amount, a sentence each."""
    problems: list[str] = []
    if not isinstance(reference_code, str) or not reference_code:
        problems.append("reference_code must be a non-empty str")
    if not isinstance(amount, Money):
        problems.append(f"amount must be a Money, not {type(amount).__name__}")
    return problems


class Outcome(Enum):
    """What a report means for the order."""

    PAID = "paid"
    """The payment is paid, and reference code, amount and currency agree. Ship on this outcome only."""

    PENDING = "pending"
    """Not ended: the customer or the channel must still act, or the amount is only reserved. Wait, or query again later."""

    CLOSED = "closed"
    """This payment ended unpaid: failed, cancelled, expired or voided. In a session the customer can try again."""

    REFUNDED = "refunded"
    """The payment was paid, and a refund was made, is in progress or failed; see `Decision.status`."""

    MISMATCH = "mismatch"
    """Reference code, amount or currency differ from your record. Change nothing, and let a person look at it."""

    UNKNOWN = "unknown"
    """A status code whose meaning is not published. Change nothing, query again later, and ask the gateway's operator."""

    def __str__(self) -> str:
        return self.value


class Mismatch(Record):
    """One difference between a report and your record. `str()` of it is a sentence.

    Attributes:
        field: `reference_code`, `amount` or `currency`.
        expected: the value in your record: a str, or for the amount an int in minor units.
        reported: the value that the gateway reported, of the same type.
    """

    field: Literal["reference_code", "amount", "currency"]
    expected: str | int
    reported: str | int

    def __str__(self) -> str:
        unit = " minor units" if self.field == "amount" else ""
        # In ASCII, because reported text may end up in a terminal.
        return f"{self.field} should be {self.expected!a}{unit}, but the gateway reported {self.reported!a}{unit}"


class Decision(Record):
    """What a report means for the order.

    Attributes:
        outcome: the meaning.
        status: the reported status, whatever the outcome.
        mismatches: every difference; empty unless the outcome is `MISMATCH`.
        expected: the order in your record.
        reported: the `Callback` or `Payment`; neither compared nor shown.
    """

    outcome: Outcome
    status: PaymentStatus
    mismatches: tuple[Mismatch, ...]
    expected: Expected
    reported: Callback | Payment

    _aside = ("reported",)

    @property
    def is_paid(self) -> bool:
        """Whether the status is paid, and reference code, amount and currency agree."""
        return self.outcome is Outcome.PAID

    def __str__(self) -> str:
        """One line for a log: the outcome, the order, and every difference."""
        line = f"{self.outcome}: {self.expected.reference_code!a}, {self.expected.amount}, status {self.status.name}"
        return "; ".join([line, *map(str, self.mismatches)])


def decide(expected: Expected, reported: Callback | Payment) -> Decision:
    """Decide what a report means for an order.

    Args:
        expected: the order in your record.
        reported: a verified callback, or a payment that a query returned.

    Returns:
        The decision. Its outcome is `PAID` only if status, reference code, amount and currency all agree.

    Raises:
        ArgumentError: an argument has another type. A dict, for example, is refused: it is not verified.
    """
    problems: list[str] = []
    if not isinstance(expected, Expected):
        problems.append(f"expected must be an Expected, not {type(expected).__name__}")
    if not isinstance(reported, Callback | Payment):
        problems.append(f"reported must be a verified Callback or a queried Payment, not {type(reported).__name__}")
    if problems:
        raise ArgumentError(problems)
    mismatches = tuple(_mismatches(expected, reported))
    outcome = Outcome.MISMATCH if mismatches else _meaning(reported.status)
    return Decision(
        outcome=outcome, status=reported.status, mismatches=mismatches, expected=expected, reported=reported
    )


def _mismatches(expected: Expected, reported: Callback | Payment) -> Iterator[Mismatch]:
    if reported.reference_code != expected.reference_code:
        yield Mismatch(field="reference_code", expected=expected.reference_code, reported=reported.reference_code)
    if reported.amount.minor != expected.amount.minor:
        yield Mismatch(field="amount", expected=expected.amount.minor, reported=reported.amount.minor)
    if reported.amount.currency != expected.amount.currency:
        yield Mismatch(field="currency", expected=expected.amount.currency, reported=reported.amount.currency)


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
