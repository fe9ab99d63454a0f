"""The list of channels: what is sent, and how the result is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from facade.gateway import CHANNELS, Reply, enveloped

CURRENCY = {"acceptedCurrencyCode": "MYR", "minRequestAmount": 100, "surcharge": 1.5, "isSurchargePercentage": True}


def test_request(driver: Any, gateway: Any, cp: Any) -> None:
    """The country is sent as `countryCode`, and signed."""
    gateway.always[CHANNELS] = Reply(enveloped([]))
    assert driver.do(cp.channels.list(country="MY")) == ()
    gateway.always.clear()
    assert gateway.seen[-1].target == f"{CHANNELS}?countryCode=MY"
    assert gateway.refusal(gateway.seen[-1]) is None


@pytest.mark.parametrize("spelling", ["currencyList", "currencies"])
def test_result(driver: Any, gateway: Any, cp: Any, spelling: str) -> None:
    """Both names of the list of currencies are read. Amounts are decimals as sent; unknown members are in `raw`."""
    sent = {
        "id": 2,
        "name": "FPX",
        "type": 1,
        "groupName": "Banks",
        "savePayment": False,
        "new": [1],
        spelling: [CURRENCY],
    }
    gateway.always[CHANNELS] = Reply(enveloped([sent, {"id": 4}]))
    fpx, card = driver.do(cp.channels.list(country="MY"))
    assert (fpx.id, fpx.name, fpx.type, fpx.group_name, fpx.save_payment, fpx.raw) == (
        2,
        "FPX",
        1,
        "Banks",
        False,
        sent,
    )
    (currency,) = fpx.currencies
    assert (currency.currency, currency.min_request_amount, currency.surcharge) == ("MYR", Decimal(100), Decimal("1.5"))
    assert currency.is_surcharge_percentage is True
    assert currency.max_request_amount is None
    assert (card.id, card.name, card.currencies) == (4, None, ())


@pytest.mark.parametrize("value", ["1", True, None, [], {}, float("inf"), float("nan")])
def test_a_member_of_another_type(driver: Any, gateway: Any, cp: Any, value: Any) -> None:
    """A member that decides nothing is None if it has another type; the channel is listed all the same."""
    names = ("minRequestAmount", "dailyTransactionCount", "surcharge")
    sent = {"id": 2, "name": 5, "currencyList": [dict.fromkeys(names, value), "MYR"]}
    gateway.always[CHANNELS] = Reply(enveloped([sent]))
    (channel,) = driver.do(cp.channels.list(country="MY"))
    (currency,) = channel.currencies
    assert (channel.name, currency.min_request_amount, currency.daily_transaction_count, currency.surcharge) == (
        None,
    ) * 4
