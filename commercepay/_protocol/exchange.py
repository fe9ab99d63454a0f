"""One call to the gateway, written once for sync and async: what to send, when to try again, what an answer means.

A flow (see `commercepay._base.flow`) yields a `Call`, and is sent the `Response` or thrown what the transport raised. Or it
yields a `Pause`.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any, TypeVar

import httpx
from commercepay_api import wire
from commercepay_api.errors import UnreadableResponse

from commercepay._base.flow import Pause
from commercepay._base.record import Record
from commercepay._protocol import envelope, retries
from commercepay._protocol.auth import OPTIONS_EXTENSION, Options
from commercepay._protocol.connections import Connections
from commercepay._protocol.envelope import Response
from commercepay._protocol.settings import Settings
from commercepay.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    CommercePayError,
    InvalidResponse,
    OutcomeUnknown,
    UnreadableOutcome,
)

log = logging.getLogger("commercepay")

T = TypeVar("T")
E = TypeVar("E", bound=CommercePayError)

NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What the transport raises before any of the request has left."""


class Call(Record):
    """One request to one endpoint.

    Attributes:
        name: for logs and errors, such as "Query".
        request: builds the request, as a generated module's `request` returns it. It is called for each attempt.
        safe: whether the request changes nothing, so that it may be sent again.
        options: what the call has of its own.
        reference_code: of the payment that the call opens, if it opens one.
        number: for errors, the number that the call asks about, if it asks about one.
        authenticating: whether it is the login itself.
    """

    name: str
    request: Callable[[], dict[str, Any]]
    safe: bool
    options: Options
    reference_code: str | None = None
    number: str | None = None
    authenticating: bool = False

    def named(self, error: E) -> E:
        """The error, with the call and what it is about at the start of its text."""
        about = self.number if self.reference_code is None else f"reference code {self.reference_code!r}"
        error.args = (f"{self.name} ({about}): {error}" if about else f"{self.name}: {error}",)
        return error


Flow = Generator[Call | Pause, Any, T]

last_response: ContextVar[tuple[weakref.ref[Connections], Response] | None] = ContextVar(
    "commercepay_last_response", default=None
)
"""The last response in this thread or task, and the connections that it came over."""


def perform(connections: Connections, call: Call) -> Response:
    """Send a call, in this thread."""
    try:
        received = wire.send(connections.sync(), _request(call))
    except UnreadableResponse as error:
        return _received(connections, call, error)
    return _received(connections, call, received)


async def aperform(connections: Connections, call: Call) -> Response:
    """Send a call, in this task."""
    try:
        received = await wire.asend(connections.for_loop(), _request(call))
    except UnreadableResponse as error:
        return _received(connections, call, error)
    return _received(connections, call, received)


def _request(call: Call) -> dict[str, Any]:
    request = call.request()
    request["extensions"][OPTIONS_EXTENSION] = call.options
    if call.options.timeout is not None:
        request["timeout"] = call.options.timeout
    return request


def _received(connections: Connections, call: Call, received: httpx.Response | UnreadableResponse) -> Response:
    response = Response(status_code=received.status_code, headers=received.headers, body=received.content)
    if not call.authenticating:  # those responses hold tokens
        last_response.set((weakref.ref(connections), response))
    return response


def exchange(settings: Settings, call: Call) -> Flow[tuple[Response, Any]]:
    """The answer to a call, and the result that it carries, as plain data.

    Raises:
        APIError: the gateway refused.
        InvalidResponse: the answer can't be read.
        OutcomeUnknown: a POST may have reached the gateway, but how it went is not known.
        APIConnectionError: no answer, and nothing can have happened.
    """
    attempt = 0
    most = settings.max_retries if call.options.max_retries is None else call.options.max_retries
    while True:
        answer = None
        failure: CommercePayError
        started = time.monotonic()
        try:
            answer = yield call
        except httpx.HTTPError as error:
            never_connected = isinstance(error, NEVER_CONNECTED)
            failure = _unanswered(call, error, never_connected)
            again = never_connected or (call.safe and isinstance(error, httpx.TransportError))
        else:
            try:
                result = envelope.read(answer)
            except (APIError, InvalidResponse) as error:
                failure = unreadable(call, error) if isinstance(error, InvalidResponse) else call.named(error)
                again = call.safe and retries.worth_another(answer, error, authenticating=call.authenticating)
            else:
                _told(call, answer, started, "answered")
                return answer, result
        _told(call, answer, started, type(failure).__name__)
        seconds = retries.pause(attempt, answer) if again and attempt < most else None
        if seconds is None:
            raise failure
        attempt += 1
        log.info("%s: attempt %d of %d in %.1f s", call.name, attempt + 1, most + 1, seconds)
        yield Pause(seconds=seconds)


def unreadable(call: Call, error: InvalidResponse) -> InvalidResponse:
    """For a request that changes something, an answer that can't be used leaves open what happened."""
    if call.safe:
        return call.named(error)
    return UnreadableOutcome(
        f"{call.name} was sent, but {error}",
        reference_code=call.reference_code,
        status_code=error.status_code,
        headers=error.headers,
        body=error.body,
    )


def _unanswered(call: Call, error: httpx.HTTPError, never_connected: bool) -> CommercePayError:
    detail = f"{type(error).__name__}: {error}".rstrip(":. ")
    host = _host(error)
    if not never_connected and not call.safe:
        return OutcomeUnknown(
            f"{call.name} was sent to {host}, but no response came", reference_code=call.reference_code, detail=detail
        )
    if isinstance(error, httpx.DecodingError):
        return call.named(InvalidResponse(f"the response of {host} can't be read: {detail}"))
    outcome = "was not reached" if never_connected else "did not respond"
    if isinstance(error, httpx.TimeoutException):
        return call.named(APITimeoutError(f"{host} {outcome} in time", detail=detail))
    return call.named(APIConnectionError(f"{host} {outcome}", detail=detail))


def _host(error: httpx.HTTPError) -> str:
    try:
        return error.request.url.netloc.decode("ascii")
    except RuntimeError:  # an application's transport raised it without a request
        return "the gateway"


def _told(call: Call, answer: Response | None, started: float, outcome: str) -> None:
    """One line a request: never a header or a body, which hold secrets and customers' data."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    status = f"HTTP {answer.status_code}" if answer is not None else "no answer"
    log.debug("%s: %s, %s, %.0f ms", call.name, outcome, status, (time.monotonic() - started) * 1000)
