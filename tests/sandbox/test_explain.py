"""The sandbox explains a refused signature, and so does the error that a client raises."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import mistakes
import pytest
from mistakes import Case
from sandbox.conftest import Caller

from commercepay import InvalidSignature, explain, signature
from commercepay.sandbox import description
from commercepay.testing import Credentials, Sandbox

PATH = "/api/services/app/PaymentGateway/"
NAMES = tuple(dict.fromkeys(reading.name for reading in explain.READINGS))
ROWS = [
    pytest.param(case.name, names, options, id=f"{case.name}: {' + '.join(names)}")
    for number, (case, names, options, _) in enumerate(mistakes.corpus())
    if case.name in ("session", "query")
    # A client sends a POST without a query string. The sandbox's key is no base64, and in lower case.
    and not (case.name == "session" and "query string kept" in names)
    and not {"key decoded from hex or base64", "key in another case"} & {*names}
    # Every wrong reading alone, and some together: tests/rules/test_explain.py has the whole corpus.
    and (len(names) == 1 or number % 5 == 0)
]


@cache
def case_of(name: str, url: str, own: Credentials, other: Credentials) -> Case:
    """A case of the corpus, sent to a sandbox."""
    case = mistakes.CASES[name]
    path, question, query = case.url.partition(PATH)[2].partition("?")
    operation = description.load().find(case.method, PATH + path)
    assert operation is not None
    given = {member.lower() for member in case.members}
    return case._replace(
        url=url + PATH + path + (question + query if case.method == "GET" else ""),
        key=own.secret_key,
        other_keys={"production": other.secret_key},
        absent=tuple(member for lower, (member, _) in operation.model.members.items() if lower not in given),
        body=case.body
        and httpx.Request("POST", case.url, json=case.sent).content.decode(),  # as this version of httpx writes it
    )


@cache
def that_fit(case: str, url: str, own: Credentials, other: Credentials) -> dict[str, set[frozenset[str]]]:
    return mistakes.that_fit(case_of(case, url, own, other), NAMES)


@pytest.mark.parametrize(("name", "names", "options"), ROWS)
def test_the_corpus_through_the_sandbox_and_the_error(
    sb: Sandbox, name: str, names: tuple[str, ...], options: mistakes.Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox's response and the client's error have exactly the sets of wrong readings that give the signature."""
    case = case_of(name, sb.url, sb.credentials, sb.other_credentials)
    given = mistakes.sign(case, options)
    assert given is not None
    monkeypatch.setattr(signature, "sign", lambda *_: given)
    members: dict[str, Any] = {"json" if case.method == "POST" else "params": case.sent}
    with sb.client() as cp, pytest.raises(InvalidSignature) as caught:
        cp.request("POST" if case.method == "POST" else "GET", urlsplit(case.url).path, **members)
    recorded = sb.requests[-1].explanation
    assert recorded is not None
    found = {frozenset(fit) for fit in (recorded["readings"], *recorded["alternatives"])}
    assert found == that_fit(name, sb.url, sb.credentials, sb.other_credentials)[given]
    assert frozenset(names) in found
    assert recorded["right"] == signature.string_to_sign(case.url, case.members)
    error = caught.value
    assert error.explanation is not None
    assert error.explanation.sandbox is not None
    assert f"\nThe sandbox: signed with: {', '.join(recorded['readings'])}" in str(error)
    assert error.explanation.sandbox in str(error)
    for secret in (case.key, *case.other_keys.values(), given):
        assert secret not in str(error) + str(recorded)


def why(response: httpx.Response) -> str:
    """The sandbox's explanation, which is one line of printable ASCII."""
    assert response.json()["result"] == {"code": 1, "message": "Invalid Signature."}
    text = response.headers["x-sandbox-explanation"]
    assert text.isascii()
    assert text.isprintable()
    return text


def test_the_first_difference(sb: Sandbox, caller: Caller) -> None:
    """The explanation shows where the two strings to sign first differ."""
    members = caller.members(description="Kopi \u5496\u5561")
    caller.post("InitialSession", members, signed=signature.sign(caller.url, members, caller.credentials.secret_key))
    caller.post("InitialSession", members, signed=caller.sign("initialsession/", members | {"amount": "1234"}))
    recorded = sb.requests[-1].explanation
    assert recorded is not None
    at = recorded["differ_at"]
    assert recorded["yours"][:at] == recorded["right"][:at]
    assert (recorded["right"][at], recorded["yours"][at]) == ("1", '"')
    assert f"first differ at character {at}" in recorded["text"]


@pytest.mark.parametrize(
    ("sent", "reading"),
    [
        ({"sessionNUMBER": "1", "timestamp": 1_700_000_000_000}, "case kept"),
        ({"SessionNumber": "1", "Timestamp": 1_700_000_000_000}, "case kept"),
    ],
)
def test_the_spelling_of_a_query(caller: Caller, sent: dict[str, Any], reading: str) -> None:
    """If the case was kept, the names of the parameters count in the caller's spelling."""
    options = {"case": "kept"}
    case = Case("query", f"{caller.url}{PATH}Query", sent, key=caller.credentials.secret_key)
    assert why(caller.get("Query", sent, signed=mistakes.sign(case, options))).startswith(f"signed with: {reading}")


def test_numbers_that_were_sent_as_strings(caller: Caller) -> None:
    """An amount in quotes is signed by the gateway as a number."""
    text = why(caller.post("InitialSession", caller.members(amount="1234")))
    assert text.startswith("signed with: numbers as strings. Right is: numbers are signed as they are sent")


def test_an_unknown_signature(caller: Caller) -> None:
    """For a signature that no known reading gives, the explanation has what to compare."""
    text = why(caller.post("InitialSession", caller.members(), signed="0" * 64))
    assert text.startswith("none of the known wrong readings gives this signature (")
    assert text.endswith("If they are equal, the secret key differs")


def test_a_token_in_braces_is_named(caller: Caller) -> None:
    """`Bearer {token}` gets the gateway's 401, and the header explains that the braces are wrong."""
    sent = caller.members()
    signed = caller.sign("InitialSession", sent)
    response = caller.post(
        "InitialSession", sent, signed=signed, headers={"Authorization": f"Bearer {{{caller.token}}}"}
    )
    assert response.status_code == 401
    assert "`Bearer {token}`" in response.headers["x-sandbox-explanation"]


def test_a_missing_signature_is_said_to_be_missing(caller: Caller) -> None:
    """A call without the header is explained."""
    sent = caller.members()
    headers = caller.headers("")
    del headers["cap-signature"]
    response = caller.http.post(PATH + "InitialSession", json=sent, headers=headers)
    assert response.json()["result"]["code"] == 1
    assert "no cap-signature header" in response.headers["x-sandbox-explanation"]


def test_a_secret_among_the_members_is_not_repeated(sb: Sandbox, caller: Caller) -> None:
    """A secret key in the request is not in the explanation."""
    secret = caller.credentials.secret_key
    response = caller.post("InitialSession", caller.members(secretKey=secret))
    assert "unknown members signed" in response.headers["x-sandbox-explanation"]
    assert secret not in repr(sb.requests) + str(response.headers)
