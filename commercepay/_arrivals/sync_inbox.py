"""What the sync inboxes share, on SQLAlchemy and on Django's ORM."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from commercepay._arrivals.records import PURGED, ArrivalState, Receipt, Stats
from commercepay._base.flow import drive
from commercepay.decision import Decision
from commercepay.errors import CallbackRejection

if TYPE_CHECKING:
    from commercepay._arrivals.rules import Flow, Rules
    from commercepay._arrivals.storage import Step

T = TypeVar("T")


class SyncInbox(ABC):
    """The methods that are the same on each database library."""

    _rules: Rules[Any]

    def settle(self, decision: Decision) -> Receipt:
        """Have a decision handled by `on_settled`, once per fact: that of `payments.confirm` or `payments.reconcile`.

        Dead letters about the order become pending again: you asked about it, so it is still open in your record.

        Returns:
            The receipt: `HANDLED`, or `DUPLICATE` if the fact was handled before. If `on_settled` raised, the state is
            `NOT_STORED` and the receipt has the `error`, which is logged: the next reconciliation finds the fact again.

        Raises:
            ArgumentError: the inbox has no `on_settled`, it is `async`, or `decision` is not a Decision.
            SQLAlchemyError: the database failed.
        """
        return self._drive(self._rules.settle(decision))

    def replay(
        self,
        arrival_id: int | None = None,
        *,
        state: ArrivalState | None = None,
        reason: CallbackRejection | None = None,
        received_from: datetime | None = None,
        received_before: datetime | None = None,
        callback_url: str | None = None,
    ) -> int:
        """Make arrivals pending again, with all their attempts. `process_pending` or the queue processes them.

        Those that were rejected are verified again, for example after a wrong secret key was corrected. Without `state` and
        `reason`, arrivals that are pending, dead or rejected are chosen. No fact is handled twice.

        Args:
            arrival_id: this arrival, in whatever state.
            state: those in this state.
            reason: those that were rejected for this reason.
            received_from: those that were received at this time or later.
            received_before: those that were received before this time.
            callback_url: the callback URL to verify them with, instead of the one that was passed to `receive`.

        Returns:
            How many.

        Raises:
            ArgumentError: nothing was chosen, or an argument is wrong.
        """
        return self._drive(self._rules.replay(arrival_id, state, reason, received_from, received_before, callback_url))

    def purge(self, before: datetime, *, states: Sequence[ArrivalState] = PURGED) -> int:
        """Delete arrivals that were received before a time, in batches. Pending ones and dead letters are never deleted.

        The keys of handled facts are kept.

        Args:
            before: an aware time.
            states: some of `HANDLED`, `DUPLICATE` and `REJECTED`.

        Returns:
            How many arrivals were deleted.

        Raises:
            ArgumentError: an argument is wrong.
        """
        return self._drive(self._rules.purge(before, states))

    def stats(self) -> Stats:
        """Count what is pending, dead and rejected."""
        return self._drive(self._rules.stats())

    def _drive(self, flow: Flow[T]) -> T:
        return drive(flow, self._perform)

    @abstractmethod
    def _perform(self, step: Step) -> object:
        """Perform a step: see `commercepay._arrivals.storage`."""
