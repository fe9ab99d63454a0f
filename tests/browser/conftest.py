"""Chromium on the sandbox's pages, with Playwright. All servers are on loopback.

Collected only where COMMERCEPAY_TEST_BROWSER is set (`nox -s browser` sets it); there, a missing browser is a failure.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from commercepay import Money
from commercepay.integrations._redirect import Redirect, redirect
from commercepay.testing import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

if not os.environ.get("COMMERCEPAY_TEST_BROWSER"):
    collect_ignore_glob = ["test_*.py"]

CHROMIUM = os.environ.get("COMMERCEPAY_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)  # with a new user data directory
        yield running
        running.close()


@pytest.fixture
def expected_errors() -> list[str]:
    """Texts of the errors that a page may log in a test."""
    return []


@pytest.fixture
def new_context(
    browser: Browser,
    sb: Sandbox,  # stopped after its pages are closed
    expected_errors: list[str],
) -> Iterator[Callable[..., BrowserContext]]:
    """Create separate browsers for customers and developers. An error in the log of a page fails the test."""
    made: list[BrowserContext] = []
    errors: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-MY", **options})
        context.set_default_timeout(10_000)
        context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
    assert [text for text in errors if not any(part in text for part in expected_errors)] == []


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context().new_page()


class Shop:
    """A merchant, who opens sessions with the SDK and has a page to return to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._client = sandbox.client()
        self._references = itertools.count(1)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = (
                    b"<!DOCTYPE html><html lang='en'><title>Shop</title><link rel=icon href='data:,'><h1>Thank you</h1>"
                )
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/thanks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _members(self, **changes: Any) -> dict[str, Any]:
        return {
            "amount": Money("129.00", "MYR"),
            "reference_code": f"INV-{next(self._references)}",
            "description": "Batik shirt, size L, indigo",
            "ip_address": "203.0.113.9",
            "return_url": self.url,
            "callback_url": f"{self._sandbox.url}/_sandbox/inbox",
        } | changes

    def open(self, **changes: Any) -> str:
        """The number of a new session."""
        return self._client.sessions.create(**self._members(**changes)).session_number

    def pay_page(self, number: str) -> str:
        return f"{self._sandbox.url}/pay/{number}"

    def start(self, **changes: Any) -> str:
        """The transaction number of a new payment without a session."""
        return self._client.payments.create(**self._members(**changes)).transaction_number

    def redirect(self, channel: int) -> Redirect:
        """The response with which an adapter sends the customer on to a new payment."""
        started = self._client.payments.create(**self._members(channel_id=channel))
        return redirect(started, self._client.settings)

    def close(self) -> None:
        self._client.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def shop(sb: Sandbox) -> Iterator[Shop]:
    one = Shop(sb)
    yield one
    one.close()


@pytest.fixture
def violations() -> Callable[[Page], list[str]]:
    """The problems that axe finds on a page."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def check(page: Page) -> list[str]:
        options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
        found = axe.run(page, options=options).response["violations"]
        return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]

    return check
