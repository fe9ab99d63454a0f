"""Verify the gateway's callbacks. This needs no client, and neither httpx nor attrs.

    callback = verify(request_body, signature_of(request_headers), CALLBACK_URL, SECRET_KEY)

A callback is verified if its signature matches the body and the callback URL *that the payment was opened with* (not the URL
that a framework sees behind a proxy). Two readings of the body are accepted, because integrations use both: the canonical form
of `commercepay.signature`, and the raw body, lower-cased.

The signature covers no time, so somebody who has seen a callback can send it again. It covers text in lower case, so a replay
can differ in the case of its letters. `Callback.fact_key` protects against both: act once per key.
"""

from __future__ import annotations

from commercepay import signature as _signature
from commercepay._base import exact_json
from commercepay._base.fact_key import fact_key
from commercepay._base.json_guards import is_array, is_mapping, is_object
from commercepay._base.record import Record
from commercepay._base.secret import Hidden, Secret, hidden
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection, UnsignableData
from commercepay.money import Money
from commercepay.status import PaymentStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, NoReturn

    from commercepay.explain import Explanation

__all__ = [
    "MAX_BODY",
    "MAX_DEPTH",
    "SIGNATURE_HEADER",
    "Callback",
    "ReceivedCallback",
    "Verifier",
    "signature_of",
    "verify",
]

SIGNATURE_HEADER = "cap-signature"

MAX_BODY = 64 * 1024
"""Bytes. A limit of this package; a documented callback has about half a kilobyte."""

MAX_DEPTH = 32
"""Nested objects and arrays. A limit of this package, so that no body exhausts the stack; a documented callback has one."""


class Callback(Record):
    """A verified report of the gateway about a payment.

    Do not ship on a verified callback alone: compare status, amount, currency and reference code with your record
    (`commercepay.decide`).

    Attributes:
        status: the payment's status.
        amount: the amount.
        reference_code: the merchant's reference code.
        transaction_number: the gateway's number of the payment.
        session_number: the number of the hosted session that the payment belongs to, or None.
        channel_id: the number of the payment channel, or None.
        provider_transaction_number: the number at the bank or wallet, or None.
        raw: all members of the body, with those that the package has no attribute for.
        body: the raw body.
    """

    status: PaymentStatus
    amount: Money
    reference_code: str
    transaction_number: str
    session_number: str | None = None
    channel_id: int | None = None
    provider_transaction_number: str | None = None
    raw: Mapping[str, Any]
    body: bytes

    _aside = ("raw", "body")

    @property
    def fact_key(self) -> str:
        """64 hex digits that identify the reported fact: this payment, in this status, with this amount.

        Repeated and replayed callbacks have the same key, and so has a `Payment` that reports the same fact. You can store
        the key: its formula does not change. It is the SHA-256 of transaction number, status, minor units, currency and
        reference code, joined by NUL, without the case of letters (see `commercepay._base.fact_key`).
        """
        return fact_key(
            self.transaction_number, self.status, self.amount.minor, self.amount.currency, self.reference_code
        )


class ReceivedCallback(Record):
    """A callback as it arrived, not verified yet.

    Attributes:
        body: the request's body, byte for byte.
        signature: the `cap-signature` header, or None if there was none.
        callback_url: the callback URL that the payment was opened with.
    """

    body: bytes
    signature: str | None
    callback_url: str

    _aside = ("body", "signature")


class Verifier:
    """Verifies callbacks with the secret keys and the callback URLs of one merchant. A client has one, as `cp.callbacks`.

        verifier = Verifier(secret_key=SECRET_KEY, callback_url="https://shop.example.my/callback")
        callback = verifier.verify(request_body, signature_of(request_headers))

    Args:
        secret_key: the merchant's secret key; or several, while one is being rotated.
        callback_url: the callback URL that payments are opened with; or several, if it has changed: callbacks of payments
            that were opened with a former URL are still signed over that one. None if it is passed to `verify`.

    Raises:
        ArgumentError: a secret key or callback URL is wrong.
    """

    def __init__(self, *, secret_key: str | Sequence[str], callback_url: str | Sequence[str] | None = None) -> None:
        secret_key = hidden(secret_key)
        self._secrets = tuple(map(Secret, _secrets(secret_key)))
        self.callback_urls: tuple[str, ...] = () if callback_url is None else _urls(callback_url)

    def __repr__(self) -> str:
        return f"Verifier(callback_urls={getattr(self, 'callback_urls', ())!r})"  # none if the arguments were refused

    def at(self, callback_url: str | Sequence[str]) -> Verifier:
        """A verifier with the same keys, for one or more callback URLs.

        Raises:
            ArgumentError: a callback URL is wrong.
        """
        return Verifier(secret_key=[secret.reveal() for secret in self._secrets], callback_url=callback_url)

    def verify(
        self,
        body: bytes,
        signature: str | None,
        callback_url: str | Sequence[str] | None = None,
        *,
        request_url: str | None = None,
    ) -> Callback:
        """Verify a callback and read it.

        Args:
            body: the request's body, byte for byte as it arrived.
            signature: the `cap-signature` header (see `signature_of`), or None if there was none.
            callback_url: the callback URL that the payment was opened with, or several that are possible. None: the
                verifier's.
            request_url: the URL of the request as your framework shows it. It is used only to explain a wrong signature: the
                payment may have been opened with that URL instead of the public one.

        Raises:
            CallbackError: the body or the signature is wrong; `reason` is why. A wrong signature is explained, at most once
                a second.
            ArgumentError: the body is not bytes, there is no callback URL, or it is wrong.
        """
        signature = hidden(signature)
        urls = self.callback_urls if callback_url is None else _urls(callback_url)
        if not urls:
            raise ArgumentError("no callback_url: give the URL that the payment was opened with")
        if not isinstance(body, bytes):
            if not isinstance(body, bytearray | memoryview):
                raise ArgumentError(f"the body must be the raw bytes of the request, not {type(body).__name__}")
            body = bytes(body)
        if len(body) > MAX_BODY:
            _reject("BODY_TOO_LARGE", f"{len(body)} bytes, more than {MAX_BODY}", body)
        given = _given(signature, body)
        text = _text(body)
        data = _members(text, body)
        _authenticate(text, data, body, given, urls, self._secrets, request_url)
        return _read(data, body)


def verify(
    body: bytes, signature: str | None, callback_url: str | Sequence[str], secret_key: str | Sequence[str]
) -> Callback:
    """Verify a callback and read it. The arguments, and what is raised: see `Verifier` and `Verifier.verify`."""
    secret_key, signature = hidden(secret_key), hidden(signature)
    return Verifier(secret_key=secret_key).verify(body, signature, callback_url)


def read_verified(body: bytes) -> Callback:
    """Read a callback that was verified before. It verifies nothing: never act on the body of a request with it.

    Raises:
        CallbackError: the body is not a callback.
    """
    return _read(_members(_text(body), body), body)


def signature_of(headers: Mapping[str, Any] | Iterable[tuple[Any, Any]]) -> str | None:
    """The `cap-signature` header of a request, or None if there is none.

    Args:
        headers: a mapping of names to values, or pairs of them. Names are found in any case. Names and values may be bytes
            (ASGI), and a value may be a list (API gateways). Several values are joined with a comma: `verify` rejects them,
            because it is not known which of them a proxy checked.

    Returns:
        The header, as a str with a hidden repr, because a callback can be replayed with its signature.

    Raises:
        ArgumentError: `headers` is neither a mapping nor pairs.
    """
    pairs: Any = headers.items() if is_mapping(headers) else headers
    try:
        found = [value for name, value in pairs if str(_plain(name)).lower() == SIGNATURE_HEADER]
    except (TypeError, ValueError):
        raise ArgumentError(f"headers must be a mapping or pairs, not {type(headers).__name__}") from None
    values = [_plain(one) for value in found for one in (value if is_array(value) else [value])]
    joined = ",".join(str(value) for value in values if value is not None)
    return Hidden(joined) if joined else None


def _plain(text: object) -> object:
    return text.decode("latin-1") if isinstance(text, bytes) else text


def _secrets(secret_key: str | Sequence[str]) -> Sequence[str]:
    secrets = (secret_key,) if isinstance(secret_key, str) else secret_key
    if not isinstance(secrets, tuple | list) or not secrets or not all(map(_usable, secrets)):
        raise ArgumentError("secret_key must be a non-empty str, or a tuple or list of them")
    return secrets


def _usable(secret: object) -> bool:
    if not isinstance(secret, str) or not secret:
        return False
    return secret.isascii() or not any("\ud800" <= char <= "\udfff" for char in secret)


def _urls(callback_url: str | Sequence[str]) -> tuple[str, ...]:
    urls = (callback_url,) if isinstance(callback_url, str) else callback_url
    if not isinstance(urls, tuple | list) or not urls or not all(isinstance(url, str) and "://" in url for url in urls):
        raise ArgumentError("callback_url must be the absolute URL that the payment was opened with, or a list of them")
    return tuple(urls)


def _given(signature: object, body: bytes) -> str:
    if signature is None or signature == "":
        _reject("SIGNATURE_MISSING", f"there is no {SIGNATURE_HEADER} header", body)
    if not isinstance(signature, str):
        kind = type(signature).__name__
        _reject("SIGNATURE_MALFORMED", f"the {SIGNATURE_HEADER} header must be one str, not a {kind}", body)
    if len(signature) != 64 or signature.strip("0123456789abcdefABCDEF"):
        _reject("SIGNATURE_MALFORMED", f"the {SIGNATURE_HEADER} header is not one value of 64 hex digits", body)
    return signature


def _text(body: bytes) -> str:
    try:
        return body.decode().removeprefix("\ufeff")  # a byte-order mark, which .NET may write and is not signed
    except UnicodeDecodeError as error:
        _reject("BODY_NOT_UTF8", f"byte {error.start} is not UTF-8", body)


def _members(text: str, body: bytes) -> dict[str, Any]:
    # Counting is cheap; only a body with that many brackets, in texts perhaps, is measured.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        _reject("BODY_NESTED_TOO_DEEP", f"more than {MAX_DEPTH} objects and arrays within each other", body)
    try:
        data = exact_json.read(text)
    except exact_json.DuplicateMemberError:
        _reject("DUPLICATE_MEMBER", "a member occurs twice", body)
    except ValueError as error:
        _reject("BODY_NOT_JSON", str(error)[:80], body)
    if not is_object(data):
        _reject("BODY_NOT_AN_OBJECT", f"the body is a JSON {type(data).__name__}, not an object", body)
    return data


# The parts are possessive and the closing quote is optional, so the time is linear, also for an unfinished string.
def _depth(text: str) -> int:
    """How deep the objects and arrays of a JSON text are nested. Exact up to where the text stops being JSON."""
    import re  # here, for the few bodies that need it: see `_decoder`

    depth = deepest = 0
    for char in re.sub(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', "", text, flags=re.DOTALL):
        if char in "[{":
            depth += 1
            deepest = max(depth, deepest)
        elif char in "]}":
            depth -= 1
    return deepest


def _authenticate(
    text: str,
    data: dict[str, Any],
    body: bytes,
    given: str,
    urls: Sequence[str],
    secrets: Sequence[Secret],
    request_url: str | None,
) -> None:
    for url in urls:
        for received in (_canonical(url, data, body), _signature.endpoint_of(url) + text):
            for reading in _signature.readings(received):
                for secret in secrets:
                    if _signature.same(_signature.digest(reading, secret.reveal()), given):
                        return
    explanation = _explained(body, given, urls, secrets, request_url)
    why = explanation if explanation is not None else "another callback was explained less than a second ago"
    _reject(
        "SIGNATURE_WRONG",
        f"the signature does not match this body, callback URL and secret key: {why}",
        body,
        explanation=explanation,
    )


def _explained(
    body: bytes, given: str, urls: Sequence[str], secrets: Sequence[Secret], request_url: str | None
) -> Explanation | None:
    """What a wrong signature is right for, unless another was explained just before: forged callbacks must cost little."""
    from commercepay import explain  # here, because its import takes longer than verifying many callbacks

    if not explain.is_due():
        return None
    return explain.explain_callback(body, given, urls, [secret.reveal() for secret in secrets], request_url=request_url)


def _canonical(url: str, data: dict[str, Any], body: bytes) -> str:
    try:
        return _signature.unsigned_text(url, data)
    except UnsignableData as error:
        _signature.unsigned_text(url, {})  # raises if it is the URL that has no UTF-8 form
        # A body with two members of one name, or without a UTF-8 form, is ambiguous.
        clash = any(problem.endswith(_signature.AMBIGUOUS) for problem in error.problems)
        _reject("DUPLICATE_MEMBER" if clash else "BODY_NOT_JSON", "; ".join(error.problems), body)


def _read(data: dict[str, Any], body: bytes) -> Callback:
    missing: list[str] = []
    wrong: list[str] = []
    for name, kind in _KINDS.items():
        value = data.get(name)
        if value is None:
            if name in _REQUIRED:
                missing.append(f"{name} is missing")
        elif type(value) is not kind:
            wrong.append(f"{name} must be {_WORDS[kind]}, not a {_kind(value)}")
        elif kind is int:
            if not _MIN <= value <= _MAX:
                wrong.append(f"{name} must be an integer of at most 64 bits")
        elif not value:
            wrong.append(f"{name} must be {_WORDS[kind]}, not empty")
        elif not value.isprintable() and any(map(_is_control, value)):
            wrong.append(f"{name} must not hold control characters")
    if not missing and not wrong:
        try:
            amount = Money.from_minor(data["amount"], data["currencyCode"])
        except ArgumentError as error:
            wrong.extend(error.problems)
        else:
            return Callback(
                status=PaymentStatus(data["status"]),
                amount=amount,
                reference_code=data["referenceCode"],
                transaction_number=data["transactionNumber"],
                session_number=data.get("paymentSessionNumber"),
                channel_id=data.get("channelId"),
                provider_transaction_number=data.get("providerTransactionNumber"),
                raw=data,
                body=body,
            )
    problems = missing + [problem[:_LINE] for problem in wrong]
    _reject("MEMBER_MISSING" if missing else "MEMBER_INVALID", "; ".join(problems), body, problems)


_REQUIRED = ("amount", "currencyCode", "referenceCode", "status", "transactionNumber")
_KINDS: dict[str, Any] = {
    "amount": int,
    "channelId": int,
    "currencyCode": str,
    "referenceCode": str,
    "status": int,
    "transactionNumber": str,
    "paymentSessionNumber": str,
    "providerTransactionNumber": str,
}
_WORDS = {int: "an integer", str: "a non-empty string"}
_MIN, _MAX = -(2**63), 2**63 - 1
_LINE = 300


def _kind(value: object) -> str:
    return "float" if isinstance(value, float) else type(value).__name__


def _is_control(char: str) -> bool:
    """Whether a character could end a string in a database, or control a terminal."""
    return char < " " or "\x7f" <= char <= "\x9f"


def _reject(
    reason: str, text: str, body: bytes, problems: Iterable[str] = (), explanation: Explanation | None = None
) -> NoReturn:
    most = _LINE if explanation is None else 3 * _LINE
    rejection = CallbackRejection[reason]
    raise CallbackError(rejection, text[:most], body=body, problems=problems, explanation=explanation) from None
