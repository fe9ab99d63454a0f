"""Connections: the HTTP client of a call, for its thread, event loop and process."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from commercepay._protocol import environment, fork
from commercepay._protocol.http_library import httpx
from commercepay._protocol.settings import PRODUCTION, Settings
from commercepay._protocol.transport import (
    AsyncTransport,
    ForeignAsyncTransport,
    ForeignTransport,
    Limits,
    Transport,
    closing,
    is_from_elsewhere,
)
from commercepay.errors import APIConnectionError, ArgumentError, ClientClosed, ConfigurationError

if TYPE_CHECKING:
    import asyncio
    import ssl

log = logging.getLogger("commercepay")

T = TypeVar("T")


class _NoCookies(httpx.Cookies):
    """Sends the cookies it was made with and keeps none: the gateway's calls have no state except the token."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing. Reading Set-Cookie costs as much as signing."""


class _Stateless:
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sent_cookies = _NoCookies(options.get("cookies"))

    def build_request(self, *args: Any, **options: Any) -> httpx.Request:
        try:
            request: httpx.Request = cast("Any", super()).build_request(*args, **options)
        except httpx.InvalidURL:
            pass
        else:
            return request
        raise ArgumentError("path and parameters make no URL that can be sent: it is invalid or too long")

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


class Connections:
    """The open connections of one client: one pool for all threads, and one for each event loop.

    Args:
        options: the arguments of `httpx.Client` and `httpx.AsyncClient`, and `limits`. A `transport` may also be an HTTP client
            of the application's.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self._lock = threading.Lock()
        self._sync: httpx.Client | None = None
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopPool] = weakref.WeakKeyDictionary()
        self._abandoned: list[object] = []
        self.closed: bool = False
        self._warned = False
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

    def sync(self) -> httpx.Client:
        """The HTTP client for threads."""
        client = self._sync
        if client is None:
            with self._lock:
                self.refuse_if_closed()
                client = self._sync = self._sync or self._open(_SyncHttp, Transport, ForeignTransport)
        return client

    def for_loop(self) -> httpx.AsyncClient:
        """The HTTP client for tasks of the running event loop.

        Raises:
            ConfigurationError: there is no asyncio event loop.
        """
        loop = running_loop()
        pool = self._by_loop.get(loop)
        if pool is None or pool.client.is_closed:
            with self._lock:
                self.refuse_if_closed()
                # An open pool keeps its loop alive, so the entry of an ended loop would never be removed.
                for ended in [other for other in self._by_loop if other.is_closed()]:
                    del self._by_loop[ended]
                pool = self._by_loop[loop] = _LoopPool(self._open(_AsyncHttp, AsyncTransport, ForeignAsyncTransport))
        return pool.client

    def check_environment(self) -> None:
        """Try the variables for proxies and certificates, if connections will use them. Warn of SSLKEYLOGFILE, once.

        Raises:
            ConfigurationError: names each variable that can't be used.
        """
        if self.options.get("transport") is None and (problems := self._environment_problems()):
            raise ConfigurationError(problems)
        if self.options["verify"] and os.environ.get("SSLKEYLOGFILE") and not self._warned:
            self._warned = True
            log.warning("SSLKEYLOGFILE is set: with that file, others can read passwords and tokens on the wire")

    def _environment_problems(self, *, read_certificates: bool = False) -> list[str]:
        problems = environment.certificate_problems(read_certificates) if self.options["verify"] else []
        return problems + environment.proxy_problems(self.options["base_url"])

    def _open(self, client: Callable[..., T], own: Callable[..., object], foreign: Callable[..., object]) -> T:
        self.check_environment()  # a variable may have changed; and older versions of httpx ignore a missing file
        try:
            options = dict(self.options)
            given = options.pop("transport", None)
            limits: Limits = options.pop("limits")
            if given is not None:
                return client(**options, transport=foreign(limits, given))
            verify = options["verify"]
            tls = _tls_context(*map(os.environ.get, environment.TLS_VARIABLES)) if verify is True else verify or None
            return client(**options, transport=own(limits, tls, environment.proxy_for(options["base_url"])))
        except Exception as error:
            if is_from_elsewhere(error):
                raise
            problems = self._environment_problems(read_certificates=True)
            reason = type(error).__name__
        # Outside of the `except` block: the error may quote the password of a proxy.
        if problems:
            raise ConfigurationError(problems)
        raise APIConnectionError("connections could not be set up", detail=reason)

    def refuse_if_closed(self) -> None:
        if self.closed:
            raise ClientClosed("this client was closed; build a new one, or close it later")

    def close(self) -> None:
        with self._lock:  # against a thread that is just opening one
            self.closed = True
            client, self._sync = self._sync, None
        if client is not None:
            with closing():
                client.close()

    async def aclose(self) -> None:
        import asyncio

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
        with closing():
            await client.aclose()


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of the current task.

    Raises:
        ConfigurationError: there is none: no asyncio at all, or trio.
    """
    import asyncio

    task = None
    with contextlib.suppress(RuntimeError):
        task = asyncio.current_task()
    if task is None:
        raise ConfigurationError(
            "AsyncCommercePay works with asyncio only, and this is not an asyncio task (trio is not supported): use"
            " CommercePay in a thread instead"
        )
    return task.get_loop()


@lru_cache(maxsize=8)
def _tls_context(*_environment: str | None) -> ssl.SSLContext:
    """The TLS settings, made once for all clients: reading the certificates takes as long as importing httpx.

    Args:
        _environment: the variables that httpx and Python read for it.
    """
    return httpx.create_ssl_context()


def transport_for(settings: Settings, http_client: object, transport: object, *, is_async: bool) -> dict[str, Any]:
    """The transport to hand to httpx, out of what the application gave, if anything.

    Raises:
        ConfigurationError: both were given, or one of the wrong kind (sync for async), or one without verification of
            certificates for production.
    """
    client_type: type = httpx.AsyncClient if is_async else httpx.Client
    transport_type: type = httpx.AsyncBaseTransport if is_async else httpx.BaseTransport
    problems = _kind_problems("http_client", http_client, client_type)
    problems += _kind_problems("transport", transport, transport_type)
    if http_client is not None and transport is not None:
        problems.append("give http_client or transport, not both")
    given = transport if http_client is None else http_client
    if not problems and _skips_verification(given, settings.base_url):
        name = "transport" if http_client is None else "http_client"
        problem = (
            f"{name} does not verify certificates (verify=False): anybody in between could read and change payments"
        )
        if settings.environment == PRODUCTION:
            problems.append(problem)
        else:
            log.warning("%s. This is refused for production.", problem)
    if problems:
        raise ConfigurationError(problems)
    return {} if given is None else {"transport": given}


def _kind_problems(name: str, given: object, wanted: type) -> list[str]:
    if given is None or isinstance(given, wanted):
        return []
    needed = f"{name} must be an {httpx.__name__}.{wanted.__name__}"
    packages = {base.__module__.partition(".")[0] for base in type(given).__mro__}
    if other := (packages & {"httpx", "httpx2"}) - {httpx.__name__}:
        library = other.pop()
        return [
            f"{needed}, and this is an object of {library}, another HTTP library with the same names. Build it with"
            f" {httpx.__name__}, which this version of commercepay uses; the rest of your program may use both"
        ]
    return [f"{needed}, not {type(given).__name__}"]


def _skips_verification(given: Any, base_url: str) -> bool:
    """Whether httpx does not verify certificates. False if that is not known: its attributes are private."""
    if given is None or not base_url.startswith("https:"):
        return False
    import ssl

    try:
        used = given._transport_for_url(httpx.URL(base_url)) if hasattr(given, "_transport_for_url") else given
        context = used._pool._ssl_context
    except AttributeError:
        return False
    return getattr(context, "verify_mode", None) is ssl.CERT_NONE
