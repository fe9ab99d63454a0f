"""A payment from end to end on this machine: `commercepay demo`.

The merchant uses only the public facade. The customer is two requests of a browser: the payment page, and its form.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from commercepay import Customer, Money, PaymentStatus
from commercepay._protocol.http_library import httpx
from commercepay.callbacks import SIGNATURE_HEADER
from commercepay.testing import sandbox

CALLBACK_TIMEOUT = 10.0
"""Seconds to wait for the callback, which takes some milliseconds."""


class _Receiver:
    """The merchant's callback endpoint: it keeps the body and the signature, and responds with 200."""

    def __init__(self) -> None:
        self.received: queue.Queue[tuple[bytes, str | None]] = queue.Queue()
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                received.put((body, self.headers.get(SIGNATURE_HEADER)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                """Print nothing: the steps of the demo are the only output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Form(HTMLParser):
    """The fields of the form on the payment page, as a browser sends them when its first button is pressed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        chosen = (tag == "input" and (known.get("type") != "radio" or "checked" in known)) or tag == "button"
        if chosen and "name" in known:
            self.fields.setdefault(known["name"], known.get("value", ""))


def _pay_as_a_customer(redirect_url: str) -> str:
    """Open the hosted page, choose to pay, and return the merchant's URL that the page redirects to."""
    with httpx.Client(trust_env=False) as browser:  # only this machine: no proxy
        page = browser.get(redirect_url).raise_for_status()
        fields = _Form(page.text).fields | {"outcome": str(PaymentStatus.PAID.value)}
        return str(browser.post(redirect_url, data=fields).headers.get("Location", ""))


def run(write: Callable[[str], object] = print) -> int:
    """Take one payment. The exit status is 0 only if every step succeeded."""
    started = time.monotonic()
    amount = Money("12.34", "MYR")
    reference = "INV-1"

    def show(step: str, result: str) -> None:
        write(f"  {step:<12} {result}")

    receiver = _Receiver()
    with sandbox() as gateway, gateway.client() as cp:
        write(f"A payment of {amount}, from end to end, on this machine\n")
        show("sandbox", f"listening on {gateway.url}")
        session = cp.sessions.create(
            amount=amount,
            reference_code=reference,
            description="Order INV-1",
            ip_address="203.0.113.9",
            return_url="http://127.0.0.1/return",
            callback_url=receiver.url,
            customer=Customer(name="Aisyah", email="aisyah@example.my"),
            expires_in=timedelta(minutes=30),
        )
        logins = sum(request.operation == "Authenticate" for request in gateway.requests)
        show("authenticate", f"{logins} login by the client, which keeps the token")
        show("session", f"{session.session_number} opened for {reference}")
        show("", f"the customer is sent to {session.redirect_url}")
        back = _pay_as_a_customer(session.redirect_url)
        show("customer", f"pays, and is sent back to {back}")
        try:
            body, signature = receiver.received.get(timeout=CALLBACK_TIMEOUT)
        except queue.Empty:
            show("callback", f"none came within {CALLBACK_TIMEOUT:.0f} seconds")
            return 1
        callback = cp.callbacks.verify(body, signature, receiver.url)
        show("callback", f"signature verified: {callback.reference_code}, {callback.amount}, {callback.status.name}")
        payment = cp.payments.query(session_number=session.session_number)
        show("query", f"{payment.reference_code}, {payment.amount}, {payment.status.name}")
        agreed = all(
            (report.status.is_paid, report.amount == amount, report.reference_code == reference) == (True, True, True)
            for report in (callback, payment)
        )
        write(
            f"\n{'Paid' if agreed else 'NOT paid'}: status {payment.status.value} ({payment.status.name.lower()}),"
            f" in {time.monotonic() - started:.1f} s"
        )
    receiver.close()
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(run())
