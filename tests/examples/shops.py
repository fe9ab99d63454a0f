"""The example shops, each started as a process by the command in its README; and a customer without a browser."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
KINDS = ["fastapi", "flask", "django"]
SHIPMENTS = {"fastapi": "shipments", "flask": "shipments", "django": "shop_shipment"}


def command(kind: str) -> tuple[str, str]:
    """The command of a README: the packages that it installs, and the program that it starts."""
    readme = (ROOT / "examples" / f"{kind}_shop" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```console\n(.*?)```", readme, re.DOTALL)
    (line,) = block.splitlines()
    install, start = line.split(" && ")
    return install, start


class Shop:
    """A running example.

    Args:
        kind: which one.
        folder: for its database and its log.
        gateway: the `COMMERCEPAY_*` variables; without them it starts a sandbox of its own.
        python: what `python` is.
    """

    def __init__(
        self, kind: str, folder: Path, gateway: Mapping[str, str] | None = None, python: str = sys.executable
    ) -> None:
        self.kind = kind
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(trust_env=False, timeout=30, verify=False)  # no TLS: starts faster
        self.log = folder / f"{kind}.log"
        self.may_log_errors = False
        self._database = folder / f"{kind}.db"
        plain = {name: value for name, value in os.environ.items() if not name.startswith("COMMERCEPAY_")}
        program, *rest = shlex.split(command(kind)[1])
        assert program == "python"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [python, *rest],
                cwd=ROOT,
                env={**plain, **(gateway or {}), "SHOP_PORT": str(port), "SHOP_DATABASE": str(self._database)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"the {self.kind} shop ended: {self.log.read_text()}")
            try:
                self.http.get(self.url).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(f"the {self.kind} shop did not start: {self.log.read_text()}")

    def buy(self, http: httpx.Client) -> httpx.Response:
        """Fills in the form of the shop's first page."""
        form = _Form(http.get(self.url).raise_for_status().text)
        return http.post(f"{self.url}/buy", data=form.fields)

    @property
    def sandbox_url(self) -> str:
        """The URL of the sandbox that the shop started."""
        found = re.search(r"^Sandbox: (http://\S+)/_sandbox/$", self.log.read_text(), re.MULTILINE)
        assert found, self.log.read_text()
        return found[1]

    def shipped(self, reference: str) -> int:
        """How many times an order was shipped; it must not be more than once."""
        connection = sqlite3.connect(self._database)
        try:
            return int(
                connection.execute(
                    f"SELECT count(*) FROM {SHIPMENTS[self.kind]} WHERE reference = ?", [reference]
                ).fetchone()[0]
            )
        finally:
            connection.close()

    def reconcile(self) -> dict[str, int]:
        counts: dict[str, int] = self.http.post(f"{self.url}/reconcile").raise_for_status().json()
        return counts

    def state(self, reference: str) -> str:
        """The state on the order's page."""
        return state_on(self.http.get(f"{self.url}/orders/{reference}").raise_for_status().text)

    def callback(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the response to a callback."""
        return self.http.post(f"{self.url}/commercepay/callback", content=body, headers=headers).status_code

    def check_log(self, *secrets: str) -> None:
        """The log has no secret and, unless errors may be in it, no traceback."""
        text = self.log.read_text()
        assert self.may_log_errors or "Traceback" not in text, text
        assert not [secret for secret in secrets if secret in text]

    def stop(self) -> None:
        self.http.close()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


def state_on(page: str) -> str:
    (state,) = re.findall(r'data-state="(\w+)"', page)
    return str(state)


class _Form(HTMLParser):
    """The fields of a page's first form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page.partition("</form>")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "input" and (known.get("type") != "radio" or "checked" in known):
            self.fields[known["name"]] = known.get("value", "")


class Customer:
    """Buys one thing. Keeps cookies and fills in forms. Follows a redirect only with `follow`."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._http = httpx.Client(trust_env=False, timeout=30, verify=False)  # no TLS
        bought = shop.buy(self._http)
        assert bought.has_redirect_location, bought.text
        self.page = bought.headers["location"]
        self.number = self.page.rpartition("/")[2]
        shown = self._http.get(self.page).raise_for_status().text
        (self.reference,) = set(re.findall(r"SHOP-[0-9a-f]{16}", shown))

    def choose(self, outcome: int) -> str:
        """End an attempt on the payment page. Returns the URL back to the shop."""
        form = _Form(self._http.get(self.page).raise_for_status().text)
        response = self._http.post(self.page, data={**form.fields, "outcome": str(outcome)})
        assert response.has_redirect_location, response.text
        return str(response.headers["location"])

    def pay(self) -> str:
        return self.choose(1)

    def follow(self, back: str) -> str:
        """Go back to the shop. Returns the state on the order's page."""
        assert back.startswith(self.shop.url)
        response = self._http.get(back, follow_redirects=True).raise_for_status()
        assert response.url.path == f"/orders/{self.reference}"
        return state_on(response.text)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Customer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
