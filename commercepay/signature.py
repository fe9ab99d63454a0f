"""The gateway's message signature, `cap-signature`.

    cap-signature = hex(HMAC-SHA256(secret key, string to sign))

The string to sign is the endpoint's URL without query, fragment and trailing slashes, followed by the data as compact JSON
whose members are sorted by their lower-cased names at every depth, null members left out, the whole lower-cased.
Confirmed on the staging gateway by an integrator (2026-09); how arrays, escapes and non-ASCII text are treated is an
assumption.

Data is what the request carries: the JSON body of a POST, or the query parameters of a GET with their own types (a
timestamp is a number, a transaction number a string).
"""

from __future__ import annotations

import hmac
from functools import cache

from commercepay._base.json_guards import is_array, is_mapping, is_object
from commercepay.errors import ArgumentError, UnsignableData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

__all__ = ["matches", "sign", "string_to_sign"]


@cache
def _encoder() -> Callable[[object], str]:
    """Made for the first signature: `json` brings `re`, and both are a third of what importing this module would cost."""
    from json.encoder import JSONEncoder

    return JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def string_to_sign(url: str, data: Mapping[str, Any]) -> str:
    """The text that the signature is computed over.

    Args:
        url: the full endpoint URL, or for a callback the callback URL as the payment named it.
        data: the members that are sent, in any order.

    Raises:
        UnsignableData: two members equal in lower case, a name that is no string, NaN or infinity, a lone surrogate, a type
            that JSON lacks, or nesting too deep. Every problem is named with its path.
    """
    return message(url, data).decode()


def sign(url: str, data: Mapping[str, Any], secret_key: str) -> str:
    """The `cap-signature` of data sent to a URL: 64 lower-case hex digits.

    Args:
        url: as for `string_to_sign`.
        data: as for `string_to_sign`.
        secret_key: the merchant's secret key.

    Raises:
        UnsignableData: see `string_to_sign`.
        ArgumentError: the secret key is empty or no string.
    """
    return digest(message(url, data), secret_key)


def matches(url: str, data: Mapping[str, Any], secret_key: str, signature: str) -> bool:
    """Whether a signature is the right one, compared in constant time.

    Args:
        url: as for `string_to_sign`.
        data: as for `string_to_sign`.
        secret_key: the merchant's secret key.
        signature: the hex digits that came with the data; upper or lower case.

    Raises:
        UnsignableData: see `string_to_sign`.
        ArgumentError: the secret key is empty or no string.
    """
    if not isinstance(signature, str):
        raise ArgumentError(f"signature must be a str, not {type(signature).__name__}")
    return same(sign(url, data, secret_key), signature)


def message(url: str, data: Mapping[str, Any]) -> bytes:
    """`string_to_sign` as the bytes that are hashed."""
    endpoint = endpoint_of(url)
    if not is_mapping(data):  # a body that is JSON text already, say, would be signed as a string
        raise UnsignableData(_problems(endpoint, data))
    try:
        return (endpoint + _encoder()(_ordered(data))).lower().encode()
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise UnsignableData(_problems(endpoint, data)) from None


def digest(message: bytes, secret_key: str) -> str:
    """HMAC-SHA256 in hex."""
    if not isinstance(secret_key, str) or not secret_key:
        raise ArgumentError("secret_key must be a non-empty str")
    return hmac.digest(secret_key.encode(), message, "sha256").hex()


def same(expected: str, given: str) -> bool:
    """Constant-time comparison; `given` may be any text, hex digits in upper case included."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace").lower())


def endpoint_of(url: str) -> str:
    """The part of a URL that is signed: without query, fragment and trailing slashes."""
    if not isinstance(url, str):
        raise ArgumentError(f"url must be a str, not {type(url).__name__}")
    return url.partition("#")[0].partition("?")[0].rstrip("/")


def _ordered(value: Any) -> Any:
    """Members lower-cased, sorted, without nulls, at every depth. Trips over what can't be signed."""
    if isinstance(value, (str, int)):  # twice as fast as a union, and this is the hot path
        return value
    if is_object(value):
        members = {name.lower(): item for name, item in value.items()}
        if len(members) != len(value):
            raise ValueError
        return {name: _ordered(members[name]) for name in sorted(members) if members[name] is not None}
    if is_array(value):
        return [_ordered(item) for item in value]
    if is_mapping(value):
        return _ordered(dict(value))
    return value


_TOO_DEEP = 100


def _problems(endpoint: str, data: object) -> list[str]:
    """All that keeps data from being signed. Slow and thorough: runs only when signing has failed."""
    if not _encodes(endpoint):
        return ["the URL holds a lone surrogate, which has no UTF-8 form"]
    if not is_mapping(data):
        return [f"data must be a mapping of members, not {type(data).__name__}"]
    found = list(_walk(data, "", 0))
    return found or ["the data can't be written as JSON"]


def _walk(value: Any, path: str, depth: int) -> Iterator[str]:
    place = path or "the data"
    if depth > _TOO_DEEP:
        yield f"{place}: nested more than {_TOO_DEEP} deep, or within itself"
    elif isinstance(value, str):
        if not _encodes(value):
            yield f"{place}: a lone surrogate has no UTF-8 form"
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
            if not _encodes(name):
                yield f"{inner}: a lone surrogate has no UTF-8 form"
            if (other := seen.setdefault(name.lower(), name)) != name:
                yield f"{inner}: equal to {other!r} in lower case; the gateway could not tell them apart"
            yield from _walk(value[name], inner, depth + 1)
    elif is_array(value):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]", depth + 1)
    else:
        yield f"{place}: JSON has no {type(value).__name__}; pass a str, int, float, bool, None, list or dict"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: object) -> str:
    return name if isinstance(name, str) and name.isprintable() else ascii(name)
