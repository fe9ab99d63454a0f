from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from commercepay_api import wire
from facade.gateway import PASSWORD, SECRET_KEY, TENANT, USERNAME, Gateway

from commercepay import AsyncCommercePay, CommercePay, Money

CREDENTIALS: dict[str, Any] = {
    "tenant_id": TENANT,
    "username": USERNAME,
    "password": PASSWORD,
    "secret_key": SECRET_KEY,
}
OPENING: dict[str, Any] = {
    "amount": Money("12.34", "MYR"),
    "reference_code": "INV-1",
    "ip_address": "203.0.113.9",
    "return_url": "https://shop.example.my/return",
    "callback_url": "https://shop.example.my/callback",
}


def built(path: str, **members: object) -> wire.Request[Any]:
    """A POST as a generated module builds it, with a result of any kind."""
    signing = wire.Signing(name=path.rpartition("/")[2], data=members, secured=True)
    arguments = {"method": "post", "url": path, "json": members, "extensions": {wire.EXTENSION: signing}}

    def read(result: Any) -> Any:
        return result

    return wire.Request(arguments, read)


@pytest.fixture(scope="session", autouse=True)
def _quick_turns() -> Iterator[None]:
    """Client and gateway are threads of one process, which by default switch every 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


async def until(happened: Callable[[], Any]) -> None:
    """Wait for another thread."""
    while not happened():  # noqa: ASYNC110  # a server's thread can't set an asyncio.Event
        await asyncio.sleep(0.001)


class Driver:
    """Run the same test with either client: `do` awaits what a method returned, if necessary, and returns the result."""

    def __init__(self, url: str, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        self._url = url
        self._runner = asyncio.Runner() if asynchronous else None
        self._clients: list[Any] = []

    def client(self, **options: Any) -> Any:
        made = {"base_url": self._url} | CREDENTIALS | options
        client: Any = AsyncCommercePay(**made) if self.asynchronous else CommercePay(**made)
        self._clients.append(client)
        return client

    def do(self, outcome: Any) -> Any:
        if not inspect.isawaitable(outcome):
            return outcome

        async def wait() -> Any:
            return await outcome

        assert self._runner is not None
        return self._runner.run(wait())

    def within(self, ask: Callable[[], Any]) -> Any:
        """Read `last_response` where the calls were made: in the context of the event loop."""

        async def wait() -> Any:
            return ask()

        return self.do(wait()) if self.asynchronous else ask()

    def raw(self, operation: Any, client: Any, **arguments: Any) -> Any:
        """Call the sync or the async form of a generated function."""
        call = operation.asyncio_detailed if self.asynchronous else operation.sync_detailed
        return self.do(call(client=client, **arguments))

    def http(self, api: Any) -> Any:
        return self.within(api.get_async_httpx_client if self.asynchronous else api.get_httpx_client)

    def shut(self, client: Any) -> None:
        self.do(client.aclose() if self.asynchronous else client.close())

    def end(self) -> None:
        for client in self._clients:
            self.shut(client)
        if self._runner is not None:
            self._runner.close()


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest, gateway: Gateway) -> Iterator[Driver]:
    driver = Driver(gateway.url, request.param)
    yield driver
    driver.end()


@pytest.fixture
def cp(driver: Driver) -> Any:
    return driver.client()
