"""Closing, context managers, leaks."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from commercepay_api.api.payment_gateway import query
from facade.conftest import CREDENTIALS, OPENING, until
from facade.gateway import PAID, QUERY, Reply, enveloped

from commercepay import AsyncCommercePay, ClientClosed, CommercePay, CommercePayError

QUERIED: dict[str, Any] = {"session_number": "S-1"}


def test_after_closing(driver: Any, gateway: Any, cp: Any) -> None:
    """Every call of a closed client, also by a raw function, raises ClientClosed and sends nothing. It can be closed again."""
    driver.do(cp.payments.query(**QUERIED))
    sent = len(gateway.seen)
    driver.shut(driver.client())  # which was never used
    driver.shut(cp)
    driver.shut(cp)
    for call in (
        lambda: cp.payments.query(**QUERIED),
        lambda: cp.sessions.create(**OPENING),
        lambda: cp.payments.create(**OPENING),
        lambda: cp.request("POST", "/x"),
    ):
        with pytest.raises(ClientClosed):
            driver.do(call())
    with pytest.raises(ClientClosed):
        driver.raw(query, cp.api, session_number="S-1", timestamp=1621851652617)
    assert len(gateway.seen) == sent


def test_with_block(gateway: Any) -> None:
    """A with block gives the client and closes it, also when something is raised inside."""
    for error in (None, KeyError):
        with suppress(KeyError), CommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            http = cp.api.get_httpx_client()
            assert type(cp) is CommercePay
            if error:
                raise error
        assert http.is_closed


def test_async_with_block(gateway: Any) -> None:
    """An async with block gives the client and closes it."""

    async def main() -> None:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            http, sync = cp.api.get_async_httpx_client(), cp.api.get_httpx_client()
            assert type(cp) is AsyncCommercePay
        assert (http.is_closed, sync.is_closed) == (True, True)

    asyncio.run(main())


def test_a_leaked_client(gateway: Any) -> None:
    """A client that was used and is dropped without closing causes a ResourceWarning at once."""
    cp = CommercePay(base_url=gateway.url, **CREDENTIALS)
    cp.payments.query(**QUERIED)
    cp.api.get_httpx_client().close()  # closes the socket, for this test
    with pytest.warns(ResourceWarning, match="unclosed CommercePay"):
        del cp


def test_a_leaked_async_client(gateway: Any) -> None:
    """An async client that was used and is dropped without closing causes a ResourceWarning at once."""

    async def main() -> None:
        cp = AsyncCommercePay(base_url=gateway.url, **CREDENTIALS)
        await cp.payments.query(**QUERIED)
        await cp.api.get_async_httpx_client().aclose()
        with pytest.warns(ResourceWarning, match="unclosed AsyncCommercePay"):
            del cp

    asyncio.run(main())


def test_no_warning_without_a_leak(gateway: Any) -> None:
    """A client that was closed, never used, or could not be created causes no warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cp = CommercePay(base_url=gateway.url, **CREDENTIALS)
        cp.payments.query(**QUERIED)
        cp.close()
        del cp
        CommercePay(base_url=gateway.url, **CREDENTIALS)
        AsyncCommercePay(base_url=gateway.url, **CREDENTIALS)
        with pytest.raises(CommercePayError):
            CommercePay(base_url="nonsense", **CREDENTIALS)
        gc.collect()
    assert [str(warning.message) for warning in caught if "CommercePay" in str(warning.message)] == []


def test_closing_while_others_open(gateway: Any) -> None:
    """Threads that use a client while it is closed get a response or ClientClosed, and leave no open connection."""
    for _ in range(10):
        cp = CommercePay(base_url=gateway.url, **CREDENTIALS)
        opened: list[Any] = []

        def use(cp: Any = cp, opened: Any = opened) -> None:
            with suppress(ClientClosed):
                opened.append(cp.api.get_httpx_client())

        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(use) for _ in range(4)] + [pool.submit(cp.close)] + [pool.submit(use) for _ in range(4)]
            for job in jobs:
                job.result(20)
        assert all(http.is_closed for http in opened)


def test_a_new_client_has_no_last_response(gateway: Any) -> None:
    """`last_response` of one client is never shown by another, even at the same place in memory."""
    for _ in range(50):
        with CommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            assert cp.last_response is None
            if not gateway.count("/x"):
                cp.request("POST", "/x")
                assert cp.last_response is not None
        del cp
        gc.collect(0)


def test_closing_during_a_call(gateway: Any) -> None:
    """A call in progress is completed; then its connection is closed."""
    answered = threading.Event()
    gateway.always[QUERY] = lambda seen: (answered.wait(20), Reply(enveloped(PAID)))[1]

    async def main() -> None:
        cp, acp = (cls(base_url=gateway.url, **CREDENTIALS) for cls in (CommercePay, AsyncCommercePay))
        calls = [asyncio.create_task(asyncio.to_thread(cp.payments.query, **QUERIED))]
        calls.append(asyncio.create_task(acp.payments.query(**QUERIED)))
        await until(lambda: gateway.count(QUERY) == 2)
        cp.close()
        await acp.aclose()
        answered.set()
        assert [payment.reference_code for payment in await asyncio.gather(*calls)] == ["INV-1", "INV-1"]
        assert await asyncio.to_thread(gateway.is_left)

    asyncio.run(main())
