"""The payment page: a form that works without JavaScript, sent twice, too late, or from a second tab."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sandbox.conftest import Caller

from commercepay.testing import Sandbox


def form(page: str) -> dict[str, str]:
    """The page's fields as a browser would send them, without the outcome."""
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    checked = re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)" checked', page)
    return hidden | dict(checked)


def send(caller: Caller, number: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    return caller.http.post(f"/pay/{number}", data=fields, headers=headers)


def test_the_page_shows_what_is_to_be_paid(caller: Caller) -> None:
    """The page shows amount, merchant, reference and description, escaped, and that no money moves."""
    number = caller.open(description="<b>Teh & Kopi</b>", referenceCode="INV-<9>")
    page = caller.http.get(f"/pay/{number}")
    assert page.status_code == 200
    assert "no-store" in page.headers["cache-control"]
    for text in ("MYR 12.34", "Sandbox Shop", "INV-&lt;9&gt;", "&lt;b&gt;Teh &amp; Kopi&lt;/b&gt;", "no money moves"):
        assert text in page.text


@pytest.mark.parametrize("outcome", [1, 2, 3, 4, 5, 6, 7, 8, 9, "expire"])
def test_an_outcome_leads_back_to_the_merchant(sb: Sandbox, caller: Caller, outcome: int | str) -> None:
    """A form ends the attempt and sends the browser back with the two parameters added to the URL."""
    number = caller.open(returnUrl="https://shop.example.my/return?lang=ms#top", referenceCode="INV 1&2")
    fields = form(caller.http.get(f"/pay/{number}").text)
    response = send(caller, number, fields | {"outcome": str(outcome)})
    assert response.status_code == 303
    back = urlsplit(response.headers["location"])
    transaction = sb.orders[0].attempts[0].transaction_number
    assert parse_qs(back.query) == {"lang": ["ms"], "ReferenceCode": ["INV 1&2"], "TransactionNumber": [transaction]}
    assert (back.netloc, back.path, back.fragment) == ("shop.example.my", "/return", "top")
    payment = caller.query(SessionNumber=number)
    expected = (10, None) if outcome == "expire" else (outcome, 2)
    assert (payment["status"], payment["channelId"]) == expected


@pytest.mark.parametrize("outcome", [1, 2])
def test_a_double_click_is_one_attempt(sb: Sandbox, caller: Caller, outcome: int) -> None:
    """The same form sent twice counts once, also where another attempt is possible, and leads to the same URL both times."""
    number = caller.open()
    fields = form(caller.http.get(f"/pay/{number}").text) | {"outcome": str(outcome)}
    first, second = send(caller, number, fields), send(caller, number, fields)
    assert first.headers["location"] == second.headers["location"]
    assert [one.status for one in sb.orders[0].attempts] == [outcome]
    assert len(sb.callbacks) == 1


def test_after_a_failure_the_page_offers_another_attempt(sb: Sandbox, caller: Caller) -> None:
    """The customer comes back to the page and pays with a second attempt."""
    number = caller.open()
    send(caller, number, form(caller.http.get(f"/pay/{number}").text) | {"outcome": "6"})
    page = caller.http.get(f"/pay/{number}").text
    assert "INSUFFICIENT_FUNDS" in page or "nsufficient funds" in page
    send(caller, number, form(page) | {"outcome": "1"})
    assert [one.status for one in sb.orders[0].attempts] == [6, 1]


def test_the_back_button_after_paying_changes_nothing(sb: Sandbox, caller: Caller) -> None:
    """The form of an outdated page shows how the payment ended."""
    number = caller.open()
    stale = form(caller.http.get(f"/pay/{number}").text)
    sb.pay(number)
    response = send(caller, number, stale | {"outcome": "2"})
    assert response.headers["location"].startswith("https://shop.example.my/return")
    assert caller.query(SessionNumber=number)["status"] == 1


def test_a_second_tab_of_a_later_attempt_changes_nothing(sb: Sandbox, caller: Caller) -> None:
    """A form for an attempt that has ended is refused, from any tab."""
    number = caller.open()
    sb.fail(number)
    tabs = [form(caller.http.get(f"/pay/{number}").text) for _ in range(2)]
    send(caller, number, tabs[0] | {"outcome": "1"})
    send(caller, number, tabs[1] | {"outcome": "2"})
    assert [one.status for one in sb.orders[0].attempts] == [2, 1]


def test_a_session_that_expired_meanwhile_is_not_paid(sb: Sandbox, caller: Caller) -> None:
    """A form after the expiry pays nothing, and the page shows that."""
    number = caller.open()
    stale = form(caller.http.get(f"/pay/{number}").text)
    sb.clock.advance(3600)
    response = send(caller, number, stale | {"outcome": "1"})
    assert response.status_code == 303
    caller.forget_token()
    assert caller.query(SessionNumber=number)["status"] == 10
    assert "has expired" in caller.http.get(f"/pay/{number}").text


@pytest.mark.parametrize("outcome", ["", "99", "11", "x", "-1", "1" * 30])
def test_an_outcome_that_is_none_changes_nothing(caller: Caller, outcome: str) -> None:
    """An unknown outcome redirects to the page."""
    number = caller.open()
    fields = form(caller.http.get(f"/pay/{number}").text)
    response = send(caller, number, fields | {"outcome": outcome})
    assert (response.status_code, response.headers["location"]) == (303, f"/pay/{number}")
    assert caller.query(SessionNumber=number)["status"] == 0


def test_channels_are_shown_as_the_request_allows(caller: Caller) -> None:
    """Hidden channels are not offered; a channel of the request is the only one."""
    hidden = caller.http.get(f"/pay/{caller.open(requestPaymentExtraInfo={'hiddenChannel': [4]})}").text
    assert re.findall(r'name="channel" value="(\d+)"', hidden) == ["2", "18", "22"]
    chosen = caller.http.get(f"/pay/{caller.start(channelId=77)}").text
    assert re.findall(r'name="channel" value="(\d+)"', chosen) == ["77"]


def test_the_bank_is_chosen_by_name(caller: Caller) -> None:
    """A channel's banks are offered by name, and Query reports the one that the customer chose."""
    number = caller.open()
    page = caller.http.get(f"/pay/{number}").text
    assert re.findall(r'<option value="(\w+)">([^<]+)', page)[:2] == [
        ("TEST0021", "Test Bank A"),
        ("TEST0022", "Test Bank B"),
    ]
    fields = {"attempt": "1", "outcome": "1", "channel": "18", "bank-2": "TEST0021", "bank-18": "TEST0023"}
    send(caller, number, fields)
    payment = caller.query(SessionNumber=number)
    assert (payment["channelId"], payment["providerChannelId"]) == (18, "TEST0023")


@pytest.mark.parametrize(("bank", "name"), [("TEST0022", "Test Bank B"), ("ANOTHER", "ANOTHER")])
def test_a_bank_chosen_by_the_merchant_is_the_only_one(caller: Caller, bank: str, name: str) -> None:
    """The page offers the bank that the payment names, also one that the sandbox does not have."""
    page = caller.http.get(f"/pay/{caller.start(channelId=2, providerChannelId=bank)}").text
    assert re.findall(r'<option value="(\w+)">([^<]+)', page) == [(bank, name)]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "nonsense", "//evil.example", "http://[::1"])
def test_a_return_url_that_is_none_is_not_followed(caller: Caller, url: str) -> None:
    """The browser is redirected only to http and https URLs; else it stays on the page."""
    number = caller.open(returnUrl=url)
    response = send(caller, number, {"attempt": "1", "outcome": "1"})
    assert (response.status_code, response.headers["location"]) == (303, f"/pay/{number}")
    assert url not in caller.http.get(f"/pay/{number}").text


def test_another_sites_page_can_not_pay(caller: Caller) -> None:
    """A form of another site is refused by its Origin."""
    number = caller.open()
    response = send(caller, number, {"attempt": "1", "outcome": "1"}, Origin="https://evil.example")
    assert response.status_code == 403
    assert caller.query(SessionNumber=number)["status"] == 0
    own = send(caller, number, {"attempt": "1", "outcome": "1"}, Origin=caller.url)
    assert own.status_code == 303


def test_an_unknown_number_has_a_page_of_its_own(caller: Caller) -> None:
    """A link from before a reset shows that the payment does not exist."""
    assert caller.http.get("/pay/nothing").status_code == 404
    assert send(caller, "nothing", {"outcome": "1"}).status_code == 404
