"""The response that sends a customer's browser to the payment, for every framework."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from commercepay._protocol.settings import Settings
from commercepay.errors import ArgumentError
from commercepay.models import Session, StartedPayment


class Redirect(NamedTuple):
    """The parts of a response."""

    body: str
    status: int
    headers: dict[str, str]


def redirect(started: Session | StartedPayment, client: Settings) -> Redirect:
    """A redirect to the payment's URL, or a page with its script.

    The script comes from the gateway, and is put into a page on which nothing else can be loaded. Its form may be sent to any
    https URL, because each bank has another one; to http as well if the gateway is the sandbox or a server on loopback.
    """
    if not isinstance(started, Session | StartedPayment):
        raise ArgumentError(f"redirect: started must be a Session or a StartedPayment, not {type(started).__name__}")
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    if started.redirect_url is not None:
        return Redirect("", 303, headers | {"Location": quote(started.redirect_url, safe=_URL)})
    assert isinstance(started, StartedPayment)
    targets = "https: http:" if client.base_url.startswith("http:") else "https:"
    headers |= {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": f"default-src 'none'; script-src 'unsafe-inline'; form-action {targets}",
        "X-Content-Type-Options": "nosniff",
    }
    return Redirect(f"<!doctype html>\n{started.client_script}", 200, headers)


_URL = ":/?#[]@!$&'()*+,;=%~"
"""The characters of a URL that stay as they are."""
