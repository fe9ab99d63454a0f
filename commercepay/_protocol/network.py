"""The network below httpcore: streams and backends whose every wait ends at the deadline of the attempt in progress."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Coroutine, Iterable
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from commercepay._protocol.call import call_of
from commercepay._protocol.http_library import httpcore, httpx
from commercepay.errors import APITimeoutError

if TYPE_CHECKING:
    import asyncio
    import ssl

T = TypeVar("T")


class Attempt:
    """One request on its way: its deadline, the stream that was opened for it, and whether any of it was written to one."""

    __slots__ = ("_ends_at", "_head", "_start", "call", "connect_by", "opened", "responding", "sent")

    def __init__(self, request: httpx.Request, connect_timeout: float) -> None:
        self.call = call = call_of(request)
        self._start = f"{request.method} ".encode()
        self._head = b""
        self._ends_at = call.options.deadline
        self.connect_by = min(self._ends_at, time.monotonic() + connect_timeout)
        self.opened: _Stream | AsyncStream | None = None
        self.sent = False
        self.responding = request.method == "HEAD"  # whose response has no body, whatever its headers say

    def left(self, error: type[Exception]) -> float:
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise error
        return seconds

    def left_to_connect(self) -> float:
        seconds = self.connect_by - time.monotonic()
        if seconds <= 0:
            raise httpcore.ConnectTimeout
        return seconds

    def prepare(self, request: httpx.Request) -> None:
        """Refuse what has too little time, and set what the request needs on its way."""
        left = self.left(httpcore.ConnectTimeout)
        if left < (needed := self.call.least_seconds):
            raise APITimeoutError(
                f"{self.call.name} was not sent: {left:.1f} of {self.call.options.timeout:g} s were left after waiting for an"
                f" access token, and a POST needs {needed:g} s"
            )
        request.extensions["timeout"] = {"pool": left, "connect": self.left_to_connect(), "read": left, "write": left}

    def to_write(self, buffer: bytes) -> bytes:
        """The bytes to write now: the headers of a request are kept back, and go with its body, in one system call.

        httpcore writes something after the headers in any case: at the end of a request without a body, an empty buffer.
        """
        # Before the request, what a proxy needs may be written: CONNECT or the handshake of SOCKS.
        if buffer.startswith(self._start):
            if self.sent or self._head:
                raise httpcore.LocalProtocolError("the HTTP library tried to send a request again")
            self._head = buffer
            return b""
        if self._head:
            self.sent = True
            buffer, self._head = self._head + buffer, b""
        return buffer


current: ContextVar[Attempt] = ContextVar("commercepay_attempt")
"""The attempt of this thread or task."""


_READ_MOST = 16 * 1024
"""Bytes that httpcore gets at most at once. It reads all responses in them before the deadline is checked again."""


class _LastByte:
    """Hands the last byte of what was read from a connection out separately, unless that is certainly one whole response.

    If it is not asked for, the server sent more than one response. httpcore would take the rest for the response to the next
    request on this connection; so the connection is reported as readable, and httpcore does not use it again.
    """

    _kept = b""

    def _taken(self) -> bytes:
        kept, self._kept = self._kept, b""
        return kept

    def _without_last(self, data: bytes) -> bytes:
        attempt = current.get()
        if len(data) < 2 or not attempt.sent:
            return data
        continued, attempt.responding = attempt.responding, True
        if not continued and _is_one_response(data):
            return data
        self._kept = data[-1:]
        return data[:-1]


def _is_one_response(data: bytes) -> bool:
    """Whether httpcore will read these bytes as one whole response. False for one in an unusual form."""
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.lower()
    _, _, after = head.partition(b"\r\ncontent-length:")
    return (
        after.partition(b"\r\n")[0].strip() == b"%d" % len(body)
        and b"\r\ncontent-length:" not in after
        and b"transfer-encoding" not in head
        and head.startswith(b"http/1.1 200 ")
        and head.count(b"\n") == head.count(b"\r\n")  # httpcore ends lines and headers at a line feed alone, too
    )


class _Stream(_LastByte, httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = current.get().left(httpcore.ReadTimeout)
        return self._taken() or self._without_last(self._stream.read(min(max_bytes, _READ_MOST), left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        attempt = current.get()
        data = attempt.to_write(buffer)
        # In pieces, because the timeout is for each of the system calls that sending takes.
        for start in range(0, len(data), _PIECE):
            self._stream.write(data[start : start + _PIECE], attempt.left(httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        attempt = current.get()
        attempt.opened = _Stream(self._stream.start_tls(ssl_context, server_hostname, attempt.left_to_connect()))
        return attempt.opened

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return (info == "is_readable" and self._kept) or self._stream.get_extra_info(info)


_PIECE = 64 * 1024
"""Bytes of a request to send at once."""


class Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        attempt = current.get()
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from None
        # One by one, because the timeout of `socket.create_connection` is for each address of the host.
        failed: Exception = httpcore.ConnectError(NO_ADDRESS)
        for tries_left, (*_, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                seconds = attempt.left_to_connect() / tries_left
                connected = self._backend.connect_tcp(str(address[0]), port, seconds, local_address, socket_options)
                attempt.opened = _Stream(connected)
                return attempt.opened
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


NO_ADDRESS = "the name has no address"


class AsyncStream(_LastByte, httpcore.AsyncNetworkStream):
    """A connection of asyncio. It is its own `asyncio.Protocol`: asyncio calls the methods that are not async."""

    _transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._received = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._full = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > _UNREAD_MOST:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended, self._error, self._full = True, error, False
        self._wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self, seconds: float) -> None:
        """Wait until something happens on the connection. May return early."""
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        attempt = current.get()
        left = attempt.left(httpcore.ReadTimeout)
        if kept := self._taken():
            return kept
        while not self._received and not self._ended:
            await self._wait(left)
            left = attempt.left(httpcore.ReadTimeout)
        if not self._received and self._error is not None:
            raise httpcore.ReadError(str(self._error))
        size = min(max_bytes, _READ_MOST)
        data = bytes(self._received[:size])
        del self._received[:size]
        if not self._received and not self._transport.is_closing():
            self._transport.resume_reading()
        return self._without_last(data)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        attempt = current.get()
        left = attempt.left(httpcore.WriteTimeout)
        if self._ended:
            raise httpcore.WriteError("the server has closed the connection")
        if data := attempt.to_write(buffer):
            self._transport.write(data)
        while self._full:
            await self._wait(left)
            left = attempt.left(httpcore.WriteTimeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        seconds = current.get().left_to_connect()
        starting = self._loop.start_tls(
            self._transport, cast("Any", self), ssl_context, server_hostname=server_hostname
        )
        try:
            transport = await _connected(starting, seconds)
        except BaseException:
            self._transport.abort()
            raise
        self._transport = cast("asyncio.Transport", transport)
        return self

    async def aclose(self) -> None:
        """Close at once: this never waits."""
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._kept or self._received or self._ended or _has_data(self._transport.get_extra_info("socket"))
        return self._transport.get_extra_info(info)


_UNREAD_MOST = 256 * 1024
"""Bytes of a response that asyncio reads before the call asks for them."""


def _has_data(connection: socket.socket) -> bool:
    """Whether the operating system has received what asyncio has not read yet, such as the end of the connection."""
    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])  # Windows
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


async def _connected(connecting: Coroutine[Any, Any, T], seconds: float) -> T:
    """What a coroutine of asyncio returns, which connects."""
    import asyncio  # in the functions that use it: a sync program does not need it

    try:
        async with asyncio.timeout(seconds):
            return await connecting
    except TimeoutError:
        raise httpcore.ConnectTimeout from None
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from None


class AsyncBackend(httpcore.AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        import asyncio

        attempt = current.get()
        loop = asyncio.get_running_loop()
        seconds = attempt.left_to_connect()
        addresses = await _connected(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), seconds)
        failed: Exception = httpcore.ConnectError(NO_ADDRESS)
        for tries_left, (*_, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                seconds = attempt.left_to_connect() / tries_left
                connecting = loop.create_connection(cast("Any", partial(AsyncStream, loop)), str(address[0]), port)
                attempt.opened = cast("AsyncStream", (await _connected(connecting, seconds))[1])
                return attempt.opened
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed
