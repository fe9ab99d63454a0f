"""Each shop, with lost messages: an order is paid exactly when the gateway reports it, and shipped once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from examples.shops import Customer, Shop

from commercepay import Money
from commercepay.testing import Sandbox, sign_callback

PRICE = Money("35.00", "MYR")
FAILED, CANCELLED_BY_USER = 2, 8


def callbacks(gateway: Sandbox, customer: Customer) -> list[tuple[str, int | None]]:
    """The callbacks of a customer's order: each with its state and the shop's response."""
    return [
        (one.state, one.deliveries[-1].status if one.deliveries else None)
        for one in gateway.callbacks
        if one.number == customer.number and one.state != "withheld"
    ]


def test_happy_path(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """A customer who pays and comes back sees that it is paid; it is shipped once."""
    assert customer.follow(customer.pay()) == "paid"
    assert callbacks(gateway, customer) == [("delivered", 200)]
    assert shop.shipped(customer.reference) == 1


def test_the_callback_is_lost(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """Without callback and without return, the reconciliation finds the payment; a second one ships nothing again."""
    gateway.faults.add("callback_never")
    customer.pay()
    assert callbacks(gateway, customer) == []
    assert shop.state(customer.reference) == "open"
    assert shop.reconcile()["paid"] >= 1
    assert shop.state(customer.reference) == "paid"
    shop.reconcile()
    assert shop.shipped(customer.reference) == 1


def test_the_callback_is_lost_but_the_customer_returns(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """Without a callback, the shop queries the gateway when the customer returns."""
    gateway.faults.add("callback_never")
    assert customer.follow(customer.pay()) == "paid"
    assert shop.shipped(customer.reference) == 1


def test_the_callback_comes_twice(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """Both copies of a callback get the response 200, and the order is shipped once."""
    gateway.faults.add("callback_twice")
    back = customer.pay()
    assert callbacks(gateway, customer) == [("delivered", 200)] * 2
    assert customer.follow(back) == "paid"
    assert shop.shipped(customer.reference) == 1


@pytest.mark.parametrize("forged", ["wrong", "missing", "of another shop"])
def test_the_callback_is_forged(shop: Shop, gateway: Sandbox, customer: Customer, forged: str) -> None:
    """A callback with a wrong signature, or without one, gets the response 401 and pays nothing."""
    secret = gateway.other_credentials.secret_key if forged == "of another shop" else "a guess"
    signed = sign_callback(f"{shop.url}/commercepay/callback", secret, amount=PRICE, reference_code=customer.reference)
    headers = {name: value for name, value in signed.headers.items() if forged != "missing" or name == "Content-Type"}
    assert shop.callback(headers, signed.body) == 401
    assert shop.state(customer.reference) == "open"
    assert shop.shipped(customer.reference) == 0


@pytest.mark.parametrize("kind", ["callback_unsigned", "callback_wrongly_signed"])
def test_a_damaged_callback_pays_nothing_but_the_return_does(
    shop: Shop, gateway: Sandbox, customer: Customer, kind: str
) -> None:
    """A payment whose callback is rejected is paid when the gateway is queried."""
    gateway.faults.add(kind)  # type: ignore[arg-type]
    back = customer.pay()
    assert [status for _, status in callbacks(gateway, customer)] == [401]
    assert shop.state(customer.reference) == "open"
    assert customer.follow(back) == "paid"
    assert shop.shipped(customer.reference) == 1


def test_the_callback_has_another_amount(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """A signed callback with another amount pays nothing; a query reports the right one."""
    gateway.faults.add("callback_other_amount", amount=1)
    customer.pay()
    assert callbacks(gateway, customer) == [("delivered", 200)]
    assert shop.state(customer.reference) == "open"
    shop.reconcile()
    assert shop.state(customer.reference) == "paid"
    assert shop.shipped(customer.reference) == 1


def test_the_customer_cancels(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """A customer who cancels comes back to an order that is not paid."""
    assert customer.follow(customer.choose(CANCELLED_BY_USER)) == "open"
    assert callbacks(gateway, customer) == [("delivered", 200)]
    assert shop.reconcile()["paid"] == 0
    assert shop.shipped(customer.reference) == 0


def test_the_customer_pays_after_a_failed_try(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """After an attempt that failed the order is still open, and a second attempt pays it once."""
    assert customer.follow(customer.choose(FAILED)) == "open"
    assert customer.follow(customer.pay()) == "paid"
    assert callbacks(gateway, customer) == [("delivered", 200)] * 2
    assert shop.shipped(customer.reference) == 1


def test_the_callback_comes_before_the_customer(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """The callback pays the order of a customer who may never return; a return then changes nothing."""
    back = customer.pay()
    assert callbacks(gateway, customer) == [("delivered", 200)]
    assert shop.state(customer.reference) == "paid"
    assert shop.shipped(customer.reference) == 1
    assert customer.follow(back) == "paid"
    assert shop.shipped(customer.reference) == 1


def test_the_customer_never_returns_and_never_paid(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """An unpaid order expires with its session, by the callback or, if that is lost, by the reconciliation."""
    gateway.faults.add("callback_never")
    gateway.expire(customer.number)
    assert shop.state(customer.reference) == "open"
    shop.reconcile()
    assert shop.state(customer.reference) == "expired"
    assert shop.shipped(customer.reference) == 0


def test_a_made_up_return_pays_nothing(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """A return with the number of another paid payment does not pay the order."""
    with Customer(shop) as other:
        paid = other.pay().partition("TransactionNumber=")[2]
        made_up = f"{shop.url}/return?ReferenceCode={customer.reference}&TransactionNumber={paid}"
        assert customer.follow(made_up) == "open"
    assert shop.shipped(customer.reference) == 0


def test_callback_return_and_reconciliation_at_once(shop: Shop, gateway: Sandbox, customer: Customer) -> None:
    """Callback, return and reconciliation at the same moment ship once."""
    gateway.faults.add("callback_twice")
    back = customer.pay()
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(customer.follow, back), *(pool.submit(shop.reconcile) for _ in range(3))]
        assert running[0].result() == "paid"
        for one in running[1:]:
            one.result()
    assert callbacks(gateway, customer) == [("delivered", 200)] * 2
    assert shop.shipped(customer.reference) == 1


def test_an_unknown_order_is_404(shop: Shop) -> None:
    """A return with an unknown reference, or without one, gets the response 404."""
    for query in ("", "?ReferenceCode=SHOP-0&TransactionNumber=1"):
        assert shop.http.get(f"{shop.url}/return{query}").status_code == 404


def test_an_order_whose_opening_got_no_response(shop: Shop, gateway: Sandbox) -> None:
    """An order is stored before the call: its callback pays it, even if the response was lost. An unknown order is a 500."""
    secret_key = gateway.credentials.secret_key
    shop.check_log(gateway.credentials.password, secret_key)
    shop.may_log_errors = True  # from here on, and a little later than its responses
    before = {order.number for order in gateway.orders}
    gateway.faults.clear()
    gateway.faults.add("drop_after", endpoint="InitialSession")
    assert shop.buy(shop.http).status_code == 500
    (order,) = (order for order in gateway.orders if order.number not in before)
    gateway.pay(order.number)
    gateway.settle()
    shop.reconcile()
    assert shop.state(order.reference_code) == "paid"
    assert shop.shipped(order.reference_code) == 1
    signed = sign_callback(f"{shop.url}/commercepay/callback", secret_key, amount=PRICE, reference_code="SHOP-0")
    assert shop.callback(signed.headers, signed.body) == 500
