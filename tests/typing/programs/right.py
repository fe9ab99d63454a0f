"""Right usage: type checkers accept all of it, and infer the asserted types."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from typing import assert_type

import httpx
from commercepay_api.api.channel import get_tenant_channels_by_country
from commercepay_api.api.payment_gateway import query
from commercepay_api.models import Channel, QueryResult
from redis import Redis

from commercepay import (
    AsyncCommercePay,
    CommercePay,
    Customer,
    Decision,
    Expected,
    Money,
    OpenPayment,
    Payment,
    PaymentStatus,
    ReceivedCallback,
    Reconciled,
    Session,
    StartedPayment,
)
from commercepay.params import ClientParams, SessionParams
from commercepay.tokens import AsyncRedisStore, AsyncTokenStore, FileStore, RedisStore, TokenStore

settings: ClientParams = {"tenant_id": 42, "username": "shop", "password": "...", "secret_key": "..."}
opening: SessionParams = {
    "amount": Money("12.34", "MYR"),
    "reference_code": "INV-1",
    "ip_address": "203.0.113.9",
    "return_url": "https://shop.example.my/return",
    "callback_url": "https://shop.example.my/callback",
    "customer": Customer(name="A"),
    "description": None,
    "expires_in": timedelta(minutes=5),
}
stores: list[TokenStore | AsyncTokenStore] = [
    FileStore("/run/shop"),
    RedisStore(Redis()),
    AsyncRedisStore("redis://cache"),
]
CommercePay(token_store=FileStore("/run/shop"))
AsyncCommercePay.from_env(token_store="redis://cache")
expected = Expected(amount=Money("12.34", "MYR"), reference_code="INV-1")


def sync(received: ReceivedCallback, open_payments: list[OpenPayment]) -> None:
    with CommercePay(**settings, http_client=httpx.Client()) as cp, CommercePay.from_env(timeout=5) as other:
        assert_type(cp, CommercePay)
        assert_type(other, CommercePay)
        session = cp.sessions.create(**opening)
        assert_type(session, Session)
        assert_type(session.session_number, str)
        opened = cp.payments.create(
            amount=Money("1.00", "MYR"),
            reference_code="INV-2",
            ip_address="203.0.113.9",
            return_url="https://shop.example.my/return",
            callback_url="https://shop.example.my/callback",
            channel_id=2,
        )
        assert_type(opened, StartedPayment)
        payment = cp.payments.query(transaction_number=opened.transaction_number)
        assert_type(payment, Payment)
        assert_type(payment.status, PaymentStatus)
        assert_type(payment.amount, Money)
        assert_type(cp.payments.confirm(expected, callback=received), Decision)
        assert_type(cp.payments.wait(session_number=session.session_number, timeout=60), Payment)
        assert_type(cp.payments.reconcile(open_payments), Iterator[Reconciled])
        assert_type(cp.call(query.request(session_number="S", timestamp=1), reference="INV-1"), QueryResult)
        assert_type(cp.call(get_tenant_channels_by_country.request(country_code="MY")), list[Channel])
        if cp.last_response is not None:
            assert_type(cp.last_response.status_code, int)
            assert_type(cp.last_response.body, bytes)


async def asynchronous(received: ReceivedCallback, open_payments: list[OpenPayment]) -> None:
    async with AsyncCommercePay(**settings, http_client=httpx.AsyncClient()) as cp:
        assert_type(await cp.sessions.create(**opening), Session)
        assert_type(await cp.payments.query(session_number="S"), Payment)
        assert_type(await cp.payments.confirm(expected, return_params={"TransactionNumber": "T"}), Decision)
        assert_type(await cp.payments.wait(transaction_number="T", timeout=60), Payment)
        assert_type(await cp.call(query.request(session_number="S", timestamp=1), safe=True), QueryResult)
        assert_type(cp.payments.reconcile(open_payments), AsyncGenerator[Reconciled, None])
        assert_type(AsyncCommercePay.from_env(environment="sandbox"), AsyncCommercePay)
