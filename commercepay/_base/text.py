"""Checks and lengths of text."""

from __future__ import annotations


def shown(value: object, most: int = 40) -> str:
    """The start of a value, for the text of an error."""
    try:
        return repr(value)[:most]
    except ValueError:  # of an int with more than 4,300 digits
        return f"an {type(value).__name__} of thousands of digits"


def has_lone_surrogate(text: str) -> bool:
    """Whether a string has half of a surrogate pair, and so no UTF-8 form."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def utf16_length(text: str) -> int:
    """The length as .NET counts it: in UTF-16 code units, of which an emoji takes two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut_to_utf16(text: str, most: int) -> str:
    """The start of a text, at most so many UTF-16 code units. No character is cut in half."""
    if utf16_length(text) <= most:
        return text
    return text.encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore")
