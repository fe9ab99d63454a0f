"""The callbacks, and their faults."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sandbox.conftest import Caller, Received, Receiver

from commercepay import CallbackError, PaymentStatus, callbacks
from commercepay.callbacks import verify
from commercepay.sandbox.deliveries import BACKOFF, is_loopback
from commercepay.testing import Sandbox, sandbox

Eventually = Callable[[Callable[[], Any]], Any]


def verified(sb: Sandbox, receiver: Receiver, received: Received) -> callbacks.Callback:
    return verify(received.body, received.signature, receiver.url, sb.credentials.secret_key)


def test_a_payment_has_a_signed_callback(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """The callback is verified by the package, and reports the payment. Each attempt has a callback."""
    number = caller.open(callbackUrl=receiver.url, referenceCode="INV-é")
    sb.fail(number)
    sb.settle()
    payment = sb.pay(number)
    sb.settle()
    failed, paid = (verified(sb, receiver, one) for one in receiver.received)
    assert (failed.status, paid.status) == (PaymentStatus.FAILED, PaymentStatus.PAID)
    assert (paid.amount.minor, paid.reference_code, paid.session_number) == (1234, "INV-é", number)
    assert (paid.transaction_number, paid.channel_id) == (payment.transaction_number, 2)


def test_the_body_is_sorted_compact_and_without_nulls(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """The signature is right for the raw body and for the sorted one."""
    sb.expire(caller.start(callbackUrl=receiver.url))
    sb.settle()
    body = receiver.received[0].body.decode()
    members = json.loads(body)
    assert list(members) == sorted(members, key=str.lower)
    assert None not in members.values()
    assert body == json.dumps(members, separators=(",", ":"), ensure_ascii=False)


def test_expiry_has_a_callback(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """An expired session has a callback."""
    caller.open(callbackUrl=receiver.url, expiredInMinutes=1)
    sb.clock.advance(61)
    sb.settle()
    assert verified(sb, receiver, receiver.received[0]).status is PaymentStatus.EXPIRED


def test_a_callback_is_repeated_until_it_is_taken(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """A response other than 2xx is followed by another attempt after a growing pause; each is recorded."""
    receiver.responses = [500, 302, 404]
    sb.pay(caller.open(callbackUrl=receiver.url))
    sb.settle()
    assert len(receiver.received) == 1
    for pause in BACKOFF[:3]:
        sb.clock.advance(pause - 0.5)
        sb.settle()
        before = len(receiver.received)
        sb.clock.advance(1)
        sb.settle()
        assert len(receiver.received) == before + 1
    (callback,) = sb.callbacks
    assert callback.state == "delivered"
    assert [one.status for one in callback.deliveries] == [500, 302, 404, 200]
    assert callback.deliveries[-1].response == "ok"
    assert len({one.body for one in receiver.received}) == 1


def test_a_callback_fails_in_the_end(sb: Sandbox, caller: Caller) -> None:
    """If nothing listens, there is no attempt after the last pause."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        sb.pay(caller.open(callbackUrl=f"http://127.0.0.1:{unused.getsockname()[1]}/callback"))
        sb.settle()
        for pause in BACKOFF:
            sb.clock.advance(pause + 1)
            sb.settle()
    (callback,) = sb.callbacks
    assert callback.state == "failed"
    assert len(callback.deliveries) == len(BACKOFF) + 1
    assert all("ConnectError" in (one.error or "") for one in callback.deliveries)


def test_twice(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """A callback sent twice is the same callback."""
    sb.faults.add("callback_twice")
    sb.pay(caller.open(callbackUrl=receiver.url))
    sb.settle()
    first, second = receiver.received
    assert first == second
    assert verified(sb, receiver, first).fact_key == verified(sb, receiver, second).fact_key


def test_late(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """A late callback comes by the sandbox's clock."""
    sb.faults.add("callback_late", seconds=3600)
    sb.pay(caller.open(callbackUrl=receiver.url))
    sb.settle()
    assert receiver.received == []
    sb.clock.advance(3601)
    sb.settle()
    assert len(receiver.received) == 1


def test_out_of_order(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """The callback of the failed attempt comes after that of the paid one."""
    sb.faults.add("callback_out_of_order")
    number = caller.open(callbackUrl=receiver.url)
    sb.fail(number)
    sb.settle()
    assert receiver.received == []
    sb.pay(number)
    sb.settle()
    assert [verified(sb, receiver, one).status for one in receiver.received] == [1, 2]


def test_never(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """Without a callback, the payment is paid in Query; the callback can be sent by hand."""
    sb.faults.add("callback_never")
    number = caller.open(callbackUrl=receiver.url)
    sb.pay(number)
    sb.clock.advance(3600)
    (callback,) = sb.callbacks
    assert (callback.state, receiver.received) == ("withheld", [])
    assert caller.query(SessionNumber=number)["status"] == 1
    sb.resend(callback.id)
    sb.settle()
    assert verified(sb, receiver, receiver.received[0]).status.is_paid


@pytest.mark.parametrize(("kind", "reason"), [("unsigned", "signature_missing"), ("wrongly_signed", "signature_wrong")])
def test_rejected(sb: Sandbox, caller: Caller, receiver: Receiver, kind: str, reason: str) -> None:
    """A callback without a signature, and one whose wrong signature has the form of a right one, are rejected."""
    sb.faults.add(f"callback_{kind}")  # type: ignore[arg-type]  # a kind of fault
    sb.pay(caller.open(callbackUrl=receiver.url))
    sb.settle()
    with pytest.raises(CallbackError, match=reason):
        verified(sb, receiver, receiver.received[0])


@pytest.mark.parametrize(("amount", "minor"), [(None, 1235), (1, 1)])
def test_another_amount(sb: Sandbox, caller: Caller, receiver: Receiver, amount: int | None, minor: int) -> None:
    """A signed callback with another amount is verified, so the merchant must compare the amount."""
    sb.faults.add("callback_other_amount", amount=amount)
    sb.pay(caller.open(callbackUrl=receiver.url))
    sb.settle()
    assert verified(sb, receiver, receiver.received[0]).amount.minor == minor


def test_resend_sends_again_in_a_variant(sb: Sandbox, caller: Caller, receiver: Receiver) -> None:
    """A delivered callback can be sent again, also unsigned; every delivery is recorded with its content."""
    sb.pay(caller.open(callbackUrl=receiver.url))
    (callback,) = sb.callbacks
    sb.resend(callback.id)
    sb.settle()
    sb.resend(callback.id, "unsigned")
    (callback,) = sb.callbacks
    assert [one.signature is not None for one in receiver.received] == [True, True, False]
    assert [(one.variant, one.signed) for one in callback.deliveries] == [
        ("signed", True),
        ("signed", True),
        ("unsigned", False),
    ]
    assert callback.deliveries[0].body == receiver.received[0].body.decode()


def test_callbacks_stay_on_this_machine(sb: Sandbox, caller: Caller) -> None:
    """A callback URL of another machine is not called by default; the callback is recorded as blocked."""
    sb.pay(caller.open(callbackUrl="https://shop.example.my/callback"))
    (callback,) = sb.callbacks
    assert (callback.state, callback.deliveries) == ("blocked", [])
    with pytest.raises(ValueError, match="on another machine"):
        sb.resend(callback.id)


def test_callbacks_anywhere(monkeypatch: pytest.MonkeyPatch, caller_of: Callable[[Sandbox], Caller]) -> None:
    """With `callbacks_anywhere`, a URL of another machine is called (here a transport of the test responds)."""
    asked: list[str] = []

    def response(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200)

    real = httpx.AsyncClient
    monkeypatch.setattr(
        httpx, "AsyncClient", lambda **options: real(transport=httpx.MockTransport(response), **options)
    )
    with sandbox(callbacks_anywhere=True) as sb:
        sb.pay(caller_of(sb).open(callbackUrl="https://shop.example.my/callback"))
        sb.settle()
    assert asked == ["https://shop.example.my/callback"]


@pytest.mark.parametrize(
    ("url", "stays"),
    [
        ("http://127.0.0.1:1/x", True),
        ("http://127.8.8.8/x", True),
        ("https://localhost/x", True),
        ("http://[::1]:8/x", True),
        ("http://LOCALHOST:1", True),
        ("http://127.0.0.1.example.com/", False),
        ("http://localhost.example.com/", False),
        ("http://127.0.0.1@example.com/", False),
        ("http://10.0.0.1/", False),
        ("http://0.0.0.0/", False),
        ("ftp://127.0.0.1/", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_what_counts_as_this_machine(url: str, stays: bool) -> None:
    """Only a loopback address, or `localhost`, by its text alone."""
    assert is_loopback(url) is stays


def test_the_inbox_takes_anything(sb: Sandbox, caller: Caller) -> None:
    """With the sandbox's inbox as callback URL, the callback is delivered."""
    sb.pay(caller.open(callbackUrl=f"{sb.url}/_sandbox/inbox"))
    (callback,) = sb.callbacks
    assert callback.state == "delivered"
