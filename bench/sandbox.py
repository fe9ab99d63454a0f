"""Signed requests per second at the sandbox, compared with a bare application of the same framework and server.

    python bench/sandbox.py [--rounds N] [--requests N]

Each server is a separate process. The requests are built and signed beforehand, so that the client takes almost no time. The
rounds alternate, and the medians are compared. The target is 40 %.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import statistics
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from commercepay import signature
from commercepay.sandbox.model import TENANTS
from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web.server import listen, server, url_of

CONNECTIONS = 8
TENANT = TENANTS[0]
GATEWAY = "/api/services/app/PaymentGateway"
FIXED = {
    "result": {"redirectionType": 1, "redirectUrl": "http://127.0.0.1/pay/1", "sessionNumber": "1"},
    "targetUrl": None,
    "success": True,
    "error": None,
    "unAuthorizedRequest": False,
    "__abp": True,
}


def serve_sandbox(ready: Connection) -> None:
    listener = listen("127.0.0.1", 0)
    ready.send(url_of(listener))
    server(SandboxCore()).run([listener])


def serve_bare(ready: Connection) -> None:
    async def fixed(_request: Request) -> JSONResponse:
        return JSONResponse(FIXED)

    app = Starlette(
        routes=[
            Route(f"{GATEWAY}/InitialSession", fixed, methods=["POST"]),
            Route(f"{GATEWAY}/Query", fixed, methods=["GET"]),
        ]
    )
    listener = listen("127.0.0.1", 0)
    ready.send(url_of(listener))
    config = uvicorn.Config(app, loop="asyncio", ws="none", log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run([listener])


def started(target: Callable[[Connection], None]) -> str:
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=target, args=(theirs,), daemon=True).start()
    url: str = ours.recv()
    return url


def authenticate(url: str) -> str:
    response = httpx.post(
        f"{url}/api/TokenAuth/Authenticate",
        headers={"Abp-TenantId": str(TENANT.id)},
        json={"userNameOrEmailAddress": TENANT.username, "password": TENANT.password},
    )
    token: str = response.json()["result"]["accessToken"]
    return token


class Maker:
    """Builds signed requests, as bytes of HTTP."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.host = url.partition("://")[2]
        self.common = f"Host: {self.host}\r\nAbp-TenantId: {TENANT.id}\r\nAuthorization: Bearer {token}\r\n"

    def session(self, reference: str) -> bytes:
        members = {
            "currencyCode": "MYR",
            "amount": 1234,
            "referenceCode": reference,
            "timestamp": time.time_ns() // 1_000_000,
            "ipAddress": "203.0.113.9",
            "returnUrl": "https://shop.example.my/return",
            "callbackUrl": "https://shop.example.my/callback",
            "description": f"Order {reference}",
            "customer": {"name": "Aisyah", "email": "aisyah@example.my", "mobileNo": "60123456789"},
            "expiredInMinutes": 30,
        }
        signed = signature.sign(f"{self.url}{GATEWAY}/InitialSession", members, TENANT.secret_key)
        body = json.dumps(members)
        head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\ncap-signature: {signed}\r\n\r\n"
        return f"POST {GATEWAY}/InitialSession HTTP/1.1\r\n{self.common}{head}{body}".encode()

    def query(self, session: str) -> bytes:
        members = {"SessionNumber": session, "Timestamp": time.time_ns() // 1_000_000}
        signed = signature.sign(f"{self.url}{GATEWAY}/Query", members, TENANT.secret_key)
        path = f"{GATEWAY}/Query?SessionNumber={session}&Timestamp={members['Timestamp']}"
        return f"GET {path} HTTP/1.1\r\n{self.common}cap-signature: {signed}\r\n\r\n".encode()


class Load(asyncio.Protocol):
    """One connection. It sends the next request when the response to the last has arrived."""

    def __init__(self, requests: list[bytes], done: asyncio.Future[list[bytes]]) -> None:
        self._requests = iter(requests)
        self._done = done
        self._responses: list[bytes] = []
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done.set_result(self._responses)
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"not accepted: {self._buffer.decode()}")
            self._responses.append(body)
            self._buffer = b""
            self._next()


async def run(url: str, requests: list[bytes]) -> tuple[float, list[bytes]]:
    """The requests per second, and the responses."""
    loop = asyncio.get_running_loop()
    host, _, port = url.partition("://")[2].rpartition(":")
    ends: list[asyncio.Future[list[bytes]]] = [loop.create_future() for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for number, end in enumerate(ends):
        part = requests[number::CONNECTIONS]
        await loop.create_connection(lambda part=part, end=end: Load(part, end), host, int(port))
    responses = [response for part in await asyncio.gather(*ends) for response in part]
    return len(requests) / (time.perf_counter() - began), responses


def median(rates: list[float]) -> float:
    return statistics.median(rates)


async def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--requests", type=int, default=2000)
    given = options.parse_args(arguments)
    bare, sandbox = started(serve_bare), started(serve_sandbox)
    makers = {"bare": Maker(bare, "none"), "sandbox": Maker(sandbox, authenticate(sandbox))}
    rates: dict[tuple[str, str], list[float]] = {(kind, who): [] for kind in ("POST", "GET") for who in makers}
    for _ in range(given.rounds):
        for who, maker in makers.items():
            run_id = uuid.uuid4().hex[:12]
            posts = [maker.session(f"{run_id}-{number}") for number in range(given.requests)]
            rate, responses = await run(maker.url, posts)
            rates["POST", who].append(rate)
            sessions = [json.loads(response)["result"]["sessionNumber"] for response in responses]
            rate, _ = await run(maker.url, [maker.query(session) for session in sessions])
            rates["GET", who].append(rate)
    for kind, name in (("POST", "InitialSession"), ("GET", "Query")):
        ours, theirs = median(rates[kind, "sandbox"]), median(rates[kind, "bare"])
        print(f"{name:15} sandbox {ours:7.0f}/s   bare {theirs:7.0f}/s   ratio {ours / theirs:5.0%}")


if __name__ == "__main__":
    asyncio.run(main())
