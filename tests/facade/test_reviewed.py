"""Faults that a review found."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import AUTHENTICATE, enveloped

from commercepay import CallbackError, CommercePay, StillOpen
from commercepay.callbacks import verify

OPENED = {"redirectionType": 1, "redirectUrl": "https://pay.example/s/1", "sessionNumber": "S-1"}


def answering(*bodies: tuple[int, Any]) -> tuple[httpx.MockTransport, list[str]]:
    """A transport that responds to logins, and to other requests with these responses in turn; and the requested paths."""
    seen: list[str] = []
    left = list(bodies)

    def response(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        if request.url.path == AUTHENTICATE:
            return httpx.Response(200, json=enveloped({"accessToken": "t", "expireInSeconds": 60}))
        status, body = left.pop(0)
        return httpx.Response(status, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    return httpx.MockTransport(response), seen


def test_a_401_with_a_result_is_not_sent_again() -> None:
    """A POST is not sent again after a 401 with a result, because the body decides."""
    envelope = enveloped(OPENED)
    body = envelope if isinstance(envelope, dict) else json.loads(envelope)
    transport, seen = answering((401, body))
    with CommercePay(transport=transport, **CREDENTIALS) as cp:
        assert cp.sessions.create(**OPENING).session_number == "S-1"
    assert len([path for path in seen if path != AUTHENTICATE]) == 1


def test_a_401_of_the_gateway_is_sent_again_once() -> None:
    """A 401 with the gateway's envelope says that the token was refused: the POST is sent once more, with a new one."""
    refusal = {"result": None, "unAuthorizedRequest": True}
    transport, seen = answering((401, refusal), (200, {"result": OPENED, "success": True, "error": None}))
    with CommercePay(transport=transport, **CREDENTIALS) as cp:
        assert cp.sessions.create(**OPENING).session_number == "S-1"
    assert seen.count(AUTHENTICATE) == 2


def test_no_frame_of_a_refused_callback_shows_a_key() -> None:
    """An error tracker that shows local variables shows no secret key for a rejected callback."""
    with pytest.raises(CallbackError) as caught:
        verify(b"{}", "0" * 64, "https://shop.example.my/callback", ["Hush-1", "Hush-2"])
    trace = caught.value.__traceback__
    assert trace is not None
    trace = trace.tb_next  # without the frame of this test, which has the key
    while trace is not None:
        assert "Hush" not in repr(trace.tb_frame.f_locals)
        trace = trace.tb_next


def test_wait_gives_a_hanging_gateway_no_more_than_it_has() -> None:
    """The queries of `wait` have the remaining time as their timeout, and no retries."""
    timeouts: list[float] = []

    def hang(request: httpx.Request) -> httpx.Response:
        timeouts.append(request.extensions["timeout"]["read"])
        raise httpx.ReadTimeout("no response")

    with CommercePay(transport=httpx.MockTransport(hang), **CREDENTIALS) as cp:
        started = time.monotonic()
        with pytest.raises(StillOpen):
            cp.payments.wait(session_number="S-1", timeout=0.01)
    assert all(0.5 < seconds <= 1.0 for seconds in timeouts)
    assert len(timeouts) <= 2
    assert time.monotonic() - started < 10
