"""The customer's return, in every framework: an unsigned hint to query the gateway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from facade.conftest import OPENING
from integrations.sites import Site
from sqlalchemy import Connection, create_engine

from commercepay import Decision, Expected, OpenPayment, ReturnHint
from commercepay.callbacks import Verifier
from commercepay.inbox import Inbox
from commercepay.testing import Sandbox, sign_callback

MakeSite = Callable[..., Site]


class Shop:
    """The merchant's record."""

    def __init__(self, sb: Sandbox) -> None:
        self.sb = sb
        self.orders: dict[str, OpenPayment] = {}
        self.client = vars(sb.credentials) | {"base_url": sb.url, "max_retries": 0}

    def open(self, reference: str) -> str:
        with self.sb.client() as cp:
            session = cp.sessions.create(**OPENING | {"reference_code": reference})
        number = session.session_number
        self.orders[reference] = OpenPayment(session_number=number, reference_code=reference, amount=OPENING["amount"])
        return number

    def find(self, hint: ReturnHint) -> OpenPayment | None:
        return self.orders.get(hint.reference_code or "")

    async def afind(self, hint: ReturnHint) -> OpenPayment | None:
        return self.find(hint)


@pytest.fixture
def shop(sb: Sandbox) -> Shop:
    return Shop(sb)


def site_of(make_site: MakeSite, shop: Shop, **options: Any) -> Site:
    return make_site(shop.client, **{"on_callback": print, "find_order": shop.find, **options})


def test_a_customer_who_paid_comes_back(make_site: MakeSite, shop: Shop) -> None:
    """After the customer has paid, the return decides that the order is paid."""
    paid = shop.sb.pay(shop.open("INV-1"))
    site = site_of(make_site, shop)
    assert site.come_back(f"ReferenceCode=INV-1&TransactionNumber={paid.transaction_number}") == (200, "paid")


def test_a_customer_who_did_not_pay_comes_back(make_site: MakeSite, shop: Shop) -> None:
    """With any return, an order is paid only if the gateway reports it."""
    shop.open("INV-1")
    site = site_of(make_site, shop)
    assert site.come_back("ReferenceCode=INV-1&TransactionNumber=1&status=1&Status=paid").text == "pending"
    shop.sb.cancel(shop.orders["INV-1"].session_number or "")
    assert site.come_back("ReferenceCode=INV-1").text == "closed"


def test_the_number_of_another_payment_pays_nothing(make_site: MakeSite, shop: Shop) -> None:
    """A return with the number of another paid payment does not pay this order."""
    paid = shop.sb.pay(shop.open("INV-1"))
    shop.open("INV-2")
    site = site_of(make_site, shop)
    assert site.come_back(f"ReferenceCode=INV-2&TransactionNumber={paid.transaction_number}").text == "pending"


@pytest.mark.parametrize("query", ["", "ReferenceCode=INV-9", "ReferenceCode=INV-1&ReferenceCode=INV-1", "%ff=%00;&&="])
def test_an_unknown_order_is_404(make_site: MakeSite, shop: Shop, query: str) -> None:
    """A return without a known order gets the response 404, and the gateway is not queried."""
    shop.open("INV-1")
    site = site_of(make_site, shop)
    asked = len(shop.sb.requests)
    assert site.come_back(query).status == 404
    assert len(shop.sb.requests) == asked


@pytest.mark.parametrize("kind", ["drop_before", "not_json", "status", "wrong password"])
def test_a_gateway_that_can_not_be_asked_is_no_error_page(make_site: MakeSite, shop: Shop, kind: Any) -> None:
    """If the gateway does not respond, or refuses to, the customer still gets a page, and the order is not paid."""
    shop.sb.pay(shop.open("INV-1"))
    if kind == "wrong password":
        shop.client["password"] = "another"
    else:
        shop.sb.faults.add(kind, endpoint="Query", times=None, status=502)
    assert site_of(make_site, shop).come_back("ReferenceCode=INV-1") == (200, "None")


def test_the_record_may_be_read_asynchronously(make_site: MakeSite, shop: Shop) -> None:
    """An async find_order is awaited in an async view, and is an error in a sync view."""
    shop.sb.pay(shop.open("INV-1"))
    site = site_of(make_site, shop, find_order=shop.afind)
    response = site.come_back("ReferenceCode=INV-1")
    assert response == (200, "paid") if site.is_async else response.status == 500


@pytest.mark.parametrize("find_order", [None, lambda hint: {"paid": True}])
def test_a_return_without_a_record_is_a_mistake(make_site: MakeSite, shop: Shop, find_order: Any) -> None:
    """Without find_order, or with one that returns something else, nothing is decided."""
    assert site_of(make_site, shop, find_order=find_order).come_back("ReferenceCode=INV-1").status == 500


def test_the_client_opens_and_asks(make_site: MakeSite, shop: Shop) -> None:
    """A view gets the application's client, which works."""
    number = shop.open("INV-1")
    site = site_of(make_site, shop)
    payment = site.call(lambda cp: cp.payments.query(session_number=number))
    assert payment.reference_code == "INV-1"
    assert site.client is site.client


def test_callback_and_return_settle_once(make_site: MakeSite, shop: Shop, tmp_path: Path) -> None:
    """With an inbox that has `on_settled`, a return is settled by it: once, whether the callback came before or not."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    settled: list[str] = []

    def on_settled(decision: Decision, connection: Connection) -> None:
        settled.append(f"{decision.expected.reference_code} {decision.outcome}")

    def make_inbox(verifier: Verifier) -> Inbox:
        inbox = Inbox(engine, verify=verifier.verify, find_order=shop.find, on_settled=on_settled)
        inbox.create_tables()
        return inbox

    site = site_of(make_site, shop, on_callback=None, find_order=None, inbox=make_inbox)
    for reference, comes_first in (("INV-1", True), ("INV-2", False)):
        paid = shop.sb.pay(shop.open(reference))
        number = paid.transaction_number
        callback = sign_callback(
            site.callback_url,
            shop.sb.credentials.secret_key,
            amount=OPENING["amount"],
            reference_code=reference,
            transaction_number=number,
        )
        if comes_first:
            assert site.post(*callback) == 200
        assert site.come_back(f"ReferenceCode={reference}") == (200, "paid")
        assert site.post(*callback) == 200
    assert settled == ["INV-1 paid", "INV-2 paid"]
    shop.orders["INV-3"] = Expected(reference_code="INV-3", amount=OPENING["amount"])  # type: ignore[assignment]
    assert site.come_back("ReferenceCode=INV-3").status == 404
    engine.dispose()
