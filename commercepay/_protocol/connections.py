"""Connections: which HTTP client a generated function gets, in whatever thread, event loop or process it runs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Callable
from typing import Any

import httpx
from attrs import define, field
from commercepay_api import AuthenticatedClient

from commercepay._protocol import fork
from commercepay.errors import ClientClosed, ConfigurationError


class _NoCookies(httpx.Cookies):
    """Sends the cookies it was made with and keeps none: the gateway's calls have no state but the token."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing. Reading Set-Cookie costs as much as signing."""


class _Stateless:
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sent_cookies = _NoCookies(options["cookies"])

    @property
    def cookies(self) -> httpx.Cookies:
        return self._sent_cookies

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._sent_cookies = _NoCookies(cookies)


class _SyncHttp(_Stateless, httpx.Client):
    pass


class _AsyncHttp(_Stateless, httpx.AsyncClient):
    pass


class BorrowedTransport(httpx.BaseTransport):
    """Sends through an `httpx.Client` of the application's, whose pool, proxies, mounts and hooks stay in force.

    The client itself is not changed and not closed: shared with other services, it carries nothing of ours to them.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._client.is_closed:
            raise ClientClosed("the http_client that this client was given has been closed")
        return self._client.send(request, stream=True, auth=None, follow_redirects=False)


class BorrowedAsyncTransport(httpx.AsyncBaseTransport):
    """`BorrowedTransport` for an `httpx.AsyncClient`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._client.is_closed:
            raise ClientClosed("the http_client that this client was given has been closed")
        return await self._client.send(request, stream=True, auth=None, follow_redirects=False)


class Connections:
    """The open connections of one client: one pool for all threads, or one for each event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sync: httpx.Client | None = None
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )
        self._abandoned: list[object] = []
        self.closed = False
        fork.watch(self)

    def after_fork(self) -> None:
        # The sockets are the parent's too. They are neither used nor closed here: closing one that an event loop watches
        # would take it out of the parent's loop as well.
        self._lock = threading.Lock()
        self._abandoned += [self._sync, *self._by_loop.values()]
        self._sync = None
        self._by_loop = weakref.WeakKeyDictionary()

    @property
    def is_open(self) -> bool:
        return self._sync is not None or bool(self._by_loop)

    def sync(self, build: Callable[[], httpx.Client]) -> httpx.Client:
        client = self._sync
        if client is None:
            with self._lock:
                self.refuse_if_closed()
                client = self._sync = self._sync or build()
        return client

    def for_loop(self, build: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._by_loop.get(loop)
        if client is None:
            with self._lock:
                self.refuse_if_closed()
                # Open connections keep their loop alive, so those of a loop that has ended would stay for good.
                for ended in [other for other in self._by_loop if other.is_closed()]:
                    del self._by_loop[ended]
                client = self._by_loop.setdefault(loop, build())
        return client

    def refuse_if_closed(self) -> None:
        if self.closed:
            raise ClientClosed("this client was closed; build a new one, or close it later")

    def close(self) -> None:
        with self._lock:  # against a thread that is just opening one
            self.closed = True
            client, self._sync = self._sync, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        self.close()
        here = asyncio.get_running_loop()
        for loop, client in list(self._by_loop.items()):
            self._by_loop.pop(loop, None)
            if loop is here:
                await client.aclose()
            elif loop.is_running():
                with contextlib.suppress(RuntimeError):  # it stopped just now
                    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(client.aclose(), loop))
            # A loop that does not run any more took its connections with it.


@define(eq=False)
class Api(AuthenticatedClient):
    """The generated client, kept working over threads, event loops and forks.

    What `with_headers()` and its like derive from it has connections of its own, and the same `httpx.Auth`.
    """

    _connections: Connections = field(factory=Connections, init=False, repr=False)

    def get_httpx_client(self) -> httpx.Client:
        return self._client or self._connections.sync(lambda: _SyncHttp(**self._options()))

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        return self._async_client or self._connections.for_loop(lambda: _AsyncHttp(**self._options()))

    @property
    def connections(self) -> Connections:
        return self._connections

    def _options(self) -> dict[str, Any]:
        return {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": self._headers,
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            "follow_redirects": self._follow_redirects,
            **self._httpx_args,
        }


def transport_for(http_client: object, transport: object, *, is_async: bool) -> dict[str, Any]:
    """The transport to hand to httpx, out of what the application gave, if anything.

    Raises:
        ConfigurationError: both were given, or one of the other colour.
    """
    client_type: type = httpx.AsyncClient if is_async else httpx.Client
    transport_type: type = httpx.AsyncBaseTransport if is_async else httpx.BaseTransport
    problems: list[str] = []
    if http_client is not None and transport is not None:
        problems.append("give http_client or transport, not both")
    if http_client is not None and not isinstance(http_client, client_type):
        problems.append(f"http_client must be an httpx.{client_type.__name__}, not {type(http_client).__name__}")
    if transport is not None and not isinstance(transport, transport_type):
        problems.append(f"transport must be an httpx.{transport_type.__name__}, not {type(transport).__name__}")
    if problems:
        raise ConfigurationError(problems)
    if isinstance(http_client, httpx.Client):
        return {"transport": BorrowedTransport(http_client)}
    if isinstance(http_client, httpx.AsyncClient):
        return {"transport": BorrowedAsyncTransport(http_client)}
    return {} if transport is None else {"transport": transport}


def timeout_of(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds)
