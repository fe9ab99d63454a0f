"""The customer's return, in every framework: an unsigned hint to query the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from integrations.sites import PUBLIC, Site

from commercepay import Money, OpenPayment, ReturnHint
from commercepay.testing import Sandbox, sandbox

MakeSite = Callable[..., Site]
AMOUNT = Money("12.34", "MYR")


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with sandbox() as one:
        yield one


@pytest.fixture
def gateway(running: Sandbox) -> Sandbox:
    running.reset()
    return running


class Shop:
    """The merchant's record."""

    def __init__(self, gateway: Sandbox) -> None:
        self.gateway = gateway
        self.orders: dict[str, OpenPayment] = {}
        one = gateway.credentials
        self.client = {
            "tenant_id": one.tenant_id,
            "username": one.username,
            "password": one.password,
            "secret_key": one.secret_key,
            "base_url": gateway.url,
            "max_retries": 0,
        }

    def open(self, reference: str) -> str:
        with self.gateway.client() as cp:
            session = cp.sessions.create(
                amount=AMOUNT,
                reference_code=reference,
                ip_address="203.0.113.9",
                return_url=f"{PUBLIC}/return",
                callback_url=f"{PUBLIC}/commercepay/callback",
            )
        number = session.session_number
        self.orders[reference] = OpenPayment(session_number=number, reference_code=reference, amount=AMOUNT)
        return number

    def find(self, hint: ReturnHint) -> OpenPayment | None:
        return self.orders.get(hint.reference_code or "")

    async def afind(self, hint: ReturnHint) -> OpenPayment | None:
        return self.find(hint)


@pytest.fixture
def shop(gateway: Sandbox) -> Shop:
    return Shop(gateway)


def site_of(make_site: MakeSite, shop: Shop, **options: Any) -> Site:
    return make_site(shop.client, **{"on_callback": print, "find_order": shop.find, **options})


def test_a_customer_who_paid_comes_back(make_site: MakeSite, shop: Shop) -> None:
    """After the customer has paid, the return decides that the order is paid."""
    paid = shop.gateway.pay(shop.open("INV-1"))
    site = site_of(make_site, shop)
    assert site.come_back(f"ReferenceCode=INV-1&TransactionNumber={paid.transaction_number}") == (200, "paid")


def test_a_customer_who_did_not_pay_comes_back(make_site: MakeSite, shop: Shop) -> None:
    """With any return, an order is paid only if the gateway reports it."""
    shop.open("INV-1")
    site = site_of(make_site, shop)
    assert site.come_back("ReferenceCode=INV-1&TransactionNumber=1&status=1&Status=paid").text == "pending"
    shop.gateway.cancel(shop.orders["INV-1"].session_number or "")
    assert site.come_back("ReferenceCode=INV-1").text == "closed"


def test_the_number_of_another_payment_pays_nothing(make_site: MakeSite, shop: Shop) -> None:
    """A return with the number of another paid payment does not pay this order."""
    paid = shop.gateway.pay(shop.open("INV-1"))
    shop.open("INV-2")
    site = site_of(make_site, shop)
    assert site.come_back(f"ReferenceCode=INV-2&TransactionNumber={paid.transaction_number}").text == "pending"


@pytest.mark.parametrize("query", ["", "ReferenceCode=INV-9", "ReferenceCode=INV-1&ReferenceCode=INV-1", "%ff=%00;&&="])
def test_an_unknown_order_is_404(make_site: MakeSite, shop: Shop, query: str) -> None:
    """A return without a known order gets the response 404, and the gateway is not queried."""
    shop.open("INV-1")
    site = site_of(make_site, shop)
    asked = len(shop.gateway.requests)
    assert site.come_back(query).status == 404
    assert len(shop.gateway.requests) == asked


@pytest.mark.parametrize("kind", ["drop_before", "not_json", "status"])
def test_a_gateway_that_can_not_be_asked_is_no_error_page(make_site: MakeSite, shop: Shop, kind: Any) -> None:
    """If the gateway does not respond, the customer still gets a page, and the order is not paid."""
    shop.gateway.pay(shop.open("INV-1"))
    shop.gateway.faults.add(kind, endpoint="Query", times=None, status=502)
    assert site_of(make_site, shop).come_back("ReferenceCode=INV-1") == (200, "None")


def test_a_refused_password_is_no_error_page(make_site: MakeSite, shop: Shop) -> None:
    """If the gateway refuses the shop's credentials, the customer still gets a page."""
    shop.open("INV-1")
    shop.client["password"] = "another"
    assert site_of(make_site, shop).come_back("ReferenceCode=INV-1") == (200, "None")


def test_the_record_may_be_read_asynchronously(make_site: MakeSite, shop: Shop) -> None:
    """An async find_order is awaited in an async view, and is an error in a sync view."""
    shop.gateway.pay(shop.open("INV-1"))
    site = site_of(make_site, shop, find_order=shop.afind)
    response = site.come_back("ReferenceCode=INV-1")
    assert response == (200, "paid") if site.is_async else response.status == 500


def test_a_return_without_a_record_is_a_mistake(make_site: MakeSite, shop: Shop) -> None:
    """Without find_order, or with one that returns something else, nothing is decided."""
    assert site_of(make_site, shop, find_order=None).come_back("ReferenceCode=INV-1").status == 500


def test_a_record_of_another_type_is_a_mistake(make_site: MakeSite, shop: Shop) -> None:
    """A find_order that returns something other than an OpenPayment is an error."""
    assert site_of(make_site, shop, find_order=lambda hint: {"paid": True}).come_back("x=1").status == 500


def test_the_client_opens_and_asks(make_site: MakeSite, shop: Shop) -> None:
    """A view gets the application's client, which works."""
    number = shop.open("INV-1")
    site = site_of(make_site, shop)
    payment = site.call(lambda cp: cp.payments.query(session_number=number))
    assert payment.reference_code == "INV-1"
    assert site.client is site.client
