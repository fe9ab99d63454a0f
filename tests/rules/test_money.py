"""Money is exact, positive and immutable."""

from __future__ import annotations

import copy
import operator
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
    """Minor units, decimal form, text and repr show the same amount."""
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
    """Every argument gives an exact positive amount or an ArgumentError."""
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
        ("12.3400", 1234),
        (Decimal("12.3400"), 1234),
        ("1.0" + "0" * 1000, 100),
        (Decimal("1." + "0" * 20), 100),
        ("9" * 16, 999_999_999_999_999_900),
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
    ("12.3450", "3 decimals"),
    (Decimal("12.3450"), "3 decimals"),
    ("0.000", "positive"),
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
    ("9" * 17, "not an amount"),
    ("9" * 1_000_000, "not an amount"),
    (Decimal("NaN"), "not an amount"),
    (Decimal("sNaN"), "not an amount"),
    (Decimal("Infinity"), "not an amount"),
    (Decimal("1E+999999"), "not an amount"),
    (Decimal("1E-999999"), "not an amount"),
]


@pytest.mark.parametrize(("amount", "why"), WRONG, ids=lambda value: repr(value)[:20])
def test_wrong(amount: Any, why: str) -> None:
    """An argument that is not an exact positive amount is an error with a short reason."""
    with pytest.raises(ArgumentError, match=why) as caught:
        Money(amount, "MYR")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "currency", ["", "myr", "MY", "MYRR", "RM ", "M1R", "ÅÄÖ", "MYR\n", None, 458, b"MYR", ["MYR"]]
)
def test_wrong_currencies(currency: Any) -> None:
    """A currency that is not an ISO 4217 code is an error in both forms."""
    for act in (lambda: Money("1.00", currency), lambda: Money.from_minor(100, currency)):
        with pytest.raises(ArgumentError, match="ISO 4217"):
            act()


def test_unknown_currencies() -> None:
    """For a currency with unknown decimals, minor units are accepted and the decimal form is an error."""
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
    """Minor units must be a positive int, not a value of another type that equals one."""
    with pytest.raises(ArgumentError):
        Money.from_minor(minor, "MYR")


def test_all_in_one() -> None:
    """A wrong amount and a wrong currency are named in one error."""
    for act in (lambda: Money(1.5, "rm"), lambda: Money.from_minor(0, "rm")):  # type: ignore[arg-type]
        with pytest.raises(ArgumentError) as caught:
            act()
        assert len(caught.value.problems) == 2


def test_immutable() -> None:
    """Money can't be changed or given more attributes."""
    money = Money("12.34", "MYR")
    for name in ("minor", "currency", "other"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(money, name, 1)
    with pytest.raises(AttributeError, match="immutable"):
        del money.minor
    assert money == Money("12.34", "MYR")


def test_equality() -> None:
    """Money equals only money of the same amount and currency, with the same hash."""
    money = Money("12.34", "MYR")
    assert money == Money.from_minor(1234, "MYR")
    assert hash(money) == hash(Money.from_minor(1234, "MYR"))
    assert len({hash(Money.from_minor(minor, "MYR")) for minor in range(1, 100)}) > 90
    assert len({money, Money.from_minor(1234, "MYR"), Money.from_minor(1234, "SGD"), Money.from_minor(1, "MYR")}) == 3
    assert money != 1234
    assert money != ("12.34", "MYR")
    assert money != Money.from_minor(1234, "SGD")


moneys = st.builds(Money.from_minor, st.integers(1, 10**12), st.sampled_from(["MYR", "SGD"]))


@given(moneys, moneys)
def test_arithmetic_of_two(a: Money, b: Money) -> None:
    """Amounts of one currency are added, subtracted and compared as their minor units; other combinations are errors."""
    for act in OPERATIONS:
        if a.currency != b.currency:
            with pytest.raises(ArgumentError, match="different currencies"):
                act(a, b)
            continue
        minor = act(a.minor, b.minor)
        if isinstance(minor, bool):
            assert act(a, b) is minor
        elif minor > 0:
            assert act(a, b) == Money.from_minor(minor, a.currency)
        else:
            with pytest.raises(ArgumentError, match="positive"):
                act(a, b)


OPERATIONS = [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]


@given(moneys, st.integers(-3, 10**6))
def test_multiplication(money: Money, factor: int) -> None:
    """A positive int multiplies the minor units, from either side; zero and negative ones are errors."""
    for multiply in (lambda: money * factor, lambda: factor * money):
        if factor > 0:
            assert multiply() == Money.from_minor(money.minor * factor, money.currency)
        else:
            with pytest.raises(ArgumentError, match="positive"):
                multiply()


@given(st.lists(st.integers(1, 10**12).map(lambda minor: Money.from_minor(minor, "MYR"))), moneys)
def test_sum(amounts: list[Money], start: Money) -> None:
    """`sum()` adds to its start."""
    if start.currency == "MYR" or not amounts:
        assert sum(amounts, start=start).minor == start.minor + sum(money.minor for money in amounts)
    else:
        with pytest.raises(ArgumentError):
            sum(amounts, start=start)


@pytest.mark.parametrize("other", [1, 0, 1.0, True, "1.00", None, Decimal(1), (100, "MYR")])
def test_arithmetic_with_anything_else(other: Any) -> None:
    """Only money can be added to money, and only an int multiplies it. The error of a sum without a start names `start`."""
    money = Money("1.00", "MYR")
    for act in OPERATIONS:
        with pytest.raises(ArgumentError, match="expected a Money"):
            act(money, other)
    if type(other) is not int:
        for left, right in ((money, other), (other, money)):
            with pytest.raises(ArgumentError, match="multiplied by an int"):
                _ = left * right
    with pytest.raises(ArgumentError, match="start="):
        sum([money])


@given(minors, currencies)
def test_display(minor: int, currency: str) -> None:
    """The display form has the symbol or code, and the decimal form with separated thousands."""
    symbol, _, amount = Money.from_minor(minor, currency).display.partition(" ")
    assert symbol == ("RM" if currency == "MYR" else currency)
    assert Money(amount.replace(",", ""), currency).minor == minor
    assert all(len(group) == 3 for group in amount.partition(".")[0].split(",")[1:])


def test_display_examples() -> None:
    """Ringgit are written `RM`; a currency whose decimals are not known shows its minor units as such."""
    assert Money("12.34", "MYR").display == "RM 12.34"
    assert Money("1234567.50", "SGD").display == "SGD 1,234,567.50"
    assert Money.from_minor(1500, "JPY").display == "JPY 1,500 minor"


def test_either_form() -> None:
    """The decimal form and minor units are not given together, and one of them must be."""
    assert Money(minor=1234, currency="MYR") == Money("12.34", "MYR")
    with pytest.raises(ArgumentError, match="either"):
        Money("12.34", "MYR", minor=1234)  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="an amount must be a str or a Decimal, or minor units"):
        Money(currency="MYR")  # type: ignore[call-overload]
