"""`DjangoInbox`: the inbox on Django's ORM. SQLAlchemy is not needed.

    # settings.py
    COMMERCEPAY = {..., "FIND_ORDER": "shop.payments.find_order", "ON_SETTLED": "shop.payments.on_settled"}

    # shop/payments.py
    def find_order(hint):                       # your record of an order
        return Order.objects.get(reference=hint.reference_code).open_payment()

    def on_settled(decision):                   # in one transaction with the inbox's own writes
        if decision.is_paid:
            Order.objects.filter(reference=decision.expected.reference_code).update(state="paid")
            transaction.on_commit(send_receipt)

Its tables are models of this app: `manage.py migrate` creates them. It uses the database that the router names for writing
`commercepay.Arrival`; what `on_settled` writes to that database is committed together with the inbox's writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from commercepay._arrivals.records import ArrivalState, Evidence, MistakeError, Receipt, Retries, Stats, Verify
from commercepay._arrivals.rules import Rules
from commercepay._arrivals.storage import Ask, Call, Step, Transaction, require_no_awaitable
from commercepay._arrivals.sync_inbox import SyncInbox
from commercepay._base.flow import drive
from commercepay._base.secret import hidden
from commercepay.callbacks import Callback
from commercepay.decision import Decision
from commercepay.integrations.django._orm import atomic, connections, router
from commercepay.integrations.django._storage import OrmStorage, limited_wait, require_open
from commercepay.integrations.django.models import Arrival

if TYPE_CHECKING:
    from commercepay._arrivals.records import FindOrder
    from commercepay._arrivals.rules import Flow

__all__ = ["ArrivalState", "DjangoInbox", "Evidence", "Receipt", "Retries", "Stats", "alias"]

Handler = Callable[[Callback], object]
OnSettled = Callable[[Decision], object]
Enqueue = Callable[[int], object]

T = TypeVar("T")


def alias() -> str:
    """The database of the inbox, as in `settings.DATABASES`: the one that the router names for writing."""
    named: str = router.db_for_write(Arrival)
    return named


class DjangoInbox(SyncInbox):
    """Stores callbacks and has each fact handled once, in transactions of Django's ORM. Safe to share between threads.

    The methods are those of `commercepay.inbox.Inbox`, and do the same. The functions that you give are not given a
    connection: they use the ORM. They are plain functions, because Django has no async transactions; async views call the
    inbox in a thread. Within `transaction.atomic`, what `settle` does is committed with that transaction.

    Args:
        verify: verifies callbacks: `verifier.verify`, of the verifier that the function `INBOX` is given.
        name: distinguishes inboxes that share a database; up to 64 characters.
        find_order: `find_order(hint)` returns your record of an order, as an `OpenPayment` or `Expected`, or None.
        on_settled: `on_settled(decision)` acts on a decision about an order. It is called once per fact, within
            `transaction.atomic`. What it raises undoes everything; a transaction that it rolls back is a failure, too.
        enqueue: `enqueue(arrival_id)` adds a job to a queue, in the transaction that stores the arrival. The job calls
            `process`. For a queue that is not in this database, use `transaction.on_commit` in it.
        retries: when an arrival is tried again after a failure.
        evidence: how much is kept of callbacks that are rejected.

    Raises:
        ArgumentError: names everything that is wrong.
    """

    def __init__(
        self,
        verify: Verify,
        *,
        name: str = "default",
        find_order: FindOrder | None = None,
        on_settled: OnSettled | None = None,
        enqueue: Enqueue | None = None,
        retries: Retries | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        self.name = name
        self.find_order = find_order
        self.on_settled = on_settled
        self._rules: Rules[str] = Rules(
            OrmStorage(name),
            verify,
            name=name,
            retries=retries,
            evidence=evidence,
            enqueue=_without_connection(enqueue, 1),
            find_order=find_order,
            on_settled=_without_connection(on_settled, 0),
        )

    def __repr__(self) -> str:
        return f"DjangoInbox(name={getattr(self, 'name', None)!r})"  # none if the arguments were refused

    def receive(
        self, body: bytes, signature: str | None, handler: Handler | None = None, *, callback_url: str | None = None
    ) -> Receipt:
        """See `commercepay.inbox.Inbox.receive`. Not within `transaction.atomic`: storing commits by itself.

        Raises:
            ArgumentError: it was called within a transaction, or as for `Inbox.receive`.
        """
        signature = hidden(signature)
        return self._drive_alone(self._rules.receive(body, signature, _without_connection(handler, 0), callback_url))

    def process(self, arrival_id: int, handler: Handler | None = None) -> Receipt:
        """See `commercepay.inbox.Inbox.process`. Not within `transaction.atomic`."""
        return self._drive_alone(self._rules.process(arrival_id, _without_connection(handler, 0)))

    def process_pending(self, handler: Handler | None = None, *, limit: int = 100) -> list[Receipt]:
        """See `commercepay.inbox.Inbox.process_pending`. Not within `transaction.atomic`."""
        return self._drive_alone(self._rules.process_pending(_without_connection(handler, 0), limit))

    def _drive_alone(self, flow: Flow[T]) -> T:
        """Not within a transaction of the application's."""
        return drive(flow, partial(self._perform, durable=True))

    def _perform(self, step: Step, *, durable: bool = False) -> object:
        if isinstance(step, Ask):
            return require_no_awaitable(step.function(), "find_order")
        assert isinstance(step, Transaction)  # there is no other step
        using = alias()
        connection = connections[using]
        if not connection.in_atomic_block and not connection.get_autocommit():
            raise MistakeError(f"autocommit is off for the database {using!r}: the inbox could not commit")
        seconds = None if step.deadline is None else step.deadline - time.monotonic()
        with ExitStack() as stack:
            stack.enter_context(limited_wait(using, seconds))
            try:
                stack.enter_context(atomic(using=using, durable=durable))
            except RuntimeError as error:
                raise MistakeError(
                    f"the inbox was called within a transaction on {using!r}: what it stores would be undone with it. Call it"
                    " outside of transaction.atomic, and exempt your view from ATOMIC_REQUESTS with non_atomic_requests"
                ) from error
            result = step.work(using)
            if not isinstance(result, Call):
                return result
            savepoint: str = connection.savepoint()
            require_no_awaitable(result.function(using), result.name)
            require_open(using, savepoint)
            return result.result


def _without_connection(function: Callable[[Any], object] | None, position: int) -> Callable[[Any, Any], object] | None:
    """A function as the rules call it, with a connection: the argument at `position` is passed, and the connection is not."""
    if not callable(function):
        return function

    def called(*arguments: Any) -> object:
        return function(arguments[position])

    return called
