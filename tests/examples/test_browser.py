"""A customer in Chromium buys, pays, and comes back, in each shop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser.conftest import browser  # noqa: F401  # the fixture
from examples.shops import Shop

from commercepay.testing import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser, shop: Shop, gateway: Sandbox) -> Iterator[Page]:  # noqa: F811
    """The payment page, where the shop has sent the customer."""
    gateway.faults.clear()
    context = browser.new_context()
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(shop.url)
    page.get_by_role("button", name="Buy for MYR 35.00").click()
    page.wait_for_url(f"{gateway.url}/pay/*")
    yield page
    context.close()


def reference_on(page: Page, shop: Shop) -> str:
    """The reference of the order whose page the customer is on."""
    page.wait_for_url(f"{shop.url}/orders/*")
    (reference,) = re.findall(r"SHOP-[0-9a-f]{16}", page.url)
    return str(reference)


def test_a_customer_buys_and_pays(page: Page, shop: Shop, gateway: Sandbox) -> None:
    """The customer pays on the hosted page, comes back, and sees that it is paid; it is shipped once."""
    page.get_by_role("button", name="Pay MYR 35.00").click()
    reference = reference_on(page, shop)
    assert page.get_by_text("Paid. It is on its way.").is_visible()
    gateway.settle()
    page.reload()
    assert page.get_by_text("Paid. It is on its way.").is_visible()
    assert shop.shipped(reference) == 1


def test_a_customer_cancels_and_buys_later(page: Page, shop: Shop, gateway: Sandbox) -> None:
    """A customer who cancels comes back to an unpaid order, and can still pay on the hosted page."""
    hosted = page.url
    page.get_by_role("button", name="Cancel and return").click()
    reference = reference_on(page, shop)
    assert page.get_by_text("Not paid yet.").is_visible()
    page.goto(hosted)
    page.get_by_role("button", name="Pay MYR 35.00").click()
    assert reference_on(page, shop) == reference
    assert page.get_by_text("Paid. It is on its way.").is_visible()
    gateway.settle()
    assert shop.shipped(reference) == 1


def test_a_customer_presses_back_and_reload(page: Page, shop: Shop, gateway: Sandbox) -> None:
    """Coming back twice, by the back button and a reload, ships once."""
    page.get_by_role("button", name="Pay MYR 35.00").click()
    reference = reference_on(page, shop)
    page.go_back()
    page.go_forward()
    page.reload()
    assert page.get_by_text("Paid. It is on its way.").is_visible()
    gateway.settle()
    assert shop.shipped(reference) == 1
