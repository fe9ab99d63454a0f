"""The key of the fact that a callback or a query reports."""

from __future__ import annotations

from hashlib import sha256


def fact_key(transaction_number: str, status: int, minor: int, currency: str, reference_code: str) -> str:
    """SHA-256, in hex, of the five members in this order, joined by NUL, case-folded, without U+0307, in UTF-8.

    Merchants store the key: the formula must not change.

    The signature covers text in lower case, so somebody who repeats a callback can change the case of its letters. The key
    stays the same then, also where text can be lower-cased in several ways: case folding makes all Greek sigmas equal, and
    the combining dot U+0307 is what remains of a capital I with dot beside `i`.
    """
    fact = "\0".join((transaction_number, str(int(status)), str(minor), currency, reference_code))
    return sha256(fact.casefold().replace("\u0307", "").encode("utf-8", "surrogatepass")).hexdigest()
