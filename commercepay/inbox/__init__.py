"""The inbox: callbacks come at least once, the merchant's handler takes effect exactly once.

    inbox = Inbox(engine, secret_key=SECRET_KEY, callback_url=CALLBACK_URL)
    inbox.create_tables()

    def paid(callback, connection):                       # in one transaction with the inbox's own bookkeeping
        connection.execute(update(orders).where(...).values(paid=True))

    receipt = inbox.receive(request_body, request_headers.get("cap-signature"), paid)
    return Response(status=receipt.http_status)

The way of a callback: body, header and time are stored and committed before anything is parsed. Then, in a second
transaction, it is verified, its `fact_key` is entered into a table in which a key can stand but once, and the handler is
called with the connection of that transaction. If the handler raises, or the process dies, all of that is undone and the
stored callback waits to be handed out again: `Inbox.process_pending`, or the gateway's own repetition.

Needs SQLAlchemy: `pip install commercepay[inbox]`, and a driver for PostgreSQL or, with asyncio, for either database.
"""

from commercepay._base.extras import missing

try:
    from commercepay.inbox._inbox import AsyncHandler, AsyncInbox, Handler, Inbox
    from commercepay.inbox._receipt import Receipt, State
    from commercepay.inbox._tables import arrivals, handled, metadata
except ModuleNotFoundError as error:
    raise missing("commercepay[inbox]", error) from error

__all__ = [
    "AsyncHandler",
    "AsyncInbox",
    "Handler",
    "Inbox",
    "Receipt",
    "State",
    "arrivals",
    "handled",
    "metadata",
]
