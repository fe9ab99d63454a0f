"""What the signature of a callback must be, written a second time, apart from `commercepay`, from the gateway's rules.

Nothing here imports the package: it is the judge that the tests and the fuzzer hold `commercepay.callbacks` against. It is
written to be read, not to be fast, and goes another way where there is one: members are kept as pairs, the JSON is written
by hand.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any


class NotJudgedError(Exception):
    """The body has no one meaning, so no signature can make it acceptable."""


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object as they came."""


def parse(body: bytes) -> Pairs:
    """The object in a body; raises NotJudgedError unless it is one, and unambiguous."""
    try:
        text = body.decode("utf-8", "strict")
        value = json.loads(text, object_pairs_hook=Pairs, parse_constant=_refuse)
        canonical(value).encode()
    except (ValueError, RecursionError) as error:
        raise NotJudgedError(str(error)) from None
    if not isinstance(value, Pairs):
        raise NotJudgedError("no object")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(name)


def canonical(value: Any) -> str:
    """Compact JSON; members sorted by lower-cased name and without nulls at every depth; case kept."""
    if isinstance(value, Pairs):
        names = [name.lower() for name, _ in value]
        if len(set(names)) < len(names):
            raise NotJudgedError("a member occurs twice")
        kept = sorted(((name.lower(), item) for name, item in value if item is not None), key=lambda pair: pair[0])
        return "{" + ",".join(f"{_string(name)}:{canonical(item)}" for name, item in kept) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        raise NotJudgedError("no number")
    return repr(value)


def _string(text: str) -> str:
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def signature(url: str, json_text: str, secret: str) -> str:
    """The hex digits over a URL and a JSON text, whichever reading the text is."""
    for mark in "#?":
        url = url.split(mark)[0]
    while url.endswith("/"):
        url = url[:-1]
    return hmac.new(secret.encode(), (url + json_text).lower().encode(), hashlib.sha256).hexdigest()


def accepts(body: bytes, given: object, url: str, secrets: tuple[str, ...]) -> bool:
    """Whether a signature fits a body in one of the two readings, under one of the secrets."""
    if not isinstance(given, str):
        return False
    try:
        readings = (canonical(parse(body)), body.decode())
    except NotJudgedError:
        return False
    return any(given.lower() == signature(url, reading, secret) for reading in readings for secret in secrets)
