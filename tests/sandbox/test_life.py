"""The life of sessions and payments: attempts, outcomes, expiry, and changes of the status."""

from __future__ import annotations

import itertools

import pytest
from sandbox.conftest import Caller

from commercepay import PaymentStatus
from commercepay.sandbox.rules import MOVES, GatewayRefusal
from commercepay.testing import Sandbox

S = PaymentStatus


def test_a_paid_session_is_paid(sb: Sandbox, caller: Caller) -> None:
    """Query reports a paid payment by session and by transaction, with channel and provider's number."""
    number = caller.open()
    paid = sb.pay(number, channel_id=4)
    for payment in (caller.query(SessionNumber=number), caller.query(TransactionNumber=paid.transaction_number)):
        assert (payment["status"], payment["channelId"]) == (1, 4)
        assert payment["providerTransactionNumber"] == f"SANDBOX-{paid.transaction_number}"


def test_a_session_takes_attempts_until_one_is_paid(sb: Sandbox, caller: Caller) -> None:
    """Each attempt is a payment with its own number; a query by session reports the last one."""
    number = caller.open()
    first = sb.fail(number, S.INSUFFICIENT_FUNDS)
    assert caller.query(SessionNumber=number)["status"] == 6
    second = sb.cancel(number)
    third = sb.pay(number)
    assert len({one.transaction_number for one in (first, second, third)}) == 3
    assert caller.query(SessionNumber=number)["transactionNumber"] == third.transaction_number
    statuses = [caller.query(TransactionNumber=one.transaction_number)["status"] for one in (first, second, third)]
    assert statuses == [6, 8, 1]


def test_a_paid_session_is_not_paid_again(sb: Sandbox, caller: Caller) -> None:
    """A second payment of a paid session is refused with 2022, and changes nothing."""
    number = caller.open()
    sb.pay(number)
    for act in (sb.pay, sb.fail, sb.cancel, sb.expire):
        with pytest.raises(GatewayRefusal) as caught:
            act(number)
        assert caught.value.code == 2022
    assert len(sb.orders[0].attempts) == 1
    assert caller.query(SessionNumber=number)["status"] == 1


def test_a_payment_without_a_session_has_one_attempt(sb: Sandbox, caller: Caller) -> None:
    """A failed payment of RequestPayment can't be tried again."""
    number = caller.start()
    sb.fail(number)
    with pytest.raises(GatewayRefusal) as caught:
        sb.pay(number)
    assert caught.value.code == 2022


def test_an_unknown_number_is_not_found(sb: Sandbox) -> None:
    """An unknown number can't be paid: code 2010."""
    with pytest.raises(GatewayRefusal) as caught:
        sb.pay("nothing")
    assert caught.value.code == 2010


@pytest.mark.parametrize(("minutes", "lasts"), [(5, 5 * 60), (None, 30 * 60)])
def test_a_session_expires_at_its_time(sb: Sandbox, caller: Caller, minutes: int | None, lasts: int) -> None:
    """A session can be paid until it expires, by default after 30 minutes."""
    number = caller.open() if minutes is None else caller.open(expiredInMinutes=minutes)
    sb.clock.advance(lasts - 5)
    assert caller.query(SessionNumber=number)["status"] == 0
    sb.clock.advance(6)
    assert caller.query(SessionNumber=number)["status"] == 10
    with pytest.raises(GatewayRefusal) as caught:
        sb.pay(number)
    assert caught.value.code == 2021


def test_an_expired_session_keeps_its_failed_attempt(sb: Sandbox, caller: Caller) -> None:
    """A failed attempt stays failed after the session expires, and another one is refused."""
    number = caller.open()
    sb.fail(number)
    sb.expire(number)
    assert caller.query(SessionNumber=number)["status"] == 2
    with pytest.raises(GatewayRefusal) as caught:
        sb.pay(number)
    assert caught.value.code == 2021


def test_a_paid_session_does_not_expire(sb: Sandbox, caller: Caller) -> None:
    """A paid payment does not expire."""
    number = caller.open(expiredInMinutes=1)
    sb.pay(number)
    sb.clock.advance(3600)
    assert caller.query(SessionNumber=number)["status"] == 1


def test_an_absurdly_long_session_does_no_harm(caller: Caller) -> None:
    """A session can have more minutes than a date can express."""
    assert caller.query(SessionNumber=caller.open(expiredInMinutes=10**15))["status"] == 0


def test_an_authorised_payment_is_captured_or_voided(sb: Sandbox, caller: Caller) -> None:
    """An authorised payment is not paid; a capture makes it paid, a void ends it."""
    captured, voided = caller.open(), caller.open()
    for number, end in ((captured, S.PAID), (voided, S.VOIDED)):
        payment = sb._settle(number, S.AUTHORISED, 2)
        assert caller.query(SessionNumber=number)["status"] == 9
        sb.move(payment.transaction_number, end)
        assert caller.query(SessionNumber=number)["status"] == end


def test_a_paid_payment_is_refunded_along_its_way(sb: Sandbox, caller: Caller) -> None:
    """A refund may be in progress, fail, be tried again, and succeed; then nothing more happens."""
    payment = sb.pay(caller.open())
    for status in (S.REFUND_IN_PROGRESS, S.REFUND_FAILED, S.REFUND_IN_PROGRESS, S.REFUNDED):
        sb.move(payment.transaction_number, status)
        assert caller.query(TransactionNumber=payment.transaction_number)["status"] == status
    with pytest.raises(GatewayRefusal):
        sb.move(payment.transaction_number, S.PAID)


def test_no_other_way_is_open(sb: Sandbox, caller: Caller) -> None:
    """Only the listed changes of a status are possible: an ended payment without money never becomes paid or refunded."""
    known = list(PaymentStatus)
    ways = {S.PENDING: [], S.AUTHORISED: [S.AUTHORISED], S.PAID: [S.PAID]}
    ways |= {S.REFUND_IN_PROGRESS: [S.PAID, S.REFUND_IN_PROGRESS]}
    ways |= {S.REFUND_FAILED: [S.PAID, S.REFUND_IN_PROGRESS, S.REFUND_FAILED]}
    for start, end in itertools.product(ways, known):
        number = caller.start()
        for step in ways[start]:
            sb.move(number, step)
        if end in MOVES[start]:
            assert sb.move(number, end).status is end
        else:
            with pytest.raises(GatewayRefusal):
                sb.move(number, end)
            assert caller.query(TransactionNumber=number)["status"] == start
    unpaid = [one for one in known if one.is_closed_unpaid]
    assert all(one not in MOVES for one in unpaid)


def test_every_step_is_on_the_timeline(sb: Sandbox, caller: Caller) -> None:
    """A payment has a timeline of its statuses, in order, by the sandbox's clock."""
    payment = sb.pay(caller.open())
    sb.clock.advance(60)
    sb.move(payment.transaction_number, S.REFUNDED)
    steps = sb.orders[0].attempts[0].timeline
    assert [step.status for step in steps] == [0, 1, 11]
    assert steps[2].at - steps[1].at >= 60_000


def test_the_clock_does_not_go_back(sb: Sandbox) -> None:
    """The clock can only be set forward."""
    with pytest.raises(ValueError, match="only be set forward"):
        sb.clock.advance(-1)
