"""The dashboard: what it shows, every button, live updates, with and without JavaScript."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.conftest import Shop
    from playwright.sync_api import BrowserContext, Locator, Page

    from commercepay.testing import Sandbox

SIZES = [(390, 844), (1280, 800)]


@pytest.fixture(params=["script", "no script"])
def developer(request: pytest.FixtureRequest, new_context: Callable[..., BrowserContext]) -> Page:
    """A page with JavaScript, and one without."""
    return new_context(java_script_enabled=request.param == "script").new_page()


def dashboard(page: Page, sb: Sandbox, query: str = "") -> Page:
    page.goto(f"{sb.url}/_sandbox/{query}")
    return page


def row(page: Page, kind: str, text: str) -> Locator:
    return page.locator(f"#{kind}-list > li").filter(has_text=text)


def badge(where: Locator, text: str) -> Locator:
    return where.locator(".badge").filter(has_text=re.compile(rf"^{text}$"))


def press(where: Page | Locator, name: str) -> None:
    where.get_by_role("button", name=re.compile(rf"^{re.escape(name)}\b")).click()


def statuses(sb: Sandbox) -> list[list[str]]:
    """The statuses of the payments of each order."""
    return [[one.status.name for one in order.attempts] for order in sb.orders]


def refuse(sb: Sandbox) -> str:
    """Send a request that is signed without sorting. Returns its signature."""
    credentials = sb.credentials
    tenant = {"Abp-TenantId": str(credentials.tenant_id)}
    with httpx.Client(base_url=sb.url, headers=tenant, trust_env=False) as http:
        login = {"userNameOrEmailAddress": credentials.username, "password": credentials.password}
        token = http.post("/api/TokenAuth/Authenticate", json=login).json()["result"]["accessToken"]
        path = "/api/services/app/PaymentGateway/InitialSession"
        members = {
            "referenceCode": "INV-77",
            "currencyCode": "MYR",
            "amount": 12900,
            "timestamp": time.time_ns() // 1_000_000,
            "ipAddress": "203.0.113.9",
            "returnUrl": "https://shop.example.my/return",
            "callbackUrl": f"{sb.url}/_sandbox/inbox",
        }
        text = (sb.url + path + json.dumps(members, separators=(",", ":"))).lower()
        signature = hmac.new(credentials.secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
        response = http.post(
            path, json=members, headers={"Authorization": f"Bearer {token}", "cap-signature": signature}
        )
        assert response.json()["result"]["code"] == 1
    return signature


def fill(sb: Sandbox, shop: Shop) -> None:
    """One record of every kind."""
    shop.open()
    paid, failed, expired, blocked = (
        shop.open(),
        shop.open(),
        shop.open(),
        shop.start(callback_url="https://a.example/"),
    )
    sb.pay(paid)
    sb.fail(failed)
    sb.expire(expired)
    sb.pay(blocked)
    sb.faults.add("status", endpoint="Query", status=429, times=3, share=0.5)
    sb.faults.add("callback_twice", times=None)
    sb.revoke_tokens()
    shop.open()
    refuse(sb)
    sb.settle()


# --- what it shows ---------------------------------------------------------------------------------------------------


def test_a_refused_signature_is_explained(developer: Page, sb: Sandbox) -> None:
    """It shows, without a click, the wrong readings that fit and both strings to sign, with their first difference marked."""
    refuse(sb)
    refused = row(dashboard(developer, sb), "request", "signature refused")
    expect(refused.get_by_text("Signed with: body as it was sent, or: not sorted.")).to_be_visible()
    right, yours = refused.locator("dd").first, refused.locator("dd").last
    expect(right).to_contain_text(f'{sb.url}/api/services/app/paymentgateway/initialsession{{"amount":12900')
    expect(right.locator("mark")).to_have_text("a")
    expect(yours.locator("mark")).to_have_text("r")
    assert [one.verdict for one in sb.requests] == ["accepted", "signature refused"]
    assert sb.orders == []


def test_a_request_with_everything(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """A request can be opened to show its headers, body and response, with masked secrets."""
    number = shop.open()
    signature = refuse(sb)
    page = dashboard(developer, sb)
    opened = row(page, "request", "POST InitialSession").filter(has_text="accepted")
    opened.locator("summary").click()
    for text in (
        "cap-signature: ***",
        "authorization: ***",
        '"referenceCode": "INV-1"',
        f'"sessionNumber": "{number}"',
    ):
        expect(opened).to_contain_text(text)
    assert signature not in page.content()
    assert "Bearer " not in page.content()
    assert page.content().count(sb.credentials.secret_key) == 1  # among the test credentials


def test_sessions_payments_and_callbacks(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """A session is shown with each attempt, its timeline, and the callbacks with their responses."""
    number = shop.open()
    sb.fail(number)
    sb.pay(number)
    assert len(sb.callbacks) == 2
    page = dashboard(developer, sb)
    (order,) = row(page, "order", "INV-1").all()
    expect(order.locator(".badge")).to_have_text(["closed", "2 FAILED", "1 PAID"])
    expect(order.get_by_text("MYR 129.00")).to_be_visible()
    expect(order.locator(".attempts > li").last.locator(".timeline li")).to_have_text(
        [re.compile("PENDING created"), re.compile("PAID by the test")]
    )
    expect(order.get_by_role("link", name=number)).to_have_attribute("href", f"/pay/{number}")
    delivered = row(page, "callback", "delivered")
    expect(delivered.locator("h3")).to_have_text(["1 PAID", "2 FAILED"])
    expect(delivered.locator(".timeline").first).to_contain_text("signed → HTTP 200")


def test_whatever_a_caller_sends(page: Page, sb: Sandbox) -> None:
    """A body of a megabyte is shown in part; half a surrogate pair and invalid JSON are shown."""
    path = f"{sb.url}/api/services/app/PaymentGateway/InitialSession"
    for body in (
        '{"referenceCode": "' + "x" * 1_000_000 + '"}',
        r'{"referenceCode": "\ud800"}',
        "<script>alert(1)</script>",
    ):
        httpx.post(path, content=body, headers={"Content-Type": "application/json"}, trust_env=False)
    dashboard(page, sb)
    for summary in page.locator("#request-list summary").all():
        summary.click()
    first, second, third = page.locator("#request-list > li").all()
    expect(first).to_contain_text("<script>alert(1)</script>")
    expect(second).to_contain_text(r'"referenceCode": "\ud800"')
    expect(third).to_contain_text("characters more, which the JSON API has")
    assert len(page.content()) < 100_000
    assert len(sb.requests) == 3


def test_filters(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """A search, a status and a verdict each filter the lists, and clearing them shows everything again."""
    fill(sb, shop)
    page = dashboard(developer, sb)
    everything = page.locator("#order-list > li").count()
    assert everything == len(sb.orders) == 6
    page.get_by_label("Search").fill("inv-3")
    press(page, "Filter")
    expect(page.locator("#order-list h3")).to_have_text(["INV-3"])
    page.get_by_label("Search").fill("")
    page.get_by_role("combobox", name="Payment").select_option("PAID")
    page.get_by_label("Verdict").select_option("not accepted")
    press(page, "Filter")
    expect(page.locator("#order-list h3")).to_have_text(["INV-5", "INV-2"])
    expect(page.locator("#request-list > li")).to_have_count(2)
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#order-list > li")).to_have_count(everything)


def test_a_filter_stays_after_a_button(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """After a button was pressed, the filters stay."""
    shop.open()
    shop.open()
    page = dashboard(developer, sb, "?q=INV-2")
    press(row(page, "order", "INV-2"), "Pay")
    expect(badge(row(page, "order", "INV-2"), "1 PAID")).to_be_visible()
    expect(page.locator("#order-list > li")).to_have_count(1)
    assert statuses(sb) == [["PENDING"], ["PAID"]]


# --- what it does ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status"),
    [("Pay", "PAID"), ("Fail", "INSUFFICIENT_FUNDS"), ("Cancel", "CANCELLED_BY_USER"), ("Expire", "EXPIRED")],
)
def test_ending_an_attempt(developer: Page, sb: Sandbox, shop: Shop, name: str, status: str) -> None:
    """Pay, Fail (with a chosen status), Cancel and Expire act once and send a callback."""
    shop.open()
    order = row(dashboard(developer, sb), "order", "INV-1")
    if name == "Fail":
        order.get_by_label("How it fails").select_option(label="6 Insufficient funds")
    press(order, name)
    expect(badge(order, rf"\d+ {status}")).to_be_visible()
    assert statuses(sb) == [[status]]
    assert len(sb.callbacks) == 1


def test_moving_a_payment(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """A payment is authorised, captured and refunded."""
    shop.open()
    order = row(dashboard(developer, sb), "order", "INV-1")
    for label, status in (("9 Authorised", "AUTHORISED"), ("1 Paid", "PAID"), ("11 Refunded", "REFUNDED")):
        order.get_by_label("Where to move it").select_option(label=label)
        press(order, "Move")
        expect(badge(order, rf"\d+ {status}")).to_be_visible()
        assert statuses(sb) == [[status]]
    expect(order.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("variant", ["signed", "unsigned", "wrongly signed", "other amount"])
def test_resending_a_callback(developer: Page, sb: Sandbox, shop: Shop, variant: str) -> None:
    """Each button sends a callback again in its variant."""
    sb.pay(shop.open())
    sb.settle()
    callback = row(dashboard(developer, sb), "callback", "INV-1")
    press(callback, variant)
    expect(row(dashboard(developer, sb), "callback", "INV-1").locator(".timeline li")).to_have_count(2)
    (sent,) = sb.callbacks
    assert [one.variant for one in sent.deliveries] == ["signed", variant.replace(" ", "_")]


def test_faults(developer: Page, sb: Sandbox) -> None:
    """A fault is added with the values of the form, one is removed, all are cleared."""
    page = dashboard(developer, sb)
    faults = page.get_by_role("region", name="Faults")
    for kind, times in (("drop after", "no limit"), ("status", "3"), ("callback twice", "1")):
        if not faults.get_by_label("Kind").is_visible():
            faults.get_by_text("Add a fault", exact=True).click()
        faults.get_by_label("Kind").select_option(label=kind)
        faults.get_by_label("Times").select_option(label=times)
        faults.get_by_role("spinbutton", name="Status").fill("429" if kind == "status" else "")
        faults.get_by_label("Headers").fill('{"Retry-After": "3"}' if kind == "status" else "")
        press(faults, "Add the fault")
        expect(row(page, "fault", kind)).to_be_visible()
    active = sb._core.faults.active
    assert [(one.kind, one.times, one.status) for one in active] == [
        ("drop_after", None, None),
        ("status", 3, 429),
        ("callback_twice", 1, None),
    ]
    assert active[1].headers == {"Retry-After": "3"}
    press(row(page, "fault", "drop after"), "Remove")
    expect(row(page, "fault", "drop after")).to_have_count(0)
    assert len(sb._core.faults.active) == 2
    press(faults, "Clear all faults")
    expect(faults.get_by_text("No faults.")).to_be_visible()
    assert sb._core.faults.active == []


def test_the_clock(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """The clock is set forward by a button and by seconds, and sessions expire."""
    shop.open()
    page = dashboard(developer, sb)
    clock = page.get_by_role("region", name="Clock")
    press(clock, "+1 min")
    expect(clock).to_contain_text("60 s ahead")
    assert statuses(sb) == [["PENDING"]]
    clock.get_by_label("Seconds").fill("3540")
    press(clock, "Advance")
    expect(clock).to_contain_text("3600 s ahead")
    expect(badge(row(page, "order", "INV-1"), "10 EXPIRED")).to_be_visible()
    assert statuses(sb) == [["EXPIRED"]]


def test_revoking_tokens_and_reset(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """After tokens are revoked, the next call logs in again. Reset removes everything."""
    shop.open()
    page = dashboard(developer, sb)
    press(page, "Revoke all tokens")
    expect(page.get_by_role("heading", name="Requests")).to_be_visible()
    if page.evaluate("!document.getElementById('live').hidden"):
        expect(page.locator("#notice")).to_have_text("Revoke all tokens: done.")
    shop.open()
    assert [one.verdict for one in sb.requests].count("token refused") == 1
    dashboard(page, sb)
    page.get_by_text("Reset", exact=True).click()
    press(page, "Reset the sandbox")
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    assert (sb.orders, sb.requests) == ([], [])


def test_what_can_not_be_done_is_shown(developer: Page, sb: Sandbox, shop: Shop, expected_errors: list[str]) -> None:
    """A late button, and a callback to another machine, show an error on the dashboard."""
    expected_errors.append("status of 409")
    number = shop.open(callback_url="https://shop.example.my/callback")
    page = dashboard(developer, sb)
    if live := page.get_by_role("button", name="Live").count():
        press(page, "Live")  # otherwise the button would disappear
    sb.pay(number)
    press(row(page, "order", "INV-1"), "Fail")
    expect(page.get_by_role("alert")).to_have_text("Not done: Transaction Already Processed")
    press(row(page, "callback", "blocked"), "signed")
    expect(page.get_by_role("alert")).to_contain_text("on another machine")
    assert statuses(sb) == [["PAID"]]
    assert sb.callbacks[0].deliveries == []
    if live:
        press(page, "Revoke all tokens")
        expect(page.get_by_role("alert")).to_have_count(0)


# --- live ------------------------------------------------------------------------------------------------------------


def test_it_is_live(page: Page, sb: Sandbox, shop: Shop) -> None:
    """New records and changes appear without a reload."""
    number = shop.open()
    dashboard(page, sb)
    sb.pay(number)
    expect(badge(row(page, "order", "INV-1"), "1 PAID")).to_be_visible()
    expect(row(page, "callback", "INV-1").get_by_text("HTTP 200")).to_be_visible()
    shop.open()
    expect(row(page, "order", "INV-2")).to_be_visible()
    expect(page.locator("#order-list h3")).to_have_text(["INV-2", "INV-1"])
    expect(page.locator("#figures")).to_contain_text(f"{len(sb.requests)}")


def test_a_renewal_disturbs_nobody(page: Page, sb: Sandbox, shop: Shop) -> None:
    """Opened parts, typed text, choices and the focus stay when something changes, also in the same place."""
    number = shop.open()
    dashboard(page, sb)
    order = row(page, "order", "INV-1")
    order.get_by_text("Opened with").click()
    order.get_by_label("How it fails").select_option(label="7 Invalid transaction")
    page.get_by_label("Search").fill("half a wor")
    order.get_by_label("How it fails").focus()
    sb.fail(number)
    expect(badge(order, "2 FAILED")).to_be_visible()
    expect(order.locator("pre")).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value("half a wor")
    shop.open()
    expect(row(page, "order", "INV-2")).to_be_visible()
    expect(order.locator("pre")).to_be_visible()
    assert page.evaluate("document.activeElement !== document.body")


def test_live_can_be_paused(page: Page, sb: Sandbox, shop: Shop) -> None:
    """The button Live stops and resumes the updates."""
    dashboard(page, sb)
    live = page.get_by_role("button", name="Live")
    live.click()
    expect(live).to_have_attribute("aria-pressed", "false")
    shop.open()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    page.clock.run_for(5000)
    assert asked == []
    live.click()
    expect(row(page, "order", "INV-1")).to_be_visible()
    assert statuses(sb) == [["PENDING"]]


def test_a_sandbox_that_was_stopped(page: Page, sb: Sandbox, expected_errors: list[str]) -> None:
    """The page shows that the sandbox has stopped, and stays."""
    expected_errors.append("ERR_FAILED")
    dashboard(page, sb)
    page.route("**/_sandbox/api/state", lambda route: route.abort())
    expect(page.locator("#notice")).to_have_text("The sandbox does not respond.")
    page.unroute_all()
    expect(page.locator("#notice")).to_have_text("")


# --- for everybody ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}px")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(
    new_context: Callable[..., BrowserContext],
    sb: Sandbox,
    shop: Shop,
    violations: Callable[[Page], list[str]],
    scheme: str,
    size: tuple[int, int],
    expected_errors: list[str],
) -> None:
    """axe finds no problem on the page: empty, full, with everything opened, and with an error. Nothing scrolls sideways."""
    expected_errors.append("status of 409")
    page = new_context(color_scheme=scheme, viewport={"width": size[0], "height": size[1]}).new_page()
    dashboard(page, sb)
    assert violations(page) == []
    fill(sb, shop)
    dashboard(page, sb)
    press(row(page, "callback", "blocked"), "signed")
    expect(page.get_by_role("alert")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_by_keyboard(developer: Page, sb: Sandbox, shop: Shop) -> None:
    """The first Tab skips the header; Enter presses a button, and the focus stays at its session."""
    shop.open()
    page = dashboard(developer, sb)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search")).to_be_focused()
    row(page, "order", "INV-1").get_by_role("button", name="Pay").focus()
    page.keyboard.press("Enter")
    expect(badge(row(page, "order", "INV-1"), "1 PAID")).to_be_visible()
    assert statuses(sb) == [["PAID"]]
