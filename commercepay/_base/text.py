"""Checks of text."""

from __future__ import annotations


def has_lone_surrogate(text: str) -> bool:
    """Whether a string has half of a surrogate pair, and so no UTF-8 form."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
