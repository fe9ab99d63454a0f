"""confirm, wait and reconcile, against the sandbox."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from facade.conftest import OPENING
from sdk import Sdk

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
from commercepay._calls.reconcile import Pace
from commercepay._protocol import defaults
from commercepay.testing import Sandbox, sandbox, sign_callback

AMOUNT = Money("12.34", "MYR")
CALLBACK_URL = OPENING["callback_url"]
EXPECTED = Expected(reference_code="INV-1", amount=AMOUNT)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defaults, "POLL_FIRST", 0.01)
    monkeypatch.setattr(defaults, "POLL_MOST", 0.02)
    monkeypatch.setattr(defaults, "BACKOFF_FIRST", 0.001)


def open_session(sb: Sandbox, reference: str = "INV-1") -> str:
    with sb.client() as cp:
        return cp.sessions.create(**OPENING | {"reference_code": reference}).session_number


# --- confirm -------------------------------------------------------------------------------------------------------


def test_confirm_paid_session(sb: Sandbox, sdk: Sdk) -> None:
    """A session that the customer paid is confirmed as paid."""
    number = open_session(sb)
    sb.pay(number)
    assert sdk("payments.confirm", EXPECTED, session_number=number).is_paid


@pytest.mark.parametrize("included", [False, True])
def test_confirm_with_a_surcharge(included: bool) -> None:
    """Whether the gateway reports the amount with or without the surcharge: the order is paid if the surcharge is named."""
    named = {"reference_code": "INV-1", "amount": AMOUNT, "surcharges": [Money("0.50", "MYR")]}
    with sandbox(report_surcharge=included) as sb, sb.client() as cp:
        number = cp.sessions.create(**OPENING).session_number
        sb.pay(number, channel_id=22)
        decision = cp.payments.confirm(Expected(**named), session_number=number)
        assert decision.is_paid
        assert decision.surcharge == (Money("0.50", "MYR") if included else None)
        unnamed = cp.payments.confirm(EXPECTED, session_number=number)
        assert unnamed.is_paid is not included
        (reconciled,) = cp.payments.reconcile([OpenPayment(session_number=number, **named)])
        assert reconciled.decision == decision


def test_confirm_believes_the_gateway_not_the_callback(sb: Sandbox, sdk: Sdk) -> None:
    """A verified callback that reports paid does not make an order paid if the query reports something else."""
    number = open_session(sb)
    attempt = sb.fail(number)
    signed = sign_callback(
        CALLBACK_URL,
        sb.credentials.secret_key,
        amount=AMOUNT,
        reference_code="INV-1",
        transaction_number=attempt.transaction_number,
    )
    received = ReceivedCallback(body=signed.body, signature=signed.signature, callback_url=CALLBACK_URL)
    decision = sdk("payments.confirm", EXPECTED, callback=received)
    assert decision.outcome is Outcome.CLOSED
    assert decision.status is PaymentStatus.FAILED


def test_confirm_refuses_a_forged_callback_before_asking(sb: Sandbox, sdk: Sdk) -> None:
    """A forged callback is rejected, and the gateway is not queried."""
    received = ReceivedCallback(body=b"{}", signature="0" * 64, callback_url=CALLBACK_URL)
    with pytest.raises(CallbackError):
        sdk("payments.confirm", EXPECTED, callback=received)
    assert sb.requests == []


def test_confirm_return_of_another_payment_is_a_mismatch(sb: Sandbox, sdk: Sdk) -> None:
    """A return with the number of another paid payment does not pay this order."""
    paid = sb.pay(open_session(sb, "INV-OTHER"))
    returned = f"ReferenceCode=INV-1&TransactionNumber={paid.transaction_number}"
    decision = sdk("payments.confirm", EXPECTED, return_params=returned)
    assert decision.outcome is Outcome.MISMATCH
    assert [one.field for one in decision.mismatches] == ["reference_code"]


def test_confirm_own_number_wins_over_the_return(sb: Sandbox, sdk: Sdk) -> None:
    """The merchant's session number is queried, whatever the browser brings back."""
    paid = sb.pay(open_session(sb))
    mine = open_session(sb, "INV-2")
    decision = sdk(
        "payments.confirm",
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
def test_confirm_refuses_unclear_arguments(sb: Sandbox, sdk: Sdk, given: dict[str, Any]) -> None:
    """A call with no payment, with several, or with an unusable one is an error before anything is sent."""
    with pytest.raises((ArgumentError, CallbackError)):
        sdk("payments.confirm", EXPECTED, **given)
    assert sb.requests == []


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


def test_wait_until_paid(sb: Sandbox, sdk: Sdk) -> None:
    """Waiting ends when the customer has paid, also after a first attempt that failed."""
    number = open_session(sb)
    sb.fail(number)
    threading.Timer(0.1, sb.pay, [number]).start()
    assert sdk("payments.wait", session_number=number, timeout=10).status.is_paid


@pytest.mark.parametrize("by", ["session_number", "transaction_number"])
def test_wait_ends_with_the_payment(sb: Sandbox, sdk: Sdk, by: str) -> None:
    """Waiting ends when the session has expired or, by transaction number, with a failed payment."""
    if by == "session_number":
        sb.expire(number := open_session(sb))
    else:
        sb.fail(number := sdk("payments.create", **OPENING, channel_id=2).transaction_number)
    status = sdk("payments.wait", **{by: number}, timeout=10).status
    assert status is (PaymentStatus.EXPIRED if by == "session_number" else PaymentStatus.FAILED)


def test_wait_that_times_out_has_the_last_report(sb: Sandbox, sdk: Sdk) -> None:
    """After the timeout, the error has the payment as it was reported last."""
    number = open_session(sb)
    with pytest.raises(StillOpen) as caught:
        sdk("payments.wait", session_number=number, timeout=0.5)
    assert caught.value.payment is not None
    assert caught.value.payment.status.is_pending


def test_wait_outlasts_an_outage(sb: Sandbox, sdk: Sdk) -> None:
    """Unreadable responses do not end the waiting."""
    number = open_session(sb)
    sb.pay(number)
    sb.faults.add("status", endpoint="Query", times=5, status=502, body="<html>")
    assert sdk("payments.wait", session_number=number, timeout=10).status.is_paid


def test_wait_is_cancelled_by_its_event(sb: Sandbox) -> None:
    """A waiting thread ends as soon as its event is set."""
    number = open_session(sb)
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    with sb.client() as cp, pytest.raises(StillOpen, match="cancelled"):
        cp.payments.wait(session_number=number, timeout=600, cancel=cancel)


def test_wait_is_cancelled_with_its_task(sb: Sandbox) -> None:
    """A task that waits can be cancelled like any other."""
    number = open_session(sb)

    async def run() -> None:
        async with sb.async_client() as cp:
            async with asyncio.timeout(0.2):
                await cp.payments.wait(session_number=number, timeout=600)

    with pytest.raises(TimeoutError):
        asyncio.run(run())


# --- reconcile -----------------------------------------------------------------------------------------------------


def test_reconcile_decides_each(sb: Sandbox, sdk: Sdk) -> None:
    """Each open payment gets its own decision, and each bad item its own error."""
    numbers = [open_session(sb, f"INV-{index}") for index in range(6)]
    sb.pay(numbers[1])
    sb.fail(numbers[2])
    items: list[Any] = [
        OpenPayment(session_number=number, reference_code=f"INV-{index}", amount=AMOUNT)
        for index, number in enumerate(numbers)
    ]
    items[3] = OpenPayment(session_number=numbers[3], reference_code="INV-3", amount=Money("99.00", "MYR"))
    items[4] = OpenPayment(session_number="unheard-of", reference_code="INV-4", amount=AMOUNT)
    items[5] = "nonsense"
    results: list[Reconciled] = sorted(sdk("payments.reconcile", items), key=lambda one: one.index)
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


def test_reconcile_stops_at_wrong_credentials(sb: Sandbox) -> None:
    """A wrong password ends the reconciliation instead of being tried for every item."""
    items = [OpenPayment(session_number=str(n), reference_code=str(n), amount=AMOUNT) for n in range(100)]
    with sb.client(password="wrong") as cp, pytest.raises(AuthenticationError):
        list(cp.payments.reconcile(items, concurrency=2))
    assert len(sb.requests) < 10


def test_reconcile_takes_no_more_than_it_needs(sb: Sandbox, sdk: Sdk) -> None:
    """Items are taken from the source only as results are taken from the reconciliation."""
    taken = 0

    def source() -> Iterator[OpenPayment]:
        nonlocal taken
        for n in range(1000):
            taken += 1
            yield OpenPayment(session_number=str(n), reference_code=str(n), amount=AMOUNT)

    if not sdk.asynchronous:
        with sb.client() as cp:
            results = cp.payments.reconcile(source(), concurrency=3)
            next(results)
            results.close()  # type: ignore[attr-defined]  # a generator
    else:

        async def run() -> None:
            async with sb.async_client() as cp:
                results = cp.payments.reconcile(source(), concurrency=3)
                await anext(results)
                await results.aclose()

        asyncio.run(run())
    assert taken <= 6


def test_reconcile_reads_an_async_source(sb: Sandbox) -> None:
    """The async `reconcile` takes its items from an async iterable as well."""
    number = open_session(sb)

    async def source() -> AsyncIterator[OpenPayment]:
        yield OpenPayment(session_number=number, reference_code="INV-1", amount=AMOUNT)

    async def run() -> list[Reconciled]:
        async with sb.async_client() as cp:
            return [one async for one in cp.payments.reconcile(source())]

    (result,) = asyncio.run(run())
    assert result.decision is not None
    assert result.decision.outcome is Outcome.PENDING


@pytest.mark.parametrize(
    "options", [{"concurrency": 0}, {"concurrency": True}, {"rate": 0}, {"rate": -1}, {"rate": "5"}]
)
def test_reconcile_refuses_impossible_options(sdk: Sdk, options: dict[str, Any]) -> None:
    """A wrong concurrency or rate is an error at the call."""
    with pytest.raises(ArgumentError):
        sdk("payments.reconcile", [], **options)


def test_pace_is_even_and_does_not_catch_up() -> None:
    """After a pause the rate stays the same, without a burst."""
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


def test_reconcile_memory_is_flat(sb: Sandbox) -> None:
    """Reconciling many items holds no more memory than reconciling few."""

    def source(count: int) -> Iterator[Any]:
        return (f"nonsense {n}" for n in range(count))  # an error without a request, which is fast

    def peak(count: int) -> int:
        tracemalloc.reset_peak()
        for _ in cp.payments.reconcile(source(count), concurrency=4):
            pass
        return tracemalloc.get_traced_memory()[1]

    with sb.client() as cp:
        tracemalloc.start()
        try:
            peak(50)
            few, many = peak(50), peak(3000)
        finally:
            tracemalloc.stop()
    assert many < few + 200_000
