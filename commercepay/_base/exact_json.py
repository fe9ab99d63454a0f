"""Read JSON, keep the text of each number, and reject a member that occurs twice."""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Self


class WrittenNumber(float):
    """A number with a fraction or an exponent (or `-0`) that keeps its text: `1.50` stays `1.50` in a string to sign."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        if number in (float("inf"), float("-inf")):
            raise ValueError("a number is too large")
        number.text = text
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # a float passes itself; this class is built from text
        return (self.text,)


class DuplicateMemberError(ValueError):
    """A member occurs twice in one JSON object."""


def read(text: str) -> object:
    """The value of a JSON text.

    Raises:
        DuplicateMemberError: a member occurs twice in one object.
        ValueError: the text is not JSON; it has NaN, infinity, or a number that is too large for a float.
    """
    return _decoder("-0" in text)(text)


@cache
def _decoder(has_negative_zero: bool) -> Callable[[str], object]:
    """Created on first use: `json` and `re` take a third of the import time of `commercepay.callbacks`."""
    from json.decoder import JSONDecoder

    return JSONDecoder(
        object_pairs_hook=_unique,
        parse_constant=_no_constant,
        parse_float=WrittenNumber,
        parse_int=_written_int if has_negative_zero else None,  # a hook for every int costs time
    ).decode


def _written_int(text: str) -> int | float:
    return WrittenNumber(text) if text == "-0" else int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMemberError("a member occurs twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
