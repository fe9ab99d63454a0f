"""A small programmable gateway on loopback, written from the facts, with nothing of the package."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TENANT, USERNAME, PASSWORD, SECRET_KEY = 42, "shop", "Pass-Word-Example", "Secret-Key-Example"
ROOT = "/api/services/app/PaymentGateway"
AUTHENTICATE = "/api/TokenAuth/Authenticate"
SESSION, PAYMENT, QUERY = f"{ROOT}/InitialSession", f"{ROOT}/RequestPayment", f"{ROOT}/Query"
CHANNELS = "/api/services/app/Channel/GetTenantChannelsByCountry"


def signature_of(url: str, data: dict[str, Any], secret_key: str = SECRET_KEY) -> str:
    """A second implementation of the cap-signature, from the facts, independent of the package."""

    def tidy(value: Any) -> str:
        if isinstance(value, dict):
            kept = [(name, item) for name, item in value.items() if item is not None]
            kept.sort(key=lambda pair: pair[0].lower())
            return "{" + ",".join(f"{tidy(name)}:{tidy(item)}" for name, item in kept) + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(map(tidy, value)) + "]"
        return json.dumps(value, ensure_ascii=False)

    for mark in "#?":
        url = url.split(mark)[0]
    text = "".join(char if char == "\u0130" else char.lower() for char in url.rstrip("/") + tidy(data))
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def enveloped(result: Any, **members: Any) -> dict[str, Any]:
    return {
        "result": result,
        "targetUrl": None,
        "success": True,
        "error": None,
        "unAuthorizedRequest": False,
        "__abp": True,
    } | members


def refused(code: int, message: str, **members: Any) -> dict[str, Any]:
    error = {"code": code, "message": message, "details": None, "validationErrors": None}
    unauthorized = members.pop("unAuthorizedRequest", False)
    return enveloped(None, success=False, error=error | members, unAuthorizedRequest=unauthorized)


@dataclass
class Reply:
    """The response of the gateway: a JSON value or raw bytes; `drop` closes the connection instead."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    """"before" the request's body is read, "after" it, or "within" the response, which is then incomplete."""
    hold: threading.Event | None = None
    """Wait for this event before the response."""
    delay: float = 0.0

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Seen:
    """A received request."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    status: int = 0

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def signature(self) -> str:
        return self.headers.get("cap-signature", "")


class Gateway:
    """Responds according to the facts, or with a script.

    Attributes:
        seen: every request, in the order of arrival.
        script: for a path, the next replies; the last entry stays if `forever`.
        lifetime: `expireInSeconds` of the tokens given out.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: dict[str, list[Reply]] = {}
        self.always: dict[str, Reply | Callable[[Seen], Reply]] = {}
        self.valid: set[str] = set()
        self.created: list[str] = []
        self.result: dict[str, Any] = {"accessToken": None, "expireInSeconds": 86400, "userId": 1}
        self.strict = True
        self._given = 0
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self.disconnect()
        self._server.server_close()

    def disconnect(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._sockets:
                with _tolerant():
                    connection.shutdown(socket.SHUT_RDWR)

    # For tests.

    def requests(self, path: str) -> list[Seen]:
        with self._lock:
            return [seen for seen in self.seen if seen.path == path]

    def count(self, path: str) -> int:
        return len(self.requests(path))

    @property
    def authenticates(self) -> int:
        return self.count(AUTHENTICATE)

    def is_left(self) -> bool:
        """Whether the clients close all connections within 10 seconds."""
        ends = time.monotonic() + 10
        while self._sockets and time.monotonic() < ends:
            time.sleep(0.01)
        return not self._sockets

    def revoke_all(self) -> None:
        with self._lock:
            self.valid.clear()

    def queue(self, path: str, *replies: Reply) -> None:
        self.script.setdefault(path, []).extend(replies)

    # For the server.

    def reply(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            if queue := self.script.get(seen.path):
                return queue.pop(0)
        if (always := self.always.get(seen.path)) is not None:
            return always(seen) if callable(always) else always
        if seen.path == AUTHENTICATE:
            return self.authenticate(seen)
        if self.strict and (refusal := self.refusal(seen)):
            return refusal
        return self.fulfil(seen)

    def authenticate(self, seen: Seen) -> Reply:
        given = seen.json
        if (given.get("userNameOrEmailAddress"), given.get("password")) != (USERNAME, PASSWORD):
            return Reply(refused(0, "Login failed!", unAuthorizedRequest=True), 401)
        with self._lock:
            self._given += 1
            token = f"Token-Example-{self._given}"
            self.valid.add(token)
        return Reply(enveloped(self.result | {"accessToken": token}))

    def refusal(self, seen: Seen) -> Reply | None:
        if seen.headers.get("abp-tenantid") != str(TENANT):
            return Reply(refused(0, "No tenant", unAuthorizedRequest=True), 401)
        with self._lock:
            if seen.token not in self.valid:
                return Reply(refused(0, "Not authenticated", unAuthorizedRequest=True), 401)
        if signature_of(self.url + seen.path, typed(seen)) != seen.signature:
            return Reply(enveloped({"code": 1, "message": "Invalid Signature."}), 400)
        return None

    def fulfil(self, seen: Seen) -> Reply:
        if seen.path in (SESSION, PAYMENT):
            reference = seen.json["referenceCode"]
            with self._lock:
                if reference in self.created:
                    return Reply(refused(2009, "Duplicate Transaction"), 400)
                self.created.append(reference)
            if seen.path == SESSION:
                return Reply(enveloped(OPENED | {"sessionNumber": f"S-{reference}"}))
            return Reply(enveloped(STARTED | {"transactionNumber": f"T-{reference}"}))
        if seen.path == QUERY:
            asked = typed(seen)
            result = PAID | {"transactionNumber": asked.get("TransactionNumber", "T-1")}
            return Reply(enveloped(result | {"paymentSessionNumber": asked.get("SessionNumber", "S-1")}))
        return Reply(enveloped({"ok": True}))


ON_THE_WIRE: dict[str, Any] = {
    "amount": 1234,
    "currencyCode": "MYR",
    "referenceCode": "INV-1",
    "ipAddress": "203.0.113.9",
    "returnUrl": "https://shop.example.my/return",
    "callbackUrl": "https://shop.example.my/callback",
}
"""The smallest request that opens a session or starts a payment, without its timestamp."""
OPENED: dict[str, Any] = {"redirectionType": 1, "redirectUrl": "https://pay.example/s", "sessionNumber": "S-1"}
STARTED: dict[str, Any] = {"redirectionType": 1, "redirectUrl": "https://pay.example/t", "transactionNumber": "T-1"}
PAID: dict[str, Any] = {
    "transactionNumber": "T-1",
    "paymentSessionNumber": "S-1",
    "referenceCode": "INV-1",
    "status": 1,
    "currencyCode": "MYR",
    "amount": 1234,
    "channelId": 2,
    "providerTransactionNumber": "FPX-778",
    "creationTime": "2026-09-01T12:00:00",
    "remark": None,
    "providerPaymentMethod": "FPX",
    "providerErrorMessage": None,
}


def typed(seen: Seen) -> dict[str, Any]:
    """The bound members: the JSON body, or Query's parameters with the types of the gateway's model."""
    if seen.method == "POST":
        return dict(seen.json)
    pairs = dict(parse_qsl(urlsplit(seen.target).query, keep_blank_values=True))
    return {name: int(value) if name.lower() == "timestamp" else value for name, value in pairs.items()}


class _Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = False  # closing the server waits for its threads

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that closed its connection: some tests do that."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.gateway._lock:
            self.server.gateway._sockets.add(self.connection)

    def finish(self) -> None:
        with self.server.gateway._lock:
            self.server.gateway._sockets.discard(self.connection)
        with _tolerant():
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        gateway = self.server.gateway
        headers = {name.lower(): value for name, value in self.headers.items()}
        queue = gateway.script.get(self.path.partition("?")[0])
        if queue and queue[0].drop == "before":
            gateway.reply(Seen(self.command, self.path, headers, b""))
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(self.command, self.path, headers, body)
        reply = gateway.reply(seen)
        seen.status = reply.status
        if reply.hold is not None:
            reply.hold.wait(20)
        if reply.delay:
            time.sleep(reply.delay)
        if reply.drop in ("before", "after"):
            self.close_connection = True
            return
        content = reply.content()
        length = len(content)
        if reply.drop == "within":
            length += 100
            self.close_connection = True
        given = {"Content-Type": "application/json", "Content-Length": str(length)} | reply.headers
        lines = [f"HTTP/1.1 {reply.status} Whatever", *(f"{name}: {value}" for name, value in given.items()), "", ""]
        with _tolerant():
            self.wfile.write("\r\n".join(lines).encode("latin-1") + content)


def _tolerant() -> suppress:
    return suppress(OSError)  # the other side has gone
