"""A shop with one product, in FastAPI. README.md in this folder describes how to start it."""

import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from html import escape
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Column, Integer, MetaData, Row, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from commercepay import (
    AsyncCommercePay,
    Decision,
    Expected,
    Money,
    OpenPayment,
    Outcome,
    PaymentStatus,
    ReturnHint,
)
from commercepay.callbacks import Verifier
from commercepay.inbox import AsyncInbox
from commercepay.integrations.fastapi import FastAPIIntegration, Returned

PORT = int(os.environ.get("SHOP_PORT", "8000"))
PUBLIC_URL = f"http://127.0.0.1:{PORT}"  # where the world reaches this shop: configured, never taken from a request
PRICE = Money("35.00", "MYR")

engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ.get('SHOP_DATABASE', 'shop.db')}")
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


async def find_order(hint: ReturnHint) -> Expected | None:
    """The record of an order. None if there is no such order: a callback about it stays stored, and is tried again."""
    async with engine.connect() as connection:
        order = await find(connection, hint.reference_code)
    return None if order is None else record(order)


async def on_settled(decision: Decision, connection: AsyncConnection) -> None:
    """The only place where an order becomes paid. Called once per fact: by the callback, the return or the reconciliation."""
    mine = orders.c.reference == decision.expected.reference_code
    if decision.is_paid:
        await connection.execute(update(orders).where(mine).values(state="paid"))
        await connection.execute(insert(shipments).values(reference=decision.expected.reference_code))
    elif decision.outcome is Outcome.PAID_AGAIN:
        logging.error("refund transaction %s: its order was paid before", decision.reported.transaction_number)
    elif decision.outcome is Outcome.CLOSED and decision.status is PaymentStatus.EXPIRED:
        await connection.execute(update(orders).where(mine, orders.c.state == "open").values(state="expired"))


async def find(connection: AsyncConnection, reference: str | None) -> Row | None:
    return (await connection.execute(select(orders).where(orders.c.reference == reference))).one_or_none()


def record(order: Row) -> Expected:
    amount = Money.from_minor(order.minor, order.currency)
    if order.session is None:  # the response that had it was lost, perhaps
        return Expected(reference_code=order.reference, amount=amount)
    return OpenPayment(session_number=order.session, reference_code=order.reference, amount=amount)


def make_inbox(verifier: Verifier) -> AsyncInbox:
    return AsyncInbox(engine, verify=verifier.verify, find_order=find_order, on_settled=on_settled)


pay = FastAPIIntegration(callback_url=f"{PUBLIC_URL}/commercepay/callback", inbox=make_inbox)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await pay.inbox.create_tables()
    async with pay.lifespan(app):
        yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
app.include_router(pay.router)


# --- the shop ---------------------------------------------------------------------------------------------------------


@app.get("/")
async def product() -> HTMLResponse:
    return page("Batik tote bag", f'<form method="post" action="/buy"><button>Buy for {PRICE}</button></form>')


@app.post("/buy")
async def buy(request: Request, cp: Annotated[AsyncCommercePay, Depends(pay.get_client)]) -> Response:
    reference = f"SHOP-{secrets.token_hex(8)}"
    async with engine.begin() as connection:  # before the call, so that a callback finds the order
        order = {"reference": reference, "minor": PRICE.minor, "currency": PRICE.currency}
        await connection.execute(insert(orders).values(order))
    session = await cp.sessions.create(
        amount=PRICE,
        reference_code=reference,
        description="One batik tote bag",
        ip_address=request.client.host if request.client else "127.0.0.1",
        return_url=f"{PUBLIC_URL}/return",
        callback_url=pay.callback_url,
        expires_in=timedelta(minutes=30),
    )
    async with engine.begin() as connection:  # before the customer can pay
        mine = orders.c.reference == reference
        await connection.execute(update(orders).where(mine).values(session=session.session_number))
    return pay.redirect(session)


@app.get("/return")
async def back(returned: Annotated[Returned, Depends(pay.returned)]) -> RedirectResponse:
    """The customer is back: the gateway was asked, and `on_settled` called."""
    return RedirectResponse(f"/orders/{returned.order.expected.reference_code}", 303)


@app.get("/orders/{reference}")
async def order_page(reference: str) -> HTMLResponse:
    async with engine.connect() as connection:
        order = await find(connection, reference)
    if order is None:
        raise HTTPException(404)
    text = {"paid": "Paid. It is on its way.", "expired": "Not paid in time."}.get(order.state, "Not paid yet.")
    return page(f"Order {order.reference}", f'<p data-state="{order.state}">{text}</p><a href="/">Back to the shop</a>')


@app.post("/reconcile")  # in a real shop this is a job that runs every few minutes, and no endpoint
async def reconcile(cp: Annotated[AsyncCommercePay, Depends(pay.get_client)]) -> dict[str, int]:
    """For callbacks that never came, the gateway is asked about all orders that are still open."""
    async with engine.connect() as connection:
        query = select(orders).where(orders.c.state == "open", orders.c.session.is_not(None))
        still_open = (await connection.execute(query)).all()
    paid = 0
    async for one in cp.payments.reconcile(map(record, still_open)):
        if one.decision:
            await pay.inbox.settle(one.decision)
        paid += one.is_paid
    return {"asked": len(still_open), "paid": paid}


def page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(f'<!doctype html><html lang="en"><title>{escape(title)}</title><h1>{escape(title)}</h1>{body}')


if __name__ == "__main__":
    with ExitStack() as stack:
        if "COMMERCEPAY_TENANT_ID" not in os.environ:
            from commercepay.testing import sandbox

            gateway = stack.enter_context(sandbox())
            os.environ |= gateway.environment
            print(f"Sandbox: {gateway.url}/_sandbox/", flush=True)
        print(f"Shop:    {PUBLIC_URL}/", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
