"""The input and the output of `payments.reconcile`."""

from __future__ import annotations

from commercepay._base.record import Record
from commercepay.decision import Decision, Expected
from commercepay.money import Money

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from commercepay.params import QueryParams

__all__ = ["OpenPayment", "Reconciled"]


class OpenPayment(Expected):
    """A payment that is open in your record: what `Expected` has, and one number by which the gateway is asked.

        OpenPayment(session_number=order.session, reference_code=order.reference, amount=order.amount)

    Attributes:
        session_number: the number of the session that was opened for the order, or None.
        transaction_number: the number of the payment that was started for the order, or None.

    Raises:
        ArgumentError: names everything that is wrong.
    """

    session_number: str | None = None
    transaction_number: str | None = None

    def __init__(
        self,
        *,
        reference_code: str | None = None,
        reference_codes: Sequence[str] = (),
        amount: Money,
        surcharges: Sequence[Money] = (),
        session_number: str | None = None,
        transaction_number: str | None = None,
    ) -> None:
        numbers = (session_number is None) + (transaction_number is None)
        problems = [] if numbers == 1 else ["give either session_number or transaction_number"]
        self._set(reference_code, reference_codes, amount, surcharges, problems)
        self.__dict__.update(session_number=session_number, transaction_number=transaction_number)

    @property
    def expected(self) -> Expected:
        """What your record has about the order, as `decide` takes it."""
        return Expected(reference_codes=self.reference_codes, amount=self.amount, surcharges=self.surcharges)

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
