"""Which requests are sent again, after which pause, and which are not."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from facade.conftest import CREDENTIALS, OPENING, built, until
from facade.gateway import AUTHENTICATE, PAYMENT, QUERY, SESSION, Reply, enveloped, refused
from facade.test_responses import holds_no_http_object, same_after_pickling

from commercepay import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AsyncCommercePay,
    CommercePay,
    CommercePayError,
    DuplicateTransaction,
    InvalidResponse,
    OutcomeUnknown,
    StillOpen,
    UnreadableOutcome,
)
from commercepay._base.flow import drive
from commercepay._protocol import defaults, exchange
from commercepay._protocol.call import Call, Options
from commercepay._protocol.envelope import Response

QUERIED: dict[str, Any] = {"session_number": "S-1"}
GENERIC = "/api/services/app/PaymentGateway/Anything"
REFUND = "/api/services/app/PaymentGateway/Refund"
POSTS = {
    SESSION: lambda cp, **options: cp.sessions.create(**OPENING, **options),
    PAYMENT: lambda cp, **options: cp.payments.create(**OPENING, **options),
    GENERIC: lambda cp, **options: cp.request("POST", GENERIC, json={"referenceCode": "INV-1"}, **options),
    REFUND: lambda cp, **options: cp.call(built(REFUND, orderNumber="7"), reference="INV-1", **options),
}
PASSING = [
    Reply(drop="before"),
    Reply(drop="after"),
    Reply(b'{"result', drop="within"),
    Reply(b"slow down", 429),
    Reply(refused(0, "slow down"), 429),
    Reply(b"<html>", 520),
    Reply(refused(0, "An internal error occurred"), 500),
    Reply({"message": "Service Unavailable"}, 503),
]
FINAL = [
    Reply(refused(2010, "Not found"), 500),
    Reply(enveloped({"code": 1, "message": "Invalid Signature."}), 503),
    Reply(refused(0, "Invalid"), 400),
    Reply(b"<html>", 200),
    Reply(enveloped({"status": "wrong"}), 200),
]


@pytest.mark.parametrize("reply", PASSING, ids=lambda reply: f"{reply.status} {reply.drop or reply.body}"[:20])
def test_query_is_retried(driver: Any, gateway: Any, at_once: None, reply: Reply) -> None:
    """After a temporary error, Query and a GET of `request` are sent again, up to `max_retries` times."""
    gateway.queue(QUERY, reply, reply)
    assert driver.do(driver.client(max_retries=2).payments.query(**QUERIED)).status.is_paid
    assert gateway.count(QUERY) == 3
    gateway.queue(QUERY, reply, reply)
    with pytest.raises(CommercePayError) as caught:
        driver.do(driver.client(max_retries=1).request("GET", QUERY))
    assert gateway.count(QUERY) == 5
    assert not isinstance(caught.value, OutcomeUnknown)
    assert holds_no_http_object(caught.value)


@pytest.mark.parametrize("reply", [r for r in PASSING if r.body != refused(0, "An internal error occurred")])
def test_authenticate_is_retried(driver: Any, gateway: Any, at_once: None, reply: Reply) -> None:
    """After a temporary error, Authenticate is sent again, also for a POST, which is then sent once."""
    gateway.queue(AUTHENTICATE, reply, reply)
    driver.do(driver.client(max_retries=2).sessions.create(**OPENING))
    assert gateway.authenticates == 3
    assert gateway.count(SESSION) == 1


def test_an_unreachable_login_is_no_unknown_outcome(driver: Any, gateway: Any, at_once: None) -> None:
    """Without a token the POST is not sent, and the error states that."""
    gateway.always[AUTHENTICATE] = Reply(drop="after")
    with pytest.raises(APIConnectionError) as caught:
        driver.do(driver.client(max_retries=1).sessions.create(**OPENING))
    assert gateway.count(SESSION) == 0
    assert gateway.authenticates == 2
    assert holds_no_http_object(caught.value)


@pytest.mark.parametrize("reply", FINAL, ids=lambda reply: f"{reply.status} {reply.body}"[:30])
def test_what_is_decided_is_final(driver: Any, gateway: Any, at_once: None, reply: Reply) -> None:
    """After a refusal with a code, and after a permanent error, a query is not sent again."""
    gateway.always[QUERY] = reply
    with pytest.raises((APIError, InvalidResponse)):
        driver.do(driver.client(max_retries=5).payments.query(**QUERIED))
    assert gateway.count(QUERY) == 1


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("reply", PASSING, ids=lambda reply: f"{reply.status} {reply.drop or reply.body}"[:20])
def test_a_post_is_never_sent_twice(driver: Any, gateway: Any, at_once: None, path: str, reply: Reply) -> None:
    """A POST that may have reached the gateway is not sent again, with any response or none."""
    gateway.always[path] = reply
    if reply.drop == "before":
        gateway.script[path] = [reply]
    with pytest.raises(CommercePayError) as caught:
        driver.do(POSTS[path](driver.client(max_retries=5)))
    assert gateway.count(path) == 1
    error = caught.value
    if reply.drop:
        assert type(error) is OutcomeUnknown
        assert error.reference_code == "INV-1"
        assert "'INV-1'" in str(error)
        assert ("same reference code" in str(error)) == (path in (SESSION, PAYMENT))
        assert ("find out before you call again" in str(error)) == (path in (GENERIC, REFUND))
        # What did come is kept.
        received = (200, b'{"result') if reply.drop == "within" else (None, b"")
        assert (error.status_code, error.body) == received
    elif isinstance(reply.body, dict) and "error" in reply.body:
        assert type(error) is APIError
    else:
        assert type(error) is UnreadableOutcome
        assert error.status_code == reply.status
    assert holds_no_http_object(error)
    assert same_after_pickling(error)


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_a_response_in_time(
    driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A POST that times out while it waits for the response has an unknown outcome."""
    monkeypatch.setattr(defaults, "SECONDS_FOR_A_POST", 0.0)  # on a busy machine, sending takes a part of the timeout
    gate = threading.Event()
    gateway.always[path] = lambda seen: (gate.wait(20), gateway.fulfil(seen))[1]
    cp = driver.client(max_retries=5)
    driver.do(cp.payments.query(**QUERIED))
    with pytest.raises(OutcomeUnknown, match="INV-1") as caught:
        driver.do(POSTS[path](cp, timeout=0.3))
    gate.set()
    assert gateway.count(path) == 1
    assert "Timeout" in caught.value.detail
    assert holds_no_http_object(caught.value)


def test_the_advice_works(driver: Any, gateway: Any, cp: Any) -> None:
    """After an unknown outcome, the same call with the same reference code shows whether the first one arrived."""
    gateway.always[SESSION] = lambda seen: (gateway.fulfil(seen), Reply(drop="after"))[1]
    with pytest.raises(OutcomeUnknown):
        driver.do(cp.sessions.create(**OPENING))
    del gateway.always[SESSION]
    with pytest.raises(DuplicateTransaction):
        driver.do(cp.sessions.create(**OPENING))
    assert gateway.created == ["INV-1"]


class Flaky(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Raise the given errors, then forward requests to `inner`, and count these by path."""

    def __init__(self, errors: list[Exception], path: str) -> None:
        self.errors, self.path = errors, path
        self.sent: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == self.path and self.errors:
            raise self.errors.pop(0)
        self.sent.append(request.url.path)
        if request.url.path == AUTHENTICATE:
            return httpx.Response(200, json=enveloped({"accessToken": "t", "expireInSeconds": 60}))
        members = {"redirectUrl": "https://pay.example/s", "sessionNumber": "S", "transactionNumber": "T"}
        return httpx.Response(200, json=enveloped(members))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, MemoryError])
def test_a_transport_of_the_application(driver: Any, at_once: None, kind: Any) -> None:
    """With a transport of the application's, any failure leaves a POST's outcome unknown; a Query is asked again."""
    transport = Flaky([kind("no")], SESSION)
    with pytest.raises(OutcomeUnknown) as caught:
        driver.do(driver.client(transport=transport).sessions.create(**OPENING))
    assert transport.sent == [AUTHENTICATE]
    assert caught.value.detail.startswith(kind.__name__)
    assert holds_no_http_object(caught.value)

    transport = Flaky([kind("no"), kind("no")], QUERY)
    driver.do(driver.client(transport=transport).request("GET", QUERY))
    assert transport.sent == [AUTHENTICATE, QUERY]


def test_query_timeout(driver: Any, gateway: Any, at_once: None) -> None:
    """A Query without a response in time is a timeout error; there is no time for a retry then, since `timeout` is for all."""
    gate = threading.Event()
    cp = driver.client()
    driver.do(cp.payments.query(**QUERIED))
    gateway.always[QUERY] = Reply(b"", hold=gate)
    with pytest.raises(APITimeoutError):
        driver.do(cp.payments.query(**QUERIED, timeout=0.3, max_retries=1))
    gate.set()
    assert gateway.count(QUERY) == 2


def test_max_retries_per_call(driver: Any, gateway: Any, at_once: None) -> None:
    """`max_retries` of a call overrides that of the client, also when it is 0."""
    gateway.always[QUERY] = Reply(b"", 503)
    cp = driver.client(max_retries=1)
    for own, attempts in ((0, 1), (3, 4), (None, 2)):
        before = gateway.count(QUERY)
        with pytest.raises(InvalidResponse):
            driver.do(cp.payments.query(**QUERIED, max_retries=own))
        assert gateway.count(QUERY) - before == attempts


class Timeouts(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Record the timeout of every request."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.noted.append((request.url.params.get("n", request.url.path), request.extensions["timeout"]))
        return httpx.Response(200, json=enveloped({"accessToken": "t", "expireInSeconds": 60}))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return self.handle_request(request)


class all_phases:
    """Equal to timeouts that leave every phase what remains of so many seconds, and connecting at most its own limit."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, dict)
        assert set(other) == {"connect", "read", "write", "pool"}
        whole = [other[phase] for phase in ("read", "write", "pool")]
        connecting = min(self.seconds, defaults.CONNECT_TIMEOUT)
        return all(self.seconds * 0.5 < one <= self.seconds for one in whole) and other["connect"] <= connecting

    __hash__ = None  # type: ignore[assignment]  # equal to many


def test_timeouts(driver: Any) -> None:
    """Every phase of a request has the client's timeout, by default too. That of a call replaces it, also for its login."""
    transport = Timeouts()
    driver.do(driver.client(transport=transport).request("GET", "/a"))
    assert transport.noted.pop()[1] == all_phases(defaults.TIMEOUT)
    transport.noted.clear()
    cp = driver.client(transport=transport, timeout=7.5)
    driver.do(cp.request("GET", "/a", params={"n": "1"}, timeout=2))
    driver.do(cp.request("GET", "/a", params={"n": "2"}))
    assert transport.noted == [
        (AUTHENTICATE, all_phases(2)),
        ("1", all_phases(2)),
        ("2", all_phases(7.5)),
    ]


def test_timeouts_of_calls_at_once_dont_mix() -> None:
    """Concurrent calls, in tasks or threads, each have their own timeout."""
    transport = Timeouts()

    async def main() -> None:
        async with AsyncCommercePay(transport=transport, **CREDENTIALS) as cp:
            await asyncio.gather(*(cp.request("GET", "/a", params={"n": str(n)}, timeout=n) for n in range(1, 50)))

    asyncio.run(main())
    with CommercePay(transport=transport, **CREDENTIALS) as cp, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: cp.request("GET", "/a", params={"n": str(n)}, timeout=n), range(50, 100)))
    noted = {name: timeout for name, timeout in transport.noted if name != AUTHENTICATE}
    assert noted == {str(n): all_phases(n) for n in range(1, 100)}


# Pauses, without waiting for them.


def response(headers: dict[str, str] | None = None) -> Response:
    return Response(status_code=503, headers=headers or {}, body=b"")


def pauses_of(
    responses: list[Any], max_retries: int, *, safe: bool = True, timeout: float = 1e6
) -> tuple[list[float], Any]:
    """The pauses of a flow for these responses of the gateway."""
    slept: list[float] = []
    queue = list(responses)

    def perform(_: Any) -> Response:
        outcome = queue.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    call = Call(name="Query", request=dict, safe=safe, options=Options.starting_now(timeout, max_retries))
    try:
        _, result = drive(exchange.exchange(call), perform, slept.append)
    except CommercePayError as error:
        return slept, error
    return slept, result


def test_backoff() -> None:
    """Pauses double from one attempt to the next up to a limit, and jitter takes up to half of each."""
    slept, error = pauses_of([response()] * 9, 8)
    ceilings = [0.5, 1, 2, 4, 8, 8, 8, 8]
    assert len(slept) == 8
    assert isinstance(error, InvalidResponse)
    assert all(ceiling / 2 <= pause <= ceiling for pause, ceiling in zip(slept, ceilings, strict=True))
    assert len(set(slept[4:])) > 1


@pytest.mark.parametrize("safe", [True, False])
def test_backoff_after_connection_errors(safe: bool) -> None:
    """Connection errors are followed by the same pauses, of a POST too: it was not sent."""
    slept, _ = pauses_of([APIConnectionError("no"), APITimeoutError("no"), response()], 2, safe=safe)
    assert [0.25 <= slept[0] <= 0.5, 0.5 <= slept[1] <= 1.0] == [True, True]


def test_no_pause_after_an_unknown_outcome() -> None:
    """An unknown outcome ends the call."""
    slept, error = pauses_of([OutcomeUnknown("no", reference_code="INV-1")], 5, safe=False)
    assert slept == []
    assert type(error) is OutcomeUnknown


@pytest.mark.parametrize(("seconds", "timeout"), [("50", 20), ("61", 1e6)])
def test_no_retry_after_a_long_pause(seconds: str, timeout: float) -> None:
    """A retry whose pause would end after the call's deadline, or is too long, is not made."""
    slept, error = pauses_of([response({"retry-after": seconds})], 5, timeout=timeout)
    assert slept == []
    assert isinstance(error, InvalidResponse)
    assert error.headers["retry-after"] == seconds


def test_no_retry_of_a_post_without_time_for_it() -> None:
    """A POST is not tried again if less would be left than a POST needs: the error is that of the connection."""
    refused_connection = [APIConnectionError("no"), response()]
    slept, error = pauses_of(refused_connection, 5, timeout=1, safe=False)
    assert slept == []
    assert str(error).endswith("no")
    slept, _ = pauses_of(refused_connection, 1, timeout=1, safe=True)
    assert len(slept) == 1


def test_headers_in_any_case(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry-After is found in any case."""
    monkeypatch.setattr(defaults, "BACKOFF_FIRST", 100.0)
    gateway.queue(QUERY, Reply(b"", 503, {"RETRY-AFTER": "0"}))
    driver.do(driver.client().payments.query(**QUERIED))
    assert gateway.count(QUERY) == 2


def test_async_pauses_let_others_run(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an async call pauses, other tasks continue."""
    monkeypatch.setattr(defaults, "BACKOFF_FIRST", 0.05)
    gateway.queue(QUERY, Reply(b"", 503))

    async def main() -> list[str]:
        order: list[str] = []

        async def other() -> None:
            await until(lambda: gateway.count(QUERY))
            await cp.request("POST", "/x")
            order.append("other")

        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            task = asyncio.create_task(other())
            await cp.payments.query(**QUERIED)
            order.append("query")
            await task
        return order

    assert sorted(asyncio.run(main())) == ["other", "query"]


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
