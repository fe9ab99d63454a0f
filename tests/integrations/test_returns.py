"""The customer's return, in every framework: an unsigned hint to query the gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from facade.conftest import OPENING
from integrations.sites import Site

from commercepay import OpenPayment, ReturnHint
from commercepay.testing import Sandbox

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


@pytest.mark.parametrize("kind", ["drop_before", "not_json", "status"])
def test_a_gateway_that_can_not_be_asked_is_no_error_page(make_site: MakeSite, shop: Shop, kind: Any) -> None:
    """If the gateway does not respond, the customer still gets a page, and the order is not paid."""
    shop.sb.pay(shop.open("INV-1"))
    shop.sb.faults.add(kind, endpoint="Query", times=None, status=502)
    assert site_of(make_site, shop).come_back("ReferenceCode=INV-1") == (200, "None")


def test_a_refused_password_is_no_error_page(make_site: MakeSite, shop: Shop) -> None:
    """If the gateway refuses the shop's credentials, the customer still gets a page."""
    shop.open("INV-1")
    shop.client["password"] = "another"
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
