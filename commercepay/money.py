"""Money, exact: a number of minor units and a currency."""

from __future__ import annotations

from commercepay.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal
    from typing import NoReturn

__all__ = ["Money"]

DECIMALS = {"MYR": 2, "SGD": 2, "USD": 2, "CNY": 2}
"""Digits behind the point, for the currencies that were seen at the gateway (source: public integrations)."""


class Money:
    """An amount of money, always positive.

    `Money("12.34", "MYR")` takes the decimal form as a str or a `Decimal`; `Money.from_minor(1234, "MYR")` takes minor
    units (sen, cents), as the gateway counts (source: public integrations). There is no float anywhere, and a plain int
    is not taken as the decimal form: too many shops were charged a hundredfold by it.

    Attributes:
        minor: the amount in minor units, an int.
        currency: the ISO 4217 code, three upper-case letters.

    Raises:
        ArgumentError: a float, an int in decimal form, more decimals than the currency has, zero or less, something
            that is no number, a currency that is no ISO 4217 code, or one whose decimals are not known here (then use
            `from_minor`).
    """

    __slots__ = ("currency", "minor")
    minor: int
    currency: str

    def __init__(self, amount: str | Decimal, currency: str) -> None:
        problems = _currency_problems(currency)
        decimals = DECIMALS.get(currency) if isinstance(currency, str) else None
        if not problems and decimals is None:
            problems.append(
                f"how many decimals {currency} has at the gateway is not known; use Money.from_minor(minor units,"
                f" {currency!r}). Known: {', '.join(DECIMALS)}"
            )
        minor = _parse(amount, 2 if decimals is None else decimals, currency, problems)
        if problems:
            raise ArgumentError(problems)
        _fill(self, minor, currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Money:
        """Money from minor units: `Money.from_minor(1234, "MYR")` is MYR 12.34.

        Raises:
            ArgumentError: the amount is no int or not positive, or the currency is no ISO 4217 code.
        """
        problems = _currency_problems(currency)
        if type(minor) is not int:
            problems.append(f"minor units must be an int, not {type(minor).__name__}")
        elif minor <= 0:
            problems.append(f"an amount must be positive, not {minor}")
        if problems:
            raise ArgumentError(problems)
        return _fill(object.__new__(cls), minor, currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact.

        Raises:
            ArgumentError: the currency's number of decimals is not known here.
        """
        from decimal import Decimal  # only here: a callback hook does without it

        return Decimal(self._major())

    def _major(self) -> str:
        decimals = DECIMALS.get(self.currency)
        if decimals is None:
            raise ArgumentError(f"how many decimals {self.currency} has at the gateway is not known; use .minor")
        digits = str(self.minor).rjust(decimals + 1, "0")
        return f"{digits[:-decimals]}.{digits[-decimals:]}"

    def __str__(self) -> str:
        return (
            f"{self.currency} {self._major()}" if self.currency in DECIMALS else f"{self.currency} {self.minor} minor"
        )

    def __repr__(self) -> str:
        if self.currency in DECIMALS:
            return f"Money({self._major()!r}, {self.currency!r})"
        return f"Money.from_minor({self.minor}, {self.currency!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor == other.minor and self.currency == other.currency

    def __hash__(self) -> int:
        return hash((Money, self.minor, self.currency))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("Money is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("Money is immutable")

    def __reduce__(self) -> tuple[object, tuple[int, str]]:
        return Money.from_minor, (self.minor, self.currency)


_LONGEST = 18
"""Digits of an amount in decimal form; our own limit, which fits 64 bits."""


def _fill(money: Money, minor: int, currency: str) -> Money:
    object.__setattr__(money, "minor", minor)
    object.__setattr__(money, "currency", currency)
    return money


def _currency_problems(currency: object) -> list[str]:
    if (
        isinstance(currency, str)
        and len(currency) == 3
        and currency.isascii()
        and currency.isalpha()
        and currency.isupper()
    ):
        return []
    return [f"currency must be an ISO 4217 code of three upper-case letters, not {currency!r}"]


def _parse(amount: object, decimals: int, currency: object, problems: list[str]) -> int:
    """Minor units of a decimal amount; what is wrong with it is added to `problems`."""
    if isinstance(amount, float):
        problems.append(
            f"a float can't hold {amount!r} exactly; pass a str or a Decimal, such as Money('12.34', 'MYR')"
        )
    elif isinstance(amount, int):
        problems.append(
            f"{amount!r} could mean major or minor units; pass Money('{amount}', ...) or Money.from_minor({amount}, ...)"
        )
    elif isinstance(amount, str):
        return _parse_text(amount, decimals, currency, problems)
    else:
        from decimal import Decimal  # only here: a callback hook does without it

        if isinstance(amount, Decimal):
            if not amount.is_finite() or abs(amount.adjusted()) > _LONGEST:  # written out, it might fill the memory
                problems.append(f"{str(amount)[:40]!r} is not an amount, or not one of up to {_LONGEST} digits")
                return 0
            return _parse_text(format(amount, "f"), decimals, currency, problems)
        problems.append(f"an amount must be a str or a Decimal, not {type(amount).__name__}")
    return 0


def _parse_text(text: str, decimals: int, currency: object, problems: list[str]) -> int:
    whole, point, fraction = text.removeprefix("-").partition(".")
    digits = whole + fraction
    if not (digits.isascii() and digits.isdigit() and whole and (fraction or not point)) or len(digits) > _LONGEST:
        problems.append(f"{text[:40]!r} is not an amount: digits, and up to {decimals} more behind a point")
    elif len(fraction) > decimals:
        problems.append(f"{text!r} has {len(fraction)} decimals; {currency} has {decimals}")
    elif text.startswith("-") or not int(digits):
        problems.append(f"an amount must be positive, not {text}")
    else:
        return int(whole + fraction.ljust(decimals, "0"))
    return 0
