"""Every fault: its response, and the SDK's documented error with the payments that exist afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest
from facade.conftest import OPENING
from sandbox.conftest import Caller
from sdk import Sdk

from commercepay import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    CommercePayError,
    DuplicateTransaction,
    InvalidResponse,
    OutcomeUnknown,
    PaymentStatus,
    UnreadableOutcome,
)
from commercepay._protocol import defaults
from commercepay.testing import Sandbox


def create(sdk: Sdk, **client: Any) -> Any:
    return sdk("sessions.create", client=client, **OPENING)


def query(sdk: Sdk, number: str, **client: Any) -> Any:
    return sdk("payments.query", client=client, session_number=number)


@pytest.fixture(autouse=True)
def _no_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, sending a POST takes a part of its timeout."""
    monkeypatch.setattr(defaults, "SECONDS_FOR_A_POST", 0.0)


class Case(NamedTuple):
    """A fault, the error of `sessions.create` and how many payments exist afterwards, and the error of `payments.query`."""

    fault: dict[str, Any]
    create: type[CommercePayError] | None
    payments: int
    query: type[CommercePayError] | None
    options: dict[str, Any] = {}  # noqa: RUF012  # never changed


CASES = {
    "latency, waited for": Case({"kind": "latency", "seconds": 0.05}, None, 1, None),
    "latency, too long": Case(
        {"kind": "latency", "seconds": 0.8}, OutcomeUnknown, 1, APITimeoutError, {"timeout": 0.4}
    ),
    "520 with HTML": Case({"kind": "status", "status": 520}, UnreadableOutcome, 0, InvalidResponse),
    "520 with HTML, processed": Case(
        {"kind": "status", "status": 520, "processed": True}, UnreadableOutcome, 1, InvalidResponse
    ),
    "502": Case({"kind": "status", "status": 502, "body": ""}, UnreadableOutcome, 0, InvalidResponse),
    "502, processed": Case({"kind": "status", "status": 502, "processed": True}, UnreadableOutcome, 1, InvalidResponse),
    "429 with Retry-After": Case(
        {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}, UnreadableOutcome, 0, InvalidResponse
    ),
    "truncated": Case({"kind": "truncated"}, UnreadableOutcome, 1, InvalidResponse),
    "not JSON": Case({"kind": "not_json"}, UnreadableOutcome, 1, InvalidResponse),
    "dropped before": Case({"kind": "drop_before"}, OutcomeUnknown, 0, APIConnectionError),
    "response lost": Case({"kind": "drop_after"}, OutcomeUnknown, 1, APIConnectionError),
    "tokens revoked once": Case({"kind": "tokens_revoked"}, None, 1, None),
    "tokens revoked always": Case(
        {"kind": "tokens_revoked", "times": None}, AuthenticationError, 0, AuthenticationError
    ),
    "unknown status": Case({"kind": "unknown_status"}, None, 1, None),
    "wrong scalar types": Case({"kind": "wrong_types"}, UnreadableOutcome, 1, InvalidResponse),
}


# After a timeout, the client has left while the sandbox is still waiting: `eventually` waits for the end of that request.


@pytest.mark.parametrize("name", CASES)
def test_a_fault_on_opening_a_session(sb: Sandbox, sdk: Sdk, eventually: Callable[..., Any], name: str) -> None:
    """The SDK raises the documented error, and exactly as many payments exist as the fault let through."""
    case = CASES[name]
    sb.faults.add(**case.fault, endpoint="InitialSession")
    if case.create is None:
        assert create(sdk, **case.options).redirect_url.startswith(sb.url)
    else:
        with pytest.raises(CommercePayError) as caught:
            create(sdk, **case.options)
        assert type(caught.value) is case.create
        if isinstance(caught.value, OutcomeUnknown):
            assert caught.value.reference_code == "INV-1"
    eventually(lambda: len(sb.orders) == case.payments)
    sb.faults.clear()
    if case.payments and case.create is not None:
        with pytest.raises(DuplicateTransaction):
            create(sdk)
        assert len(sb.orders) == 1


@pytest.mark.parametrize("name", CASES)
def test_a_fault_on_asking(sb: Sandbox, sdk: Sdk, eventually: Callable[..., Any], name: str) -> None:
    """A query fails with the documented error, changes nothing, and works as soon as the fault is over."""
    case = CASES[name]
    number = create(sdk).session_number
    sb.pay(number)
    sb.faults.add(**case.fault, endpoint="Query")
    if case.query is None:
        status = query(sdk, number, **case.options).status
        assert status == (99 if case.fault["kind"] == "unknown_status" else 1)
    else:
        with pytest.raises(CommercePayError) as caught:
            query(sdk, number, **case.options)
        assert type(caught.value) is case.query
    eventually(lambda: any(one.faults for one in sb.requests))
    sb.faults.clear()
    assert query(sdk, number).status is PaymentStatus.PAID
    assert [one.status for one in sb.orders[0].attempts] == [1]


def test_an_unknown_status_is_neither_paid_nor_failed(sb: Sandbox, sdk: Sdk) -> None:
    """An unknown code is kept with its number."""
    number = create(sdk).session_number
    sb.pay(number)
    sb.faults.add("unknown_status", endpoint="Query", status=77)
    status = query(sdk, number).status
    assert (status.value, status.is_known, status.is_paid, status.is_final) == (77, False, False, False)


# --- on the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_dropped_connection_is_closed_without_a_byte(sb: Sandbox, caller: Caller, kind: Any) -> None:
    """The connection of the client ends; the server continues, also with new connections."""
    members = caller.members()
    sb.faults.add(kind, endpoint="InitialSession")
    with pytest.raises(httpx.TransportError):
        caller.post("InitialSession", members)
    assert sb.requests[-1].status is None
    response = caller.post("InitialSession", members).json()
    assert (response["error"] or {}).get("code") == (2009 if kind == "drop_after" else None)


def test_a_status_comes_with_body_and_headers(sb: Sandbox, caller: Caller) -> None:
    """The caller chooses the response."""
    headers = {"Retry-After": "7", "Content-Type": "text/plain"}
    sb.faults.add("status", endpoint="Query", status=429, body="slow down", headers=headers)
    response = caller.get("Query", {"Timestamp": 1})
    assert (response.status_code, response.text) == (429, "slow down")
    assert (response.headers["retry-after"], response.headers["content-type"]) == ("7", "text/plain")
    assert sb.requests[-1].verdict == "not processed"


def test_a_fault_fires_for_the_next_requests_only(sb: Sandbox, caller: Caller) -> None:
    """With `times`, the fault is over after so many requests, and only of its endpoint."""
    sb.faults.add("status", status=502, endpoint="Query", times=2)
    statuses = []
    for _ in range(3):
        statuses.append(caller.get("Query", {"Timestamp": 1}).status_code)
        assert caller.open()
    assert statuses == [502, 502, 400]


@pytest.mark.parametrize(("share", "fired"), [(0.5, 5), (0.25, 2), (0.3, 3), (1.0, 10)])
def test_a_fault_fires_for_a_share(sb: Sandbox, caller: Caller, share: float, fired: int) -> None:
    """With `share`, the fault fires for that part of the requests, evenly, as long as it is active."""
    assert caller.token
    fault = sb.faults.add("status", status=502, times=None, share=share)
    statuses = [caller.get("Query", {"Timestamp": 1}).status_code for _ in range(10)]
    assert statuses.count(502) == fired
    assert fault.fired == fired


def test_faults_come_together(sb: Sandbox, caller: Caller) -> None:
    """A slow response can also be truncated."""
    assert caller.token
    sb.faults.add("latency", seconds=0.1)
    sb.faults.add("truncated")
    began = time.perf_counter()
    response = caller.post("InitialSession", caller.members())
    assert time.perf_counter() - began >= 0.1
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        response.json()
    assert sb.requests[-1].faults == ("latency", "truncated")


def test_wrong_types_leave_the_envelope_alone(sb: Sandbox, caller: Caller) -> None:
    """Integers come as strings and strings as integers, inside the result only."""
    number = caller.open()
    sb.faults.add("wrong_types", endpoint="Query")
    body = caller.get("Query", {"SessionNumber": number, "Timestamp": 1}).json()
    assert (body["result"]["amount"], body["result"]["status"]) == ("1234", "0")
    assert body["result"]["referenceCode"] == len("INV-1")
    assert body["success"] is True


def test_refusals_are_not_distorted(sb: Sandbox, caller: Caller) -> None:
    """A fault of results does not change an error."""
    sb.faults.add("wrong_types", endpoint="Query")
    sb.faults.add("unknown_status", endpoint="Query")
    assert caller.get("Query", {"SessionNumber": "x", "Timestamp": 1}).json()["error"]["code"] == 2010


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "nonsense"},
        {"kind": "status"},
        {"kind": "status", "status": 99},
        {"kind": "latency", "seconds": -1},
        {"kind": "latency", "times": 0},
        {"kind": "latency", "share": 1.5},
        {"kind": "status", "status": 502, "headers": {"X": "a\r\nb"}},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sb: Sandbox, options: dict[str, Any]) -> None:
    """Impossible options are an error at once, not a fault that never fires."""
    with pytest.raises(ValueError, match=r"must be|needs"):
        sb.faults.add(**options)
