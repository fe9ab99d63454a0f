"""The input and the output of `payments.reconcile`."""

from __future__ import annotations

from commercepay._base.record import Record
from commercepay.decision import Decision, Expected, expectation_problems
from commercepay.errors import ArgumentError
from commercepay.money import Money

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from commercepay.params import QueryParams

__all__ = ["OpenPayment", "Reconciled"]


class OpenPayment(Record):
    """A payment that is open in your record.

        OpenPayment(session_number=order.session, reference_code=order.reference, amount=order.amount)

    Attributes:
        reference_code: the reference code in your record.
        amount: the amount in your record.
        session_number: the number of the session that was opened for the order, or None.
        transaction_number: the number of the payment that was started for the order, or None.

    Raises:
        ArgumentError: the reference code or the amount is wrong, or not exactly one number was given.
    """

    reference_code: str
    amount: Money
    session_number: str | None = None
    transaction_number: str | None = None

    def __init__(
        self,
        *,
        reference_code: str,
        amount: Money,
        session_number: str | None = None,
        transaction_number: str | None = None,
    ) -> None:
        problems = expectation_problems(reference_code, amount)
        if (session_number is None) == (transaction_number is None):
            problems.append("give either session_number or transaction_number")
        if problems:
            raise ArgumentError(problems)
        self.__dict__.update(
            reference_code=reference_code,
            amount=amount,
            session_number=session_number,
            transaction_number=transaction_number,
        )

    @property
    def expected(self) -> Expected:
        """What your record says of the order, as `decide` takes it."""
        return Expected(reference_code=self.reference_code, amount=self.amount)

    @property
    def number(self) -> QueryParams:
        """The number, as an argument of `payments.query`."""
        return {"session_number": self.session_number, "transaction_number": self.transaction_number}


class Reconciled(Record):
    """The outcome for one open payment: a decision, or an error.

    Attributes:
        index: the position of the item in the source, from 0.
        item: the item.
        decision: the decision, or None if there was an error.
        error: the `CommercePayError` that prevented a decision, or None.
    """

    index: int
    item: Any
    decision: Decision | None
    error: Exception | None

    @property
    def is_paid(self) -> bool:
        """Whether the decision is that the order is paid."""
        return self.decision is not None and self.decision.is_paid
