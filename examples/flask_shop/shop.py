"""A shop with one product, in Flask. README.md in this folder describes how to start it."""

import logging
import os
import secrets
from contextlib import ExitStack
from datetime import timedelta

from flask import Flask, Response, abort, redirect, render_template_string, request
from sqlalchemy import Column, Connection, Integer, MetaData, Row, String, Table, create_engine, insert, select, update

from commercepay import Decision, Expected, Money, OpenPayment, Outcome, PaymentStatus, ReturnHint
from commercepay.callbacks import Verifier
from commercepay.inbox import Inbox
from commercepay.integrations.flask import FlaskIntegration

PORT = int(os.environ.get("SHOP_PORT", "8000"))
PUBLIC_URL = f"http://127.0.0.1:{PORT}"  # where the world reaches this shop: configured, never taken from a request
PRICE = Money("35.00", "MYR")

engine = create_engine(f"sqlite:///{os.environ.get('SHOP_DATABASE', 'shop.db')}")
metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("reference", String(50), primary_key=True),
    Column("minor", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("session", String(64)),
    Column("state", String(10), nullable=False, default="open"),
)
shipments = Table("shipments", metadata, Column("id", Integer, primary_key=True), Column("reference", String(50)))


# --- knowing that it was paid: two functions ---------------------------------------------------------------------------


def find_order(hint: ReturnHint) -> Expected | None:
    """The record of an order. None if there is no such order: a callback about it stays stored, and is tried again."""
    with engine.connect() as connection:
        order = find(connection, hint.reference_code)
    return None if order is None else record(order)


def on_settled(decision: Decision, connection: Connection) -> None:
    """The only place where an order becomes paid. Called once per fact: by the callback, the return or the reconciliation."""
    mine = orders.c.reference == decision.expected.reference_code
    if decision.is_paid:
        connection.execute(update(orders).where(mine).values(state="paid"))
        connection.execute(insert(shipments).values(reference=decision.expected.reference_code))
    elif decision.outcome is Outcome.PAID_AGAIN:
        logging.error("refund transaction %s: its order was paid before", decision.reported.transaction_number)
    elif decision.outcome is Outcome.CLOSED and decision.status is PaymentStatus.EXPIRED:
        connection.execute(update(orders).where(mine, orders.c.state == "open").values(state="expired"))


def find(connection: Connection, reference: str | None) -> Row | None:
    return connection.execute(select(orders).where(orders.c.reference == reference)).one_or_none()


def record(order: Row) -> Expected:
    amount = Money.from_minor(order.minor, order.currency)
    if order.session is None:  # the response that had it was lost, perhaps
        return Expected(reference_code=order.reference, amount=amount)
    return OpenPayment(session_number=order.session, reference_code=order.reference, amount=amount)


def make_inbox(verifier: Verifier) -> Inbox:
    inbox = Inbox(engine, verify=verifier.verify, find_order=find_order, on_settled=on_settled)
    inbox.create_tables()
    return inbox


pay = FlaskIntegration(inbox=make_inbox)


# --- the shop ---------------------------------------------------------------------------------------------------------


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["COMMERCEPAY_CALLBACK_URL"] = f"{PUBLIC_URL}/commercepay/callback"
    pay.init_app(app)
    metadata.create_all(engine)

    @app.get("/")
    def product() -> str:
        return page("Batik tote bag", price=PRICE)

    @app.post("/buy")
    def buy() -> Response:
        reference = f"SHOP-{secrets.token_hex(8)}"
        with engine.begin() as connection:  # before the call, so that a callback finds the order
            order = {"reference": reference, "minor": PRICE.minor, "currency": PRICE.currency}
            connection.execute(insert(orders).values(order))
        session = pay.client.sessions.create(
            amount=PRICE,
            reference_code=reference,
            description="One batik tote bag",
            ip_address=request.remote_addr or "127.0.0.1",
            return_url=f"{PUBLIC_URL}/return",
            callback_url=pay.callback_url,
            expires_in=timedelta(minutes=30),
        )
        with engine.begin() as connection:  # before the customer can pay
            mine = orders.c.reference == reference
            connection.execute(update(orders).where(mine).values(session=session.session_number))
        return pay.redirect(session)

    @app.get("/return")
    def back() -> Response:
        """The customer is back: the gateway is asked, and `on_settled` is called."""
        returned = pay.returned()
        return redirect(f"/orders/{returned.order.expected.reference_code}", 303)

    @app.get("/orders/<reference>")
    def order_page(reference: str) -> str:
        with engine.connect() as connection:
            order = find(connection, reference) or abort(404)
        return page(f"Order {order.reference}", state=order.state)

    @app.post("/reconcile")  # in a real shop this is a job that runs every few minutes, and no endpoint
    def reconcile() -> dict[str, int]:
        """For callbacks that never came, the gateway is asked about all orders that are still open."""
        with engine.connect() as connection:
            still_open = connection.execute(
                select(orders).where(orders.c.state == "open", orders.c.session.is_not(None))
            ).all()
        paid = 0
        for one in pay.client.payments.reconcile(map(record, still_open)):
            if one.decision:
                pay.inbox.settle(one.decision)
            paid += one.is_paid
        return {"asked": len(still_open), "paid": paid}

    return app


PAGE = """<!doctype html><html lang="en"><title>{{ title }}</title><h1>{{ title }}</h1>
{% if price %}<form method="post" action="/buy"><button>Buy for {{ price }}</button></form>{% endif %}
{% if state == "paid" %}<p data-state="paid">Paid. It is on its way.</p>
{% elif state == "expired" %}<p data-state="expired">Not paid in time.</p>
{% elif state %}<p data-state="{{ state }}">Not paid yet.</p>{% endif %}
{% if state %}<a href="/">Back to the shop</a>{% endif %}"""


def page(title: str, **context: object) -> str:
    return render_template_string(PAGE, title=title, **context)


if __name__ == "__main__":
    with ExitStack() as stack:
        if "COMMERCEPAY_TENANT_ID" not in os.environ:
            from commercepay.testing import sandbox

            gateway = stack.enter_context(sandbox())
            os.environ |= gateway.environment
            print(f"Sandbox: {gateway.url}/_sandbox/", flush=True)
        print(f"Shop:    {PUBLIC_URL}/", flush=True)
        create_app().run(port=PORT)
