"""confirm, wait and reconcile, against the sandbox."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from commercepay import (
    ArgumentError,
    AuthenticationError,
    CallbackError,
    Expected,
    Money,
    OpenPayment,
    Outcome,
    PaymentStatus,
    ReceivedCallback,
    Reconciled,
    StillOpen,
    read_return,
)
from commercepay._protocol import defaults
from commercepay.testing import Sandbox, sandbox, sign_callback

AMOUNT = Money("12.34", "MYR")
CALLBACK_URL = "https://shop.example.my/callback"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    with sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(gateway: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.reset()
    monkeypatch.setattr(defaults, "POLL_FIRST", 0.01)
    monkeypatch.setattr(defaults, "POLL_MOST", 0.02)
    monkeypatch.setattr(defaults, "BACKOFF_FIRST", 0.001)


def opening(reference: str, **more: Any) -> dict[str, Any]:
    return {
        "amount": AMOUNT,
        "reference_code": reference,
        "ip_address": "203.0.113.9",
        "return_url": "https://shop.example.my/return",
        "callback_url": CALLBACK_URL,
        **more,
    }


class Both:
    """Both clients with one interface, so that each test runs with both."""

    def __init__(self, kind: str, gateway: Sandbox) -> None:
        self.kind = kind
        self.gateway = gateway

    def __call__(self, method: str, *args: Any, **options: Any) -> Any:
        if self.kind == "sync":
            with self.gateway.client() as cp:
                result = getattr(cp.payments, method)(*args, **options)
                return list(result) if method == "reconcile" else result

        async def run() -> Any:
            async with self.gateway.async_client() as cp:
                called = getattr(cp.payments, method)(*args, **options)
                return [one async for one in called] if method == "reconcile" else await called

        return asyncio.run(run())


@pytest.fixture(params=["sync", "async"])
def payments(request: pytest.FixtureRequest, gateway: Sandbox) -> Both:
    return Both(request.param, gateway)


def open_session(gateway: Sandbox, reference: str, **more: Any) -> str:
    with gateway.client() as cp:
        return cp.sessions.create(**opening(reference, **more)).session_number


# --- confirm -------------------------------------------------------------------------------------------------------


def test_confirm_paid_session(gateway: Sandbox, payments: Both) -> None:
    """A session that the customer paid is confirmed as paid."""
    number = open_session(gateway, "INV-1")
    gateway.pay(number)
    assert payments("confirm", Expected(reference_code="INV-1", amount=AMOUNT), session_number=number).is_paid


@pytest.mark.parametrize("included", [False, True])
def test_confirm_with_a_surcharge(included: bool) -> None:
    """Whether the gateway reports the amount with or without the surcharge: the order is paid if the surcharge is named."""
    named = {"reference_code": "INV-1", "amount": AMOUNT, "surcharges": [Money("0.50", "MYR")]}
    with sandbox(report_surcharge=included) as gateway, gateway.client() as cp:
        number = cp.sessions.create(**opening("INV-1")).session_number
        gateway.pay(number, channel_id=22)
        decision = cp.payments.confirm(Expected(**named), session_number=number)
        assert decision.is_paid
        assert decision.surcharge == (Money("0.50", "MYR") if included else None)
        unnamed = cp.payments.confirm(Expected(reference_code="INV-1", amount=AMOUNT), session_number=number)
        assert unnamed.is_paid is not included
        (reconciled,) = cp.payments.reconcile([OpenPayment(session_number=number, **named)])
        assert reconciled.decision == decision


def test_confirm_believes_the_gateway_not_the_callback(gateway: Sandbox, payments: Both) -> None:
    """A verified callback that reports paid does not make an order paid if the query reports something else."""
    number = open_session(gateway, "INV-1")
    attempt = gateway.fail(number)
    signed = sign_callback(
        CALLBACK_URL,
        gateway.credentials.secret_key,
        amount=AMOUNT,
        reference_code="INV-1",
        transaction_number=attempt.transaction_number,
    )
    received = ReceivedCallback(body=signed.body, signature=signed.signature, callback_url=CALLBACK_URL)
    decision = payments("confirm", Expected(reference_code="INV-1", amount=AMOUNT), callback=received)
    assert decision.outcome is Outcome.CLOSED
    assert decision.status is PaymentStatus.FAILED


def test_confirm_refuses_a_forged_callback_before_asking(gateway: Sandbox, payments: Both) -> None:
    """A forged callback is rejected, and the gateway is not queried."""
    received = ReceivedCallback(body=b"{}", signature="0" * 64, callback_url=CALLBACK_URL)
    with pytest.raises(CallbackError):
        payments("confirm", Expected(reference_code="INV-1", amount=AMOUNT), callback=received)
    assert gateway.requests == []


def test_confirm_return_of_another_payment_is_a_mismatch(gateway: Sandbox, payments: Both) -> None:
    """A return with the number of another paid payment does not pay this order."""
    paid = gateway.pay(open_session(gateway, "INV-OTHER"))
    returned = f"ReferenceCode=INV-1&TransactionNumber={paid.transaction_number}"
    decision = payments("confirm", Expected(reference_code="INV-1", amount=AMOUNT), return_params=returned)
    assert decision.outcome is Outcome.MISMATCH
    assert [one.field for one in decision.mismatches] == ["reference_code"]


def test_confirm_own_number_wins_over_the_return(gateway: Sandbox, payments: Both) -> None:
    """The merchant's session number is queried, whatever the browser brings back."""
    paid = gateway.pay(open_session(gateway, "INV-1"))
    mine = open_session(gateway, "INV-2")
    decision = payments(
        "confirm",
        Expected(reference_code="INV-2", amount=AMOUNT),
        return_params={"TransactionNumber": paid.transaction_number},
        session_number=mine,
    )
    assert decision.outcome is Outcome.PENDING


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"session_number": "1", "transaction_number": "2"},
        {"return_params": {}},
        {"return_params": {"TransactionNumber": ["1", "2"]}},
        {"callback": {"status": 1}},
        {"return_params": 7},
        {
            "return_params": "TransactionNumber=1",
            "callback": ReceivedCallback(body=b"", signature="", callback_url="x://"),
        },
    ],
)
def test_confirm_refuses_unclear_arguments(gateway: Sandbox, payments: Both, given: dict[str, Any]) -> None:
    """A call with no payment, with several, or with an unusable one is an error before anything is sent."""
    with pytest.raises((ArgumentError, CallbackError)):
        payments("confirm", Expected(reference_code="INV-1", amount=AMOUNT), **given)
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("?ReferenceCode=A&TransactionNumber=T%201", "T 1"),
        ({"TransactionNumber": ["T"]}, "T"),
        ({"TransactionNumber": ["T", "U"]}, None),
        ("TransactionNumber=T&TransactionNumber=U", None),
        ({"TransactionNumber": ""}, None),
        ({"TransactionNumber": "x" * 201}, None),
        ({"TransactionNumber": "a\nb"}, None),
        ({"TransactionNumber": 7}, None),
        ("&".join("a=1" for _ in range(500)), None),
        ("\ud800=%ff", None),
        ({}, None),
    ],
)
def test_return_is_read_without_raising(given: Any, number: str | None) -> None:
    """Any query string of a return is read as a hint, or as an empty one."""
    assert read_return(given).transaction_number == number


# --- wait ----------------------------------------------------------------------------------------------------------


def test_wait_until_paid(gateway: Sandbox, payments: Both) -> None:
    """Waiting ends when the customer has paid, also after a first attempt that failed."""
    number = open_session(gateway, "INV-1")
    gateway.fail(number)
    threading.Timer(0.1, gateway.pay, [number]).start()
    assert payments("wait", session_number=number, timeout=10).status.is_paid


def test_wait_ends_with_the_session(gateway: Sandbox, payments: Both) -> None:
    """Waiting ends when the session has expired."""
    number = open_session(gateway, "INV-1")
    gateway.expire(number)
    assert payments("wait", session_number=number, timeout=10).status is PaymentStatus.EXPIRED


def test_wait_for_a_failed_payment_ends(gateway: Sandbox, payments: Both) -> None:
    """By transaction number, waiting ends with a failed payment."""
    with gateway.client() as cp:
        started = cp.payments.create(**opening("INV-1"), channel_id=2)
    gateway.fail(started.transaction_number)
    waited = payments("wait", transaction_number=started.transaction_number, timeout=10)
    assert waited.status is PaymentStatus.FAILED


def test_wait_gives_up_and_keeps_the_last_word(gateway: Sandbox, payments: Both) -> None:
    """After the timeout, the error has the payment as it was reported last."""
    number = open_session(gateway, "INV-1")
    with pytest.raises(StillOpen) as caught:
        payments("wait", session_number=number, timeout=0.05)
    assert caught.value.payment is not None
    assert caught.value.payment.status.is_pending


def test_wait_outlasts_an_outage(gateway: Sandbox, payments: Both) -> None:
    """Unreadable responses do not end the waiting."""
    number = open_session(gateway, "INV-1")
    gateway.pay(number)
    gateway.faults.add("status", endpoint="Query", times=5, status=502, body="<html>")
    assert payments("wait", session_number=number, timeout=10).status.is_paid


def test_wait_is_cancelled_by_its_event(gateway: Sandbox) -> None:
    """A waiting thread ends as soon as its event is set."""
    number = open_session(gateway, "INV-1")
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    with gateway.client() as cp, pytest.raises(StillOpen, match="cancelled"):
        cp.payments.wait(session_number=number, timeout=600, cancel=cancel)


def test_wait_is_cancelled_with_its_task(gateway: Sandbox) -> None:
    """A task that waits can be cancelled like any other."""
    number = open_session(gateway, "INV-1")

    async def run() -> None:
        async with gateway.async_client() as cp:
            async with asyncio.timeout(0.2):
                await cp.payments.wait(session_number=number, timeout=600)

    with pytest.raises(TimeoutError):
        asyncio.run(run())


# --- reconcile -----------------------------------------------------------------------------------------------------


def test_reconcile_decides_each(gateway: Sandbox, payments: Both) -> None:
    """Each open payment gets its own decision, and each bad item its own error."""
    numbers = [open_session(gateway, f"INV-{index}") for index in range(6)]
    gateway.pay(numbers[1])
    gateway.fail(numbers[2])
    items: list[Any] = [
        OpenPayment(session_number=number, reference_code=f"INV-{index}", amount=AMOUNT)
        for index, number in enumerate(numbers)
    ]
    items[3] = OpenPayment(session_number=numbers[3], reference_code="INV-3", amount=Money("99.00", "MYR"))
    items[4] = OpenPayment(session_number="unheard-of", reference_code="INV-4", amount=AMOUNT)
    items[5] = "nonsense"
    results: list[Reconciled] = sorted(payments("reconcile", items), key=lambda one: one.index)
    assert [one.index for one in results] == list(range(6))
    assert [one.decision.outcome if one.decision else type(one.error).__name__ for one in results] == [
        Outcome.PENDING,
        Outcome.PAID,
        Outcome.CLOSED,
        Outcome.MISMATCH,
        "TransactionNotFound",
        "ArgumentError",
    ]
    assert [one.is_paid for one in results] == [False, True, False, False, False, False]


def test_reconcile_stops_at_wrong_credentials(gateway: Sandbox) -> None:
    """A wrong password ends the reconciliation instead of being tried for every item."""
    items = [OpenPayment(session_number=str(n), reference_code=str(n), amount=AMOUNT) for n in range(100)]
    with gateway.client(password="wrong") as cp, pytest.raises(AuthenticationError):
        list(cp.payments.reconcile(items, concurrency=2))
    assert len(gateway.requests) < 10


def test_reconcile_takes_no_more_than_it_needs(gateway: Sandbox, payments: Both) -> None:
    """Items are taken from the source only as results are taken from the reconciliation."""
    taken = 0

    def source() -> Iterator[OpenPayment]:
        nonlocal taken
        for n in range(1000):
            taken += 1
            yield OpenPayment(session_number=str(n), reference_code=str(n), amount=AMOUNT)

    if payments.kind == "sync":
        with gateway.client() as cp:
            results = cp.payments.reconcile(source(), concurrency=3)
            next(results)
            results.close()  # type: ignore[attr-defined]  # a generator
    else:

        async def run() -> None:
            async with gateway.async_client() as cp:
                results = cp.payments.reconcile(source(), concurrency=3)
                await anext(results)
                await results.aclose()

        asyncio.run(run())
    assert taken <= 6


def test_reconcile_reads_an_async_source(gateway: Sandbox) -> None:
    """The async `reconcile` takes its items from an async iterable as well."""
    number = open_session(gateway, "INV-1")

    async def source() -> AsyncIterator[OpenPayment]:
        yield OpenPayment(session_number=number, reference_code="INV-1", amount=AMOUNT)

    async def run() -> list[Reconciled]:
        async with gateway.async_client() as cp:
            return [one async for one in cp.payments.reconcile(source())]

    (result,) = asyncio.run(run())
    assert result.decision is not None
    assert result.decision.outcome is Outcome.PENDING


@pytest.mark.parametrize(
    "options", [{"concurrency": 0}, {"concurrency": True}, {"rate": 0}, {"rate": -1}, {"rate": "5"}]
)
def test_reconcile_refuses_impossible_options(payments: Both, options: dict[str, Any]) -> None:
    """A wrong concurrency or rate is an error at the call."""
    with pytest.raises(ArgumentError):
        payments("reconcile", [], **options)


def test_pace_is_even_and_does_not_catch_up() -> None:
    """After a pause the rate stays the same, without a burst."""
    from commercepay._calls.reconcile import Pace

    now = 0.0
    pace = Pace(10, clock=lambda: now)
    starts = []
    for _ in range(3):
        now += pace.delay()
        starts.append(now)
        pace.start()
    now += 5
    for _ in range(3):
        now += pace.delay()
        starts.append(now)
        pace.start()
    assert starts == pytest.approx([0, 0.1, 0.2, 5.2, 5.3, 5.4])


def test_reconcile_memory_is_flat(gateway: Sandbox) -> None:
    """Reconciling many items holds no more memory than reconciling few."""

    def source(count: int) -> Iterator[Any]:
        return (f"nonsense {n}" for n in range(count))  # an error without a request, which is fast

    def peak(count: int) -> int:
        tracemalloc.reset_peak()
        for _ in cp.payments.reconcile(source(count), concurrency=4):
            pass
        return tracemalloc.get_traced_memory()[1]

    with gateway.client() as cp:
        tracemalloc.start()
        try:
            peak(50)
            few, many = peak(50), peak(3000)
        finally:
            tracemalloc.stop()
    assert many < few + 200_000
