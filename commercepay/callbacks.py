"""Verifying the gateway's callbacks. Needs no client, and neither httpx nor attrs.

    callback = verify(request_body, request_headers["cap-signature"], CALLBACK_URL, SECRET_KEY)

A callback is believed only if its signature fits the callback URL *as the payment named it* (not the one that a framework
sees behind a proxy) and the body. Two readings of the body are accepted, as integrations use both: the canonical form of
`commercepay.signature`, and the raw body, lower-cased.

The signature covers no time, so a verified callback can be replayed by whoever has seen it, and it covers everything in lower
case, so a replay may differ in the case of its letters. The protection is `Callback.dedup_key`, which is blind to both:
act once per key.
"""

from __future__ import annotations

import hashlib
from json.decoder import JSONDecoder

from commercepay import signature as _signature
from commercepay._json import is_object
from commercepay._value import Value
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection, UnsignableData
from commercepay.money import Money
from commercepay.status import PaymentStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, NoReturn

__all__ = ["MAX_BODY", "SIGNATURE_HEADER", "Callback", "verify"]

SIGNATURE_HEADER = "cap-signature"

MAX_BODY = 64 * 1024
"""Bytes. Our own limit: the callback as documented takes about half a kilobyte."""


class Callback(Value):
    """What the gateway says of a payment, its signature verified.

    A verified callback is not yet a reason to ship: compare status, amount, currency and reference with your own record.

    Attributes:
        status: the payment's status.
        amount: as the gateway counts it; a `Money`.
        reference_code: the merchant's own reference.
        transaction_number: the gateway's number of the payment.
        session_number: the hosted session it belongs to, if any.
        channel_id: how it was paid, if told.
        provider_transaction_number: the bank's or wallet's number, if told.
        raw: all members as they came, those not known here included.
        body: the body as it came.
    """

    status: PaymentStatus
    amount: Money
    reference_code: str
    transaction_number: str
    session_number: str | None
    channel_id: int | None
    provider_transaction_number: str | None
    raw: Mapping[str, Any]
    body: bytes

    _aside = ("raw", "body")

    @property
    def dedup_key(self) -> str:
        """64 hex digits that identify the fact reported: this payment, in this status, of this amount.

        Repeated and replayed callbacks have the same key. It is taken over lower-cased values, as the signature is: whoever
        changes the case of a letter in a callback does not make it a new one.
        """
        fact = (
            self.transaction_number,
            str(self.status.value),
            str(self.amount.minor),
            self.amount.currency,
            self.reference_code,
        )
        return hashlib.sha256("\0".join(fact).lower().encode()).hexdigest()


def verify(body: bytes, signature: str | None, callback_url: str, secret_key: str | Sequence[str]) -> Callback:
    """Verify a callback and read it.

    Args:
        body: the request's body, byte for byte as it arrived.
        signature: the `cap-signature` header, or None if there was none.
        callback_url: the callback URL that the payment was opened with.
        secret_key: the merchant's secret key; several while one is being rotated.

    Returns:
        The callback, whose signature is right.

    Raises:
        CallbackError: anything is wrong with the body or the signature; `reason` says what.
        ArgumentError: the callback URL or a secret key can't be right.
    """
    secrets = _secrets(secret_key)
    if not isinstance(callback_url, str) or "://" not in callback_url:
        raise ArgumentError("callback_url must be the absolute URL that the payment was opened with")
    if not isinstance(body, bytes):
        if not isinstance(body, bytearray | memoryview):
            _reject("BODY_NOT_BYTES", f"the body must be the raw bytes, not {type(body).__name__}", body)
        body = bytes(body)
    if len(body) > MAX_BODY:
        _reject("BODY_TOO_LARGE", f"{len(body)} bytes, more than {MAX_BODY}", body)
    given = _given(signature, body)
    text = _text(body)
    data = _members(text, body)
    _authenticate(text, data, body, given, callback_url, secrets)
    return _read(data, body)


def _secrets(secret_key: str | Sequence[str]) -> Sequence[str]:
    secrets = (secret_key,) if isinstance(secret_key, str) else tuple(secret_key)
    if not secrets or not all(isinstance(secret, str) and secret for secret in secrets):
        raise ArgumentError("secret_key must be a non-empty str, or several of them")
    return secrets


def _given(signature: object, body: bytes) -> str:
    if signature is None or signature == "":
        _reject("SIGNATURE_MISSING", f"there is no {SIGNATURE_HEADER} header", body)
    if not isinstance(signature, str) or len(signature) != 64 or not signature.isalnum():
        _reject("SIGNATURE_MALFORMED", f"the {SIGNATURE_HEADER} header is not one value of 64 hex digits", body)
    return signature


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        _reject("BODY_NOT_UTF8", f"byte {error.start} is not UTF-8", body)


class _DuplicateMemberError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateMemberError
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode


def _members(text: str, body: bytes) -> dict[str, Any]:
    try:
        data = _decode(text)
    except _DuplicateMemberError:
        _reject("DUPLICATE_MEMBER", "a member occurs twice", body)
    except RecursionError:
        _reject("BODY_NESTED_TOO_DEEP", "nested too deep", body)
    except ValueError as error:
        _reject("BODY_NOT_JSON", str(error)[:80], body)
    if not is_object(data):
        _reject("BODY_NOT_AN_OBJECT", f"the body is a JSON {type(data).__name__}, not an object", body)
    return data


def _authenticate(
    text: str, data: dict[str, Any], body: bytes, given: str, callback_url: str, secrets: Sequence[str]
) -> None:
    try:
        canonical = _signature.message(callback_url, data)
    except UnsignableData as error:
        # Both readings would have to agree on what was said: with two members of one name, or no UTF-8 form, they don't.
        clash = any("in lower case" in problem for problem in error.problems)
        _reject("DUPLICATE_MEMBER" if clash else "BODY_NOT_JSON", "; ".join(error.problems)[:200], body)
    raw = (_signature.endpoint_of(callback_url) + text).lower().encode()
    if not any(
        _signature.same(_signature.digest(reading, secret), given)
        for reading in ((canonical,) if raw == canonical else (canonical, raw))
        for secret in secrets
    ):
        _reject(
            "SIGNATURE_WRONG",
            "the signature does not fit this body, callback URL and secret key. If the gateway did send it: is callback_url"
            " exactly the one that the payment was opened with, and the body untouched?",
            body,
        )


def _read(data: dict[str, Any], body: bytes) -> Callback:
    problems: list[str] = []
    missing = [name for name in _REQUIRED if data.get(name) is None]
    for name, kind in _KINDS.items():
        value = data.get(name)
        if value is not None and (type(value) is not kind or value == ""):
            problems.append(f"{name} must be {_WORDS[kind]}, not {_described(value)}")
    amount = data.get("amount")
    currency = data.get("currencyCode")
    if not problems and not missing:
        try:
            money = Money.from_minor(amount, currency)  # type: ignore[arg-type]  # the checks above made sure
        except ArgumentError as error:
            problems += error.problems
        else:
            return Callback(
                status=PaymentStatus(data["status"]),
                amount=money,
                reference_code=data["referenceCode"],
                transaction_number=data["transactionNumber"],
                session_number=data.get("paymentSessionNumber"),
                channel_id=data.get("channelId"),
                provider_transaction_number=data.get("providerTransactionNumber"),
                raw=data,
                body=body,
            )
    problems = [f"{name} is missing" for name in missing] + problems
    _reject("MEMBER_MISSING" if missing else "MEMBER_INVALID", "; ".join(problems), body, problems)


_REQUIRED = ("amount", "currencyCode", "referenceCode", "status", "transactionNumber")
_KINDS: dict[str, type] = {
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


def _described(value: object) -> str:
    return "empty" if value == "" else f"a {type(value).__name__}"


def _reject(reason: str, text: str, body: object, problems: Iterable[str] = ()) -> NoReturn:
    raise CallbackError(CallbackRejection[reason], text, body=body, problems=problems) from None
