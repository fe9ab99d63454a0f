"""Exact amounts of money: a number of minor units and a currency."""

from __future__ import annotations

from commercepay._base.record import Argument
from commercepay._base.text import shown
from commercepay.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal
    from typing import NoReturn, overload

__all__ = ["Money"]

DECIMALS = {"MYR": 2, "SGD": 2, "USD": 2, "CNY": 2}
"""Decimals of the currencies that were seen at the gateway (source: public integrations)."""

SYMBOLS = {"MYR": "RM"}
"""The symbol in front of an amount, where people do not write the ISO code."""


class Money(Argument):
    """An amount of money. It is always positive.

    `Money("12.34", "MYR")` takes the decimal form as a str or a `Decimal`. `Money.from_minor(1234, "MYR")` takes minor units
    (sen, cents), as the gateway does (source: public integrations). A float is refused, because it is not exact. An int in
    the decimal form is refused, because it could mean minor units. A thousands separator is refused, because `1,234` and
    `1.234` mean different amounts in different countries.

    Amounts of one currency can be added, subtracted and compared, multiplied by an int, and summed:
    `sum(prices, start=shipping)`. A result must be positive, too. With two currencies all of these raise `ArgumentError`,
    except `==`, which is false.

    Args:
        amount: the decimal form. Further zeros are accepted, because they are exact: `Decimal("12.3400")`.
        currency: the ISO 4217 code, three upper-case letters.
        minor: minor units instead of the decimal form. `dataclasses.replace` passes it; `from_minor` is shorter.

    Attributes:
        minor: the amount in minor units, an int.
        currency: the ISO 4217 code.

    Raises:
        ArgumentError: the amount is a float, an int, not a number, not positive, or has more decimals than the currency;
            or the currency is not an ISO 4217 code; or its decimals are not known (then use `from_minor`).
    """

    minor: int
    currency: str

    if TYPE_CHECKING:

        @overload
        def __init__(self, amount: str | Decimal, currency: str) -> None: ...
        @overload
        def __init__(self, *, minor: int, currency: str) -> None: ...

    def __init__(self, amount: str | Decimal | None = None, currency: str = "", *, minor: int | None = None) -> None:
        problems = _currency_problems(currency)
        if minor is None:
            minor = _parse(amount, currency, problems)
        elif amount is not None:
            problems.append("give either the decimal form or minor units")
        elif type(minor) is not int:
            problems.append(f"minor units must be an int, not {type(minor).__name__}")
        elif minor <= 0:
            problems.append(f"an amount must be positive, not {shown(minor)}")
        elif minor >= 10**_LONGEST_MINOR:
            problems.append(f"an amount in minor units has at most {_LONGEST_MINOR} digits")
        if problems:
            self.__dict__.update(minor=0, currency="")  # tools that show a traceback call the repr of this object
            raise ArgumentError(problems)
        self.__dict__.update(minor=minor, currency=currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Money:
        """Money from minor units: `Money.from_minor(1234, "MYR")` is MYR 12.34.

        Raises:
            ArgumentError: the amount is not an int, not positive or far too long, or the currency is not an ISO 4217 code.
        """
        return cls(minor=minor, currency=currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact.

        Raises:
            ArgumentError: the decimals of the currency are not known.
        """
        from decimal import Decimal  # here, because verifying a callback does not need it

        if self.currency not in DECIMALS:
            raise ArgumentError(f"how many decimals {self.currency} has at the gateway is not known; use .minor")
        return Decimal(self._major())

    @property
    def display(self) -> str:
        """The amount as people read it: `RM 1,234.50` for MYR, and with the ISO code for others, such as `SGD 1,234.50`.

        Thousands are separated by commas. `str()` has the ISO code and no separators: `MYR 1234.50`.
        """
        return f"{SYMBOLS.get(self.currency, self.currency)} {self._major(',')}"

    def _major(self, separator: str = "") -> str:
        decimals = DECIMALS.get(self.currency)
        if decimals is None:
            return f"{self.minor:{separator}} minor"
        whole, fraction = divmod(self.minor, 10**decimals)
        return f"{whole:{separator}}.{fraction:0{decimals}}"

    def __add__(self, other: Money) -> Money:
        return Money.from_minor(self.minor + self._same(other), self.currency)

    def __radd__(self, other: object) -> NoReturn:
        raise ArgumentError(
            f"{type(other).__name__} and Money can't be added; give sum() a start: sum(amounts, start=...)"
        )

    def __sub__(self, other: Money) -> Money:
        return Money.from_minor(self.minor - self._same(other), self.currency)

    def __mul__(self, factor: int) -> Money:
        if type(factor) is not int:
            raise ArgumentError(f"Money is multiplied by an int, not {type(factor).__name__}")
        return Money.from_minor(self.minor * factor, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: object) -> int:
        """The minor units of another amount, which must be of the same currency."""
        if not isinstance(other, Money):
            raise ArgumentError(f"expected a Money, not {type(other).__name__}")
        if other.currency != self.currency:
            raise ArgumentError(f"{self} and {other} are of different currencies")
        return other.minor

    def __str__(self) -> str:
        return f"{self.currency} {self._major()}"

    def __repr__(self) -> str:
        if self.currency in DECIMALS:
            return f"Money({self._major()!r}, {self.currency!r})"
        return f"Money.from_minor({self.minor}, {self.currency!r})"


_LONGEST = 18
"""Digits of an amount in the decimal form. A limit of this package, which fits 64 bits."""

_LONGEST_MINOR = 100
"""Digits of an amount in minor units. Sums can be longer than amounts; Python writes no number of more than 4,300 digits."""


def _currency_problems(currency: object) -> list[str]:
    if (
        isinstance(currency, str)
        and len(currency) == 3
        and currency.isascii()
        and currency.isalpha()
        and currency.isupper()
    ):
        return []
    return [f"currency must be an ISO 4217 code of three upper-case letters, not {shown(currency)}"]


def _parse(amount: object, currency: object, problems: list[str]) -> int:
    """The minor units of a decimal amount; problems are added to `problems`."""
    if isinstance(currency, str) and not problems and currency not in DECIMALS:
        problems.append(
            f"how many decimals {currency} has at the gateway is not known; use Money.from_minor(minor units,"
            f" {currency!r}). Known: {', '.join(DECIMALS)}"
        )
    if isinstance(amount, float):
        problems.append(
            f"a float can't hold {amount!r} exactly; pass a str or a Decimal, such as Money('12.34', 'MYR')"
        )
    elif isinstance(amount, int):
        problems.append(
            f"{shown(amount)} could mean major or minor units; pass Money('12.34', ...) or Money.from_minor(1234, ...)"
        )
    elif isinstance(amount, str):
        return _parse_text(amount, currency, problems)
    else:
        from decimal import Decimal  # here, because verifying a callback does not need it

        if isinstance(amount, Decimal):
            if amount.is_finite() and abs(amount.adjusted()) <= _LONGEST:  # others can be too long to write out
                return _parse_text(format(amount, "f"), currency, problems)
            problems.append(f"{str(amount)[:40]!r} is not an amount, or not one of up to {_LONGEST} digits")
        else:
            kind = type(amount).__name__
            problems.append(f"an amount must be a str or a Decimal, or minor units as an int, not {kind}")
    return 0


def _parse_text(text: str, currency: object, problems: list[str]) -> int:
    decimals = DECIMALS.get(currency, 2) if isinstance(currency, str) else 2
    whole, point, fraction = text.removeprefix("-").partition(".")
    is_number = (whole + fraction).isascii() and (whole + fraction).isdigit() and whole and (fraction or not point)
    fraction = fraction[:decimals].ljust(decimals, "0") + fraction[decimals:].rstrip("0")
    if not is_number or len(whole + fraction) > _LONGEST:
        problems.append(f"{text[:40]!r} is not an amount: digits, and up to {decimals} more behind a point")
    elif len(fraction) > decimals:
        problems.append(f"{text!r} has {len(fraction)} decimals; {currency} has {decimals}")
    elif text.startswith("-") or not int(whole + fraction):
        problems.append(f"an amount must be positive, not {text[:40]}")
    else:
        return int(whole + fraction)
    return 0
