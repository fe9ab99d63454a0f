"""A second implementation of the gateway's signature of a callback, independent of the package.

The tests and the fuzzer compare `commercepay.callbacks` with it. It imports nothing of the package. It is written for reading,
not for speed, and where possible in another way: members are kept as pairs, and the JSON is written by hand.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any


class AmbiguousBodyError(Exception):
    """The body is not JSON with one meaning, so no signature makes it acceptable."""


class Number(str):
    """A JSON number as it is written."""


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, in the order of the text."""


def parse(body: bytes) -> Pairs:
    """The JSON object in a body. Raises AmbiguousBodyError for anything else."""
    try:
        value = json.loads(
            without_mark(body), object_pairs_hook=Pairs, parse_constant=_refuse, parse_float=_number, parse_int=_number
        )
        canonical(value).encode()
    except (ValueError, RecursionError) as error:
        raise AmbiguousBodyError(str(error)) from None
    if not isinstance(value, Pairs):
        raise AmbiguousBodyError("not an object")
    return value


def without_mark(body: bytes) -> str:
    """The text of a body, without a byte-order mark."""
    text = body.decode("utf-8", "strict")
    return text[1:] if text[:1] == "\ufeff" else text


def _number(text: str) -> Number:
    if abs(float(text)) == float("inf"):
        raise ValueError("not a finite number")
    if not set(text) & set(".eE"):
        int(text)  # raises for more digits than Python reads
    return Number(text)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def canonical(value: Any) -> str:
    """Compact JSON. At every depth, members are sorted by lower-cased name and nulls are removed. The case is kept."""
    if isinstance(value, Pairs):
        names = [name.lower() for name, _ in value]
        if len(set(names)) < len(names):
            raise AmbiguousBodyError("a member occurs twice")
        kept = sorted((pair for pair in value if pair[1] is not None), key=lambda pair: pair[0].lower())
        return "{" + ",".join(f"{_string(name)}:{canonical(item)}" for name, item in kept) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    return {None: "null", True: "true", False: "false"}[value]


def _string(text: str) -> str:
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def lowered(text: str, dotted: str = "\u0130", sigma: str = "alone") -> str:
    """A text in lower case. `dotted` replaces U+0130; `sigma` is whether a sigma is converted alone or in context."""
    if sigma == "alone":
        return "".join(dotted if char == "\u0130" else char.lower() for char in text)
    found = []
    for place, char in enumerate(text):
        # Python's own rule, applied to the whole text; U+0130 alone makes two characters of one.
        before = text[:place].replace("\u0130", "I").lower()
        found.append(dotted if char == "\u0130" else text.replace("\u0130", "I").lower()[len(before)])
    return "".join(found)


def signature(url: str, json_text: str, secret: str, dotted: str = "\u0130", sigma: str = "alone") -> str:
    """The signature of a URL and a JSON text, in hex digits."""
    for mark in "#?":
        url = url.split(mark)[0]
    while url.endswith("/"):
        url = url[:-1]
    return hmac.new(secret.encode(), lowered(url + json_text, dotted, sigma).encode(), hashlib.sha256).hexdigest()


def accepts(body: bytes, given: object, url: str, secrets: tuple[str, ...]) -> bool:
    """Whether the signature is valid for a body: in one of its two readings, lower-cased in one way, with one of the keys."""
    if not isinstance(given, str):
        return False
    try:
        readings = (canonical(parse(body)), without_mark(body))
    except AmbiguousBodyError:
        return False
    return any(
        given.lower() == signature(url, reading, secret, dotted, sigma)
        for reading in readings
        for secret in secrets
        for dotted in (("\u0130", "i", "i\u0307") if "\u0130" in url + reading else ("\u0130",))
        for sigma in (("alone", "in context") if "\u03a3" in url + reading else ("alone",))
    )
