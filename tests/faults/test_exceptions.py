"""Whatever is raised below a call: the error says whether a POST may have arrived, and is the package's own."""

from __future__ import annotations

import asyncio
import builtins
import errno
import inspect
import json
import socket
import ssl
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import h11
import httpcore
import httpx
import pytest
from commercepay_api.api.payment_gateway import initial_session
from commercepay_api.models import SessionRequest
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import OPENED, PAID, enveloped
from faults.matrix import BODY
from faults.server import http
from hypothesis import given, settings
from hypothesis import strategies as st

from commercepay import (
    APIConnectionError,
    AsyncCommercePay,
    CommercePay,
    CommercePayError,
    OutcomeUnknown,
)
from commercepay._base.secret import Secret
from commercepay._protocol import defaults
from commercepay._protocol.token import Token


class Custom(Exception):
    """An exception of the application's."""


def _maker(kind: type[Exception]) -> Callable[[], Exception] | None:
    odd = ("utf-8", b"\xff", 0, 1, "text"), ("utf-8", "\xff", 0, 1, "text"), ("text", [OSError()]), ("text", "text", 0)
    for arguments in (("text",), (), *odd):
        with suppress(Exception):
            kind(*arguments)
            return partial(kind, *arguments)
    return None


# Made for each test: an exception keeps its traceback.
ERRORS: list[Callable[[], Exception]] = [
    maker
    for module in (builtins, httpx, httpcore, h11, ssl, socket, asyncio, json, zlib)
    for kind in list(vars(module).values())
    if isinstance(kind, type) and issubclass(kind, Exception)
    if (maker := _maker(kind)) is not None
]
ERRORS += [partial(OSError, number, "text") for number in sorted(errno.errorcode)]
CUSTOM = partial(Custom, "text")

CALLS: dict[str, Callable[[Any], Any]] = {
    "POST": lambda cp: cp.sessions.create(**OPENING),
    "GET": lambda cp: cp.payments.query(session_number="S-1"),
    "raw POST": lambda cp: (
        initial_session.asyncio_detailed if isinstance(cp, AsyncCommercePay) else initial_session.sync_detailed
    )(client=cp.api, body=SessionRequest.from_dict(BODY)),
}


@pytest.fixture(autouse=True, scope="module")
def _at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(defaults, "BACKOFF_FIRST", 0.0)
        yield


class Fault:
    """Raises an error at the n-th time of a step."""

    def __init__(self, step: str, number: int, error: Callable[[], Exception]) -> None:
        self._step, self._number, self._error = step, number, error
        self._times: Counter[str] = Counter()
        self.fired = False

    def at(self, step: str) -> None:
        self._times[step] += 1
        if step == self._step and self._times[step] == self._number:
            self.fired = True
            raise self._error()


class Stream(httpcore.NetworkStream):
    """A connection to a gateway that responds well, in pieces."""

    def __init__(self, fault: Fault, written: list[bytes]) -> None:
        self.fault = fault
        self.written = written
        self._response = b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written.append(buffer)
        if buffer.startswith((b"GET ", b"POST ")):
            result = PAID if buffer.startswith(b"GET ") else OPENED
            self._response = http(json.dumps(enveloped(result)).encode(), "200 OK", "Connection: close")
        self.fault.at("write")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.fault.at("read")
        piece, self._response = self._response[:150], self._response[150:]
        return piece

    def start_tls(self, *args: Any, **options: Any) -> Any:
        self.fault.at("start_tls")
        return self

    def close(self) -> None:
        self.fault.at("close")

    def get_extra_info(self, info: str) -> Any:
        return None


class Backend(httpcore.NetworkBackend):
    def __init__(self, fault: Fault, written: list[bytes]) -> None:
        self._made_of = fault, written

    def connect_tcp(self, *args: Any, **options: Any) -> Any:
        self._made_of[0].at("connect")
        return Stream(*self._made_of)


class AsyncNetwork:
    """The methods of an event loop that connect. A connection is a `Stream`, which responds as soon as it is written to."""

    def __init__(self, fault: Fault, written: list[bytes]) -> None:
        self._fault = fault
        self._stream = Stream(fault, written)

    async def getaddrinfo(self, *args: Any, **options: Any) -> list[Any]:
        return [(0, 0, 0, "", ("127.0.0.1", 1))]

    async def create_connection(self, protocol: Callable[[], Any], *args: Any, **options: Any) -> Any:
        self._fault.at("connect")
        self._protocol = protocol()
        self._protocol.connection_made(self)
        return self, self._protocol

    async def start_tls(self, transport: Any, *args: Any, **options: Any) -> Any:
        self._fault.at("start_tls")
        return transport

    def write(self, buffer: bytes) -> None:
        self._stream.write(buffer)
        asyncio.get_running_loop().call_soon(self._respond)

    def _respond(self) -> None:
        try:
            piece = self._stream.read(0)
        except Exception as error:  # noqa: BLE001  # any
            self._protocol.connection_lost(error)
        else:
            self._protocol.data_received(piece) if piece else self._protocol.eof_received()
            if piece:
                asyncio.get_running_loop().call_soon(self._respond)

    def is_closing(self) -> bool:
        return False

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        self._fault.at("close")

    def get_extra_info(self, info: str) -> None:
        return None


def replace_network(cp: Any, fault: Fault, written: list[bytes]) -> None:
    """Give a client, in an event loop if it is async, a gateway without sockets."""
    if isinstance(cp, AsyncCommercePay):
        network = AsyncNetwork(fault, written)
        for name in ("getaddrinfo", "create_connection", "start_tls"):
            setattr(asyncio.get_running_loop(), name, getattr(network, name))
    else:
        cp.api.get_httpx_client()._transport._pool._network_backend._backend = Backend(fault, written)


class Own(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of the application's."""

    def __init__(self, fault: Fault, posts: list[bytes]) -> None:
        self._fault, self._posts = fault, posts

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self._posts.append(b"POST ")
        self._fault.at("request")
        return httpx.Response(200, stream=OwnStream(self._fault, OPENED if request.method == "POST" else PAID))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    def close(self) -> None:
        self._fault.at("close")

    async def aclose(self) -> None:
        self._fault.at("close")


class OwnStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, fault: Fault, result: dict[str, Any]) -> None:
        self._fault = fault
        body = json.dumps(enveloped(result)).encode()
        self._pieces = [body[:100], body[100:]]

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._fault.at("read")
            yield piece
        self._fault.at("read")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self._fault.at("close of the response")

    async def aclose(self) -> None:
        self._fault.at("close of the response")


def outcome_of(cls: Any, options: dict[str, Any], prepare: Callable[[Any], None], call: str) -> object:
    """The value of a call, or its error. Closing the client raises nothing."""

    async def main() -> object:
        cp = cls(base_url="https://127.0.0.1:1", **options, **CREDENTIALS)
        cp.api.connections.options["auth"]._tokens._token = Token(Secret("Token-Example"), time.monotonic() + 86400)
        prepare(cp)
        try:
            made = CALLS[call](cp)
            return await made if inspect.isawaitable(made) else made
        except Exception as error:  # noqa: BLE001  # which one is tested
            return error
        finally:
            with suppress(Custom):
                await cp.aclose() if isinstance(cp, AsyncCommercePay) else cp.close()

    return asyncio.run(main())


def check(outcome: object, call: str, posts: list[bytes], *, may_have_arrived: bool) -> None:
    assert sum(one.startswith(b"POST ") for one in posts) <= 1, "a POST was sent again"
    if not isinstance(outcome, Exception):
        return
    assert isinstance(outcome, CommercePayError)
    unknown = may_have_arrived and call != "GET"
    assert isinstance(outcome, OutcomeUnknown if unknown else APIConnectionError), outcome
    assert outcome.__cause__ is None
    assert outcome.__context__ is None
    if unknown:
        assert outcome.reference_code == "INV-1"


CLIENTS = pytest.mark.parametrize("cls", [CommercePay, AsyncCommercePay])
ONE_CALL = st.sampled_from(sorted(CALLS))


@CLIENTS
@pytest.mark.parametrize("call", sorted(CALLS))
def test_one_write(cls: Any, call: str) -> None:
    """The headers and the body of a request are written at once: each further system call takes time."""
    written: list[bytes] = []
    network = partial(replace_network, fault=Fault("none", 0, CUSTOM), written=written)
    outcome_of(cls, {}, network, call)
    (request,) = written
    assert request.endswith(b"\r\n\r\n" if call == "GET" else b"}")


@CLIENTS
@settings(max_examples=300, report_multiple_bugs=False)
@given(
    step=st.sampled_from(["connect", "start_tls", "write", "read", "close"]),
    number=st.integers(1, 4),
    error=st.sampled_from(ERRORS),
    call=ONE_CALL,
)
def test_in_the_network(cls: Any, step: str, number: int, error: Callable[[], Exception], call: str) -> None:
    """An exception of the network: OutcomeUnknown for a POST if any of it was written, and else APIConnectionError."""
    fault, written = Fault(step, number, error), []

    outcome = outcome_of(cls, {}, partial(replace_network, fault=fault, written=written), call)
    check(outcome, call, written, may_have_arrived=bool(written))
    if not fault.fired or step == "close":
        assert not isinstance(outcome, Exception)


def test_a_slow_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timeout bounds sending: a server that always reads a little more does not keep a call waiting."""
    monkeypatch.setattr(defaults, "SECONDS_FOR_A_POST", 0.0)
    monkeypatch.setattr(Stream, "write", lambda *_: time.sleep(0.1))
    with CommercePay(base_url="http://127.0.0.1:1", timeout=1, max_retries=0, **CREDENTIALS) as cp:
        cp.api.connections.options["auth"]._tokens._token = Token(Secret("Token-Example"), time.monotonic() + 86400)
        cp.api.get_httpx_client()._transport._pool._network_backend._backend = Backend(Fault("", 0, Custom), [])  # type: ignore[attr-defined]
        with pytest.raises(OutcomeUnknown, match="WriteTimeout"):
            cp.request("POST", "/x", json={"x": "y" * 1_000_000})


@CLIENTS
@settings(max_examples=300, report_multiple_bugs=False)
@given(
    step=st.sampled_from(["request", "read", "close of the response", "close", "hook before", "hook after"]),
    number=st.integers(1, 3),
    error=st.sampled_from([*ERRORS, CUSTOM]),
    call=ONE_CALL,
    as_client=st.booleans(),
)
def test_in_a_transport_of_the_application(
    cls: Any, step: str, number: int, error: Callable[[], Exception], call: str, as_client: bool
) -> None:
    """An exception of the application's transport, HTTP client or hooks: OutcomeUnknown for a POST, never sent again."""
    fault, posts = Fault(step, number, error), []
    own = Own(fault, posts)
    options: dict[str, Any] = {"transport": own}
    if as_client:
        is_async = cls is AsyncCommercePay

        def hook(step: str) -> Any:
            async def ahook(_: object) -> None:
                fault.at(step)

            return ahook if is_async else lambda _: fault.at(step)

        hooks = {"request": [hook("hook before")], "response": [hook("hook after")]}
        options = {"http_client": (httpx.AsyncClient if is_async else httpx.Client)(transport=own, event_hooks=hooks)}
    outcome = outcome_of(cls, options, lambda cp: None, call)
    check(outcome, call, posts, may_have_arrived=True)
    if not fault.fired or (step.startswith("close") and error is not CUSTOM):
        assert not isinstance(outcome, Exception)
