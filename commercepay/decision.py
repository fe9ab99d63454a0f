"""Compare what the gateway reported with your record of the order, and decide what it means.

    decision = decide(Expected(reference_code="INV-1", amount=Money("12.34", "MYR")), callback_or_payment)
    if decision.is_paid:
        ship()

`decide` is a pure function: it sends nothing and changes nothing. Its input must be genuine: a `Callback` that `verify`
returned, or a `Payment` that a query returned.

The steps, in this order:

1. Reference code, amount and currency are compared with your record. If one differs, the outcome is `MISMATCH`, whatever the
   status: a report about another order or another sum neither pays this order nor closes it. `Decision.status` holds the
   reported status, and `Decision.mismatches` every difference. With `Expected.reference_codes` and `Expected.surcharges` your
   record can allow several exact values.
2. The status decides. Only `PAID` is paid. An authorised payment is reserved and not captured: pending. A refund, whether it
   was made, is in progress or failed: refunded, never paid. An unknown code: unknown, neither paid nor closed.
"""

from __future__ import annotations

from enum import Enum

from commercepay._base.json_guards import is_array
from commercepay._base.record import Record
from commercepay.callbacks import Callback
from commercepay.errors import ArgumentError
from commercepay.models import Payment
from commercepay.money import Money
from commercepay.status import PaymentStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Literal

__all__ = ["Decision", "Expected", "Mismatch", "Outcome", "decide"]


class Expected(Record):
    """The order in your record. Take the values from there, never from a callback or a browser.

    Args:
        reference_code: the only reference code of the order, instead of `reference_codes`.

    Attributes:
        reference_codes: every reference code that payments of the order were opened with, as a tuple. There is more than one
            only after an `OutcomeUnknown`. Compared exactly, letter case included; no suffix is interpreted.
        amount: the amount to pay.
        surcharges: surcharges that the customer may have paid in addition, each an exact amount; empty by default. Whether the
            amount that the gateway reports includes a channel's surcharge is not published. So the reported amount must be
            `amount`, or `amount` plus one of these (an assumption).

    Raises:
        ArgumentError: names everything that is wrong.
    """

    reference_codes: tuple[str, ...] = ()
    amount: Money
    surcharges: tuple[Money, ...] = ()

    def __init__(
        self,
        *,
        reference_code: str | None = None,
        reference_codes: Sequence[str] = (),
        amount: Money,
        surcharges: Sequence[Money] = (),
    ) -> None:
        self._set(reference_code, reference_codes, amount, surcharges, [])

    def _set(
        self, reference_code: object, reference_codes: object, amount: object, surcharges: object, problems: list[str]
    ) -> None:
        """Set the fields, or raise an error with their problems and with `problems`."""
        codes = _items("reference_codes", reference_codes, problems)
        extra = _items("surcharges", surcharges, problems)
        if reference_code is not None and codes:
            problems.append("give either reference_code or reference_codes")
        elif not codes:
            codes = (reference_code,)
        if not all(isinstance(code, str) and code for code in codes):
            name = "reference_code" if reference_code is not None or codes == (None,) else "each of reference_codes"
            problems.append(f"{name} must be a non-empty str")
        for name, money in (("amount", amount), *(("each of surcharges", one) for one in extra)):
            if not isinstance(money, Money):
                problems.append(f"{name} must be a Money, not {type(money).__name__}")
            elif isinstance(amount, Money) and money.currency != amount.currency:
                problems.append(f"{name} must be in {amount.currency}, not {money.currency}")
        if problems:
            raise ArgumentError(problems)
        self.__dict__.update(reference_codes=codes, amount=amount, surcharges=extra)

    @property
    def reference_code(self) -> str:
        """The first of `reference_codes`."""
        return self.reference_codes[0]


def _items(name: str, given: object, problems: list[str]) -> tuple[Any, ...]:
    if is_array(given):
        return tuple(given)
    problems.append(f"{name} must be a list or tuple, not {type(given).__name__}")
    return ()


class Outcome(Enum):
    """What a report means for the order."""

    PAID = "paid"
    """The payment is paid, and reference code, amount and currency agree. Ship on this outcome only."""

    PAID_AGAIN = "paid_again"
    """The order is paid, but another payment of it was handled before: a person has to refund one. `decide` can't find this
    out; an inbox with `on_settled` does."""

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
        expected: the values that your record allows: each a str, or for the amount an int in minor units.
        reported: the value that the gateway reported, of the same type.
    """

    field: Literal["reference_code", "amount", "currency"]
    expected: tuple[str, ...] | tuple[int, ...]
    reported: str | int

    def __str__(self) -> str:
        unit = " minor units" if self.field == "amount" else ""
        # In ASCII, because reported text may end up in a terminal.
        expected = " or ".join(map(ascii, self.expected))
        return f"{self.field} should be {expected}{unit}, but the gateway reported {self.reported!a}{unit}"


class Decision(Record):
    """What a report means for the order.

    Attributes:
        outcome: the meaning.
        status: the reported status, whatever the outcome.
        mismatches: every difference; empty unless the outcome is `MISMATCH`.
        expected: the order in your record.
        reported: the `Callback` or `Payment`; neither compared nor shown.
        surcharge: the one of `Expected.surcharges` that the reported amount includes; None if it includes none.
    """

    outcome: Outcome
    status: PaymentStatus
    mismatches: tuple[Mismatch, ...]
    expected: Expected
    reported: Callback | Payment
    surcharge: Money | None = None

    _aside = ("reported",)

    @property
    def is_paid(self) -> bool:
        """Whether the status is paid, and reference code, amount and currency agree."""
        return self.outcome is Outcome.PAID

    def __str__(self) -> str:
        """One line for a log: the outcome, the order, and every difference."""
        reported, expected = self.reported.reference_code, self.expected
        codes = (reported,) if reported in expected.reference_codes else expected.reference_codes
        amount = f"{expected.amount} + {self.surcharge} surcharge" if self.surcharge is not None else expected.amount
        line = f"{self.outcome}: {' or '.join(map(ascii, codes))}, {amount}, status {self.status.name}"
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
    more = reported.amount.minor - expected.amount.minor
    return Decision(
        outcome=Outcome.MISMATCH if mismatches else _meaning(reported.status),
        status=reported.status,
        mismatches=mismatches,
        expected=expected,
        reported=reported,
        surcharge=None if mismatches else next((one for one in expected.surcharges if one.minor == more), None),
    )


def _mismatches(expected: Expected, reported: Callback | Payment) -> Iterator[Mismatch]:
    if reported.reference_code not in expected.reference_codes:
        yield Mismatch(field="reference_code", expected=expected.reference_codes, reported=reported.reference_code)
    amount = expected.amount.minor
    amounts = (amount, *(amount + one.minor for one in expected.surcharges))
    if reported.amount.minor not in amounts:
        yield Mismatch(field="amount", expected=amounts, reported=reported.amount.minor)
    if reported.amount.currency != expected.amount.currency:
        yield Mismatch(field="currency", expected=(expected.amount.currency,), reported=reported.amount.currency)


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
