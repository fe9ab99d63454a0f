"""Wrong usage: each line with the comment `# wrong` is an error for type checkers, and no other line is."""

from __future__ import annotations

import httpx
from commercepay_api.api.payment_gateway import query

from commercepay import AsyncCommercePay, CommercePay, Customer, Expected, Money, Payment
from commercepay.integrations.starlette import StarletteIntegration
from commercepay.params import SessionParams
from commercepay.testing import Sandbox

opening: SessionParams = {
    "amount": Money("12.34", "MYR"),
    "reference_code": "INV-1",
    "ip_address": "203.0.113.9",
    "return_url": "https://shop.example.my/return",
    "callback_url": "https://shop.example.my/callback",
}

Money(12.34, "MYR")  # wrong: a float is no amount
Money("12.34")  # wrong: no currency
Customer(nmae="A")  # wrong: misspelt
Expected(amount="12.34", reference_code="INV-1")  # wrong: a str is no Money
CommercePay(tenant_id="42", username="shop", password="...", secret_key="...")  # wrong: a str is no int
CommercePay(tennant_id=42)  # wrong: misspelt
CommercePay(environment="prod")  # wrong: not an environment
CommercePay(http_client=httpx.AsyncClient())  # wrong: the async client in the sync one
AsyncCommercePay(transport=httpx.MockTransport(lambda request: httpx.Response(200)), base_uri="")  # wrong: misspelt
CommercePay(token_store=6379)  # wrong: no store
CommercePay.from_env(time_out=3)  # wrong: misspelt
StarletteIntegration(callback_url="https://shop.example.my/callback", tenant="42")  # wrong: misspelt


def sync(cp: CommercePay, sandbox: Sandbox, payment: Payment) -> None:
    cp.sessions.create(**opening, referense_code="INV-1")  # wrong: misspelt
    cp.sessions.create(**opening, channel_id=2)  # wrong: of payments.create
    cp.payments.create(**opening)  # wrong: the parameters of sessions.create
    cp.sessions.create(amount=Money("1.00", "MYR"))  # wrong: more is required
    cp.payments.create(
        amount=12.34,  # wrong: a float is no Money
        reference_code="INV-1",
        ip_address="203.0.113.9",
        return_url="https://shop.example.my/return",
        callback_url="https://shop.example.my/callback",
        customer="A",  # wrong: a str is no Customer
        channel_id=2.0,  # wrong: a float is no int
        timestamp="now",  # wrong: a str is no datetime
    )
    cp.payments.query("T")  # wrong: by keyword only
    cp.payments.query(transaction_number=payment)  # wrong: a result as an argument
    cp.payments.confirm(payment, session_number="S")  # wrong: a result as the record
    cp.payments.wait(session_number="S")  # wrong: no timeout
    cp.request("PUT", "/api/x")  # wrong: GET and POST only
    cp.call(query.request(session_number="S"))  # wrong: the timestamp is required
    cp.call(query.request(session_number="S", timestamp="1"))  # wrong: a str is no int
    cp.call(query.sync)  # wrong: not a request
    cp.call(query.request(timestamp=1)).paid  # wrong: no such field  # noqa: B018
    cp.run  # wrong: not public  # noqa: B018
    cp.payments.query(session_number="S").paid  # wrong: no such field  # noqa: B018
    cp.last_response.body  # wrong: None before the first call  # noqa: B018
    payment.amount = Money("1.00", "MYR")  # wrong: results do not change
    sandbox.client(time_out=3)  # wrong: misspelt


async def asynchronous(cp: AsyncCommercePay) -> None:
    cp.payments.query(session_number="S")  # wrong: not awaited
    cp.payments.query(session_number="S").status  # wrong: not awaited  # noqa: B018
    await cp.payments.wait(session_number="S", timeout=1, cancel=None)  # wrong: of the sync method
