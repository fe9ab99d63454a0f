"""Cancelled and interrupted calls leave no connection in use."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpcore
import pytest
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import PAID, QUERY, Gateway, Reply, enveloped
from faults.matrix import in_use

from commercepay import APIConnectionError, APITimeoutError, AsyncCommercePay, CommercePay, CommercePayError
from commercepay._protocol import defaults

CALLS = 300


@pytest.mark.parametrize("connections", [100, 7])
@pytest.mark.parametrize("how", ["cancel", "timeout", "deadline"])
def test_cancelled_calls(monkeypatch: pytest.MonkeyPatch, how: str, connections: int) -> None:
    """After 300 calls were ended at random moments, no connection is in use, and all connections can be used again."""
    monkeypatch.setattr(defaults, "MAX_CONNECTIONS", connections)
    chance = random.Random(connections)
    gateway = Gateway()

    async def call(cp: AsyncCommercePay, number: int) -> None:
        seconds = chance.uniform(0.001, 0.4)
        options: dict[str, Any] = {"timeout": seconds} if how == "deadline" else {}
        async with asyncio.timeout(seconds if how == "timeout" else None):
            if number % 2:
                await cp.payments.query(session_number="S-1", **options)
            else:
                await cp.sessions.create(**OPENING | {"reference_code": f"INV-{how}-{number}"}, **options)

    async def main() -> None:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            tasks = [asyncio.create_task(call(cp, number)) for number in range(CALLS)]
            if how == "cancel":
                for task in tasks:
                    asyncio.get_running_loop().call_later(chance.uniform(0, 0.4), task.cancel)
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(one) for one in ended} & {asyncio.CancelledError, TimeoutError} or how == "deadline"
            assert all(
                isinstance(one, CommercePayError | asyncio.CancelledError | TimeoutError | None) for one in ended
            )
            http: Any = cp.api.get_async_httpx_client()
            transport = http._transport
            assert in_use(transport) == 0
            queries = [cp.payments.query(session_number="S-1") for _ in range(connections)]
            assert len(await asyncio.gather(*queries)) == connections
            assert in_use(transport) == 0

    try:
        asyncio.run(main())
        assert gateway.is_left()
    finally:
        gateway.close()


def test_a_cancelled_scope_of_anyio() -> None:
    """In a scope of anyio that was cancelled, such as that of a web request whose client left, a call ends at once."""
    gateway = Gateway()

    async def main() -> None:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            for seconds in (0, 0.001, 0.01, 0.03):
                with anyio.move_on_after(seconds) as scope:
                    while True:
                        await cp.payments.query(session_number="S-1")
                assert scope.cancelled_caught
            await cp.payments.query(session_number="S-1")

    asyncio.run(main())
    gateway.close()


class Interrupted(Exception):
    """Raised by a signal handler."""


@pytest.mark.parametrize("interrupt", [Interrupted, KeyboardInterrupt, TimeoutError])
def test_interrupted_calls(monkeypatch: pytest.MonkeyPatch, interrupt: type[BaseException]) -> None:
    """More interrupts than there are connections, at a moment when httpcore loses the connection, do not stop later calls."""
    monkeypatch.setattr(defaults, "MAX_CONNECTIONS", 2)
    gateway = Gateway()

    def handle_request(*args: object) -> None:
        raise interrupt

    with CommercePay(base_url=gateway.url, max_retries=0, **CREDENTIALS) as cp:
        with monkeypatch.context() as patch:
            patch.setattr(httpcore.HTTPConnection, "handle_request", handle_request)
            for _ in range(3):
                with pytest.raises((interrupt, APIConnectionError)):
                    cp.payments.query(session_number="S-1", timeout=5)
        cp.payments.query(session_number="S-1", timeout=5)
    gateway.close()


def test_calls_without_a_free_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for a free connection until their deadline get an error that names the cause; none stays in use."""
    monkeypatch.setattr(defaults, "MAX_CONNECTIONS", 2)
    gateway = Gateway()

    def call(seconds: float) -> str:
        try:
            return str(cp.payments.query(session_number="S-1", timeout=seconds).status)
        except APITimeoutError as error:
            return str(error)

    with CommercePay(base_url=gateway.url, max_retries=0, **CREDENTIALS) as cp:
        call(5)
        gateway.always[QUERY] = Reply(enveloped(PAID), delay=0.05)
        chance = random.Random(0)
        with ThreadPoolExecutor(10) as threads:
            texts = list(threads.map(call, [chance.uniform(0.02, 0.3) for _ in range(80)]))
        transport: Any = cp.api.get_httpx_client()._transport
        assert in_use(transport) == 0
        assert call(5) == str(PAID["status"])
    assert any("no connection was free" in text for text in texts)
    gateway.close()
