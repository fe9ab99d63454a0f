"""The time of a call to a loopback server: bare httpx, signed by hand, the raw generated function, the facade."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import httpx
from commercepay_api.api.payment_gateway import initial_session, query
from commercepay_api.models import SessionRequest
from compare import Seconds, table, take_turns, timed

from commercepay import AsyncCommercePay, CommercePay, Money

SECRET = "example-Secret-Key-01"
CREDENTIALS: dict[str, Any] = {"tenant_id": 42, "username": "shop", "password": "pw", "secret_key": SECRET}
SESSION = "/api/services/app/PaymentGateway/InitialSession"
QUERY = "/api/services/app/PaymentGateway/Query"
RESPONSES = {
    b"/api/TokenAuth/Authenticate": {"accessToken": "t" * 600, "expireInSeconds": 86400},
    SESSION.encode(): {"redirectionType": 1, "redirectUrl": "https://pay.example/s/1", "sessionNumber": "S1"},
    QUERY.encode(): {
        "transactionNumber": "T1",
        "paymentSessionNumber": "S1",
        "referenceCode": "INV-1",
        "status": 1,
        "currencyCode": "MYR",
        "amount": 1234,
        "channelId": 2,
    },
}
BODY = {
    "currencyCode": "MYR",
    "amount": 1234,
    "referenceCode": "INV-1",
    "timestamp": 1621851652617,
    "ipAddress": "203.0.113.9",
    "returnUrl": "https://shop.example.my/return",
    "callbackUrl": "https://shop.example.my/callback",
    "description": "Order INV-1",
}


class _FixedResponses(asyncio.Protocol):
    """A server that does as little as possible, so that the client is measured."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if end and len(rest) >= length:
            self._buffer = rest[length:]
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            envelope = {"result": RESPONSES[path], "targetUrl": None, "success": True, "error": None}
            body = json.dumps(envelope | {"unAuthorizedRequest": False, "__abp": True}).encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )


def _serve(ready: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_FixedResponses, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def serving() -> Iterator[str]:
    """The base URL of a server in another process."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        server.terminate()
        server.join()


def _signed_by_hand(url: str, data: dict[str, Any]) -> str:
    ordered = {name.lower(): data[name] for name in sorted(data, key=str.lower)}
    text = (url + json.dumps(ordered, separators=(",", ":"), ensure_ascii=False)).lower()
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def _opening(number: int) -> dict[str, Any]:
    return {
        "amount": Money.from_minor(1234, "MYR"),
        "reference_code": f"INV-{number}",
        "ip_address": "203.0.113.9",
        "return_url": "https://shop.example.my/return",
        "callback_url": "https://shop.example.my/callback",
        "description": "Order INV-1",
    }


def _sync_candidates(base: str) -> dict[str, Callable[[], object]]:
    bare = httpx.Client(base_url=base, headers={"Authorization": "Bearer " + "t" * 600, "Abp-TenantId": "42"})
    cp = CommercePay(base_url=base, **CREDENTIALS)

    def hand_post() -> object:
        response = bare.post(SESSION, json=BODY, headers={"cap-signature": _signed_by_hand(base + SESSION, BODY)})
        return response.json()["result"]["sessionNumber"]

    def hand_get() -> object:
        params = {"SessionNumber": "S1", "Timestamp": 1621851652617}
        response = bare.get(QUERY, params=params, headers={"cap-signature": _signed_by_hand(base + QUERY, params)})
        return response.json()["result"]["status"]

    return {
        "POST, bare httpx": lambda: bare.post(SESSION, json=BODY).json(),
        "POST, signed by hand": hand_post,
        "POST, raw generated function": lambda: initial_session.sync_detailed(
            client=cp.api, body=SessionRequest.from_dict(BODY)
        ),
        "POST, facade: sessions.create": lambda: cp.sessions.create(**_opening(1)),
        "GET, bare httpx": lambda: bare.get(QUERY, params={"SessionNumber": "S1", "Timestamp": 1621851652617}).json(),
        "GET, signed by hand": hand_get,
        "GET, raw generated function": lambda: query.sync_detailed(
            client=cp.api, session_number="S1", timestamp=1621851652617
        ),
        "GET, facade: payments.query": lambda: cp.payments.query(session_number="S1"),
    }


def _async_candidates(base: str) -> dict[str, Callable[[], Awaitable[object]]]:
    bare = httpx.AsyncClient(base_url=base, headers={"Authorization": "Bearer " + "t" * 600, "Abp-TenantId": "42"})
    cp = AsyncCommercePay(base_url=base, **CREDENTIALS)

    async def bare_post() -> object:
        return (await bare.post(SESSION, json=BODY)).json()

    async def hand_post() -> object:
        signature = _signed_by_hand(base + SESSION, BODY)
        return (await bare.post(SESSION, json=BODY, headers={"cap-signature": signature})).json()

    async def bare_get() -> object:
        return (await bare.get(QUERY, params={"SessionNumber": "S1", "Timestamp": 1621851652617})).json()

    async def hand_get() -> object:
        params = {"SessionNumber": "S1", "Timestamp": 1621851652617}
        signature = _signed_by_hand(base + QUERY, params)
        return (await bare.get(QUERY, params=params, headers={"cap-signature": signature})).json()

    return {
        "async POST, bare httpx": bare_post,
        "async POST, signed by hand": hand_post,
        "async POST, raw generated function": lambda: initial_session.asyncio_detailed(
            client=cp.api, body=SessionRequest.from_dict(BODY)
        ),
        "async POST, facade: sessions.create": lambda: cp.sessions.create(**_opening(1)),
        "async GET, bare httpx": bare_get,
        "async GET, signed by hand": hand_get,
        "async GET, raw generated function": lambda: query.asyncio_detailed(
            client=cp.api, session_number="S1", timestamp=1621851652617
        ),
        "async GET, facade: payments.query": lambda: cp.payments.query(session_number="S1"),
    }


def _print_tables(medians: dict[str, Seconds], prefix: str) -> None:
    for verb in ("POST", "GET"):
        part = {name: median for name, median in medians.items() if name.startswith(f"{prefix}{verb},")}
        table(f"{prefix}{verb} over loopback, median of single calls", part, f"{prefix}{verb}, bare httpx")


def main(rounds: int = 1500) -> None:
    """Measure single calls, the candidates in turn."""
    with serving() as base:
        calls = _sync_candidates(base)
        for call in calls.values():
            call()
        _print_tables(take_turns({name: timed(call) for name, call in calls.items()}, rounds), "")
        with asyncio.Runner() as runner:
            tasks = runner.run(_built(base))
            samples = {name: timed(lambda call=call: runner.run(_awaited(call))) for name, call in tasks.items()}
            for once in samples.values():
                once()
            _print_tables(take_turns(samples, rounds), "async ")


async def _built(base: str) -> dict[str, Callable[[], Awaitable[object]]]:
    return _async_candidates(base)


async def _awaited(call: Callable[[], Awaitable[object]]) -> object:
    return await call()
