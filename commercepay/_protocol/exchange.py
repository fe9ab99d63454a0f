"""One call to the gateway, written once for sync and async: what to send, when to try again, what a response means.

A flow (see `commercepay._base.flow`) yields a `Call`, and is sent the `Response` or thrown what the transport raised. Or it
yields a `Pause`.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, TypeVar

from commercepay_api import wire
from commercepay_api.wire import UnreadableResponse

from commercepay._base.flow import Pause
from commercepay._protocol import envelope, retries
from commercepay._protocol.call import CALL, Call
from commercepay._protocol.connections import Connections
from commercepay._protocol.envelope import Response
from commercepay._protocol.http_library import httpx
from commercepay._protocol.settings import CUSTOM, SANDBOX, Settings
from commercepay._protocol.transport import unexpected
from commercepay.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    CommercePayError,
    InvalidResponse,
    InvalidSignature,
    OutcomeUnknown,
    UnreadableOutcome,
)

log = logging.getLogger("commercepay")

T = TypeVar("T")
Flow = Generator[Call | Pause, Any, T]

last_response: ContextVar[tuple[weakref.ref[Connections], Response] | None] = ContextVar(
    "commercepay_last_response", default=None
)
"""The last response in this thread or task, and the connections that it came over."""


def perform(connections: Connections, call: Call) -> Response:
    """Send a call, in this thread."""
    try:
        return _received(connections, call, wire.send(connections.sync(), _request(call)))
    except UnreadableResponse as error:
        return _received(connections, call, error)
    except Exception as error:  # noqa: BLE001  # whatever it is, it leaves as an error of the package
        failure = unexpected(call, error)
    raise failure


async def aperform(connections: Connections, call: Call) -> Response:
    """Send a call, in this task."""
    try:
        return _received(connections, call, await wire.asend(connections.for_loop(), _request(call)))
    except UnreadableResponse as error:
        return _received(connections, call, error)
    except Exception as error:  # noqa: BLE001  # whatever it is, it leaves as an error of the package
        failure = unexpected(call, error)
    raise failure


def _request(call: Call) -> dict[str, Any]:
    request = call.request()
    request["extensions"][CALL] = call
    return request


def _received(connections: Connections, call: Call, received: httpx.Response | UnreadableResponse) -> Response:
    response = Response(status_code=received.status_code, headers=received.headers, body=received.content)
    if not call.authenticating:  # those responses hold tokens
        last_response.set((weakref.ref(connections), response))
    return response


def exchange(call: Call) -> Flow[tuple[Response, Any]]:
    """The response to a call, and the result that it carries, as plain data.

    Raises:
        APIError: the gateway refused.
        InvalidResponse: the response can't be read.
        OutcomeUnknown: a POST may have reached the gateway, but how it went is not known.
        APIConnectionError: no response, and nothing can have happened.
    """
    attempt = 0
    while True:
        response = None
        started = time.monotonic()
        failure: CommercePayError
        try:
            response = yield call
        except APIConnectionError as error:  # nothing can have happened, unless the call is safe
            failure, again = error, not error.during_login
        except (InvalidResponse, OutcomeUnknown) as error:
            failure = error
            if error.status_code is not None:
                response = Response(status_code=error.status_code, headers=error.headers, body=error.body)
            again = call.safe and response is not None and response.status_code >= 500 and not error.during_login
        else:
            try:
                result = envelope.read(response)
            except (APIError, InvalidResponse) as error:
                failure = _refusal(call, response, error)
                again = call.safe and retries.worth_another(response, error, authenticating=call.authenticating)
            else:
                _log(call, response, started, "succeeded")
                return response, result
        _log(call, response, started, type(failure).__name__)
        seconds = retries.pause(attempt, response) if again and attempt < call.options.max_retries else None
        if seconds is None or time.monotonic() + seconds + call.least_seconds >= call.options.deadline:
            raise failure
        attempt += 1
        log.info("%s: attempt %d of %d in %.1f s", call.name, attempt + 1, call.options.max_retries + 1, seconds)
        yield Pause(seconds=seconds)


def _refusal(call: Call, response: Response, error: APIError | InvalidResponse) -> CommercePayError:
    if isinstance(error, InvalidResponse):
        return unreadable(call, error)
    if not call.safe and isinstance(error, AuthenticationError) and envelope.is_guessed(response, error):
        return unreadable(call, envelope.invalid(response, "a 401 that is not the gateway's own"))
    call.named(error)
    if isinstance(error, InvalidSignature) and call.settings is not None:
        _explain(error, call, response, call.settings)
    return error


def _explain(error: InvalidSignature, call: Call, response: Response, settings: Settings) -> None:
    from commercepay.explain import explain_call  # here: few programs need it

    request = call.request()  # the same as was sent: the time in it was chosen before
    error.explanation = explain_call(
        str(wire.absolute_url(httpx.URL(settings.base_url), request["url"])),
        request["extensions"][wire.EXTENSION]["data"],
        settings.secret_key.reveal(),
        tenant_id=settings.tenant_id,
        environment=settings.environment,
        is_documented=call.is_documented,
        sandbox=response.headers.get("x-sandbox-explanation") if settings.environment in _MAY_BE_SANDBOX else None,
    )
    error.args = (f"{error}\n{error.explanation}",)


_MAY_BE_SANDBOX = (SANDBOX, CUSTOM)
"""The environments in which a header of the sandbox is shown."""


def unreadable(call: Call, error: InvalidResponse) -> InvalidResponse:
    """The error for a response that can't be used. If the request was a POST, its outcome is unknown."""
    if call.safe:
        return call.named(error)
    return UnreadableOutcome(
        f"{call.name} was sent, but {error}",
        reference_code=call.reference_code,
        opens_payment=call.opens_payment,
        status_code=error.status_code,
        headers=error.headers,
        body=error.body,
    )


def _log(call: Call, response: Response | None, started: float, outcome: str) -> None:
    """Log one line for a request, without headers and body, which hold secrets and customers' data."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    status = f"HTTP {response.status_code}" if response is not None else "no response"
    log.debug("%s: %s, %s, %.0f ms", call.name, outcome, status, (time.monotonic() - started) * 1000)
