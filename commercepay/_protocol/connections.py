"""Connections: which HTTP client a generated function gets, in whatever thread, event loop or process it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from attrs import define, field
from commercepay_api import AuthenticatedClient

from commercepay._base.extras import missing
from commercepay._base.hosts import is_loopback
from commercepay._protocol import fork
from commercepay.errors import ClientClosed, ConfigurationError

T = TypeVar("T")


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
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopPool] = weakref.WeakKeyDictionary()
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
        return self._sync is not None or any(not loop.is_closed() for loop in self._by_loop)

    def sync(self, build: Callable[[], httpx.Client]) -> httpx.Client:
        client = self._sync
        if client is None:
            with self._lock:
                self.refuse_if_closed()
                client = self._sync = self._sync or build()
        return client

    def for_loop(self, build: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
        loop = running_loop()
        pool = self._by_loop.get(loop)
        if pool is None or pool.client.is_closed:
            with self._lock:
                self.refuse_if_closed()
                # An open pool keeps its loop alive, so the entry of a loop that has ended would stay for good.
                for ended in [other for other in self._by_loop if other.is_closed()]:
                    del self._by_loop[ended]
                pool = self._by_loop[loop] = _LoopPool(build())
        return pool.client

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
        here = running_loop()
        for loop, pool in list(self._by_loop.items()):
            self._by_loop.pop(loop, None)
            if loop is here:
                await pool.aclose()
            elif loop.is_running():
                with contextlib.suppress(RuntimeError):  # it stopped just now
                    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(pool.aclose(), loop))
            # A loop that does not run any more took its connections with it.


class _LoopPool:
    """The connections of one event loop, which are closed before that loop is.

    A loop closes the async generators that were started in it before it ends (`asyncio.run` and other runners call
    `loop.shutdown_asyncgens`). So the connections are closed by one, while the loop can still do it.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self._closing = _closed_at_the_end(client)
        with contextlib.suppress(StopIteration):  # the generator's first value
            self._closing.__anext__().send(None)

    async def aclose(self) -> None:
        await self._closing.aclose()


async def _closed_at_the_end(client: httpx.AsyncClient) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await client.aclose()


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of the current task.

    Raises:
        ConfigurationError: there is none: no asyncio at all, or trio.
    """
    task = None
    with contextlib.suppress(RuntimeError):
        task = asyncio.current_task()
    if task is None:
        raise ConfigurationError(
            "AsyncCommercePay works with asyncio only, and this is not an asyncio task (trio is not supported): use"
            " CommercePay in a thread instead"
        )
    return task.get_loop()


@define(eq=False)
class Api(AuthenticatedClient):
    """The generated client, kept working over threads, event loops and forks.

    What `with_headers()` and its like derive from it has connections of its own, and the same `httpx.Auth`.
    """

    _connections: Connections = field(factory=Connections, init=False, repr=False)

    def get_httpx_client(self) -> httpx.Client:
        return self._client or self._connections.sync(lambda: self._open(_SyncHttp, httpx.HTTPTransport))

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        return self._async_client or self._connections.for_loop(
            lambda: self._open(_AsyncHttp, httpx.AsyncHTTPTransport)
        )

    @property
    def connections(self) -> Connections:
        return self._connections

    def check_environment(self) -> None:
        """Try the variables for proxies and certificates, if connections will use them.

        Raises:
            ConfigurationError: names each variable that can't be used.
        """
        if "transport" not in self._httpx_args and (problems := self._environment_problems()):
            raise ConfigurationError(problems)

    def _environment_problems(self, *, read_certificates: bool = False) -> list[str]:
        problems = _certificate_problems(read_certificates) if self._verify_ssl else []
        return problems if self._is_loopback else problems + _proxy_problems()

    @property
    def _is_loopback(self) -> bool:
        return is_loopback(urlsplit(self._base_url).hostname or "")

    def _open(self, client: Callable[..., T], transport: Callable[..., object]) -> T:
        try:
            return client(**self._options(transport))
        except Exception:
            if not (problems := self._environment_problems(read_certificates=True)):
                raise
        # Outside of the handler: httpx's error may quote the password of a proxy.
        raise ConfigurationError(problems)

    def _options(self, transport: Callable[..., object]) -> dict[str, Any]:
        options = {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": self._headers,
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            "follow_redirects": self._follow_redirects,
            **self._httpx_args,
        }
        if self._is_loopback:
            # With a transport given, httpx uses no proxy of the environment: loopback is this machine, not the proxy's.
            options.setdefault("transport", transport(verify=self._verify_ssl))
        return options


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


# --- variables that httpx reads ---------------------------------------------------------------------------------------

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""The proxies' URLs. In lower case, too; NO_PROXY lists the hosts that are reached without one."""

CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _certificate_problems(read: bool) -> list[str]:
    return [
        f"{name} {problem}"
        for name in CERTIFICATE_VARIABLES
        if (path := os.environ.get(name)) and (problem := _certificates_problem(name, path, read))
    ]


def _certificates_problem(name: str, path: str, read: bool) -> str | None:
    if name == "SSL_CERT_DIR":
        exists = any(map(os.path.isdir, path.split(os.pathsep)))
        return None if exists else "is not a directory"
    if not os.path.isfile(path):
        return "is not a file"
    if read:
        import ssl

        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            return f"can't be read as certificates in PEM form ({type(error).__name__})"
    return None


def _proxy_problems() -> list[str]:
    names = [name for name in os.environ if name.upper() in PROXY_VARIABLES and os.environ[name]]
    problems = [f"{name} {problem}" for name in names if (problem := _proxy_problem(os.environ[name]))]
    if names and not problems:
        try:
            httpx.Client(verify=False).close()  # noqa: S501  # it connects to nothing: only the variables are read
        except (ValueError, TypeError, httpx.InvalidURL):
            problems.append("NO_PROXY can't be read by httpx: write hosts, domains and addresses, and no IPv6 networks")
    return problems


def _proxy_problem(proxy: str) -> str | None:
    try:
        # As httpx reads it; without TLS, which takes long and is checked separately.
        httpx.HTTPTransport(verify=False, proxy=proxy if "://" in proxy else f"http://{proxy}").close()
    except ImportError:
        return f"is a SOCKS proxy: {missing('httpx[socks]', ModuleNotFoundError(name='socksio'))}"
    except (ValueError, TypeError, httpx.InvalidURL):
        return "is not the URL of a proxy, such as http://proxy.example:3128 or socks5://proxy.example:1080"
    return None
