"""Why a signature is refused, and what was signed.

    from commercepay.explain import explain
    print(explain(URL, DATA, SECRET_KEY, "the signature that was refused"))

`explain` finds the wrong readings of the rules that give a signature. `explain_callback` does it for a callback that was
rejected. `steps` shows how the string to sign is built.

Nothing is sent. An explanation computes at most 20,000 signatures over about 10 million characters. Its text and its
`repr` hold no secret key and no signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Any, Final

from commercepay import signature as _signature
from commercepay._base import exact_json
from commercepay._base.hosts import PRODUCTION_URL, STAGING_URL
from commercepay._base.json_guards import is_array, is_mapping, is_object
from commercepay._base.record import Record
from commercepay._base.secret import hidden
from commercepay.errors import ArgumentError
from commercepay.explain._readings import CALLBACK_READINGS, MOST_CHARACTERS, MOST_TRIED, READINGS, Fit, Reading, Search
from commercepay.explain._recipe import Recipe, Request, data_texts

__all__ = [
    "CALLBACK_READINGS",
    "MOST_CHARACTERS",
    "MOST_TRIED",
    "READINGS",
    "Explanation",
    "Fit",
    "Reading",
    "SignedCall",
    "Step",
    "explain",
    "explain_call",
    "explain_callback",
    "steps",
]

SERVERS: Final = (STAGING_URL, PRODUCTION_URL)


class Explanation(Record):
    """The wrong readings of the rules that give a signature.

    Attributes:
        fits: each set of readings that gives the signature. Several fit if the request can't tell them apart: one is the
            cause. None: no known reading gives it. One without readings: the signature is right.
        tried: the number of signatures that were computed.
        complete: whether every set of readings was tried; if not, a limit was reached.
        text: what fits, the right rule, and what to compare. It may have 32 characters of each string to sign.
        right: the right string to sign. It holds customers' data.
        differ_at: the index at which `right` and the string to sign of the first fit differ; None if they don't.
    """

    fits: tuple[Fit, ...]
    tried: int
    complete: bool
    text: str
    right: str
    differ_at: int | None

    _aside = ("right",)

    @property
    def readings(self) -> tuple[str, ...]:
        """The names in the first of `fits`."""
        return self.fits[0].readings if self.fits else ()

    @property
    def yours(self) -> str | None:
        """The string to sign of the first of `fits`. It holds customers' data."""
        return self.fits[0].text if self.fits else None

    @property
    def kinds(self) -> tuple[str, ...]:
        """What differs in the first of `fits`: `key`, `url`, `body`."""
        found = {_KINDS.get(_FIELD_OF[name], "body") for name in self.readings}
        return tuple(kind for kind in ("key", "url", "body") if kind in found)

    def __str__(self) -> str:
        return self.text


_KINDS = {"url": "url", "port": "url", "key": "key"}
_FIELD_OF = {reading.name: reading.field for reading in (*READINGS, *CALLBACK_READINGS)}


def explain(
    url: str,
    data: Mapping[str, Any],
    secret_key: str,
    signature: str | None,
    *,
    method: str = "POST",
    body: str = "",
    untyped: Mapping[str, Any] | None = None,
    sent: Mapping[str, Any] | None = None,
    absent: Sequence[str] = (),
    other_keys: Mapping[str, str] | None = None,
    servers: Sequence[str] = SERVERS,
) -> Explanation:
    """The wrong readings of the rules that give a signature.

    Args:
        url: the URL that is called, with its query string.
        data: the members that the endpoint has, in the order, the spelling and with the nulls of the sender, and with the
            endpoint's types: for a GET, a timestamp is an int.
        secret_key: the right secret key.
        signature: the signature that was refused; None if there was none.
        method: of the call.
        body: the text of the body of a POST, to find out whether it was signed as it is.
        untyped: `data` in the types in which it was sent, if they differ.
        sent: all members that were sent, if the endpoint does not have some of them.
        absent: members of the endpoint that were not sent, to find out whether they were signed as null.
        other_keys: other secret keys, by what they are, such as `{"production": "..."}`.
        servers: base URLs of the gateway, to find out whether another was signed.

    Raises:
        UnsignableData: see `commercepay.signature.string_to_sign`.
        ArgumentError: an argument has a wrong type; a secret key is empty.
    """
    secret_key, signature = hidden(secret_key), hidden(signature)
    other_keys = {label: hidden(key) for label, key in (other_keys or {}).items()}
    right = _signature.string_to_sign(url, data)
    if signature is None or signature == "":
        text = "there is no cap-signature header"
        return Explanation(fits=(), tried=0, complete=True, text=text, right=right, differ_at=None)
    _check(secret_key, *other_keys.values(), signature=signature)
    request = Request(
        urls=(url,),
        keys=(secret_key,),
        given=signature,
        data=data,
        untyped=untyped,
        sent=sent,
        body=body,
        absent=tuple(absent),
        method=method,
        other_keys=other_keys,
        servers=tuple(servers),
    )
    search = Search(request, READINGS)
    at = _first_difference(right, search.fits[0].text) if search.fits else None
    text = _text(request, search, right, at)
    return Explanation(
        fits=search.fits, tried=search.tried, complete=search.complete, text=text, right=right, differ_at=at
    )


def explain_callback(
    body: bytes,
    signature: str,
    callback_url: str | Sequence[str],
    secret_key: str | Sequence[str],
    *,
    request_url: str | None = None,
    other_keys: Mapping[str, str] | None = None,
) -> Explanation | None:
    """Why the signature of a callback is wrong: another callback URL, another form of the body, or another key.

    Args:
        body: the body of a callback that `verify` rejected with `signature_wrong`.
        signature: its signature.
        callback_url: the callback URL, or several, that it was verified with.
        secret_key: the secret key, or several, that it was verified with.
        request_url: the URL of the request that the callback came with. Behind a proxy it is not the callback URL.
        other_keys: other secret keys, by what they are, such as `{"before September": "..."}`.

    Returns:
        The explanation; None if the body is not a JSON object, or its string to sign is not defined.

    Raises:
        ArgumentError: an argument has a wrong type; a secret key is empty.
    """
    secret_key, signature = hidden(secret_key), hidden(signature)
    other_keys = {label: hidden(key) for label, key in (other_keys or {}).items()}
    urls = (callback_url,) if isinstance(callback_url, str) else tuple(callback_url)
    own = (secret_key,) if isinstance(secret_key, str) else tuple(secret_key)
    _check(*own, *other_keys.values(), signature=signature)
    try:
        text = body.decode("utf-8-sig")
        data = exact_json.read(text)
        if not is_object(data):
            return None
        right = _signature.lowered(_signature.unsigned_text(urls[0], data))
    except (ValueError, RecursionError):
        return None
    request = Request(
        urls=urls,
        keys=own,
        given=signature,
        data=data,
        body=text,
        other_keys=other_keys,
        other_urls=() if request_url is None else (request_url,),
    )
    search = Search(request, CALLBACK_READINGS, MOST_CHARACTERS // 20)
    at = _first_difference(right, search.fits[0].text) if search.fits else None
    explanation = Explanation(
        fits=search.fits, tried=search.tried, complete=search.complete, text="", right=right, differ_at=at
    )
    return explanation.__replace__(text=_callback_text(explanation))


PAUSE = 1.0
"""Seconds between two explanations of callbacks that are rejected, so that forged callbacks cost little."""

_lock = Lock()
_next = 0.0


def is_due() -> bool:
    """Whether the next rejected callback may be explained. It is asked once for each."""
    global _next  # one pause for all verifiers of the process
    with _lock:
        now = monotonic()
        if now < _next:
            return False
        _next = now + PAUSE
        return True


def _check(*keys: object, signature: object) -> None:
    if not isinstance(signature, str):
        raise ArgumentError(f"signature must be a str, not {type(signature).__name__}")
    if not all(isinstance(key, str) and key for key in keys):
        raise ArgumentError("a secret key must be a non-empty str")


# --- texts ------------------------------------------------------------------------------------------------------------


def _text(request: Request, search: Search, right: str, at: int | None) -> str:
    fits = search.fits
    if not fits:
        return f"{_nothing_fits(search)} {_clue(request.given)}{_compare(right)}"
    if not fits[0].readings:
        return "the signature is right"
    rules = dict.fromkeys(_RULES[name] for fit in fits for name in fit.readings)
    text = f"signed with: {_named(fits)}. Right is: {'; '.join(rules)}"
    if "unknown members" in text and request.sent is not None:
        known = {name.lower() for name in request.data}
        unknown = [name for name in request.sent if name.lower() not in known]
        text += f" (unknown: {', '.join(unknown)})" if unknown else ""
    if at is None:
        return f"{text}. The string to sign was right"
    yours = _around(fits[0].text, at)
    return f"{text}. The strings first differ at character {at}: right {_around(right, at)}, yours {yours}"


_RULES = {reading.name: reading.rule for reading in READINGS}


def _named(fits: Sequence[Fit]) -> str:
    """The readings. Several fits are alternatives."""
    return ", or: ".join(
        ", ".join(fit.readings) + (f" ({fit.key})" if fit.key else "") for fit in fits[:_ALTERNATIVES_SHOWN]
    )


_ALTERNATIVES_SHOWN = 3


def _nothing_fits(search: Search) -> str:
    rest = "" if search.complete else ", and not all were tried, because the data is long"
    return f"none of the known wrong readings gives this signature ({search.tried} were tried{rest})."


def _clue(given: str) -> str:
    digits = given.strip()
    if len(digits) == 64 and not digits.strip("0123456789abcdefABCDEF"):
        return ""
    return "A signature has 64 hex digits, and this one has not. "


def _compare(right: str) -> str:
    from hashlib import sha256

    message = right.encode()
    return (
        f"Compare your string to sign with the right one: it has {len(message)} bytes and the SHA-256"
        f" {sha256(message).hexdigest()}. If they are equal, the secret key differs"
    )


def _callback_text(explanation: Explanation) -> str:
    if not explanation.fits and not explanation.complete:
        return "the callback is too long to find out what the signature is right for"
    if not explanation.fits:
        return (
            "it is right for no other form of the callback URL, of the body and of the key that was tried. The callback is"
            " forged, or the payment was opened with another callback URL, or the secret key is another one (an old one, or"
            " that of another tenant or environment)"
        )
    first = explanation.fits[0]
    parts = {
        "key": f"it was computed with another key ({first.key or 'with white space or quotes around it, or without them'})",
        "url": f"it is right for the callback URL {first.url or '(none)'}: use the one that the payment was opened with",
        "body": (
            "it is right for another form of this body: verify the raw bytes, not a body that was parsed and written again"
        ),
    }
    found = "; ".join(parts[kind] for kind in explanation.kinds)
    return f"{found} (differs: {_named(explanation.fits)})" if found else "the signature is right"


def _first_difference(right: str, yours: str) -> int | None:
    if right == yours:
        return None
    pairs = enumerate(zip(right, yours, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(right), len(yours)))


def _around(text: str, at: int) -> str:
    start = max(0, at - 12)
    cut = text[start : at + 20]
    return f"`{'...' if start else ''}{cut}{'...' if at + 20 < len(text) else ''}`"


# --- what was signed --------------------------------------------------------------------------------------------------


class Step(Record):
    """One step of building a string to sign.

    Attributes:
        rule: the rule that is applied.
        text: the result of the step.
    """

    rule: str
    text: str


def steps(url: str, data: Mapping[str, Any]) -> tuple[Step, ...]:
    """How the string to sign is built, step by step. The texts hold the data: customers' data, too.

    Args:
        url: the full URL of the endpoint.
        data: the members, in any order.

    Raises:
        UnsignableData: see `commercepay.signature.string_to_sign`.
    """
    whole = _signature.unsigned_text(url, data)
    endpoint = _signature.endpoint_of(url)
    unsorted = next(data_texts(data, Recipe(order="as sent")))
    return (
        Step(rule="the URL, without query, fragment and trailing slashes", text=endpoint),
        Step(rule="the data as compact JSON, without members that are null", text=unsorted),
        Step(rule="its members sorted by their lower-cased names, at every depth", text=whole.removeprefix(endpoint)),
        Step(rule="URL and data, joined", text=whole),
        Step(rule="the whole in lower case: the string to sign", text=_signature.string_to_sign(url, data)),
    )


_SHOWN = frozenset(
    [
        "amount",
        "channelgroupid",
        "channelid",
        "countrycode",
        "currencycode",
        "expiredinminutes",
        "hiddenchannel",
        "isfixedamount",
        "localcitizen",
        "maximumpaymentamount",
        "mode",
        "numberofpayments",
        "paymentsessionnumber",
        "providerchannelid",
        "redirectiontype",
        "referencecode",
        "savepayment",
        "sessionnumber",
        "status",
        "timestamp",
        "transactionnumber",
    ]
)
"""Members that hold no customers' data, by lower-cased name. Of URLs, the query string is masked."""

_URLS = ("callbackurl", "returnurl")


class SignedCall(Record):
    """What the package signed for a call that the gateway refused with "Invalid Signature".

    Attributes:
        endpoint: the URL that was signed.
        tenant_id: the tenant of the call.
        environment: `staging`, `production`, `sandbox` or `custom`.
        excluded: what can't be the cause.
        left: what can be the cause: check it.
        sandbox: the explanation of the sandbox that refused the call; None for the gateway.
        data: the members that were signed. They hold customers' data, and are not in the `repr`.
    """

    endpoint: str
    tenant_id: int
    environment: str
    excluded: tuple[str, ...]
    left: tuple[str, ...]
    sandbox: str | None
    data: Mapping[str, Any]

    _aside = ("data",)

    def string_to_sign(self, *, whole: bool = False) -> str:
        """The string that was signed.

        Args:
            whole: with customers' data; otherwise `***` replaces each value that may be such.
        """
        return _signature.string_to_sign(self.endpoint, self.data if whole else masked(self.data))

    def steps(self, *, whole: bool = False) -> tuple[Step, ...]:
        """How that string was built. For `whole` see `string_to_sign`."""
        return steps(self.endpoint, self.data if whole else masked(self.data))

    def __str__(self) -> str:
        lines = [
            f"Signed for tenant {self.tenant_id}, {self.environment}: {self.endpoint}",
            f"String to sign, customers' data masked: {self.string_to_sign()}",
            *(f"Not the cause: {one}." for one in self.excluded),
            *(f"To check: {one}." for one in self.left),
            *([f"The sandbox: {self.sandbox}"] if self.sandbox else []),
        ]
        return "\n".join(map(_line, lines))


def _line(text: str) -> str:
    """A text without characters that could control a terminal, and not too long."""
    return "".join(char if char.isprintable() else " " for char in text[:_LONGEST_LINE])


_LONGEST_LINE = 2_000


def explain_call(
    url: str,
    data: Mapping[str, Any],
    secret_key: str,
    *,
    tenant_id: int,
    environment: str,
    is_documented: bool,
    sandbox: str | None = None,
) -> SignedCall:
    """What was signed for a call of the package, what can't be wrong with it, and what is left to check.

    Args:
        url: the URL that was called.
        data: the members that were signed.
        secret_key: the secret key that was used.
        tenant_id: the tenant of the call.
        environment: of the client.
        is_documented: whether the endpoint is known to have every member.
        sandbox: the explanation that a sandbox sent.
    """
    secret_key = hidden(secret_key)
    excluded = ["URL, order, case, nulls and types: the package signed exactly what it sent"]
    left = [
        f"the secret key may belong to another tenant or environment than tenant {tenant_id}, {environment}; staging and"
        " production have separate keys"
    ]
    if secret_key != secret_key.strip().strip("\"'"):
        left.insert(0, "the secret key begins or ends with a quote or with white space")
    else:
        excluded.append("quotes and white space: the secret key has none around it")
    if is_documented:
        excluded.append("unknown members: the endpoint has every member of this call")
    else:
        left.append("the endpoint may not have every member: an unknown one is assumed to make the signature wrong")
    if places := _non_ascii(data):
        left.append(f"non-ASCII text is assumed to be signed in UTF-8, without escapes: {', '.join(places)}")
    else:
        excluded.append("non-ASCII text: there is none")
    return SignedCall(
        endpoint=_signature.endpoint_of(url),
        tenant_id=tenant_id,
        environment=environment,
        excluded=tuple(excluded),
        left=tuple(left),
        sandbox=sandbox,
        data=data,
    )


def masked(value: Any, name: str = "") -> Any:
    """The data with `***` for every value that may be customers' data, by its member's name."""
    if is_mapping(value):
        return {one: masked(value[one], one.lower()) for one in value}
    if is_array(value):
        return [masked(item, name) for item in value]
    if value is None or isinstance(value, bool) or name in _SHOWN:
        return value
    if name in _URLS and isinstance(value, str):
        start, query, _ = value.partition("?")
        return f"{start}?***" if query else start
    return "***"


def _non_ascii(value: Any, path: str = "") -> list[str]:
    """The paths of the members with non-ASCII text."""
    if isinstance(value, str):
        return [] if value.isascii() else [path]
    if is_mapping(value):
        inner = [(f"{path}.{name}" if path else name, value[name]) for name in value]
    elif is_array(value):
        inner = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        return []
    return [place for where, item in inner for place in _non_ascii(item, where)]
