"""Sending the customer on to the payment, in every framework: by a redirect, or by a page with the client script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from integrations.sites import Site

from commercepay import ArgumentError, Session, StartedPayment

MakeSite = Callable[..., Site]
COMMON: dict[str, Any] = {"redirection_type": None, "reference_code": "INV-1", "raw": {}}
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def site_of(make_site: MakeSite, **client: Any) -> Site:
    return make_site(on_callback=lambda callback: None, client=client)


def started(url: str | None, script: str | None = None) -> StartedPayment:
    return StartedPayment(redirect_url=url, client_script=script, transaction_number="T-1", **COMMON)


def content(response: Any) -> str:
    body = response.body if hasattr(response, "body") else response.content if hasattr(response, "content") else None
    return (response.get_data() if body is None else body).decode()


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://pay.example/s?a=1&b=%20#c", "https://pay.example/s?a=1&b=%20#c"),
        ("https://pay.example/ü", "https://pay.example/%C3%BC"),
    ],
)
def test_a_url(make_site: MakeSite, url: str, location: str) -> None:
    """The customer is redirected to the URL of a session or a payment, with a GET; the response is not stored."""
    site = site_of(make_site)
    for opened in (Session(redirect_url=url, session_number="S-1", **COMMON), started(url)):
        response = site.redirect(opened)
        assert response.status_code == 303
        assert PRIVATE | {"Location": location} == {name: response.headers[name] for name in (*PRIVATE, "Location")}
        assert content(response) == ""


@pytest.mark.parametrize(
    ("base_url", "targets"),
    [("https://gateway.example", "https:"), ("http://127.0.0.1:9", "https: http:")],
)
def test_a_script(make_site: MakeSite, base_url: str, targets: str) -> None:
    """A script is a page that loads nothing else. Its form can be sent to https alone, or to http as well on loopback."""
    script = "<form action='https://bank.example'>é</form><script>document.forms[0].submit()</script>"
    response = site_of(make_site, base_url=base_url).redirect(started(None, script))
    assert response.status_code == 200
    headers = PRIVATE | {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": f"default-src 'none'; script-src 'unsafe-inline'; form-action {targets}",
        "X-Content-Type-Options": "nosniff",
    }
    assert headers == {name: response.headers[name] for name in headers}
    assert "Location" not in response.headers
    assert content(response) == f"<!doctype html>\n{script}"


def test_something_else(make_site: MakeSite) -> None:
    """What is neither a session nor a started payment is an ArgumentError."""
    with pytest.raises(ArgumentError, match="must be a Session or a StartedPayment, not str"):
        site_of(make_site).redirect("https://pay.example/s")
