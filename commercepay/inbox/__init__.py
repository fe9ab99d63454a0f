"""The inbox: callbacks come at least once, and the merchant's function takes effect exactly once per fact.

    inbox = Inbox(
        engine, verify=cp.callbacks.verify, callback_url=CALLBACK_URL, find_order=find_order, on_settled=on_settled
    )
    inbox.create_tables()

    def find_order(hint):                                # your record of an order
        return OpenPayment(reference_code=hint.reference_code, amount=..., session_number=...)

    def on_settled(decision, connection):                # in one transaction with the inbox's own writes
        if decision.is_paid:
            connection.execute(update(orders).where(...).values(paid=True))

    receipt = inbox.receive(request_body, signature_of(request_headers))
    return Response(status=receipt.http_status)

`receive` verifies the callback, then stores and commits it. In a second transaction it claims the fact that the callback
reports, by a key that a table can have only once, and calls `on_settled` with the connection of that transaction. If
`on_settled` raises, or the process dies, all of that is undone, and the stored callback is pending: it is processed again by
`Inbox.process_pending`, or when the gateway repeats it. Decisions of `payments.confirm` and `payments.reconcile` go to the
same function, by `Inbox.settle`, with the same claim.

Needs SQLAlchemy and Alembic: `pip install 'commercepay[inbox]'`, and a driver for PostgreSQL or, with asyncio, for either
database.
"""

from __future__ import annotations

from commercepay._base.extras import missing

try:
    from commercepay._arrivals.records import ArrivalState, Evidence, Receipt, Retries, Stats, Verify
    from commercepay.inbox._inbox import (
        AsyncEnqueue,
        AsyncHandler,
        AsyncInbox,
        AsyncOnSettled,
        Enqueue,
        Handler,
        Inbox,
        OnSettled,
    )
    from commercepay.inbox._tables import arrivals, handled, metadata, rejections
except ModuleNotFoundError as _error:
    raise missing("commercepay[inbox]", _error) from _error

__all__ = [
    "ArrivalState",
    "AsyncEnqueue",
    "AsyncHandler",
    "AsyncInbox",
    "AsyncOnSettled",
    "Enqueue",
    "Evidence",
    "Handler",
    "Inbox",
    "OnSettled",
    "Receipt",
    "Retries",
    "Stats",
    "Verify",
    "arrivals",
    "handled",
    "metadata",
    "rejections",
]
