"""The explanation of a refused signature names the wrong reading of the rules."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from sandbox.conftest import Caller

from commercepay import signature
from commercepay.sandbox import explain
from commercepay.testing import Sandbox

PATH = "/api/services/app/PaymentGateway/InitialSession"
QUERY = "/api/services/app/PaymentGateway/Query"


def hexdigest(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def compact(value: Any, **options: Any) -> str:
    return json.dumps(value, separators=(",", ":"), **({"ensure_ascii": False} | options))


def ordered(value: Any, key: Callable[[str], Any] = str.lower, *, nulls: bool = False) -> Any:
    """The JSON, sorted, without nulls by default."""
    if isinstance(value, dict):
        kept = [name for name in sorted(value, key=key) if nulls or value[name] is not None]
        return {name: ordered(value[name], key, nulls=nulls) for name in kept}
    return [ordered(item, key, nulls=nulls) for item in value] if isinstance(value, list) else value


def stringly(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: stringly(item) for name, item in value.items()}
    return str(value) if type(value) is int else value


Sign = Callable[[str, dict[str, Any], str], str]

# The signature of an integrator with this wrong reading. Each is written here from the wrong rule, without
# the code that is tested. `u` is the URL, `m` the members as sent, `s` the secret key.
WRONG: dict[str, Sign] = {
    "body without the URL": lambda u, m, s: hexdigest(compact(ordered(m)).lower(), s),
    "query string kept": lambda u, m, s: hexdigest((u + "?lang=en" + compact(ordered(m))).lower(), s),
    "trailing slash kept": lambda u, m, s: hexdigest((u + "/" + compact(ordered(m))).lower(), s),
    "path instead of URL": lambda u, m, s: hexdigest((PATH + compact(ordered(m))).lower(), s),
    "another server's URL": lambda u, m, s: signature.sign(f"https://staging-payments.commerce.asia{PATH}", m, s),
    "not sorted": lambda u, m, s: hexdigest((u + compact({k: v for k, v in m.items() if v is not None})).lower(), s),
    "sorted byte-wise": lambda u, m, s: hexdigest((u + compact(ordered(m, str.encode))).lower(), s),
    "case kept": lambda u, m, s: hexdigest(u + compact(ordered(m)), s),
    "only the URL lower-cased": lambda u, m, s: hexdigest(u.lower() + compact(ordered(m)), s),
    "nulls kept": lambda u, m, s: hexdigest((u + compact(ordered(m, nulls=True))).lower(), s),
    "empty strings dropped": lambda u, m, s: signature.sign(u, {k: v for k, v in m.items() if v != ""}, s),
    "slashes escaped": lambda u, m, s: hexdigest((u + compact(ordered(m)).replace("/", "\\/")).lower(), s),
    "non-ASCII escaped": lambda u, m, s: hexdigest((u + compact(ordered(m), ensure_ascii=True)).lower(), s),
    "numbers as strings": lambda u, m, s: signature.sign(u, stringly(m), s),
    "seconds for milliseconds": lambda u, m, s: signature.sign(u, m | {"timestamp": m["timestamp"] // 1000}, s),
    "body as it was sent": lambda u, m, s: hexdigest((u + json.dumps(m)).lower(), s),
    "URL alone": lambda u, m, s: hexdigest(u.lower(), s),
    "SHA-512": lambda u, m, s: hmac.new(
        s.encode(), signature.string_to_sign(u, m).encode(), hashlib.sha512
    ).hexdigest(),
    "base64 instead of hex": lambda u, m, s: base64.b64encode(bytes.fromhex(signature.sign(u, m, s))).decode(),
}


def members(caller: Caller, **changes: Any) -> dict[str, Any]:
    """A request that is different in every reading: nulls, an empty string, capitals, slashes, non-ASCII."""
    return caller.members(
        Customer={"name": "Aisyah binti Kamal", "email": "Aisyah@Example.my"},
        description="Kopi 咖啡 / Teh",
        userAgent="",
        savePayment=None,
        **changes,
    )


@pytest.mark.parametrize("reading", WRONG)
def test_a_wrong_reading_is_named(sb: Sandbox, caller: Caller, reading: str) -> None:
    """The header, the log of requests and its explanation name the reading, the right string and the first difference."""
    sent = members(caller)
    url = caller.url + PATH
    options = {"params": {"lang": "en"}} if reading == "query string kept" else {}
    path = PATH.rpartition("/")[2] + ("/" if reading == "trailing slash kept" else "")
    # json.dumps writes a body with blanks; httpx writes it compact: "as it was sent" is about the former.
    if reading == "body as it was sent":
        headers = caller.headers(WRONG[reading](url, sent, caller.credentials.secret_key))
        response = caller.http.post(
            PATH, content=json.dumps(sent), headers=headers | {"Content-Type": "application/json"}
        )
    else:
        response = caller.post(path, sent, signed=WRONG[reading](url, sent, caller.credentials.secret_key), **options)
    assert response.json()["result"] == {"code": 1, "message": "Invalid Signature."}
    explanation = sb.requests[-1].explanation
    assert explanation is not None
    assert explanation["readings"] == [reading]
    right = signature.string_to_sign(url, sent)
    assert explanation["right"] == right
    header = response.headers["x-sandbox-explanation"]
    assert reading in header
    assert header.isascii()
    assert header.isprintable()
    if reading in ("SHA-512", "base64 instead of hex"):
        assert explanation["yours"] == right
        assert explanation["differ_at"] is None
        assert "The string to sign was right" in header
    else:
        at = explanation["differ_at"]
        assert explanation["yours"][:at] == right[:at]
        assert explanation["yours"][at : at + 1] != right[at : at + 1]
        assert f"first differ at character {at}" in header


def test_another_tenants_secret_is_named(caller: Caller, other: Caller) -> None:
    """A signature with the other merchant's secret key is explained, without a secret."""
    sent = caller.members()
    response = caller.post(
        "InitialSession", sent, signed=signature.sign(caller.url + PATH, sent, other.credentials.secret_key)
    )
    assert "another tenant's secret" in response.headers["x-sandbox-explanation"]
    assert other.credentials.secret_key not in str(response.headers)


def test_a_token_in_braces_is_named(caller: Caller) -> None:
    """`Bearer {token}` gets the gateway's 401, and the header explains that the braces are wrong."""
    sent = caller.members()
    signed = signature.sign(caller.url + PATH, sent, caller.credentials.secret_key)
    response = caller.post(
        "InitialSession", sent, signed=signed, headers={"Authorization": f"Bearer {{{caller.token}}}"}
    )
    assert response.status_code == 401
    assert "`Bearer {token}`" in response.headers["x-sandbox-explanation"]


NUMBER = {"SessionNumber": "1", "Timestamp": 1_700_000_000_000}


@pytest.mark.parametrize(
    ("sent", "sign", "reading"),
    [
        (NUMBER, lambda u, m, s: signature.sign(u, stringly(m), s), "numbers as strings"),
        (
            NUMBER,
            lambda u, m, s: hexdigest(f"{u}?sessionnumber=1&timestamp=1700000000000{compact(ordered(m))}".lower(), s),
            "query string kept",
        ),
        (  # the names of the parameters count in the caller's spelling
            {"sessionNUMBER": "1", "timestamp": 1_700_000_000_000},
            lambda u, m, s: hexdigest(u + compact(ordered(m)), s),
            "case kept",
        ),
    ],
)
def test_a_query_is_explained(caller: Caller, sent: dict[str, Any], sign: Sign, reading: str) -> None:
    """The wrong reading of a GET is named, too."""
    signed = sign(caller.url + QUERY, sent, caller.credentials.secret_key)
    header = caller.get("Query", sent, signed=signed).headers["x-sandbox-explanation"]
    assert header.startswith(f"signed with: {reading}.")


def test_numbers_that_were_sent_as_strings_are_named(caller: Caller) -> None:
    """An amount in quotes is signed by the gateway as a number."""
    header = caller.post("InitialSession", caller.members(amount="1234")).headers["x-sandbox-explanation"]
    assert header.startswith("signed with: numbers as strings.")


def test_two_wrong_readings_at_once_are_both_named(sb: Sandbox, caller: Caller) -> None:
    """Signing only the raw body is explained by its parts."""
    sent = members(caller)
    body = compact(sent)
    caller.post("InitialSession", sent, signed=hexdigest(body, caller.credentials.secret_key))
    explanation = sb.requests[-1].explanation
    assert explanation is not None
    assert set(explanation["readings"]) == {"body without the URL", "case kept", "body as it was sent"}
    assert explanation["yours"] == body


@pytest.mark.parametrize(("first", "second"), [("SHA-512", "not sorted"), ("base64 instead of hex", "case kept")])
def test_pairs_of_readings_are_found(sb: Sandbox, caller: Caller, first: str, second: str) -> None:
    """A wrong string with a wrong digest is explained as both."""
    sent = members(caller)
    secret, url = caller.credentials.secret_key, caller.url + PATH
    text = {
        "not sorted": (url + compact({k: v for k, v in sent.items() if v is not None})).lower(),
        "case kept": url + compact(ordered(sent)),
    }[second]
    digest = hmac.new(secret.encode(), text.encode(), "sha512" if first == "SHA-512" else "sha256").digest()
    signed = digest.hex() if first == "SHA-512" else base64.b64encode(digest).decode()
    caller.post("InitialSession", sent, signed=signed)
    explanation = sb.requests[-1].explanation
    assert explanation is not None
    assert set(explanation["readings"]) == {first, second}


def test_a_signature_of_no_known_reading_gets_the_right_string(sb: Sandbox, caller: Caller) -> None:
    """For an unknown wrong reading, the explanation has the right string, and that the secret key may be wrong."""
    sent = caller.members()
    response = caller.post("InitialSession", sent, signed=signature.sign(caller.url + PATH, sent, "quite another key"))
    explanation = sb.requests[-1].explanation
    assert explanation is not None
    assert explanation["readings"] == []
    assert explanation["yours"] is None
    assert explanation["right"] == signature.string_to_sign(caller.url + PATH, sent)
    assert "secret key may be wrong" in response.headers["x-sandbox-explanation"]


def test_a_missing_signature_is_said_to_be_missing(caller: Caller) -> None:
    """A call without the header is explained."""
    sent = caller.members()
    headers = caller.headers("")
    del headers["cap-signature"]
    response = caller.http.post(PATH, json=sent, headers=headers)
    assert response.json()["result"]["code"] == 1
    assert "no cap-signature header" in response.headers["x-sandbox-explanation"]


def test_a_secret_among_the_members_is_not_repeated(sb: Sandbox, caller: Caller) -> None:
    """A secret key in the request is not in the explanation."""
    secret = caller.credentials.secret_key
    response = caller.post("InitialSession", caller.members(secretKey=secret))
    assert "unknown members signed" in response.headers["x-sandbox-explanation"]
    assert secret not in repr(sb.requests) + str(response.headers)


def test_every_listed_reading_has_a_test() -> None:
    """Every reading has a test here."""
    tried = {*WRONG, "another tenant's secret", "unknown members signed"}
    assert {name for name, _, _ in explain.READINGS} == tried
