"""The gateway's message signature, `cap-signature`.

    cap-signature = hex(HMAC-SHA256(secret key, string to sign))

The string to sign is the URL of the endpoint without query, fragment and trailing slashes, followed by the data as compact
JSON. Members are sorted by their lower-cased names at every depth, null members are left out, and the whole is lower-cased.
An integrator confirmed this on the staging gateway (source: staging, 2026-09).

Nothing is published about these, so they are assumptions:

- Arrays keep their order, `/` is not escaped, and non-ASCII text is not escaped either, but signed in UTF-8.
- Text is lower-cased by the invariant rules of .NET, one character at a time: `\u03a3` (Greek capital sigma) is always
  `\u03c3`, and `\u0130` (capital I with dot) stays as it is.
- The gateway's serializer escapes U+0085, U+2028 and U+2029. Text that contains one of them can't be signed.

The data of a POST is its JSON body. The data of a GET is its query parameters with their types: a timestamp is a number, a
transaction number is a string.
"""

from __future__ import annotations

import hmac
from functools import cache

from commercepay._base import exact_json
from commercepay._base.json_guards import is_array, is_mapping, is_object
from commercepay._base.secret import hidden
from commercepay._base.text import has_lone_surrogate
from commercepay.errors import ArgumentError, UnsignableData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

__all__ = ["matches", "sign", "string_to_sign"]

ESCAPED = "\x85\u2028\u2029"
"""The characters that the gateway's serializer escapes although JSON does not require it (an assumption: Json.NET does)."""


AMBIGUOUS = "the gateway could not tell them apart"
"""How the problem of two members with the same name ends."""


def string_to_sign(url: str, data: Mapping[str, Any]) -> str:
    """The text that is signed.

    Args:
        url: the full URL of the endpoint; for a callback, the callback URL that the payment was opened with.
        data: the members, in any order.

    Raises:
        UnsignableData: two names are equal in lower case, a name is not a string, a number is NaN or infinite, a string has a
            lone surrogate or U+0085, U+2028 or U+2029, JSON has no such type, or the nesting is too deep. The error lists
            every problem with its path.
    """
    return message(url, data).decode()


def sign(url: str, data: Mapping[str, Any], secret_key: str) -> str:
    """The `cap-signature` of data that is sent to a URL: 64 lower-case hex digits.

    Args:
        url: as for `string_to_sign`.
        data: as for `string_to_sign`.
        secret_key: the merchant's secret key.

    Raises:
        UnsignableData: see `string_to_sign`.
        ArgumentError: the secret key is empty or not a string.
    """
    secret_key = hidden(secret_key)
    return digest(message(url, data), secret_key)


def matches(url: str, data: Mapping[str, Any] | str | bytes, secret_key: str, signature: str) -> bool:
    """Whether a signature is correct. The comparison takes constant time.

    Args:
        url: as for `string_to_sign`.
        data: as for `string_to_sign`, or the JSON text that was received. In a text, numbers count as they are written:
            `1.50` is not `1.5`.
        secret_key: the merchant's secret key.
        signature: the hex digits that came with the data, in upper or lower case.

    Raises:
        UnsignableData: see `string_to_sign`; also a text that is not JSON.
        ArgumentError: the secret key is empty or not a string; the signature is not a string.
    """
    secret_key, signature = hidden(secret_key), hidden(signature)
    if not isinstance(signature, str):
        raise ArgumentError(f"signature must be a str, not {type(signature).__name__}")
    if isinstance(data, str | bytes):
        try:
            read = exact_json.read(data if isinstance(data, str) else data.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise UnsignableData(f"the data is not JSON: {error}") from None
        text = unsigned_text(url, read)
    else:
        text = unsigned_text(url, data)
    return any(same(digest(reading, secret_key), signature) for reading in readings(text))


def message(url: str, data: Mapping[str, Any]) -> bytes:
    """The string to sign, as the bytes that are hashed."""
    text = unsigned_text(url, data)
    if not text.isascii() and any(char in text for char in ESCAPED) and (found := _problems(endpoint_of(url), data)):
        raise UnsignableData(found)
    return lowered(text).encode()


def unsigned_text(url: str, data: object) -> str:
    """The endpoint and the canonical JSON, before the text is lower-cased.

    Raises:
        UnsignableData: see `string_to_sign`.
    """
    endpoint = endpoint_of(url)
    try:
        if is_mapping(data):  # a str would be signed as a JSON string
            text = endpoint + _canonical(data, _quote())
            text.encode()
            return text
    except (TypeError, ValueError, AttributeError, RecursionError):
        pass
    raise UnsignableData(_problems(endpoint, data) or ["the data can't be written as JSON"])


def lowered(text: str) -> str:
    """Lower-case one character at a time, as .NET does (an assumption). `str.lower` depends on what is next to a sigma."""
    if text.isascii():
        return text.lower()
    return "\u0130".join(part.lower() for part in text.replace("\u03a3", "\u03c3").split("\u0130"))


def readings(text: str) -> Iterator[bytes]:
    """The strings that the sender may have signed: the one that we would sign, then other ways to lower-case the text."""
    yield lowered(text).encode()
    if "\u0130" in text or "\u03a3" in text:
        for sigma in (text.replace("\u03a3", "\u03c3"), text):
            plain = sigma.replace("\u0130", "I").lower()
            for dotted in ("\u0130", "i", "i\u0307"):
                yield "".join(dotted if a == "\u0130" else b for a, b in zip(sigma, plain, strict=True)).encode()


def digest(message: bytes, secret_key: str) -> str:
    """HMAC-SHA256 in hex."""
    if not isinstance(secret_key, str) or not secret_key:
        raise ArgumentError("secret_key must be a non-empty str")
    return hmac.digest(secret_key.encode(), message, "sha256").hex()


def same(expected: str, given: str) -> bool:
    """Compare two signatures in constant time. `given` may be any text, also hex digits in upper case."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace").lower())


def endpoint_of(url: str) -> str:
    """The part of a URL that is signed: without query, fragment and trailing slashes."""
    if not isinstance(url, str):
        raise ArgumentError(f"url must be a str, not {type(url).__name__}")
    return url.partition("#")[0].partition("?")[0].rstrip("/")


@cache
def _quote() -> Callable[[str], str]:
    """The string encoder of `json`, imported on first use: `json` and `re` take a third of this module's import time."""
    from json.encoder import encode_basestring

    return encode_basestring


def _canonical(value: Any, quote: Callable[[str], str]) -> str:
    """Compact JSON, at every depth with sorted members and without nulls. Raises one of several errors for unsignable data."""
    if isinstance(value, str):
        return quote(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if value is None:
        return "null"
    if is_object(value):
        names = {name.lower(): name for name in value}
        if len(names) != len(value):
            raise ValueError
        written = [
            f"{quote(name)}:{_canonical(item, quote)}"
            for lower in sorted(names)
            if (item := value[name := names[lower]]) is not None
        ]
        return "{" + ",".join(written) + "}"
    if is_array(value):
        return "[" + ",".join([_canonical(item, quote) for item in value]) + "]"
    if isinstance(value, exact_json.WrittenNumber):
        return value.text
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError
        return float.__repr__(value)
    if is_mapping(value):
        return _canonical(dict(value), quote)
    raise TypeError


_TOO_DEEP = 100


def _problems(endpoint: str, data: object) -> list[str]:
    """Every reason why the data can't be signed. This is slow, and runs only after signing has failed."""
    if has_lone_surrogate(endpoint):
        return ["the URL holds a lone surrogate, which has no UTF-8 form"]
    if not is_mapping(data):
        return [f"data must be a mapping of members, not {type(data).__name__}"]
    return list(_walk(data, "", 0))


def _walk(value: Any, path: str, depth: int) -> Iterator[str]:
    place = path or "the data"
    if depth > _TOO_DEEP:
        yield f"{place}: nested more than {_TOO_DEEP} deep, or within itself"
    elif isinstance(value, str):
        if has_lone_surrogate(value):
            yield f"{place}: a lone surrogate has no UTF-8 form"
        yield from _escaped(place, value)
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            yield f"{place}: {value} is not a JSON number"
    elif value is None or isinstance(value, int):
        return
    elif is_mapping(value):
        seen: dict[str, str] = {}
        for name in value:
            inner = f"{path}.{_shown(name)}" if path else _shown(name)
            if not isinstance(name, str):
                yield f"{inner}: a member's name must be a str, not {type(name).__name__}"
                continue
            if has_lone_surrogate(name):
                yield f"{inner}: a lone surrogate has no UTF-8 form"
            yield from _escaped(inner, name)
            if (other := seen.setdefault(name.lower(), name)) != name:
                yield f"{inner}: equal to {other!r} in lower case; {AMBIGUOUS}"
            yield from _walk(value[name], inner, depth + 1)
    elif is_array(value):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]", depth + 1)
    else:
        yield f"{place}: JSON has no {type(value).__name__}; pass a str, int, float, bool, None, list or dict"


def _escaped(place: str, text: str) -> Iterator[str]:
    for char in ESCAPED:
        if char in text:
            yield f"{place}: U+{ord(char):04X} can't be signed, because the gateway escapes it (an assumption); use a line feed"


def _shown(name: object) -> str:
    return name if isinstance(name, str) and name.isprintable() else ascii(name)
