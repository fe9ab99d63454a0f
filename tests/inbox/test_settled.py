"""`on_settled`: once per fact, whichever way it comes, and paid once per order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from commercepay import (
    Decision,
    Expected,
    Money,
    OpenPayment,
    Outcome,
    Payment,
    PaymentStatus,
    ReturnHint,
    UnknownOrder,
    decide,
)
from commercepay.errors import ArgumentError
from commercepay.inbox import ArrivalState, Retries, handled

Genuine = Callable[..., tuple[bytes, str]]
PRICE = Money("12.34", "MYR")


@pytest.fixture
def side(pair: Any) -> Any:
    return pair


class Shop:
    """A merchant with two functions. It remembers what `on_settled` was called with, in the database and in order."""

    def __init__(self, side: Any, **options: Any) -> None:
        self.side = side
        self.orders: dict[str | None, Expected] = {"INV-1": Expected(reference_code="INV-1", amount=PRICE)}
        self.asked: list[ReturnHint] = []
        self.fails = False
        functions = {"find_order": self.find_order, "on_settled": self.on_settled}
        if side.is_async:
            functions = {"find_order": self.afind_order, "on_settled": self.aon_settled}
        self.inbox = side.create(**functions, **options)

    def find_order(self, hint: ReturnHint) -> Expected | None:
        self.asked.append(hint)
        return self.orders.get(hint.reference_code)

    def on_settled(self, decision: Decision, connection: Connection) -> None:
        line = f"{decision.outcome} {decision.reported.transaction_number}"
        connection.exec_driver_sql(f"INSERT INTO shipped (reference_code) VALUES ('{line}')")
        if self.fails:
            raise RuntimeError("the stock system is down")

    async def afind_order(self, hint: ReturnHint) -> Expected | None:
        return self.find_order(hint)

    async def aon_settled(self, decision: Decision, connection: Any) -> None:
        await connection.run_sync(lambda inner: self.on_settled(decision, inner))

    def receive(self, message: tuple[bytes, str]) -> Any:
        return self.side.receive(self.inbox, message)

    def settle(self, *, expected: Expected | None = None, **change: Any) -> Any:
        """As after `payments.confirm` or `payments.reconcile`."""
        return self.side.run(self.inbox.settle(decide(expected or self.orders["INV-1"], payment(**change))))

    def settled(self) -> Any:
        return self.side.shipped()


def payment(reference_code: str = "INV-1", **change: Any) -> Payment:
    """What a query reports about the payment of the callback `genuine(reference_code)`."""
    rest = ("channel_id", "provider_channel_id", "provider_transaction_number", "created", "remark")
    given = {
        **dict.fromkeys((*rest, "provider_payment_method", "provider_error_message", "session_number")),
        "status": PaymentStatus.PAID,
        "amount": PRICE,
        "reference_code": reference_code,
        "transaction_number": f"TN-{reference_code}",
        "raw": {},
        **change,
    }
    return Payment(**{name: value for name, value in given.items() if name in Payment._annotated})


@pytest.fixture
def shop(side: Any) -> Shop:
    return Shop(side)


@pytest.mark.parametrize("order", [*itertools.permutations(["callback", "query", "repeated callback"])], ids="-".join)
def test_once_whichever_comes_first(shop: Shop, genuine: Genuine, order: tuple[str, ...]) -> None:
    """A fact is handled once, by the first of callback and query."""
    receipts = [shop.settle() if way == "query" else shop.receive(genuine()) for way in order]
    assert [receipt.state for receipt in receipts] == [ArrivalState.HANDLED] + [ArrivalState.DUPLICATE] * 2
    assert receipts[0].decision.outcome is Outcome.PAID
    assert shop.settled() == ["paid TN-INV-1"]


def test_paid_after_failed(shop: Shop, genuine: Genuine) -> None:
    """A session allows another attempt: a failed payment is handled, and then the one that is paid."""
    shop.receive(genuine(status=2, transactionNumber="TN-A"))
    shop.receive(genuine(status=1, transactionNumber="TN-B"))
    assert shop.settled() == ["closed TN-A", "paid TN-B"]


@pytest.mark.parametrize("way", ["callback", "query", "another reference"])
def test_paid_again(shop: Shop, genuine: Genuine, way: str) -> None:
    """A second payment of an order has an outcome of its own, also by another reference code of the order."""
    both = Expected(reference_codes=("INV-1", "INV-1b"), amount=PRICE)
    shop.receive(genuine(transactionNumber="TN-A"))
    shop.orders = {"INV-1": both, "INV-1b": both}
    if way == "query":
        receipt = shop.settle(transaction_number="TN-B")
    else:
        receipt = shop.receive(genuine("INV-1b" if way == "another reference" else "INV-1", transactionNumber="TN-B"))
    assert (receipt.state, receipt.decision.outcome) == (ArrivalState.HANDLED, Outcome.PAID_AGAIN)
    assert not receipt.decision.is_paid
    assert shop.receive(genuine(transactionNumber="TN-A")).state is ArrivalState.DUPLICATE
    assert shop.settled() == ["paid TN-A", "paid_again TN-B"]


def test_one_payment_reported_with_and_without_its_surcharge(shop: Shop, genuine: Genuine) -> None:
    """The same transaction with another allowed amount is not a second payment."""
    shop.orders["INV-1"] = Expected(reference_code="INV-1", amount=PRICE, surcharges=[Money("0.50", "MYR")])
    shop.receive(genuine())
    assert shop.settle(amount=Money("12.84", "MYR")).state is ArrivalState.DUPLICATE
    assert shop.settled() == ["paid TN-INV-1"]


def test_mismatch_is_handled_again_when_your_record_is_corrected(shop: Shop, genuine: Genuine) -> None:
    """A mismatch is handled once; after the order was corrected, the same fact is handled as what it is now, once."""
    wrong = Expected(reference_code="INV-1", amount=Money("99.00", "MYR"))
    right, shop.orders["INV-1"] = shop.orders["INV-1"], wrong
    assert [shop.receive(genuine()).state for _ in range(2)] == [ArrivalState.HANDLED, ArrivalState.DUPLICATE]
    shop.orders["INV-1"] = right
    assert [shop.settle().state for _ in range(2)] == [ArrivalState.HANDLED, ArrivalState.DUPLICATE]
    assert shop.settled() == ["mismatch TN-INV-1", "paid TN-INV-1"]


def test_variant_that_was_sent_first_does_not_hide_the_callback(shop: Shop, genuine: Genuine) -> None:
    """Somebody who intercepts a callback and sends it first, in other letter case, does not keep the order from being paid."""
    body, header = genuine()
    with pytest.raises(UnknownOrder):
        shop.receive((body.replace(b'"INV-1"', b'"inv-1"'), header))
    shop.orders["inv-1"] = shop.orders["INV-1"]  # a database that compares without case
    assert shop.receive((body.replace(b'"INV-1"', b'"inv-1"'), header)).decision.outcome is Outcome.MISMATCH
    assert shop.receive((body, header)).decision.outcome is Outcome.PAID


def test_unknown_order_is_tried_again(shop: Shop, genuine: Genuine) -> None:
    """A callback of an unknown order stays pending until the order is there."""
    with pytest.raises(UnknownOrder, match="INV-2"):
        shop.receive(genuine("INV-2"))
    shop.orders["INV-2"] = Expected(reference_code="INV-2", amount=PRICE)
    (receipt,) = shop.side.process(shop.inbox, None)
    assert (receipt.state, receipt.decision.outcome) == (ArrivalState.HANDLED, Outcome.PAID)
    assert [(hint.reference_code, hint.transaction_number) for hint in shop.asked] == [("INV-2", "TN-INV-2")] * 2


def test_repetition_after_the_order_is_gone(shop: Shop, genuine: Genuine) -> None:
    """A fact that was handled is a duplicate, although its order is not in your database any more."""
    shop.receive(genuine())
    shop.orders.clear()
    assert shop.receive(genuine()).state is ArrivalState.DUPLICATE
    assert shop.settled() == ["paid TN-INV-1"]


def test_find_order_of_another_kind(shop: Shop, genuine: Genuine) -> None:
    """`find_order` can return an OpenPayment; anything else is an error, and the callback stays pending."""
    shop.orders["INV-1"] = "INV-1"  # type: ignore[assignment]  # the mistake in question
    with pytest.raises(ArgumentError, match="find_order must return"):
        shop.receive(genuine())
    shop.orders["INV-1"] = OpenPayment(reference_code="INV-1", amount=PRICE, session_number="S-1")
    (receipt,) = shop.side.process(shop.inbox, None)
    assert type(receipt.decision.expected) is Expected


def test_on_settled_that_fails(shop: Shop, genuine: Genuine, caplog: Any) -> None:
    """What a failing `on_settled` wrote is undone, the claims too: the next report of the fact is handled."""
    shop.fails = True
    receipt = shop.settle()
    assert (receipt.state, receipt.arrival_id) == (ArrivalState.NOT_STORED, None)
    assert isinstance(receipt.error, RuntimeError)
    assert [record.exc_info is not None for record in caplog.records] == [True]
    with pytest.raises(RuntimeError):
        shop.receive(genuine())
    assert shop.settled() == []
    shop.fails = False
    assert shop.settle().state is ArrivalState.HANDLED
    assert [receipt.state for receipt in shop.side.process(shop.inbox, None)] == [ArrivalState.DUPLICATE]
    assert shop.settled() == ["paid TN-INV-1"]


def test_dead_letter_is_revived_when_the_order_is_reconciled(side: Any, genuine: Genuine) -> None:
    """Reconciliation asks about orders that are open: dead letters about such an order become pending again."""
    shop = Shop(side, retries=Retries(max_attempts=1, at_least=timedelta(0)))
    shop.fails = True
    with pytest.raises(RuntimeError):
        shop.receive(genuine())
    assert side.rows("state") == ["dead"]
    shop.fails = False
    assert shop.settle(status=PaymentStatus.PENDING).state is ArrivalState.HANDLED
    assert [receipt.state for receipt in side.process(shop.inbox, None)] == [ArrivalState.HANDLED]
    assert shop.settled() == ["pending TN-INV-1", "paid TN-INV-1"]


def test_session_without_a_payment(shop: Shop) -> None:
    """An expired session in which nobody tried to pay has no transaction number, and is handled once."""
    given: dict[str, Any] = {"status": PaymentStatus.EXPIRED, "transaction_number": None, "session_number": "S-1"}
    assert [shop.settle(**given).state for _ in range(2)] == [ArrivalState.HANDLED, ArrivalState.DUPLICATE]
    assert shop.settled() == ["closed None"]


def test_two_payments_without_a_transaction_number(shop: Shop) -> None:
    """Payments of two sessions, reported without a transaction number, are two payments."""
    receipts = [shop.settle(transaction_number=None, session_number=number) for number in ("S-1", "S-2", "S-2")]
    assert [receipt.state for receipt in receipts] == [ArrivalState.HANDLED] * 2 + [ArrivalState.DUPLICATE]
    assert shop.settled() == ["paid None", "paid_again None"]


def test_handler_and_on_settled_share_the_claim(shop: Shop, genuine: Genuine, ship: Any) -> None:
    """A fact that a handler of callbacks has handled is not given to `on_settled`."""
    shop.side.receive(shop.inbox, genuine(), ship)
    assert shop.settle().state is ArrivalState.DUPLICATE
    with shop.side.engine.connect() as connection:
        rows = connection.execute(select(handled.c.arrival_id, handled.c.outcome)).all()
    assert [tuple(row) for row in rows] == [(1, None)]


def test_settle_needs_on_settled_and_a_decision(side: Any, shop: Shop) -> None:
    """`settle` without `on_settled`, or without a decision, is an error."""
    decision = decide(shop.orders["INV-1"], payment())
    with pytest.raises(ArgumentError, match="on_settled"):
        side.run(side.inbox().settle(decision))
    with pytest.raises(ArgumentError, match="not Payment"):
        side.run(shop.inbox.settle(payment()))


@pytest.mark.parametrize("name", ["find_order", "on_settled"])
def test_functions_of_the_wrong_kind(side: Any, genuine: Genuine, name: str) -> None:
    """An async function of the sync inbox, and the other way round, is an error that names it."""
    shop = Shop(side)

    async def asynchronous(*_: Any) -> None: ...

    wrong: Any = (lambda *_: None) if side.is_async else asynchronous
    setattr(shop.inbox._rules, f"_{name}", wrong)
    with pytest.raises(ArgumentError, match=f"the {name} .*async"):
        shop.receive(genuine())
    assert shop.side.rows("state") == ["stored"]
