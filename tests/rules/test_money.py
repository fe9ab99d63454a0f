"""Money is exact, positive and immutable."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercepay import ArgumentError, Money

minors = st.integers(1, 10**18 - 1)
currencies = st.sampled_from(["MYR", "SGD", "USD", "CNY"])


@given(minors, currencies)
def test_round_trips(minor: int, currency: str) -> None:
    """Minor units, decimal form, text and repr all tell the same amount."""
    money = Money.from_minor(minor, currency)
    assert (money.minor, money.currency) == (minor, currency)
    assert money.decimal * 100 == minor
    assert Money(money.decimal, currency) == money
    assert Money(str(money.decimal), currency) == money
    assert eval(repr(money)) == money
    assert str(money) == f"{currency} {money.decimal}"
    assert pickle.loads(pickle.dumps(money)) == copy.copy(money) == copy.deepcopy(money) == money


@given(st.integers(0, 10**10), st.integers(0, 99), currencies)
def test_decimal_form(whole: int, cents: int, currency: str) -> None:
    """The decimal form is read digit by digit."""
    if whole or cents:
        assert Money(f"{whole}.{cents:02}", currency).minor == whole * 100 + cents
        assert Money(Decimal(whole * 100 + cents) / 100, currency).minor == whole * 100 + cents


@given(st.text(max_size=20) | st.from_regex(r"\A[-+ ]?[0-9_.,eE]{0,12}\Z") | st.decimals())
def test_anything_else(amount: Any) -> None:
    """Whatever is given, it is an exact positive amount or an ArgumentError."""
    try:
        money = Money(amount, "MYR")
    except ArgumentError:
        return
    assert money.minor > 0
    assert money.decimal == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ("12.34", 1234),
        ("12.3", 1230),
        ("12", 1200),
        ("0.01", 1),
        ("007.50", 750),
        (Decimal("12.34"), 1234),
        (Decimal("1E+3"), 100_000),
        (Decimal("1.2E+1"), 1200),
        (Decimal("12.3"), 1230),
    ],
)
def test_right(amount: Any, minor: int) -> None:
    """These are amounts."""
    assert Money(amount, "MYR").minor == minor


WRONG: list[tuple[Any, str]] = [
    (12.34, "float"),
    (float("nan"), "float"),
    (12, "minor"),
    (True, "minor"),
    (None, "NoneType"),
    (b"12.34", "bytes"),
    ([], "list"),
    ("12.345", "3 decimals"),
    ("12.340", "3 decimals"),
    (Decimal("12.340"), "3 decimals"),
    ("0", "positive"),
    ("0.00", "positive"),
    ("-0.01", "positive"),
    ("-0", "positive"),
    (Decimal("-0.00"), "positive"),
    (Decimal(-5), "positive"),
    ("", "not an amount"),
    (".", "not an amount"),
    (".5", "not an amount"),
    ("5.", "not an amount"),
    ("1.2.3", "not an amount"),
    ("+5", "not an amount"),
    ("--5", "not an amount"),
    ("1,000.00", "not an amount"),
    ("1_000", "not an amount"),
    ("1e3", "not an amount"),
    (" 5", "not an amount"),
    ("5\n", "not an amount"),
    ("RM5", "not an amount"),
    ("\u0665", "not an amount"),
    ("NaN", "not an amount"),
    ("²", "not an amount"),
    ("9" * 19, "not an amount"),
    ("9" * 1_000_000, "not an amount"),
    (Decimal("NaN"), "not an amount"),
    (Decimal("sNaN"), "not an amount"),
    (Decimal("Infinity"), "not an amount"),
    (Decimal("1E+999999"), "not an amount"),
    (Decimal("1E-999999"), "not an amount"),
]


@pytest.mark.parametrize(("amount", "why"), WRONG, ids=lambda value: repr(value)[:20])
def test_wrong(amount: Any, why: str) -> None:
    """What is no exact positive amount is refused in a short sentence that says why."""
    with pytest.raises(ArgumentError, match=why) as caught:
        Money(amount, "MYR")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "currency", ["", "myr", "MY", "MYRR", "RM ", "M1R", "ÅÄÖ", "MYR\n", None, 458, b"MYR", ["MYR"]]
)
def test_wrong_currencies(currency: Any) -> None:
    """What is no ISO 4217 code is refused in either form."""
    for act in (lambda: Money("1.00", currency), lambda: Money.from_minor(100, currency)):
        with pytest.raises(ArgumentError, match="ISO 4217"):
            act()


def test_unknown_currencies() -> None:
    """Of a currency whose decimals are not known, minor units are taken and the decimal form is refused."""
    money = Money.from_minor(500, "JPY")
    assert (money.minor, money.currency) == (500, "JPY")
    assert repr(money) == "Money.from_minor(500, 'JPY')"
    assert eval(repr(money)) == money
    assert str(money) == "JPY 500 minor"
    with pytest.raises(ArgumentError, match="from_minor"):
        Money("500", "JPY")
    with pytest.raises(ArgumentError, match=r"\.minor"):
        _ = money.decimal


@pytest.mark.parametrize("minor", [0, -1, True, 1.0, "100", None, Decimal(100), float("nan")])
def test_wrong_minor_units(minor: Any) -> None:
    """Minor units are a positive int, and nothing that merely equals one."""
    with pytest.raises(ArgumentError):
        Money.from_minor(minor, "MYR")


def test_all_in_one() -> None:
    """A wrong amount and a wrong currency are named in one error."""
    for act in (lambda: Money(1.5, "rm"), lambda: Money.from_minor(0, "rm")):  # type: ignore[arg-type]
        with pytest.raises(ArgumentError) as caught:
            act()
        assert len(caught.value.problems) == 2


def test_immutable() -> None:
    """Money can't be changed, nor given further attributes."""
    money = Money("12.34", "MYR")
    for name in ("minor", "currency", "other"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(money, name, 1)
    with pytest.raises(AttributeError, match="immutable"):
        del money.minor
    assert money == Money("12.34", "MYR")


def test_equality() -> None:
    """Money equals money of the same amount and currency, hashes alike, and equals nothing else."""
    money = Money("12.34", "MYR")
    assert money == Money.from_minor(1234, "MYR")
    assert hash(money) == hash(Money.from_minor(1234, "MYR"))
    assert len({money, Money.from_minor(1234, "MYR"), Money.from_minor(1234, "SGD"), Money.from_minor(1, "MYR")}) == 3
    assert money != 1234
    assert money != ("12.34", "MYR")
    assert money != Money.from_minor(1234, "SGD")
    with pytest.raises(TypeError):
        _ = money < Money("13.00", "MYR")  # type: ignore[operator]
