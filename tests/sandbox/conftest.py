"""A sandbox for each test, a caller that signs without the SDK, and a callback receiver."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx
import pytest

from commercepay import signature
from commercepay.testing import Credentials, Sandbox

GATEWAY = "/api/services/app/PaymentGateway"


class Caller:
    """An integration written from the gateway's rules: httpx, and a signature over each call."""

    def __init__(self, sandbox: Sandbox, credentials: Credentials) -> None:
        self.url = sandbox.url
        self.credentials = credentials
        self.http = httpx.Client(
            base_url=sandbox.url, timeout=30, trust_env=False, verify=False
        )  # no TLS: starts faster
        self._references = itertools.count(1)
        self._token: str | None = None

    def authenticate(self, **changes: Any) -> httpx.Response:
        body = {"userNameOrEmailAddress": self.credentials.username, "password": self.credentials.password}
        return self.http.post(
            "/api/TokenAuth/Authenticate",
            json=body | changes,
            headers={"Abp-TenantId": str(self.credentials.tenant_id)},
        )

    @property
    def token(self) -> str:
        if self._token is None:
            self._token = self.authenticate().json()["result"]["accessToken"]
        return self._token

    def forget_token(self) -> None:
        self._token = None

    def headers(self, signed: str) -> dict[str, str]:
        return {
            "Abp-TenantId": str(self.credentials.tenant_id),
            "Authorization": f"Bearer {self.token}",
            "cap-signature": signed,
        }

    def members(self, **changes: Any) -> dict[str, Any]:
        """The smallest valid request, with a new reference code."""
        return {
            "currencyCode": "MYR",
            "amount": 1234,
            "referenceCode": f"INV-{next(self._references)}",
            "timestamp": time.time_ns() // 1_000_000,
            "ipAddress": "203.0.113.9",
            "returnUrl": "https://shop.example.my/return",
            "callbackUrl": f"{self.url}/_sandbox/inbox",
        } | changes

    def sign(self, endpoint: str, members: dict[str, Any]) -> str:
        return signature.sign(f"{self.url}{GATEWAY}/{endpoint}", members, self.credentials.secret_key)

    def post(
        self, endpoint: str, members: dict[str, Any], *, signed: str | None = None, **options: Any
    ) -> httpx.Response:
        signed = self.sign(endpoint, members) if signed is None else signed
        headers = self.headers(signed) | {"Content-Type": "application/json"} | options.pop("headers", {})
        body = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
        return self.http.post(f"{GATEWAY}/{endpoint}", content=body, headers=headers, **options)

    def get(self, endpoint: str, members: dict[str, Any], *, signed: str | None = None) -> httpx.Response:
        signed = self.sign(endpoint, members) if signed is None else signed
        return self.http.get(f"{GATEWAY}/{endpoint}", params=members, headers=self.headers(signed))

    def open(self, **changes: Any) -> str:
        """The number of a new session."""
        number: str = self.post("InitialSession", self.members(**changes)).json()["result"]["sessionNumber"]
        return number

    def start(self, **changes: Any) -> str:
        """The transaction number of a new payment without a session."""
        number: str = self.post("RequestPayment", self.members(**changes)).json()["result"]["transactionNumber"]
        return number

    def query(self, **number: str) -> dict[str, Any]:
        """The result of Query for a TransactionNumber or SessionNumber."""
        response = self.get("Query", {**number, "Timestamp": time.time_ns() // 1_000_000}).json()
        result: dict[str, Any] = response["result"]
        return result

    def close(self) -> None:
        self.http.close()


@pytest.fixture
def caller_of() -> Iterator[Callable[..., Caller]]:
    """Create callers: for a sandbox, and for other credentials than its first ones."""
    made: list[Caller] = []

    def make(sandbox: Sandbox, credentials: Credentials | None = None) -> Caller:
        made.append(Caller(sandbox, credentials or sandbox.credentials))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def caller(sb: Sandbox, caller_of: Callable[..., Caller]) -> Caller:
    return caller_of(sb)


@pytest.fixture
def other(sb: Sandbox, caller_of: Callable[..., Caller]) -> Caller:
    """The sandbox's second merchant."""
    return caller_of(sb, sb.other_credentials)


class Command:
    """`commercepay sandbox` in a new process, once it has printed its URL."""

    def __init__(self, *arguments: str, stderr: int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "commercepay", "sandbox", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("COMMERCEPAY_")},
        )
        self.printed = ""
        assert self.process.stdout is not None
        while "COMMERCEPAY_BASE_URL" not in self.printed:
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.printed}{self.end()}"
            self.printed += line
        self.environment = dict(re.findall(r"^export (\w+)=(.*)$", self.printed, re.MULTILINE))
        self.url = self.environment["COMMERCEPAY_BASE_URL"]

    def end(self, signal: signal.Signals = signal.SIGINT) -> str:
        """Press Ctrl+C. Returns the text of standard error."""
        if self.process.poll() is None:
            self.process.send_signal(signal)
        _, errors = self.process.communicate(timeout=20)
        return errors or ""


class Received(NamedTuple):
    body: bytes
    signature: str | None


class Receiver:
    """A merchant's callback endpoint. It responds with the statuses in `responses`, then with 200, and with `content`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.responses: list[int] = []
        self.content = b"ok"
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(body, self.headers["cap-signature"]))
                self.send_response(receiver.responses.pop(0) if receiver.responses else 200)
                self.send_header("Content-Length", str(len(receiver.content)))
                self.end_headers()
                self.wfile.write(receiver.content)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/Callback"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Wait until a condition is true, for at most 30 seconds, because the machine may be busy."""

    def wait(condition: Callable[[], Any]) -> Any:
        until = time.monotonic() + 30
        while not (value := condition()):
            assert time.monotonic() < until, "it did not come true"
            time.sleep(0.01)
        return value

    return wait
