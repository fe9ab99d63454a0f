"""The transport: sends one request to the gateway within its deadline and its limit of size, and classifies failures.

It is an httpx transport around the connections of httpcore. Whatever the HTTP library, a codec or the operating system
raises leaves as one of the package's errors: `APIConnectionError` if the request can't have reached the gateway or changes
nothing, and `OutcomeUnknown` otherwise. Two things have no deadline in sync calls: name resolution, and a transport or an
`http_client` that the application passed.
"""

from __future__ import annotations

import sys
import zlib
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, TypeVar

from commercepay._base.secret import clear_frames
from commercepay._protocol import defaults
from commercepay._protocol.call import Call
from commercepay._protocol.http_library import httpcore, httpx
from commercepay._protocol.network import AsyncBackend, Attempt, Backend, current
from commercepay.errors import (
    APIConnectionError,
    APITimeoutError,
    ArgumentError,
    ClientClosed,
    CommercePayError,
    InvalidResponse,
    OutcomeUnknown,
    UnreadableOutcome,
)

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")
C = TypeVar("C", httpcore.ConnectionInterface, httpcore.AsyncConnectionInterface)
Headers = Iterable[tuple[bytes, bytes]]


class Limits(NamedTuple):
    """What bounds a request, besides the deadline of its call.

    Attributes:
        connect_timeout: seconds for connecting, TLS included.
        max_response_bytes: the size of a response's body, before and after decoding.
    """

    connect_timeout: float = defaults.CONNECT_TIMEOUT
    max_response_bytes: int = defaults.MAX_RESPONSE_BYTES


def _pool(
    plain: type[T],
    http_proxy: Any,
    socks_proxy: Any,
    backend: object,
    tls: ssl.SSLContext | None,
    proxy: httpx.Proxy | None,
) -> T:
    """A pool of httpcore, of which only `create_connection` is used."""
    options: dict[str, Any] = {
        "ssl_context": tls,
        "keepalive_expiry": defaults.IDLE_SECONDS,
        "network_backend": backend,
    }
    if proxy is None:
        return plain(**options)
    url = proxy.url
    options["proxy_url"] = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    options["proxy_auth"] = proxy.raw_auth
    made: T = (socks_proxy if url.scheme.startswith("socks") else http_proxy)(**options)
    return made


class _SyncTransport(httpx.BaseTransport):
    reports_sending = True
    """Whether `Attempt.sent` is reliable. If not, a request counts as sent before it is."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @abstractmethod
    def _respond(self, request: httpx.Request, attempt: Attempt, body: Body) -> None:
        """Send the request, and read the response into `body`."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        attempt = Attempt(request, self._limits.connect_timeout)
        current.set(attempt)
        body = Body(self._limits.max_response_bytes)
        try:
            attempt.prepare(request)
            self._respond(request, attempt, body)
            return body.response()
        except Exception as error:  # every error becomes an error of the package
            if not isinstance(error, _ORDINARY):
                self._interrupted()
            if self.reports_sending and is_from_elsewhere(error):
                clear_frames(error)
                raise
            failure = failed(request, attempt.call, error, body, sent=attempt.sent)
        except BaseException as error:  # an interrupt
            self._interrupted()
            clear_frames(error)
            raise
        raise failure

    def _interrupted(self) -> None:
        """Called when something else than the network or the response ended a request, such as a signal handler."""


class _AsyncTransport(httpx.AsyncBaseTransport):
    reports_sending = True

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @abstractmethod
    async def _respond(self, request: httpx.Request, attempt: Attempt, body: Body) -> None:
        """Send the request, and read the response into `body`."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        attempt = Attempt(request, self._limits.connect_timeout)
        current.set(attempt)
        body = Body(self._limits.max_response_bytes)
        try:
            attempt.prepare(request)
            await self._respond(request, attempt, body)
            return body.response()
        except Exception as error:  # every error becomes an error of the package
            if self.reports_sending and is_from_elsewhere(error):
                clear_frames(error)
                raise
            failure = failed(request, attempt.call, error, body, sent=attempt.sent)
        except BaseException as error:  # an interrupt or a cancellation
            clear_frames(error)
            raise
        raise failure


class _Idle(Generic[C]):
    """The connections of a client that no request uses.

    A connection belongs to one request at a time, and is kept for the next one only if nothing was raised. The pool of httpcore
    is not used. An exception inside it, from a signal handler or a cancellation, can leave its lock taken, so that all later
    calls wait for ever, or a connection in use. Here, functions in C change what threads share: nothing interrupts them.
    """

    def __init__(self) -> None:
        self._connections: deque[C] = deque()
        self._closed = False

    def take(self) -> C | None:
        """The connection that was used last, if there is one that is still open."""
        with suppress(IndexError):
            while (connection := self._connections.pop()).has_expired():
                _close(connection)
            return connection
        return None

    def keep(self, connection: C) -> None:
        """Keep a connection, if it can be used again. Close the oldest one if it is not needed."""
        if connection.is_idle():
            self._connections.append(connection)
        if self._closed:
            self.close()
        elif len(self._connections) > 1:
            oldest = self._connections.popleft()
            if len(self._connections) >= defaults.MAX_IDLE_CONNECTIONS or oldest.has_expired():
                _close(oldest)
            else:
                self._connections.appendleft(oldest)

    def close(self) -> None:
        """Close these connections now, and each other one at the end of its request."""
        self._closed = True
        with suppress(IndexError):
            while True:
                _close(self._connections.pop())


def _close(*items: Any) -> None:
    """Close connections and streams. Those of asyncio are closed without waiting (see `AsyncStream.aclose`)."""
    for item in items:
        with closing():
            if hasattr(item, "aclose"):
                with suppress(StopIteration):
                    item.aclose().send(None)
            elif item is not None:
                item.close()


class Transport(_SyncTransport):
    """The transport of `CommercePay`."""

    def __init__(self, limits: Limits, tls: ssl.SSLContext | None = None, proxy: httpx.Proxy | None = None) -> None:
        super().__init__(limits)
        kinds = httpcore.ConnectionPool, httpcore.HTTPProxy, httpcore.SOCKSProxy
        self._pool = _pool(*kinds, Backend(), tls, proxy)
        self._idle: _Idle[httpcore.ConnectionInterface] = _Idle()
        self._free = _permits()

    def _interrupted(self) -> None:
        self._free = _permits()  # the request may have taken a permit without returning it

    def _respond(self, request: httpx.Request, attempt: Attempt, body: Body) -> None:
        free = self._free
        try:
            free.get(timeout=attempt.left(httpcore.PoolTimeout))
        except Empty:
            raise httpcore.PoolTimeout from None
        try:
            outgoing = _outgoing(request)
            connection = self._idle.take() or self._pool.create_connection(outgoing.url.origin)
            try:
                response = connection.handle_request(outgoing)
                body.read(response.status, response.headers, response.stream, attempt)
            except BaseException:
                _close(connection, attempt.opened)  # httpcore does not close all that it opened
                raise
            with closing():
                response.close()
                self._idle.keep(connection)
        finally:
            free.put(None)

    def close(self) -> None:
        self._idle.close()


def _permits() -> SimpleQueue[None]:
    """One permit for each connection that may be in use at once."""
    permits: SimpleQueue[None] = SimpleQueue()
    for _ in range(defaults.MAX_CONNECTIONS):
        permits.put(None)
    return permits


class AsyncTransport(_AsyncTransport):
    """The transport of `AsyncCommercePay`."""

    def __init__(self, limits: Limits, tls: ssl.SSLContext | None = None, proxy: httpx.Proxy | None = None) -> None:
        super().__init__(limits)
        import asyncio

        kinds = httpcore.AsyncConnectionPool, httpcore.AsyncHTTPProxy, httpcore.AsyncSOCKSProxy
        self._pool = _pool(*kinds, AsyncBackend(), tls, proxy)
        self._idle: _Idle[httpcore.AsyncConnectionInterface] = _Idle()
        self._free = asyncio.Semaphore(defaults.MAX_CONNECTIONS)

    async def _respond(self, request: httpx.Request, attempt: Attempt, body: Body) -> None:
        import asyncio

        try:
            async with asyncio.timeout(attempt.left(httpcore.PoolTimeout)) if self._free.locked() else nullcontext():
                await self._free.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout from None
        try:
            outgoing = _outgoing(request)
            connection = self._idle.take() or self._pool.create_connection(outgoing.url.origin)
            try:
                response = await connection.handle_async_request(outgoing)
                await body.aread(response.status, response.headers, response.stream, attempt)
                with closing():
                    await response.aclose()
                    self._idle.keep(connection)
            except BaseException:
                _close(connection, attempt.opened)  # httpcore does not close all that it opened
                raise
        finally:
            self._free.release()

    async def aclose(self) -> None:
        self._idle.close()


class ForeignTransport(_SyncTransport):
    """Sends through a transport or an `httpx.Client` of the application's, which is not changed and, if a client, not closed.

    When such a transport reports that it could not connect, that may not be so. A POST therefore counts as sent.
    """

    reports_sending = False

    def __init__(self, limits: Limits, transport: httpx.BaseTransport | httpx.Client) -> None:
        super().__init__(limits)
        self._own = transport

    def _respond(self, request: httpx.Request, attempt: Attempt, body: Body) -> None:
        if isinstance(self._own, httpx.BaseTransport):
            attempt.sent = True
            response = self._own.handle_request(request)
        else:
            if self._own.is_closed:
                raise ClientClosed(CLOSED)
            attempt.sent = True
            response = self._own.send(request, stream=True, auth=None, follow_redirects=False)
        try:
            body.read(response.status_code, response.headers.raw, response.stream, attempt)
        finally:
            with closing():
                response.close()

    def close(self) -> None:
        if isinstance(self._own, httpx.BaseTransport):
            self._own.close()


class ForeignAsyncTransport(_AsyncTransport):
    """`ForeignTransport` for async transports and for an `httpx.AsyncClient`."""

    reports_sending = False

    def __init__(self, limits: Limits, transport: httpx.AsyncBaseTransport | httpx.AsyncClient) -> None:
        super().__init__(limits)
        self._own = transport

    async def _respond(self, request: httpx.Request, attempt: Attempt, body: Body) -> None:
        import asyncio

        async with asyncio.timeout(attempt.left(httpcore.ReadTimeout)):
            if isinstance(self._own, httpx.AsyncBaseTransport):
                attempt.sent = True
                response = await self._own.handle_async_request(request)
            else:
                if self._own.is_closed:
                    raise ClientClosed(CLOSED)
                attempt.sent = True
                response = await self._own.send(request, stream=True, auth=None, follow_redirects=False)
            try:
                await body.aread(response.status_code, response.headers.raw, response.stream, attempt)
            finally:
                with closing():
                    await response.aclose()

    async def aclose(self) -> None:
        if isinstance(self._own, httpx.AsyncBaseTransport):
            await self._own.aclose()


CLOSED = "the http_client that this client was given has been closed"


def _outgoing(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions={"timeout": request.extensions["timeout"]},
    )


# --- responses ---------------------------------------------------------------------------------------------------------


class ResponseProblem(Exception):
    """A response that is not read any further. The text has the reason."""


class _ReadResponse(httpx.Response):
    """A response that has been read and decoded: httpx does not do it again."""

    def __init__(self, status_code: int, headers: httpx.Headers, body: bytes) -> None:
        super().__init__(status_code, headers=headers, stream=httpx.ByteStream(body))
        self._body = body

    @property
    def content(self) -> bytes:
        return self._body

    def read(self) -> bytes:
        return self._body

    async def aread(self) -> bytes:
        return self._body


class Body:
    """Collects a response, and decodes it, within a limit of size."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._received = bytearray()
        self.status_code: int | None = None
        self.headers = httpx.Headers()
        self._encoding = ""

    @property
    def content(self) -> bytes:
        return bytes(self._received)

    def read(self, status_code: int, headers: Headers, stream: Any, attempt: Attempt) -> None:
        """Read a response to its end."""
        self._start(status_code, headers)
        for chunk in stream:
            self._add(chunk)
            attempt.left(httpcore.ReadTimeout)

    async def aread(self, status_code: int, headers: Headers, stream: Any, attempt: Attempt) -> None:
        """`read`, for an async stream."""
        self._start(status_code, headers)
        async for chunk in stream:
            self._add(chunk)
            attempt.left(httpcore.ReadTimeout)  # in a flood, asyncio may act on its timeout late

    def _start(self, status_code: int, headers: Headers) -> None:
        """Check the status and the headers before the body is read."""
        self.status_code = status_code
        received = list(headers)
        self.headers = httpx.Headers(received)
        names = {name.lower() for name, _ in received}  # faster than looking for each in `httpx.Headers`
        if b"content-encoding" in names:
            self._encoding = self.headers["content-encoding"].strip().lower()
        if b"location" in names and 300 <= status_code < 400:
            location = self.headers["location"]
            raise ResponseProblem(f"the response is a redirect to {location[:200]!r}, which is never followed")
        length = self.headers["content-length"] if b"content-length" in names else ""
        if length.isascii() and length.isdigit() and int(length[:20]) > self._limit:
            self._too_large()

    def _add(self, chunk: bytes) -> None:
        self._received += chunk
        if len(self._received) > self._limit:
            self._too_large()

    def response(self) -> httpx.Response:
        content, headers = self.content, self.headers
        if self._encoding:
            if self._encoding != "identity" and content:
                content = self._decoded(self._encoding, content)
            headers = headers.copy()
            del headers["content-encoding"]  # httpx would decode once more
        return _ReadResponse(self.status_code or 0, headers, content)

    def _decoded(self, encoding: str, content: bytes) -> bytes:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise ResponseProblem(f"the response has the content encoding {encoding[:40]!r}, which was not asked for")
        windows = (31,) if encoding != "deflate" else (15, -15)  # deflate is sent with and without a zlib header
        for window in windows:
            decoder = zlib.decompressobj(window)
            try:
                decoded = decoder.decompress(content, self._limit + 1)
            except zlib.error:
                continue
            if len(decoded) > self._limit:
                self._too_large()
            if decoder.eof and not decoder.unused_data:
                return decoded
        raise ResponseProblem(f"the content encoding {encoding} of the response is broken ({len(content)} bytes)")

    def _too_large(self) -> NoReturn:
        raise ResponseProblem(f"the response is larger than {self._limit} bytes")


# --- failures ----------------------------------------------------------------------------------------------------------

_ORDINARY = (
    CommercePayError,
    ResponseProblem,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
)
"""What the network, or the response, raises."""

_TIMEOUTS = (TimeoutError, httpcore.TimeoutException, httpx.TimeoutException)


def is_from_elsewhere(error: Exception) -> bool:
    """Whether the class of an error is neither Python's nor that of a library used here: a signal handler raised it.

    Celery's soft time limit is such an error. It concerns the caller, and is neither wrapped nor a reason for a retry.
    """
    package = type(error).__module__.partition(".")[0]
    return not isinstance(error, OSError) and package not in sys.stdlib_module_names and package not in _LIBRARIES


_LIBRARIES = ("anyio", "commercepay", "h11", httpcore.__name__, httpx.__name__, "socksio")


class closing:  # noqa: N801  # used like a function, as those of `contextlib` are
    """Ignore what closing a response or connections raises: it changes nothing about what was received before."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, Exception) and not is_from_elsewhere(error)


def unexpected(call: Call, error: Exception) -> Exception:
    """What an exception outside of the transport means, such as a MemoryError while the request was built."""
    if isinstance(error, CommercePayError) or is_from_elsewhere(error):
        return error
    attempt = current.get(None)
    if attempt is not None and attempt.call is call and attempt.sent and not call.safe:
        text = f"{call.name} was sent, but its response could not be read"
        return OutcomeUnknown(
            text, reference_code=call.reference_code, opens_payment=call.opens_payment, detail=_detail(error)
        )
    if isinstance(error, ValueError | TypeError | RecursionError):
        return call.named(ArgumentError(f"its arguments make no request that can be sent ({type(error).__name__})"))
    return call.named(APIConnectionError("the request could not be sent", detail=_detail(error)))


def failed(request: httpx.Request, call: Call, error: Exception, body: Body, *, sent: bool) -> CommercePayError:
    """What a failure means: whether the request may have reached the gateway decides."""
    if isinstance(error, CommercePayError):
        return error
    received: dict[str, Any] = {"status_code": body.status_code, "headers": body.headers, "body": body.content}
    if isinstance(error, ResponseProblem):
        if call.safe:
            return call.named(InvalidResponse(f"{error} (HTTP {body.status_code})", **received))
        text = f"{call.name} was sent, but {error} (HTTP {body.status_code})"
        return UnreadableOutcome(text, reference_code=call.reference_code, opens_payment=call.opens_payment, **received)
    host, detail = request.url.netloc.decode("ascii", "replace"), _detail(error)
    if sent and not call.safe:
        text = f"{call.name} was sent to {host}, but no response came"
        return OutcomeUnknown(
            text, reference_code=call.reference_code, opens_payment=call.opens_payment, detail=detail, **received
        )
    if isinstance(error, httpcore.PoolTimeout):
        text = f"no connection was free within {call.options.timeout:g} s: too many calls at the same time"
        return call.named(APITimeoutError(text))
    outcome = "did not respond" if sent else "was not reached"
    if isinstance(error, _TIMEOUTS):
        return call.named(APITimeoutError(f"{host} {outcome} in time", detail=detail))
    return call.named(APIConnectionError(f"{host} {outcome}", detail=detail))


def _detail(error: Exception) -> str:
    """The HTTP library's text; of an error about our own request only its type, since it may quote the token."""
    name = type(error).__name__
    return f"{name}: {error}".rstrip(": .")[:300] if isinstance(error, _SAFE_TO_QUOTE) else name


_SAFE_TO_QUOTE = (
    httpcore.TimeoutException,
    httpx.TimeoutException,
    httpcore.NetworkError,
    httpcore.RemoteProtocolError,
    httpcore.ProxyError,
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    OSError,
)
