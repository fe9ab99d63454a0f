from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx
import pytest
from commercepay_api import AuthenticatedClient

BASE_URL = "https://gateway.test"


@dataclass
class Gateway:
    """A client whose responses the test sets, and the requests that it sent. `call` runs the sync or async form of a function."""

    asynchronous: bool
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        # As a stream, as from a socket: a body of bytes would be decoded when the response is created.
        return httpx.Response(self.status, headers=self.headers, stream=Body(self.body))

    def client(self, **options: Any) -> AuthenticatedClient:
        given = {"transport": httpx.MockTransport(self.respond), **options.pop("httpx_args", {})}
        return AuthenticatedClient(base_url=BASE_URL, token="not-a-real-token", httpx_args=given, **options)

    def call(self, operation: ModuleType, client: AuthenticatedClient | None = None, **arguments: Any) -> Any:
        client = client or self.client()
        if not self.asynchronous:
            with client:
                return operation.sync_detailed(client=client, **arguments)

        async def run() -> Any:
            async with client:
                return await operation.asyncio_detailed(client=client, **arguments)

        return asyncio.run(run())


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self.content

    async def __aiter__(self) -> Any:
        yield self.content


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def gateway(request: pytest.FixtureRequest) -> Gateway:
    return Gateway(asynchronous=request.param)
