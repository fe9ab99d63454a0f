"""`commercepay.callbacks.verify`, compared with tests/fuzz/reference.py, which imports nothing of the package."""

from __future__ import annotations

import contextlib
import itertools
import json
import pickle
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercepay import callbacks
from commercepay.callbacks import MAX_BODY, MAX_DEPTH, Verifier, read_verified, signature_of, verify
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection
from commercepay.money import Money
from commercepay.status import PaymentStatus

TESTS = Path(__file__).parents[1]
reference = SimpleNamespace(**runpy.run_path(str(TESTS / "fuzz" / "reference.py")))

URL = "https://shop.example.my/callback"
SECRET = "example-Secret-Key-01"
FACT: dict[str, Any] = {
    "amount": 1234,
    "channelId": 2,
    "currencyCode": "MYR",
    "referenceCode": "INV-2026/0001",
    "status": 1,
    "transactionNumber": "TN0001",
    "paymentSessionNumber": "PS0001",
    "providerTransactionNumber": "FPX0001",
}


def written(data: object) -> bytes:
    return json.dumps(data).encode()


def raw_signature(body: bytes) -> str:
    """A right signature of the raw body, so that only the content of the body can be the reason of a rejection."""
    return str(reference.signature(URL, body.decode("utf-8", "replace"), SECRET))


def rejection(body: Any, signature: Any = None, url: str = URL, secret: Any = SECRET) -> CallbackError:
    with pytest.raises(CallbackError) as caught:
        verify(body, raw_signature(body) if signature is None else signature, url, secret)
    return caught.value


BODY = written(FACT)
SIGNATURE = str(reference.signature(URL, reference.canonical(reference.parse(BODY)), SECRET))


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_reads_every_member() -> None:
    """A callback with the right signature is read with its types, and keeps its raw data."""
    callback = verify(BODY, SIGNATURE, URL, SECRET)
    assert callback.status is PaymentStatus.PAID
    assert callback.amount == Money("12.34", "MYR")
    assert callback.reference_code == "INV-2026/0001"
    assert callback.transaction_number == "TN0001"
    assert callback.session_number == "PS0001"
    assert callback.channel_id == 2
    assert callback.provider_transaction_number == "FPX0001"
    assert callback.raw == FACT
    assert callback.body == BODY


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("channelId", "channel_id"),
        ("paymentSessionNumber", "session_number"),
        ("providerTransactionNumber", "provider_transaction_number"),
    ],
)
def test_optional_members(name: str, attribute: str) -> None:
    """Optional members of a callback are None if they are missing or null."""
    for data in ({**FACT, name: None}, {key: item for key, item in FACT.items() if key != name}):
        assert getattr(verify(written(data), raw_signature(written(data)), URL, SECRET), attribute) is None


@pytest.mark.parametrize(
    "vector", json.loads((TESTS / "signature-vectors.json").read_text())["vectors"], ids=lambda vector: vector["name"]
)
def test_shared_vectors(vector: dict[str, Any]) -> None:
    """The reference gives the signature of every shared vector, and `verify` accepts the signatures."""
    body = json.dumps(vector["data"]).encode()
    text = reference.canonical(reference.parse(body))
    assert reference.signature(vector["url"], text, vector["secret"]) == vector["signature"]
    if vector["name"].startswith("callback"):
        assert verify(body, vector["signature"], vector["url"], vector["secret"]).raw == vector["data"]
    else:
        # They are not callbacks: their content is rejected, which happens only after the signature was accepted.
        error = rejection(body, vector["signature"], vector["url"], vector["secret"])
        assert error.reason in (CallbackRejection.MEMBER_MISSING, CallbackRejection.MEMBER_INVALID)


REORDERED = json.dumps(dict(reversed(FACT.items())), indent=3).encode()
INDENTED = json.dumps(FACT, indent=1).encode()
MARKED = b"\xef\xbb\xbf" + BODY
CANONICAL = reference.canonical(reference.parse(BODY))
FOREIGN_SECRET = "gehe\u00efm-\u79d8\u5bc6"

ACCEPTED: dict[str, tuple[Any, str, str, Any]] = {
    "hex digits in upper case": (BODY, SIGNATURE.upper(), URL, SECRET),
    "hex digits in both cases": (BODY, SIGNATURE.title(), URL, SECRET),
    "members in another order, with white space": (REORDERED, SIGNATURE, URL, SECRET),
    "a signature of the raw body": (INDENTED, raw_signature(INDENTED), URL, SECRET),
    "a byte-order mark": (MARKED, SIGNATURE, URL, SECRET),
    "a byte-order mark, raw": (MARKED, raw_signature(BODY), URL, SECRET),
    "a bytearray": (bytearray(BODY), SIGNATURE, URL, SECRET),
    "a memoryview": (memoryview(BODY), SIGNATURE, URL, SECRET),
    "a secret key beyond ASCII": (BODY, reference.signature(URL, CANONICAL, FOREIGN_SECRET), URL, FOREIGN_SECRET),
    **{
        f"{suffix!r} behind the URL": (BODY, SIGNATURE, URL + suffix, SECRET)
        for suffix in ("", "/", "?order=1", "#top", "/?order=1#top")
    },
    **{
        f"{len(secrets)} keys, {secrets[0]} first": (BODY, SIGNATURE, URL, secrets)
        for secrets in ([SECRET], ["new", SECRET], (SECRET, "old"))
    },
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(case: str) -> None:
    """A right signature is accepted over both readings of the body, in every form; the raw body is kept as `bytes`."""
    body, signature, url, secret = ACCEPTED[case]
    callback = verify(body, signature, url, secret)
    assert callback.raw == FACT
    assert (type(callback.body), callback.body) == (bytes, bytes(body))


FORMER_URL = "https://old.example.my/callback"


@pytest.mark.parametrize("urls", [[FORMER_URL, URL], (URL, FORMER_URL), URL])
def test_former_callback_urls(urls: Any) -> None:
    """After a change of the callback URL, each of several URLs is accepted, and no other."""
    assert verify(BODY, SIGNATURE, urls, SECRET).raw == FACT
    verifier = Verifier(secret_key="another").at(FORMER_URL)
    assert (verifier.callback_urls, Verifier(secret_key=SECRET, callback_url=urls).verify(BODY, SIGNATURE).raw) == (
        (FORMER_URL,),
        FACT,
    )
    assert rejection(BODY, SIGNATURE, url=FORMER_URL).reason is CallbackRejection.SIGNATURE_WRONG
    assert verify(INDENTED, raw_signature(INDENTED), urls, SECRET).raw == FACT


def test_read_verified() -> None:
    """A callback that was verified before is read again. The callback, or the error, keeps the body."""
    assert read_verified(BODY) == verify(BODY, SIGNATURE, URL, SECRET)
    assert read_verified(BODY).body == BODY
    with pytest.raises(CallbackError) as caught:
        read_verified(b"[]")
    assert caught.value.body == b"[]"


def test_verifier_needs_a_callback_url() -> None:
    """Without a callback URL, verifying is an ArgumentError. The URL of the call overrides that of the verifier."""
    with pytest.raises(ArgumentError, match="no callback_url"):
        Verifier(secret_key=SECRET).verify(BODY, SIGNATURE)
    assert Verifier(secret_key=SECRET, callback_url=FORMER_URL).verify(BODY, SIGNATURE, URL).raw == FACT
    assert SECRET not in repr(Verifier(secret_key=SECRET, callback_url=URL)) + repr(vars(Verifier(secret_key=SECRET)))


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"cap-signature": "a"}, "a"),
        ({"Host": "x", "Cap-Signature": "a"}, "a"),
        ({"CAP-SIGNATURE": ["a"]}, "a"),
        ([(b"cap-signature", b"a")], "a"),
        ([("cap-signature", "a"), ("Cap-Signature", "b")], "a,b"),
        ({"cap-signature": ["a", "b"]}, "a,b"),
        ({"cap-signature": None}, None),
        ({"cap-signature": ""}, None),
        ({}, None),
        ([], None),
    ],
)
def test_signature_of_headers(headers: Any, found: str | None) -> None:
    """The header is found in any case and in every form in which servers pass it, and its repr is hidden."""
    assert signature_of(headers) == found
    assert found is None or repr(signature_of(headers)) == "'***'"


@pytest.mark.parametrize("headers", [None, 7, "cap-signature: a", ["cap-signature"], b"x"])
def test_signature_of_what_is_no_headers(headers: Any) -> None:
    """An argument that is not headers is an ArgumentError, not a missing signature."""
    with pytest.raises(ArgumentError, match="headers must be"):
        signature_of(headers)


@pytest.mark.parametrize("number", ["1.50", "0.00", "-0", "-0.0", "1E+2", "1e-7", "0.1e10", "12345678901234567890.123"])
def test_numbers_as_written(number: str) -> None:
    """A number in an unknown member counts as it was written, at every depth and in any order of the members."""
    body = text(f', "fee": {number}, "More": [{{"b": {number}}}]')
    callback = verify(body, reference.signature(URL, reference.canonical(reference.parse(body)), SECRET), URL, SECRET)
    assert callback.raw["fee"] == float(number)
    assert pickle.loads(pickle.dumps(callback)) == callback
    assert json.loads(json.dumps(callback.raw)) == json.loads(body)


@pytest.mark.parametrize("dotted", ["\u0130", "i", "i\u0307"])
@pytest.mark.parametrize("sigma", ["alone", "in context"])
@pytest.mark.parametrize("way", ["canonical", "raw"])
def test_lower_cases(dotted: str, sigma: str, way: str) -> None:
    """Three lower cases of U+0130 and two of a sigma are accepted, in both readings of the body."""
    body = text(', "remark": "\u0130\u03a3 \u03a3\u0130\u03a3"')
    over = body.decode() if way == "raw" else reference.canonical(reference.parse(body))
    assert verify(body, reference.signature(URL, over, SECRET, dotted, sigma), URL, SECRET).amount.minor == 1234


@pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029"])
def test_escaped_line_separators(char: str) -> None:
    """A callback may have the characters that the gateway's serializer escapes, because the raw reading has the escape."""
    body = text(f', "remark": "{char.encode("unicode_escape").decode().replace(chr(92) + "x", chr(92) + "u00")}"')
    assert verify(body, raw_signature(body), URL, SECRET).raw["remark"] == char


def test_unknown_status_is_kept() -> None:
    """An unknown status is kept with its number."""
    body = written({**FACT, "status": 4711})
    status = verify(body, raw_signature(body), URL, SECRET).status
    assert (status.value, status.is_known, status.is_paid) == (4711, False, False)


def test_many_brackets_in_texts_are_not_depth() -> None:
    """Only real nesting counts towards the limit, not brackets in strings, with any quotes and escapes."""
    body = written({**FACT, "note": '[{"\\' * 500, "more": [[]] * 500})
    assert verify(body, raw_signature(body), URL, SECRET).raw["note"].count("[") == 500


def nested(depth: int, opening: str = "[", closing: str = "]", core: str = "1") -> bytes:
    """A callback with `depth` nested objects and arrays, including the outermost."""
    inner = opening * (depth - 1) + core + closing * (depth - 1)
    return (json.dumps(FACT)[:-1] + f', "deep": {inner}}}').encode()


@pytest.mark.parametrize(("opening", "depth"), [("[", 1), ("[[],", 2)], ids=["alone", "with siblings"])
def test_depth_limit_is_exact(opening: str, depth: int) -> None:
    """The deepest nesting allowed is accepted, one more is not."""
    body = nested(MAX_DEPTH + 1 - depth, opening)
    assert verify(body, raw_signature(body), URL, SECRET).transaction_number == "TN0001"
    assert rejection(nested(MAX_DEPTH + 2 - depth, opening)).reason is CallbackRejection.BODY_NESTED_TOO_DEEP


@pytest.mark.parametrize("name", ["amount", "status", "channelId"])
def test_integers_have_64_bits(name: str) -> None:
    """The largest and the smallest integer of 64 bits are accepted (an amount must be positive), one more is not."""
    most = 2**63 - 1
    for fitting in (most, 1 if name == "amount" else -most - 1):
        body = written({**FACT, name: fitting})
        assert verify(body, raw_signature(body), URL, SECRET).raw[name] == fitting
    for other in (most + 1, -most - 2):
        assert rejection(written({**FACT, name: other})).problems == (f"{name} must be an integer of at most 64 bits",)


@pytest.mark.parametrize("char", [" ", "~", "\xa0", "\u200b", "\u202e"])
def test_other_characters_are_kept(char: str) -> None:
    """Characters next to the control characters, and invisible ones, are accepted."""
    reference_code = f"A{char}\u2060"  # U+2060 is neither printable nor a control character
    body = written({**FACT, "referenceCode": reference_code})
    assert verify(body, raw_signature(body), URL, SECRET).reference_code == reference_code


# --- what is rejected, and why ---------------------------------------------------------------------------------------


def text(members: str) -> bytes:
    """The valid callback with more members, as text."""
    return (json.dumps(FACT)[:-1] + members + "}").encode("utf-8", "surrogatepass")


R = CallbackRejection
MALFORMED_BODIES: dict[str, tuple[bytes, CallbackRejection]] = {
    "empty": (b"", R.BODY_NOT_JSON),
    "blank": (b" \n", R.BODY_NOT_JSON),
    "no JSON": (b"amount=1234&status=1", R.BODY_NOT_JSON),
    "HTML": (b"<html></html>", R.BODY_NOT_JSON),
    "cut off": (BODY[:-1], R.BODY_NOT_JSON),
    "something behind": (BODY + b"x", R.BODY_NOT_JSON),
    "two objects": (BODY + BODY, R.BODY_NOT_JSON),
    "two byte-order marks": (b"\xef\xbb\xbf" * 2 + BODY, R.BODY_NOT_JSON),
    "UTF-16": (BODY.decode().encode("utf-16-le"), R.BODY_NOT_JSON),
    "a NUL behind": (BODY + b"\0", R.BODY_NOT_JSON),
    "a raw control character": (text(', "a": "\x01"'), R.BODY_NOT_JSON),
    "a comment": (text(" /* */"), R.BODY_NOT_JSON),
    "a trailing comma": (text(","), R.BODY_NOT_JSON),
    "NaN": (text(', "a": NaN'), R.BODY_NOT_JSON),
    "Infinity": (text(', "a": Infinity'), R.BODY_NOT_JSON),
    "-Infinity deep inside": (text(', "a": [{"b": [-Infinity]}]'), R.BODY_NOT_JSON),
    "a float that overflows": (text(', "a": 1e400'), R.BODY_NOT_JSON),
    "a float that overflows deep inside": (text(', "a": [{"b": -1e999}]'), R.BODY_NOT_JSON),
    "an integer of 5000 digits": (text(f', "a": {"9" * 5000}'), R.BODY_NOT_JSON),
    "an amount of 5000 digits": (text("").replace(b"1234", b"9" * 5000), R.BODY_NOT_JSON),
    "an exponent without end": (text(f', "a": 1e{"9" * 5000}'), R.BODY_NOT_JSON),
    "not UTF-8": (BODY.replace(b"TN0001", b"TN\xff"), R.BODY_NOT_UTF8),
    "overlong UTF-8": (BODY.replace(b"TN0001", b"TN\xc0\xaf"), R.BODY_NOT_UTF8),
    "a raw surrogate": (text(', "a": "\ud800"'), R.BODY_NOT_UTF8),
    "an escaped lone surrogate": (text(', "a": "\\ud800"'), R.BODY_NOT_JSON),
    "an escaped lone surrogate as a name": (text(', "\\udfff": 1'), R.BODY_NOT_JSON),
    "an array": (b"[" + BODY + b"]", R.BODY_NOT_AN_OBJECT),
    "a string": (b'"paid"', R.BODY_NOT_AN_OBJECT),
    "a number": (b"1", R.BODY_NOT_AN_OBJECT),
    "null": (b"null", R.BODY_NOT_AN_OBJECT),
    "a member twice": (text(', "amount": 1'), R.DUPLICATE_MEMBER),
    "a member twice, once null": (text(', "amount": null'), R.DUPLICATE_MEMBER),
    "a member twice, one escaped": (text(', "\\u0061mount": 1'), R.DUPLICATE_MEMBER),
    "a member twice deep inside": (text(', "a": [[{"b": 1, "b": 1}]]'), R.DUPLICATE_MEMBER),
    "a member twice in lower case": (text(', "AMOUNT": 1'), R.DUPLICATE_MEMBER),
    "a member twice in lower case, once null": (text(', "AMOUNT": null'), R.DUPLICATE_MEMBER),
    "a member twice in lower case deep inside": (text(', "a": [{"b": {"c": 1, "C": 1}}]'), R.DUPLICATE_MEMBER),
    "a member twice in the lower case of Unicode": (text(', "k": 1, "\u212a": 1'), R.DUPLICATE_MEMBER),
    "a name that speaks of lower case": (text(', "in lower case": 1e400'), R.BODY_NOT_JSON),
    "too large": (BODY + b" " * (MAX_BODY + 1 - len(BODY)), R.BODY_TOO_LARGE),
    "deep arrays": (nested(5000), R.BODY_NESTED_TOO_DEEP),
    "deep objects": (nested(5000, '{"a":', "}"), R.BODY_NESTED_TOO_DEEP),
    "nothing but opening brackets": (b"[" * MAX_BODY, R.BODY_NESTED_TOO_DEEP),
    "nothing but opening braces": (b'{"a":' * 10_000, R.BODY_NESTED_TOO_DEEP),
    "no JSON, behind many brackets": (b"[]" * 40 + b"X" * 40, R.BODY_NOT_JSON),
    "deep, behind no JSON": (b"X" * 40 + b"[" * 40, R.BODY_NESTED_TOO_DEEP),
    "deep, behind a text full of quotes": (text(f', "a": "\\"]]{"]" * 9}", "b": {"[" * 99}'), R.BODY_NESTED_TOO_DEEP),
}


@pytest.mark.parametrize("case", MALFORMED_BODIES)
def test_malformed_body(case: str) -> None:
    """A body that is not one unambiguous JSON object is rejected with its reason, even with the right signature."""
    body, reason = MALFORMED_BODIES[case]
    error = rejection(body)
    assert error.reason is reason
    assert error.body == body
    assert not error.is_forgery
    assert len(str(error)) < 400


MALFORMED_SIGNATURES: dict[str, tuple[Any, CallbackRejection]] = {
    "none": (None, R.SIGNATURE_MISSING),
    "empty": ("", R.SIGNATURE_MISSING),
    "blank": (" ", R.SIGNATURE_MALFORMED),
    "a line feed behind": (SIGNATURE + "\n", R.SIGNATURE_MALFORMED),
    "a blank in front": (" " + SIGNATURE, R.SIGNATURE_MALFORMED),
    "too short": (SIGNATURE[:-1], R.SIGNATURE_MALFORMED),
    "0x in front": ("0x" + SIGNATURE[2:], R.SIGNATURE_MALFORMED),
    "no hex digit": ("g" + SIGNATURE[1:], R.SIGNATURE_MALFORMED),
    "an X": ("X" + SIGNATURE[1:], R.SIGNATURE_MALFORMED),
    "digits of another script": ("\u0660" * 64, R.SIGNATURE_MALFORMED),
    "full-width letters": ("\uff41" * 64, R.SIGNATURE_MALFORMED),
    "a lone surrogate": ("\ud800" * 64, R.SIGNATURE_MALFORMED),
    "folded from two": (f"{SIGNATURE}, {SIGNATURE}", R.SIGNATURE_MALFORMED),
    "folded over lines": (f"{SIGNATURE}\r\n {SIGNATURE}", R.SIGNATURE_MALFORMED),
    "a list": ([SIGNATURE], R.SIGNATURE_MALFORMED),
    "two in a list": ([SIGNATURE, SIGNATURE], R.SIGNATURE_MALFORMED),
    "bytes": (SIGNATURE.encode(), R.SIGNATURE_MALFORMED),
    "a number": (10**63, R.SIGNATURE_MALFORMED),
    "another one": ("0" * 64, R.SIGNATURE_WRONG),
    "one digit off": (("0" if SIGNATURE[0] != "0" else "1") + SIGNATURE[1:], R.SIGNATURE_WRONG),
}


@pytest.mark.parametrize("case", MALFORMED_SIGNATURES)
def test_malformed_signature(case: str) -> None:
    """A signature header without exactly one right value is rejected as a forgery with its reason, and is never shown."""
    signature, reason = MALFORMED_SIGNATURES[case]
    with pytest.raises(CallbackError) as caught:
        verify(BODY, signature, URL, SECRET)
    assert caught.value.reason is reason
    assert caught.value.is_forgery
    assert caught.value.body == BODY
    if signature and not isinstance(signature, str):
        assert f"must be one str, not a {type(signature).__name__}" in str(caught.value)
    assert SIGNATURE[:16] not in str(caught.value) + repr(caught.value.__dict__)


CONTROLS = ("\0", "\x1b", "\x1f", "\x7f", "\x80", "\x9f")
REQUIRED = ("amount", "currencyCode", "referenceCode", "status", "transactionNumber")
WRONG_MEMBERS: dict[str, tuple[dict[str, Any], CallbackRejection]] = {
    **{f"{name} missing": ({name: ...}, R.MEMBER_MISSING) for name in REQUIRED},
    **{f"{name} null": ({name: None}, R.MEMBER_MISSING) for name in REQUIRED},
    **{f"{name} a list": ({name: [FACT[name]]}, R.MEMBER_INVALID) for name in FACT},
    **{f"{name} a bool": ({name: True}, R.MEMBER_INVALID) for name in FACT},
    **{f"{name} a float": ({name: 1.0}, R.MEMBER_INVALID) for name in FACT},
    **{f"{name} empty": ({name: ""}, R.MEMBER_INVALID) for name in FACT},
    "a number in text": ({"amount": "1234"}, R.MEMBER_INVALID),
    "a status in text": ({"status": "1"}, R.MEMBER_INVALID),
    "a number for a text": ({"transactionNumber": 1}, R.MEMBER_INVALID),
    "no amount at all": ({"amount": 0}, R.MEMBER_INVALID),
    "a negative amount": ({"amount": -1234}, R.MEMBER_INVALID),
    "an amount of 65 bits": ({"amount": 2**63}, R.MEMBER_INVALID),
    "a status of 4000 digits": ({"status": 10**4000}, R.MEMBER_INVALID),
    "a currency in lower case": ({"currencyCode": "myr"}, R.MEMBER_INVALID),
    "a currency of another length": ({"currencyCode": "RINGGIT"}, R.MEMBER_INVALID),
    "an endless currency": ({"currencyCode": "M" * 60_000}, R.MEMBER_INVALID),
    **{f"control character {c!a}": ({"transactionNumber": f"TN{c}"}, R.MEMBER_INVALID) for c in CONTROLS},
    "an escape for the terminal": ({"referenceCode": "\x1b[2J"}, R.MEMBER_INVALID),
    "names in another case": ({"amount": ..., "Amount": 1234}, R.MEMBER_MISSING),
}


@pytest.mark.parametrize("case", WRONG_MEMBERS)
def test_wrong_members(case: str) -> None:
    """A signed body that is not a callback is rejected. The error names each member and has a limited length."""
    change, reason = WRONG_MEMBERS[case]
    body = written({name: item for name, item in {**FACT, **change}.items() if item is not ...})
    error = rejection(body)
    assert error.reason is reason
    assert error.problems
    assert "; ".join(error.problems)[:300] in str(error)
    assert error.body == body
    assert not error.is_forgery
    assert len(str(error)) < 400
    assert all(len(problem) <= 300 for problem in error.problems)
    assert str(error).isprintable()


def test_every_problem_is_named() -> None:
    """One error names every problem."""
    error = rejection(written({"amount": "1", "status": None, "referenceCode": 7}))
    assert error.reason is R.MEMBER_MISSING
    assert "; ".join(error.problems) in str(error)
    assert error.problems == (
        "currencyCode is missing",
        "status is missing",
        "transactionNumber is missing",
        "amount must be an integer, not a str",
        "referenceCode must be a non-empty string, not a int",
    )
    problems = rejection(written({**FACT, "referenceCode": "A\x9f"})).problems
    assert problems == ("referenceCode must not hold control characters",)
    problems = rejection(written({**FACT, "amount": 1.5, "channelId": [], "referenceCode": True})).problems
    assert [problem.rpartition(" ")[2] for problem in problems] == ["float", "list", "bool"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"amount=1234", "Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "the body is a JSON list, not an object"),
        (b"null", "the body is a JSON NoneType, not an object"),
        (text(', "Amount": 1, "STATUS": 1'), "could not tell them apart; STATUS: equal to 'status'"),
    ],
)
def test_the_text_says_what_is_wrong(body: bytes, text: str) -> None:
    """The text of the error has the reason."""
    assert text in str(rejection(body))


def test_a_forged_body_is_not_described() -> None:
    """The members are checked only if the signature is right."""
    assert rejection(written({}), signature="0" * 64).reason is R.SIGNATURE_WRONG


@pytest.mark.parametrize("body", ["{}", None, 7, object(), sys.stdin], ids=lambda body: type(body).__name__)
def test_body_that_is_not_bytes(body: Any) -> None:
    """A decoded or parsed body is an ArgumentError, not a rejected callback. The error can be pickled."""
    with pytest.raises(ArgumentError, match=f"raw bytes of the request, not {type(body).__name__}") as caught:
        verify(body, SIGNATURE, URL, SECRET)
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


@pytest.mark.parametrize("secret", ["", b"key", [], [""], None, 7, ["key", None], "\ud800", ["key", "\udfff"]])
def test_unusable_secret(secret: Any) -> None:
    """An unusable secret key is an ArgumentError, which does not show it."""
    with pytest.raises(ArgumentError, match="secret_key must be") as caught:
        verify(b"", None, URL, secret)  # with any other arguments
    assert "key'" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "/callback", "shop.example.my/callback", None, b"https://x/", "https://x/\ud800", {URL}, (), [URL, None]],
)
def test_unusable_url(url: Any) -> None:
    """An unusable callback URL is an ArgumentError."""
    with pytest.raises(ArgumentError, match="URL"):
        verify(BODY, SIGNATURE, url, SECRET)


def test_no_secret_in_a_rejection() -> None:
    """The text, the attributes and the pickle of a rejection have neither the secret key nor the signature."""
    error = rejection(BODY, signature="f" * 64)
    everything = str(error).encode() + repr(error.__dict__).encode() + pickle.dumps(error)
    assert SECRET.encode() not in everything
    assert b"f" * 64 not in everything


def test_stack_is_safe_whatever_the_recursion_limit() -> None:
    """Nesting does not crash an application with a raised recursion limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        assert rejection(b'{"a":' + b"[" * 60_000).reason is R.BODY_NESTED_TOO_DEEP
    finally:
        sys.setrecursionlimit(before)


# --- which facts are one --------------------------------------------------------------------------------------------


def key(**change: Any) -> str:
    body = written({**FACT, **change})
    return verify(body, raw_signature(body), URL, SECRET).fact_key


def test_fact_key_identifies_the_fact() -> None:
    """The key depends on each part of the fact, and on nothing else."""
    assert key(channelId=None, paymentSessionNumber="PS9", extra=1) == key()
    different = [
        key(),
        key(transactionNumber="TN2"),
        key(status=2),
        key(amount=1),
        key(currencyCode="SGD"),
        key(referenceCode="X"),
    ]
    assert len(set(different)) == len(different)


def test_fact_key_is_blind_to_what_a_replay_can_change() -> None:
    """A replay in another case or order, or with other white space or nulls, has the same signature and the same key."""
    replay = json.dumps(
        {"extra": None, **dict(reversed(FACT.items())), "transactionNumber": "tn0001"}, indent=2
    ).encode()
    assert verify(replay, SIGNATURE, URL, SECRET).fact_key == verify(BODY, SIGNATURE, URL, SECRET).fact_key


@pytest.mark.parametrize("dotted", ["\u0130", "i", "i\u0307"])
@pytest.mark.parametrize("sigma", ["alone", "in context"])
def test_fact_key_is_blind_to_every_reading_of_letter_case(dotted: str, sigma: str) -> None:
    """A replay that is accepted by any way to lower-case a text has the key of the original callback."""
    genuine = written({**FACT, "referenceCode": "\u03a3A\u03a3 \u0130"})
    signed = str(reference.signature(URL, reference.canonical(reference.parse(genuine)), SECRET, dotted, sigma))
    expected = verify(genuine, signed, URL, SECRET).fact_key
    accepted = set()
    for first, last, letter in itertools.product(
        "\u03a3\u03c3\u03c2", "\u03a3\u03c3\u03c2", ("\u0130", "i", "I", "i\u0307")
    ):
        replay = f"{first}a{last} {letter}"
        with contextlib.suppress(CallbackError):
            assert verify(written({**FACT, "referenceCode": replay}), signed, URL, SECRET).fact_key == expected
            accepted.add(replay)
    assert len(accepted) > 1


# --- properties ------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.one_of(st.sampled_from(["amount", "Amount", "b", "B", "status", "channelId", "\u212a"]), texts)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
facts = st.fixed_dictionaries(
    {
        "amount": st.integers(1, 10**12),
        "currencyCode": st.sampled_from(["MYR", "SGD", "JPY"]),
        "referenceCode": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50),
        "status": st.integers(-1, 20),
        "transactionNumber": st.text("TN0123456789", min_size=1, max_size=20),
    },
    optional={"channelId": st.none() | st.integers(0, 99), "paymentSessionNumber": st.just("PS1"), "zusatz": values},
)


def is_accepted(body: bytes, signature: Any, secrets: tuple[str, ...] = (SECRET,)) -> bool:
    """Run `verify`, and check an acceptance with the reference. Returns whether it was accepted."""
    try:
        callback = verify(body, signature, URL, secrets)
    except CallbackError:
        return False
    assert reference.accepts(body, signature, URL, secrets)
    sent = json.loads(body.decode("utf-8-sig"))
    assert (callback.amount.minor, callback.amount.currency) == (sent["amount"], sent["currencyCode"])
    assert (callback.status.value, callback.reference_code) == (sent["status"], sent["referenceCode"])
    assert callback.transaction_number == sent["transactionNumber"]
    return True


@given(facts, st.sampled_from(["canonical", "raw"]), st.booleans(), st.none() | st.integers(0, 3))
def test_every_genuine_callback_is_accepted(
    fact: dict[str, Any], way: str, ascii_only: bool, indent: int | None
) -> None:
    """Every callback is accepted, in both readings, with any content and formatting."""
    body = json.dumps(fact, ensure_ascii=ascii_only, indent=indent).encode()
    try:
        canonical = reference.canonical(reference.parse(body))
    except reference.AmbiguousBodyError:
        canonical = None
    reading = canonical if way == "canonical" and canonical else body.decode()
    assert is_accepted(body, reference.signature(URL, reading, SECRET)) == (canonical is not None)


@given(facts, st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_is_accepted_unless_the_reference_accepts_it(
    fact: dict[str, Any], place: int, flip: int
) -> None:
    """A changed byte makes the signature wrong, or is a change that the signature does not cover."""
    body = bytearray(written(fact))
    signature = reference.signature(URL, body.decode(), SECRET)
    body[place % len(body)] ^= flip
    is_accepted(bytes(body), signature)


@given(st.binary(max_size=200), st.none() | st.text(max_size=70) | st.binary() | st.lists(st.text()))
def test_no_nonsense_gets_through(body: bytes, signature: Any) -> None:
    """Any bytes with any header are rejected with a `CallbackError`."""
    assert not is_accepted(body, signature)


@given(st.dictionaries(names, values, max_size=6), st.lists(st.sampled_from('{}[]",:\\ue0'), max_size=12))
@settings(max_examples=200)
def test_signed_nonsense_is_a_callback_error(data: dict[str, Any], tail: list[str]) -> None:
    """A right signature of other data is rejected with a `CallbackError`, too."""
    body = json.dumps(data).encode() + "".join(tail).encode()
    is_accepted(body, raw_signature(body))


@given(facts, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_another_secret_is_not_accepted(fact: dict[str, Any], other: str) -> None:
    """A signature with another secret key is rejected."""
    body = written(fact)
    assert is_accepted(body, reference.signature(URL, body.decode(), other)) == (other == SECRET)


@pytest.mark.parametrize(("explained", "characters"), [("x" * 5_000, 900), (None, 122)])
def test_length_of_an_explanation(monkeypatch: pytest.MonkeyPatch, explained: Any, characters: int) -> None:
    """The text of a wrong signature's error has up to 900 characters of the reason with an explanation."""
    monkeypatch.setattr(callbacks, "_explained", lambda *_: explained)
    with pytest.raises(CallbackError) as caught:
        verify(b"{}", "0" * 64, "https://shop.example.my/callback", "example-Secret-Key-01")
    assert caught.value.explanation == explained
    assert len(str(caught.value).removeprefix("callback rejected (signature_wrong): ")) == characters


def test_length_of_another_reason() -> None:
    """Without an explanation, the text has up to 300 characters of the reason."""
    with pytest.raises(CallbackError) as caught:
        callbacks._reject("MEMBER_INVALID", "x" * 5_000, b"{}")
    assert str(caught.value) == f"callback rejected (member_invalid): {'x' * 300}"
