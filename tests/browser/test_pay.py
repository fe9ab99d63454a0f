"""The payment page: in one tab or two, by mouse and by keyboard, with and without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.conftest import Shop
    from playwright.sync_api import BrowserContext, Locator, Page

    from commercepay.testing import Sandbox

PHONE, DESKTOP, SMALLEST = (390, 844), (1280, 800), (320, 640)
ENDINGS = {
    "Failed": "FAILED",
    "Cancelled": "CANCELLED",
    "Transaction limit exceeded": "TRANSACTION_LIMIT_EXCEEDED",
    "Minimum amount not met": "MINIMUM_AMOUNT_NOT_MET",
    "Insufficient funds": "INSUFFICIENT_FUNDS",
    "Invalid transaction": "INVALID_TRANSACTION",
    "Cancelled by user": "CANCELLED_BY_USER",
    "Authorised": "AUTHORISED",
    "Let it expire": "EXPIRED",
}


def pay_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Pay MYR 129.00")


def ending(page: Page, name: str) -> Locator:
    group = page.get_by_role("region", name="Sandbox control")
    return group.get_by_role("button", name=re.compile(rf"^{name}( \d+)?$"))


def attempts(sb: Sandbox) -> list[str]:
    """The statuses of the payments of the only order."""
    (order,) = sb.orders
    return [one.status.name for one in order.attempts]


def reported(sb: Sandbox) -> list[int]:
    """The statuses that the callbacks reported."""
    return [one.members["status"] for one in sb.callbacks]


def expect_back(page: Page, shop: Shop, sb: Sandbox, attempt: int = 0) -> None:
    """Check that the browser is back at the merchant, with the two parameters of an attempt."""
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    order = sb.orders[0]
    url = urlsplit(page.url)
    assert url._replace(query="").geturl() == shop.url
    transaction = order.attempts[attempt].transaction_number
    assert parse_qs(url.query) == {"ReferenceCode": [order.reference_code], "TransactionNumber": [transaction]}


@pytest.fixture(params=["script", "no script"])
def customer(request: pytest.FixtureRequest, new_context: Callable[..., BrowserContext]) -> Page:
    """A page with JavaScript, and one without."""
    return new_context(java_script_enabled=request.param == "script").new_page()


def test_paying(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """Pay pays once, by the chosen channel, sends the customer back, and sends a callback."""
    customer.goto(shop.pay_page(shop.open()))
    expect(customer.get_by_role("heading", level=1)).to_have_text("Amount to pay MYR 129.00")
    for text in ("Sandbox Shop", "INV-1", "Batik shirt, size L, indigo", "no money moves"):
        expect(customer.get_by_text(text).first).to_be_visible()
    customer.get_by_role("radio", name="E-wallet").check()
    pay_button(customer).click()
    expect_back(customer, shop, sb)
    assert (attempts(sb), reported(sb), sb.orders[0].last.channel_id) == (["PAID"], [1], 22)


def test_paying_through_a_bank(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """The banks of the chosen channel appear, and the chosen bank is paid through."""
    customer.goto(shop.pay_page(shop.open()))
    customer.get_by_role("radio", name="Online Banking").check()
    expect(customer.get_by_label("Bank of FPX")).to_be_hidden()
    customer.get_by_label("Bank of Online Banking").select_option(label="Test Bank B")
    pay_button(customer).click()
    expect_back(customer, shop, sb)
    payment = sb.orders[0].last
    assert (payment.channel_id, payment.provider_channel_id) == (18, "TEST0022")


@pytest.mark.parametrize("channel", [18, 4])
def test_an_adapter_sends_the_customer_on(page: Page, shop: Shop, sb: Sandbox, channel: int) -> None:
    """What the adapters respond with, a page with a client script or a redirect, leads to the payment page, and back."""
    body, status, headers = shop.redirect(channel)
    assert (status == 200) == (channel == 18)
    page.route(f"{shop.url}/start", lambda route: route.fulfill(body=body, status=status, headers=headers))
    page.goto(f"{shop.url}/start")
    pay_button(page).click()
    expect_back(page, shop, sb)
    assert (attempts(sb), sb.orders[0].last.channel_id) == (["PAID"], channel)


@pytest.mark.parametrize("name", ENDINGS)
def test_every_other_ending(page: Page, shop: Shop, sb: Sandbox, name: str) -> None:
    """Each button of the sandbox ends the attempt in its status, and sends the customer back."""
    page.goto(shop.pay_page(shop.open()))
    ending(page, name).click()
    expect_back(page, shop, sb)
    assert attempts(sb) == [ENDINGS[name]]
    assert reported(sb) == [sb.orders[0].last.status.value]


def test_cancelling(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """Cancel gives a payment with the status cancelled by the user. Until then, the page shows how long the session lasts."""
    customer.goto(shop.pay_page(shop.open()))
    expect(customer.locator("time")).to_contain_text(re.compile(r"until|\d:\d\d"))
    customer.get_by_role("button", name="Cancel and return to Sandbox Shop").click()
    expect_back(customer, shop, sb)
    assert (attempts(sb), reported(sb)) == (["CANCELLED_BY_USER"], [8])


def test_trying_again_after_failures(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """The page shows why the last attempt failed, and accepts another one until the session is paid."""
    number = shop.open()
    for name in ("Insufficient funds", "Cancelled by user"):
        customer.goto(shop.pay_page(number))
        ending(customer, name).click()
        expect(customer.get_by_role("heading", name="Thank you")).to_be_visible()
        customer.goto(shop.pay_page(number))
        expect(customer.get_by_role("alert")).to_contain_text(name)
    pay_button(customer).click()
    expect_back(customer, shop, sb, 2)
    assert attempts(sb) == ["INSUFFICIENT_FUNDS", "CANCELLED_BY_USER", "PAID"]
    customer.goto(shop.pay_page(number))
    expect(customer.get_by_role("status")).to_contain_text("Paid")
    expect(customer.get_by_role("button")).to_have_count(0)


def test_a_payment_without_a_session_takes_one_attempt(page: Page, shop: Shop, sb: Sandbox) -> None:
    """After a payment without a session has failed, the page has no buttons."""
    number = shop.start()
    page.goto(shop.pay_page(number))
    ending(page, "Failed").click()
    expect_back(page, shop, sb)
    page.goto(shop.pay_page(number))
    expect(page.get_by_role("status")).to_contain_text("Failed")
    expect(page.get_by_role("button")).to_have_count(0)
    assert attempts(sb) == ["FAILED"]


@pytest.mark.parametrize(("name", "status"), [("Pay", "PAID"), ("Invalid transaction", "INVALID_TRANSACTION")])
def test_a_double_click_counts_once(customer: Page, shop: Shop, sb: Sandbox, name: str, status: str) -> None:
    """Two clicks on Pay or on a failure are one attempt and one callback, although another could follow a failure."""
    customer.goto(shop.pay_page(shop.open()))
    (pay_button(customer) if name == "Pay" else ending(customer, name)).dblclick()
    expect_back(customer, shop, sb)
    assert (attempts(sb), reported(sb)) == ([status], [sb.orders[0].last.status.value])


def test_a_form_is_sent_once(page: Page, shop: Shop, sb: Sandbox) -> None:
    """While a response is pending, the script of the page ignores a second press of any button."""
    page.goto(shop.pay_page(shop.open()))
    stopped = page.evaluate(
        """() => {
            const stopped = [];
            addEventListener("submit", (event) => { stopped.push(event.defaultPrevented); event.preventDefault(); });
            for (const name of [".pay", ".pay", ".chip", ".plain"]) document.querySelector(name).click();
            return stopped;
        }"""
    )
    assert stopped == [False, True, True, True]
    expect(pay_button(page)).to_have_attribute("aria-disabled", "true")
    assert attempts(sb) == ["PENDING"]


def test_going_back_after_paying(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """After paying, the back button shows that the session is paid, and nothing is paid twice."""
    customer.goto(shop.pay_page(shop.open()))
    pay_button(customer).click()
    expect_back(customer, shop, sb)
    customer.go_back()
    expect(customer.get_by_role("status")).to_contain_text("Paid")
    expect(pay_button(customer)).to_have_count(0)
    customer.get_by_role("link", name="Back to Sandbox Shop").click()
    expect_back(customer, shop, sb)
    assert (attempts(sb), reported(sb)) == (["PAID"], [1])


def test_going_back_after_a_failure(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """After a failed attempt, the back button shows a form for the next attempt."""
    customer.goto(shop.pay_page(shop.open()))
    ending(customer, "Failed").click()
    expect_back(customer, shop, sb)
    customer.go_back()
    expect(customer.get_by_role("alert")).to_contain_text("Failed")
    pay_button(customer).click()
    expect_back(customer, shop, sb, 1)
    assert attempts(sb) == ["FAILED", "PAID"]


def test_a_second_tab_pays_nothing_more(
    new_context: Callable[..., BrowserContext], customer: Page, shop: Shop, sb: Sandbox
) -> None:
    """Pay in an outdated tab goes to the end of the payment; there is one payment."""
    number = shop.open()
    customer.goto(shop.pay_page(number))
    other = new_context().new_page()
    other.goto(shop.pay_page(number))
    pay_button(other).click()
    expect_back(other, shop, sb)
    pay_button(customer).click()
    expect_back(customer, shop, sb)
    assert (attempts(sb), reported(sb)) == (["PAID"], [1])


def test_a_second_tab_looks_again(page: Page, shop: Shop, sb: Sandbox) -> None:
    """A tab that becomes visible shows a payment that was made in another tab."""
    number = shop.open()
    page.goto(shop.pay_page(number))
    sb.pay(number)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("status")).to_contain_text("Paid")
    assert attempts(sb) == ["PAID"]


def test_a_session_that_expired_meanwhile(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """Pay on an expired page pays nothing; the page then shows that the session has expired."""
    number = shop.open(expires_in=timedelta(minutes=5))
    customer.goto(shop.pay_page(number))
    sb.clock.advance(301)
    pay_button(customer).click()
    expect_back(customer, shop, sb)
    assert (attempts(sb), reported(sb)) == (["EXPIRED"], [10])
    customer.goto(shop.pay_page(number))
    expect(customer.get_by_role("status")).to_contain_text("This session has expired")
    expect(customer.get_by_role("button")).to_have_count(0)


def test_the_countdown_ends(page: Page, shop: Shop, sb: Sandbox) -> None:
    """The page counts down, warns when little time is left, and shows the end without a reload."""
    number = shop.open(expires_in=timedelta(minutes=1))
    sb.clock.advance(56)
    page.goto(shop.pay_page(number))
    expect(page.locator("time")).to_have_text("0:03")
    expect(page.get_by_role("status")).to_have_text("Less than a minute is left to pay.")
    expect(page.get_by_role("status")).to_contain_text("This session has expired")
    assert attempts(sb) == ["EXPIRED"]


def test_paying_by_keyboard_alone(customer: Page, shop: Shop, sb: Sandbox) -> None:
    """Tab, arrow and Enter keys choose a channel and pay; the focus is visible."""
    customer.goto(shop.pay_page(shop.open()))
    customer.keyboard.press("Tab")
    expect(customer.get_by_role("radio", name="FPX")).to_be_focused()
    expect(customer.locator(".tile").first).to_have_css("outline-style", "solid")
    customer.keyboard.press("ArrowDown")
    expect(customer.get_by_role("radio", name="Card")).to_be_checked()
    customer.keyboard.press("Tab")
    expect(pay_button(customer)).to_be_focused()
    expect(pay_button(customer)).to_have_css("outline-style", "solid")
    customer.keyboard.press("Enter")
    expect_back(customer, shop, sb)
    assert (attempts(sb), sb.orders[0].last.channel_id) == (["PAID"], 4)


def test_every_button_is_reached_by_keyboard(page: Page, shop: Shop, sb: Sandbox) -> None:
    """After Pay and Cancel, Tab goes to the buttons of the sandbox; Space presses one."""
    page.goto(shop.pay_page(shop.open()))
    pay_button(page).focus()
    reached: list[str] = []
    for _ in range(len(ENDINGS) + 1):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.firstChild.textContent.trim()"))
    assert set(reached[1:]) == set(ENDINGS)
    assert reached[-1] == "Let it expire"
    page.keyboard.press("Space")
    expect_back(page, shop, sb)
    assert attempts(sb) == ["EXPIRED"]


@pytest.mark.parametrize("size", [SMALLEST, PHONE, DESKTOP], ids=lambda size: f"{size[0]}px")
@pytest.mark.parametrize("words", ["usual", "long"])
def test_nothing_scrolls_sideways(
    new_context: Callable[..., BrowserContext], shop: Shop, size: tuple[int, int], words: str
) -> None:
    """The page fits a phone and a desktop, with long words in it too."""
    changes = {"reference_code": "X" * 50, "description": "Y" * 100} if words == "long" else {}
    page = new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(shop.pay_page(shop.open(**changes)))
    expect(pay_button(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_pay_is_seen_without_scrolling(new_context: Callable[..., BrowserContext], shop: Shop) -> None:
    """On a phone and on a desktop, the amount and the button are on the first screen."""
    number = shop.open()
    for width, height in (PHONE, DESKTOP):
        page = new_context(viewport={"width": width, "height": height}).new_page()
        page.goto(shop.pay_page(number))
        expect(pay_button(page)).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("heading", level=1)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["open", "failed once", "paid", "authorised", "failed", "expired", "missing"])
def test_accessibility(
    new_context: Callable[..., BrowserContext],
    shop: Shop,
    sb: Sandbox,
    violations: Callable[[Page], list[str]],
    state: str,
    scheme: str,
    expected_errors: list[str],
) -> None:
    """axe finds no problem in any state of the page, in light and in dark, on a desktop and on a phone."""
    expected_errors.extend(["status of 404"] if state == "missing" else [])
    number = shop.start() if state == "failed" else shop.open()
    if "failed" in state:
        sb.fail(number)
    elif state == "paid":
        sb.pay(number)
    elif state == "authorised":
        sb.move(sb.orders[0].last.transaction_number, sb.orders[0].last.status.AUTHORISED)
    elif state == "expired":
        sb.expire(number)
    for width, height in (DESKTOP, PHONE):
        page = new_context(color_scheme=scheme, viewport={"width": width, "height": height}).new_page()
        page.goto(shop.pay_page("nothing" if state == "missing" else number))
        assert violations(page) == []


def test_nothing_comes_from_elsewhere(page: Page, shop: Shop, sb: Sandbox) -> None:
    """The page loads only from the sandbox, its content security policy forbids other sources, and no secret is in it."""
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    response = page.goto(shop.pay_page(shop.open()), wait_until="networkidle")
    assert response is not None
    policy = response.header_value("content-security-policy") or ""
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert loaded
    assert {url.startswith(f"{sb.url}/") for url in loaded} == {True}
    assert sb.credentials.password not in page.content()
    assert sb.credentials.secret_key not in page.content()
