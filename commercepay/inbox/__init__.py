"""The inbox: callbacks come at least once, and the merchant's handler takes effect exactly once.

    inbox = Inbox(engine, verify=cp.callbacks.verify, callback_url=CALLBACK_URL)
    inbox.create_tables()

    def on_callback(callback, connection):               # in one transaction with the inbox's own writes
        connection.execute(update(orders).where(...).values(paid=True))

    receipt = inbox.receive(request_body, signature_of(request_headers), on_callback)
    return Response(status=receipt.http_status)

`receive` first stores and commits body, header and time, before anything is parsed. In a second transaction it verifies the
callback, inserts its key into a table in which a key can occur only once, and calls the handler with the connection of that
transaction. If the handler raises, or the process dies, all of that is undone, and the stored callback is pending: it is
processed again by `Inbox.process_pending`, or when the gateway repeats it.

Needs SQLAlchemy: `pip install 'commercepay[inbox]'`, and a driver for PostgreSQL or, with asyncio, for either database.
"""

from __future__ import annotations

from commercepay._base.extras import missing

try:
    from commercepay.inbox._arrivals import ArrivalState, Receipt, arrivals, handled, metadata
    from commercepay.inbox._inbox import AsyncHandler, AsyncInbox, Handler, Inbox
    from commercepay.inbox._ledger import Verify
except ModuleNotFoundError as _error:
    raise missing("commercepay[inbox]", _error) from _error

__all__ = [
    "ArrivalState",
    "AsyncHandler",
    "AsyncInbox",
    "Handler",
    "Inbox",
    "Receipt",
    "Verify",
    "arrivals",
    "handled",
    "metadata",
]
