"""`commercepay.explain`: the wrong readings that give a signature, what was signed, and the limits of the search."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator
from functools import cache
from typing import Any

import mistakes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistakes import CASES, Case

from commercepay import explain, signature
from commercepay.callbacks import Verifier
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection, UnsignableData
from commercepay.explain import Explanation, Fit, SignedCall, _readings
from commercepay.explain._recipe import Candidates, Recipe, Request
from commercepay.integrations._endpoint import Endpoint

URL = "https://payments.commerce.asia/api/services/app/PaymentGateway/Query"
SECRET = "example-Secret-Key-01"


ROWS = [pytest.param(*row, id=f"{row[0].name}: {' + '.join(row[1])}") for row in mistakes.corpus()]
CALLBACK_ROWS = [row for row in ROWS if str(row.id).startswith("callback")]


@cache
def that_fit(case: str) -> dict[str, set[frozenset[str]]]:
    readings = explain.CALLBACK_READINGS if case == "callback" else explain.READINGS
    return mistakes.that_fit(CASES[case], tuple(dict.fromkeys(reading.name for reading in readings)))


def explanation(case: Case, given: str) -> Explanation:
    if case.name == "callback":
        found = explain.explain_callback(
            (case.body or "").encode(),
            given,
            case.url,
            case.key,
            request_url=case.other_url,
            other_keys=case.other_keys,
        )
        assert found is not None
        return found
    return explain.explain(
        case.url,
        case.members,
        case.key,
        given,
        method=case.method,
        body=case.body or "",
        untyped=case.untyped,
        sent=case.sent,
        absent=case.absent,
        other_keys=case.other_keys,
    )


def sets(fits: tuple[Fit, ...]) -> set[frozenset[str]]:
    return {frozenset(fit.readings) for fit in fits}


def test_size_of_the_corpus() -> None:
    """The corpus has each wrong reading, at least 60 of them alone, and at least 200 pairs."""
    found = [names for _, names, _, _ in mistakes.corpus()]
    readings = {one.name for one in (*explain.READINGS, *explain.CALLBACK_READINGS)}
    assert {name for names in found for name in names} == readings == mistakes.MISTAKES.keys()
    # The case of names alone changes nothing, because the whole is lower-cased.
    assert {names[0] for names in found if len(names) == 1} == readings - {"names in camelCase", "names in PascalCase"}
    assert sum(len(names) == 1 for names in found) >= 60
    assert sum(len(names) == 2 for names in found) >= 200


@pytest.mark.parametrize(("case", "names", "options", "given"), ROWS)
def test_the_corpus(case: Case, names: tuple[str, ...], options: mistakes.Options, given: str) -> None:
    """Exactly the smallest sets of wrong readings that give the signature are found, whoever computes it."""
    assert mistakes.sign(case, options) == given
    found = explanation(case, given)
    assert frozenset(names) in sets(found.fits)
    assert sets(found.fits) == that_fit(case.name)[given]
    assert found.complete
    assert found.tried <= explain.MOST_TRIED
    assert found.readings == found.fits[0].readings
    assert all(name in found.text for name in found.readings)
    assert case.key not in found.text + repr(found)
    assert given not in found.text + repr(found)


@pytest.mark.parametrize(("case", "names", "options", "given"), CALLBACK_ROWS)
def test_the_corpus_through_the_error_and_the_endpoint(
    case: Case,
    names: tuple[str, ...],
    options: mistakes.Options,
    given: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The error of `verify` has the right explanation, and the callback endpoint logs it."""
    monkeypatch.setattr(explain, "PAUSE", 0)
    monkeypatch.setattr(explain, "_next", 0.0)  # another test may have had one explained just now
    keys, body = Verifier(secret_key=case.key), (case.body or "").encode()
    error = rejected(keys, body, given, case.url, case.other_url)
    assert error.explanation is not None
    assert error.explanation.text in str(error)
    if "another secret key" not in names:  # no other key is configured here
        assert sets(error.explanation.fits) == that_fit(case.name)[given]
    url = signature.endpoint_of(case.url)  # an endpoint accepts no query
    error = rejected(keys, body, given, url, case.other_url)
    assert Endpoint(callback_url=url, on_callback=print).receive(keys, body, given, case.other_url) == 401
    assert [one.getMessage() for one in caplog.records] == [
        f"callback rejected: signature_wrong: {error.explanation}",
    ]


def rejected(keys: Verifier, body: bytes, given: str, url: str, request_url: str | None = None) -> CallbackError:
    with pytest.raises(CallbackError) as caught:
        keys.verify(body, given, url, request_url=request_url)
    assert caught.value.reason is CallbackRejection.SIGNATURE_WRONG
    assert pickle.loads(pickle.dumps(caught.value)).explanation == caught.value.explanation
    return caught.value


def test_three_common_readings_are_found() -> None:
    """Somebody who signs just the raw body, with its case, gets all three mistakes named."""
    case = CASES["session"]
    given = mistakes.sign(case, {"url": "none", "data": "raw", "case": "kept"})
    found = explanation(case, given or "")
    assert sets(found.fits) == {frozenset({"body without the URL", "body as it was sent", "case kept"})}
    assert found.yours == case.body


def test_a_right_signature() -> None:
    """A right signature fits without a wrong reading, also in upper case and with white space around it."""
    case = CASES["session"]
    found = explanation(case, f" {(mistakes.sign(case, {}) or '').upper()}\n")
    assert (sets(found.fits), found.text, found.differ_at) == ({frozenset()}, "the signature is right", None)


def test_nothing_fits() -> None:
    """For an unknown signature the text has the size and the SHA-256 of the right string to sign, to compare with."""
    case = CASES["query"]
    found = explanation(case, "0" * 64)
    message = signature.string_to_sign(case.url, case.members).encode()
    assert found.fits == found.readings == ()
    assert found.yours is None
    assert f"{len(message)} bytes and the SHA-256 {hashlib.sha256(message).hexdigest()}" in found.text
    assert "64 hex digits" not in found.text
    assert "64 hex digits" in explanation(case, "0" * 63).text


@pytest.mark.parametrize("given", [None, ""])
def test_no_signature(given: str | None) -> None:
    """A missing signature is named as such."""
    assert explain.explain(URL, {}, SECRET, given).text == "there is no cap-signature header"


def test_the_text() -> None:
    """The text has the readings, the rules, the unknown members, the other key and the first difference."""
    case = CASES["session"]
    given = mistakes.sign(case, {"data": "unknown", "key": "production"})
    text = explanation(case, given or "").text
    assert text.startswith(
        "signed with: unknown members signed, another secret key (production). Right is: members that"
    )
    assert "(unknown: cartId, Basket)" in text
    assert "The strings first differ at character 101: right " in text


# --- limits -----------------------------------------------------------------------------------------------------------


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of each message that is hashed."""
    lengths: list[int] = []
    real = _readings.digests

    def digests(candidate: Any) -> Iterator[bytes]:
        lengths.append(len(candidate.text))
        return real(candidate)

    monkeypatch.setattr(_readings, "digests", digests)
    return lengths


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
@pytest.mark.parametrize("size", [64, 44, 128])
def test_the_number_of_tries_is_limited(case: Case, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sets for an unknown signature are within the limit; with a lower limit the search ends there, and states it."""
    lengths = counted(monkeypatch)
    found = explanation(case, "0" * size)
    assert found.complete
    assert found.tried == len(lengths) <= explain.MOST_TRIED
    assert sum(lengths) <= explain.MOST_CHARACTERS
    lengths.clear()
    monkeypatch.setattr(_readings, "MOST_TRIED", 7)
    found = explanation(case, "0" * size)
    assert found.complete == (len(lengths) < 7)
    assert found.tried == len(lengths) <= 7 + 8 * 8  # the variants of one pair


@pytest.mark.parametrize("size", [10, 1_000, 50_000, 2_000_000])
def test_the_work_is_limited_for_long_data(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long data is tried less often, and very long data not at all."""
    lengths = counted(monkeypatch)
    data = {f"Member{index}": index for index in range(size // 16)}
    found = explain.explain(URL, data, SECRET, "0" * 64, sent=data | {"other": 1}, body=json.dumps(data))
    assert sum(lengths) <= explain.MOST_CHARACTERS + 100 * size
    assert found.complete == (size < 50_000)
    assert ("not all were tried" in found.text) == (not found.complete)
    body = json.dumps(data).encode()
    callback = explain.explain_callback(body, "0" * 64, URL, SECRET)
    assert callback is not None
    assert callback.complete == (size <= 1_000)
    assert ("too long" in callback.text) == (size > 1_000)


def test_callbacks_are_explained_once_a_second(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of many rejected callbacks one in a second is explained; the endpoint logs each kind once."""
    now = [100.0]
    monkeypatch.setattr(explain, "monotonic", lambda: now[0])
    monkeypatch.setattr(explain, "_next", 0.0)
    keys, url, body = Verifier(secret_key=SECRET), "https://shop.example.my/callback", b'{"amount":1}'
    endpoint = Endpoint(callback_url=url, on_callback=print)
    http = signature.sign(url.replace("https", "http"), {"amount": 1}, SECRET)
    for sent, seconds in ((http, 0.5), (http, 0.6), ("0" * 64, 0.0), ("0" * 64, 1.0), (http, 1.0)):
        endpoint.receive(keys, body, sent, None)
        now[0] += seconds
    logged = [one.getMessage().removeprefix("callback rejected: signature_wrong") for one in caplog.records]
    assert logged[0].startswith(": it is right for the callback URL http://shop.example.my/callback: use the one that")
    assert logged[1] == ""
    assert logged[2].startswith(": it is right for no other form of the callback URL")
    assert logged[3:] == ["", ""]
    now[0] += 2
    assert rejected(keys, body, http, url).explanation is not None
    assert "another callback was explained less than a second ago" in str(rejected(keys, body, http, url))


# --- callbacks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "kinds", "text"),
    [
        ({"url": "scheme"}, ("url",), "right for the callback URL http://shop.example.my/callback: use"),
        ({"url": "other"}, ("url",), "right for the callback URL http://app:8000/callback: use"),
        ({"key": "production"}, ("key",), "computed with another key (production)"),
        ({"slashes": True}, ("body",), "verify the raw bytes, not a body that was parsed and written again"),
        ({"url": "slash", "key": "production"}, ("key", "url"), "(production); it is right for the callback URL https"),
    ],
)
def test_what_a_callback_is_right_for(changes: dict[str, Any], kinds: tuple[str, ...], text: str) -> None:
    """The text names another callback URL, another key, or a body that was written again."""
    case = CASES["callback"]
    found = explanation(case, mistakes.sign(case, changes) or "")
    assert found.kinds == kinds
    assert text in found.text


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\xff", b'{"a":1,"A":2}', b"{" * 100_000])
def test_a_body_without_a_string_to_sign(body: bytes) -> None:
    """For a body that can't be signed there is no explanation."""
    assert explain.explain_callback(body, "0" * 64, URL, SECRET) is None


@pytest.mark.parametrize(("key", "given"), [("", "0" * 64), (SECRET, 7), (None, "0" * 64)])
def test_wrong_arguments(key: Any, given: Any) -> None:
    """An empty key or a signature of another type is an ArgumentError, which shows neither."""
    for call in (
        lambda: explain.explain(URL, {}, key, given),
        lambda: explain.explain_callback(b"{}", given, URL, [key]),
        lambda: explain.explain_callback(b"{}", given, URL, SECRET, other_keys={"old": key or ""} if not key else {}),
    ):
        with pytest.raises(ArgumentError):
            call()
    with pytest.raises(UnsignableData):
        explain.explain(URL, {"a": float("nan")}, SECRET, "0" * 64)


@pytest.mark.parametrize("place", ["digests", "written", "may_give", "hmac.compare_digest"])
def test_no_secret_in_the_frames(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a search is interrupted, no local variable of its frames shows a key or the signature."""
    case, given = CASES["callback"], "5ec2e7" * 10 + "abcd"

    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"commercepay.explain._readings.{place}", interrupted)
    for call in (
        lambda: explanation(case, given),
        lambda: explain.explain(case.url, case.members, case.key, given, other_keys=case.other_keys),
    ):
        with pytest.raises(KeyboardInterrupt) as caught:
            call()
        frames = [entry.frame.f_locals for entry in caught.traceback if "commercepay/explain" in str(entry.path)]
        assert frames
        shown = repr(frames)
        right = bytes.fromhex(signature.sign(case.url, case.members, case.key))
        for secret in (case.key, given, *case.other_keys.values(), right.hex(), repr(right)):
            assert secret not in shown


# --- what was signed --------------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="utf-8"))
MEMBERS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aBcd\u00e9"), inner, max_size=3)
)


@given(st.dictionaries(st.text("aBcd\u00e9"), MEMBERS, max_size=4))
def test_the_right_recipe_is_the_rule(data: dict[str, Any]) -> None:
    """Without a mistake, the candidates have exactly the string that `commercepay.signature` signs."""
    try:
        right = signature.string_to_sign(URL, data)
    except UnsignableData:
        return
    request = Request(urls=(URL,), keys=(SECRET,), given="", data=data)
    assert [one.text for one in Candidates(request).of(Recipe())] == [right]
    assert explain.steps(URL, data)[-1].text == right


def test_steps() -> None:
    """The steps show how the string to sign is built."""
    data = {"b": "X/Y", "A": None, "C": {"d": 1, "B": None}}
    assert [step.text for step in explain.steps(f"{URL}/?x=1", data)] == [
        URL,
        '{"b":"X/Y","C":{"d":1}}',
        '{"b":"X/Y","C":{"d":1}}',
        URL + '{"b":"X/Y","C":{"d":1}}',
        URL.lower() + '{"b":"x/y","c":{"d":1}}',
    ]
    assert explain.steps(URL, {"b": 1, "A": 2})[1].text == '{"b":1,"A":2}'
    assert explain.steps(URL, {"b": 1, "A": 2})[2].text == '{"A":2,"b":1}'


def own_call(data: dict[str, Any], secret_key: str = SECRET, **options: Any) -> SignedCall:
    given = {"tenant_id": 42, "environment": "staging", "is_documented": True} | options
    return explain.explain_call(f"{URL}?a=1", data, secret_key, **given)


def test_a_call_of_the_package() -> None:
    """The explanation has endpoint, tenant, environment, and the string to sign; customers' data only on request."""
    case = CASES["session"]
    call = own_call(case.members)
    assert (call.endpoint, call.tenant_id, call.environment, call.sandbox) == (URL, 42, "staging", None)
    assert call.string_to_sign(whole=True) == signature.string_to_sign(URL, case.members)
    assert call.steps(whole=True)[-1].text == call.string_to_sign(whole=True)
    shown = call.string_to_sign()
    assert call.steps()[-1].text == shown
    assert shown in str(call)
    for text in (shown, str(call), repr(call)):
        for private in ("aisyah", "203.0.113.9", "teh", "b=<2>"):
            assert private not in text.lower()
    assert '"amount":1230' in shown
    assert '"referencecode":"inv-2026/0001"' in shown
    assert '"returnurl":"https://shop.example.my/return?***"' in shown
    assert pickle.loads(pickle.dumps(call)) == call


@pytest.mark.parametrize(
    ("options", "excluded", "left"),
    [
        ({}, "quotes and white space", "another tenant or environment than tenant 42, staging"),
        ({"secret_key": f"{SECRET} "}, "unknown members", "begins or ends with a quote or with white space"),
        ({"secret_key": f'"{SECRET}"'}, "non-ASCII text: there is none", "begins or ends with a quote"),
        ({"is_documented": False}, "quotes and white space", "the endpoint may not have every member"),
        ({"data": {"customer": {"name": "\u00e9"}}}, "unknown members", "without escapes: customer.name"),
        ({"data": {"a": [1, "\u00e9"]}}, "URL, order, case, nulls and types", "without escapes: a[1]"),
    ],
)
def test_what_is_excluded_and_what_is_left(options: dict[str, Any], excluded: str, left: str) -> None:
    """What can't be the cause of a refusal is excluded; the rest is left to check."""
    call = own_call(**{"data": {"amount": 1}, **options})
    assert any(excluded in one for one in call.excluded)
    assert any(left in one for one in call.left)
    assert SECRET not in str(call) + repr(call)


def test_harmless_text() -> None:
    """A member or a sandbox's explanation can't control a terminal or fill a log."""
    text = str(own_call({"referenceCode": "\x9b31m" + "y" * 9_999}, sandbox="x\x1b[31m" * 999))
    assert text.replace("\n", "").isprintable()
    assert max(map(len, text.splitlines())) <= 2_000
