"""Why a signature was refused: which known wrong reading of the rules gives the signature that the caller sent.

A `Recipe` describes how to build a signature; the right one is `Recipe()`. Each wrong reading changes one field of it.
They are tried one by one, then in pairs and in threes, as mistakes often come together (the body alone, not sorted, case
kept).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final, Literal

from commercepay import signature
from commercepay._base.json_guards import is_array, is_object


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a signature is built."""

    url: Literal["endpoint", "none", "query", "slash", "path", "server"] = "endpoint"
    data: Literal["bound", "untyped", "sent", "raw", "none"] = "bound"
    order: Literal["lower", "as_sent", "bytes"] = "lower"
    case: Literal["lower", "kept", "only_url"] = "lower"
    keep_nulls: bool = False
    drop_empty: bool = False
    escape_slashes: bool = False
    escape_non_ascii: bool = False
    numbers_as_strings: bool = False
    seconds: bool = False
    hash: Literal["sha256", "sha512"] = "sha256"
    base64: bool = False
    key: Literal["own", "other"] = "own"


READINGS: Final[tuple[tuple[str, Mapping[str, Any], str], ...]] = (
    ("body without the URL", {"url": "none"}, "the string to sign begins with the endpoint's URL; this one has no URL"),
    ("query string kept", {"url": "query"}, "the URL is signed without its query string"),
    ("trailing slash kept", {"url": "slash"}, "the URL is signed without a trailing slash"),
    ("path instead of URL", {"url": "path"}, "the whole URL is signed, with scheme and host"),
    ("another server's URL", {"url": "server"}, "the URL that is signed is the one that is called"),
    ("not sorted", {"order": "as_sent"}, "members are sorted by their lower-cased names, at every depth"),
    (
        "sorted byte-wise",
        {"order": "bytes"},
        "members are sorted by their lower-cased names, not by the bytes of their names",
    ),
    ("case kept", {"case": "kept"}, "the whole string to sign is lower-cased, values included"),
    ("only the URL lower-cased", {"case": "only_url"}, "the JSON is lower-cased too, values included"),
    ("nulls kept", {"keep_nulls": True}, "members whose value is null are left out, at every depth"),
    ("empty strings dropped", {"drop_empty": True}, "empty strings stay; only nulls are left out"),
    ("slashes escaped", {"escape_slashes": True}, "`/` is not escaped"),
    ("non-ASCII escaped", {"escape_non_ascii": True}, "non-ASCII characters stay as they are, in UTF-8"),
    ("numbers as strings", {"numbers_as_strings": True}, "numbers are signed as numbers, without quotes"),
    ("numbers as strings", {"data": "untyped"}, "members are signed in the endpoint's types: numbers without quotes"),
    (
        "seconds for milliseconds",
        {"seconds": True},
        "the timestamp that is signed is the one that is sent, in milliseconds",
    ),
    (
        "unknown members signed",
        {"data": "sent"},
        "members that the endpoint does not have are left out of what is signed",
    ),
    (
        "body as it was sent",
        {"data": "raw"},
        "the JSON that is signed is compact, sorted and without nulls, not the raw body",
    ),
    ("URL alone", {"data": "none"}, "the data is signed too"),
    ("SHA-512", {"hash": "sha512"}, "the hash is SHA-256"),
    ("base64 instead of hex", {"base64": True}, "the signature is written in hex"),
    ("another tenant's secret", {"key": "other"}, "the secret key is that of another tenant"),
)
"""Name, change to the recipe, and the right rule. The most common first: of several that match, the first is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequest:
    """A request whose signature was refused.

    Attributes:
        url: as the caller called it, with the query string.
        bound: the data as bound to the endpoint's model, in the caller's order and spelling, nulls included.
        untyped: the same, but scalars in the types in which they were sent.
        sent: the data as sent, with members that the endpoint does not have.
        raw: the body's text; empty for a GET.
        given: the `cap-signature` header.
        secret: the tenant's secret key.
        other_secrets: those of the sandbox's other tenants.
        servers: the servers of the real gateway, whose URL may have been signed by mistake.
    """

    url: str
    bound: Mapping[str, Any]
    untyped: Mapping[str, Any]
    sent: Mapping[str, Any]
    raw: str
    given: str | None
    secret: str
    other_secrets: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()

    def __repr__(self) -> str:  # the generated one would show secrets
        return f"<refused request to {signature.endpoint_of(self.url)}>"


def explain(refused: RefusedRequest) -> dict[str, Any]:
    """The readings that the caller used, the right string to sign, the caller's, and where the two first differ.

    Keys: `text` (a summary), `readings` (names; empty if none matches), `right`, `yours`, `differ_at`.
    """
    right = next(_texts(Recipe(), refused))
    if not refused.given:
        return _explanation([], "there is no cap-signature header", right, None)
    readings = _find(refused)
    if readings is None:
        clue = "" if _looks_right(refused.given) else " It should be 64 hex digits."
        text = f"none of the known wrong readings gives this signature; the secret key may be wrong.{clue}"
        return _explanation([], text, right, None)
    recipe = _recipe(readings)
    names = [name for name, _, _ in readings]
    yours = next(text for text, key in _candidates(recipe, refused) if _matches(recipe, text, key, refused.given))
    reasons = "; ".join(reason for _, _, reason in readings)
    if recipe.data == "sent":
        unknown = sorted(set(refused.sent) - set(refused.bound))
        reasons += f" (unknown: {', '.join(unknown)})" if unknown else ""
    return _explanation(names, f"signed with: {', '.join(names)}. Right is: {reasons}", right, yours)


def hint(members: Mapping[str, Any]) -> str | None:
    """A hint about a request that was accepted but looks wrong."""
    value = members.get("timestamp", members.get("Timestamp"))
    if type(value) is int and 0 < value < 10**11:
        return "seconds for milliseconds: the timestamp looks like seconds; the gateway counts milliseconds"
    return None


def header(text: str) -> str:
    """An explanation as the value of a header: one line of printable ASCII, not too long."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
    return "".join(char for char in line if char.isprintable())[:1500]


def _explanation(names: list[str], text: str, right: str, yours: str | None) -> dict[str, Any]:
    at = None
    if yours is not None and yours != right:
        pairs = zip(right, yours, strict=False)
        at = next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(right), len(yours)))
        text += f". The strings first differ at character {at}: right {_around(right, at)}, yours {_around(yours, at)}"
    elif yours is not None:
        text += ". The string to sign was right"
    return {"text": text, "readings": names, "right": right, "yours": yours, "differ_at": at}


def _around(text: str, at: int) -> str:
    start = max(0, at - 12)
    cut = text[start : at + 20]
    return f"`{'...' if start else ''}{cut}{'...' if at + 20 < len(text) else ''}`"


def _looks_right(given: str) -> bool:
    return len(given) == 64 and all(char in "0123456789abcdefABCDEF" for char in given)


def _find(refused: RefusedRequest) -> tuple[tuple[str, Mapping[str, Any], str], ...] | None:
    # A reading that changes nothing in this request is no explanation: leave it out, to have less to combine.
    right = set(_candidates(Recipe(), refused))
    relevant = [
        reading
        for reading in READINGS
        if reading[1].keys() & {"hash", "base64"} or set(_candidates(_recipe((reading,)), refused)) - right
    ]
    for count in (1, 2, 3):
        for readings in combinations(relevant, count):
            if len({field for _, change, _ in readings for field in change}) == count:  # at most one change per field
                recipe = _recipe(readings)
                if any(_matches(recipe, text, key, refused.given or "") for text, key in _candidates(recipe, refused)):
                    return readings
    return None


def _recipe(readings: tuple[tuple[str, Mapping[str, Any], str], ...]) -> Recipe:
    changes: dict[str, Any] = {}
    for _, change, _ in readings:
        changes |= change
    return replace(Recipe(), **changes)


def _candidates(recipe: Recipe, refused: RefusedRequest) -> Iterator[tuple[str, str]]:
    """The strings to sign and the secret keys of a recipe."""
    for key in refused.other_secrets if recipe.key == "other" else (refused.secret,):
        for text in _texts(recipe, refused):
            yield text, key


def _matches(recipe: Recipe, text: str, key: str, given: str) -> bool:
    digest = hmac.new(key.encode(), text.encode(errors="replace"), getattr(hashlib, recipe.hash)).digest()
    if recipe.base64:
        return base64.b64encode(digest).decode() == given
    return digest.hex() == given.lower()


def _texts(recipe: Recipe, refused: RefusedRequest) -> Iterator[str]:
    """The strings to sign of a recipe: one, or one per server of the gateway."""
    data = _data(recipe, refused)
    for url in _urls(recipe, refused):
        if recipe.case == "lower":
            yield signature.lowered(url + data)
        elif recipe.case == "only_url":
            yield signature.lowered(url) + data
        else:
            yield url + data


def _urls(recipe: Recipe, refused: RefusedRequest) -> tuple[str, ...]:
    endpoint = signature.endpoint_of(refused.url)
    if recipe.url == "none":
        return ("",)
    if recipe.url == "query":
        return (refused.url if "?" in refused.url else endpoint,)
    if recipe.url == "slash":
        return (endpoint + "/",)
    path = "/" + endpoint.partition("://")[2].partition("/")[2]
    if recipe.url == "path":
        return (path,)
    if recipe.url == "server":
        return tuple(server + path for server in refused.servers)
    return (endpoint,)


def _data(recipe: Recipe, refused: RefusedRequest) -> str:
    if recipe.data == "none":
        return ""
    if recipe.data == "raw" and refused.raw:
        return refused.raw
    members = {"untyped": refused.untyped, "sent": refused.sent}.get(recipe.data, refused.bound)
    text = json.dumps(_shaped(members, recipe), ensure_ascii=recipe.escape_non_ascii, separators=(",", ":"))
    return text.replace("/", "\\/") if recipe.escape_slashes else text


def _bytes(name: str) -> bytes:
    return name.encode(errors="replace")


def _shaped(value: Any, recipe: Recipe, name: str = "") -> Any:
    if is_object(value):
        names = list(value)
        if recipe.order == "lower":
            names.sort(key=str.lower)
        elif recipe.order == "bytes":
            names.sort(key=_bytes)
        return {
            one: _shaped(value[one], recipe, one)
            for one in names
            if (value[one] is not None or recipe.keep_nulls) and not (value[one] == "" and recipe.drop_empty)
        }
    if is_array(value):
        return [_shaped(item, recipe) for item in value]
    if type(value) is int:
        if recipe.seconds and name.lower() == "timestamp":
            value = value // 1000 if value >= 10**11 else value * 1000
        return str(value) if recipe.numbers_as_strings else value
    return value
