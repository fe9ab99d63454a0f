"""`commercepay._protocol.envelope`: how a response is classified."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commercepay import (
    APIError,
    AuthenticationError,
    InvalidResponse,
    InvalidSignature,
    TransactionNotFound,
    ValidationFailed,
)
from commercepay._protocol.envelope import Response, is_guessed, is_refused_by_gateway, read, refuses_token


def response(status: int, body: object, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status_code=status, headers=headers or {"x-id": "7"}, body=raw)


def refusal(status: int, body: object) -> APIError:
    with pytest.raises(APIError) as caught:
        read(response(status, body))
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, {"result": {"a": 1}, "success": True}, {"a": 1}),
        (200, {"result": None, "success": True}, None),
        (401, {"result": {"a": 1}}, {"a": 1}),  # the body decides
        (399, {"a": 1}, {"a": 1}),
        (200, {"result": {"code": 1}}, {"code": 1}),
        (200, {"result": {"a": 1}, "unAuthorizedRequest": False}, {"a": 1}),
        (200, {"result": {"a": 1}, "unAuthorizedRequest": "true"}, {"a": 1}),
    ],
)
def test_results(status: int, body: object, result: object) -> None:
    """A result is returned unchanged, with any HTTP status."""
    assert read(response(status, body)) == result


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (399, {"result": None}),
        (400, {"result": None, "success": True}),
        (200, {"error": None}),  # an envelope, though there is no `result` in it
        (200, {"error": None, "a": 1}),
        (400, {"a": 1}),  # a proxy's own JSON
        (500, {"a": 1}),
        (200, {"result": None, "success": False}),
        (200, {"result": None, "error": "boom"}),
    ],
)
def test_neither_a_result_nor_a_refusal(status: int, body: object) -> None:
    """A body with neither a result nor an error is invalid; the error keeps it."""
    with pytest.raises(InvalidResponse) as caught:
        read(response(status, body))
    error = caught.value
    assert (error.status_code, error.headers, error.body) == (status, {"x-id": "7"}, json.dumps(body).encode())
    why = "it is not the gateway's envelope" if body == {"a": 1} else "it has neither a result nor an error"
    assert f": {why} (HTTP {status}, {len(error.body)} bytes)" in str(error)


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        (b"", {}, "it is empty"),
        (b" \n", {"content-type": "text/html"}, "it is empty"),
        (b"<html>", {"content-type": "text/html; charset=utf-8"}, "it is not JSON but text/html"),
        (b"<html>", {"content-type": "text/plain"}, "it is not JSON but text/plain"),
        (b"<html>", {}, "its JSON is invalid"),
        (b'{"result', {"content-type": "application/json; charset=utf-8"}, "its JSON is invalid"),
        (b'{"result', {"content-type": ""}, "its JSON is invalid"),
        (b'{"result": ' + b"[" * 100_000, {}, "its JSON is invalid"),
        (b'{"result": "\xff\xfe"}', {}, "its JSON is invalid"),
        (b'{"result": ' + b"9" * 5000 + b', "success": true}', {}, "its JSON is invalid"),
        (b"[]", {"content-type": "application/json"}, "it is a JSON list, not an object"),
        (b"null", {}, "it is a JSON NoneType, not an object"),
        (b"7", {}, "it is a JSON int, not an object"),
        (b'"ok"', {}, "it is a JSON str, not an object"),
    ],
)
def test_no_json_object(body: bytes, headers: dict[str, str], why: str) -> None:
    """What is no JSON object is invalid, and the error says what it is."""
    with pytest.raises(InvalidResponse) as caught:
        read(response(502, body, **headers))
    assert f": {why} (HTTP 502, {len(body)} bytes)" in str(caught.value)
    assert (caught.value.status_code, caught.value.body) == (502, body)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("shape", ["error", "result", "bare"])
def test_the_shapes_of_a_refusal(status: int, shape: str) -> None:
    """A refusal is read from `error`, from `result` and without an envelope; the response is kept."""
    error = {"code": 1, "message": "Invalid Signature."}
    body = error if shape == "bare" else {"success": True, shape: error}
    caught = refusal(status, body)
    assert type(caught) is InvalidSignature
    assert (caught.code, caught.message) == (1, "Invalid Signature.")
    assert (caught.status_code, caught.headers) == (status, {"x-id": "7"})
    assert caught.body == json.dumps(body).encode()


def test_an_unknown_code_in_the_result() -> None:
    """A refusal in `result` is read like one in `error`, also if its code is unknown."""
    error = {"code": 3999, "message": "m"}
    assert type(refusal(400, {"result": error})) is APIError
    assert type(refusal(400, {"result": error, "unAuthorizedRequest": True})) is AuthenticationError


@pytest.mark.parametrize("code", ["1", True, 1.0, None])
def test_a_code_is_an_integer(code: object) -> None:
    """A code of another type is no code."""
    caught = refusal(400, {"error": {"code": code, "message": "m"}})
    assert (type(caught), caught.code) == (APIError, None)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"code": 1, "message": "m"}, InvalidSignature),
        (401, {"code": 2010, "message": "m"}, TransactionNotFound),
        (401, {"code": 0, "message": "m"}, AuthenticationError),
        (401, {"code": 3999, "message": "m", "validationErrors": [{"message": "m"}]}, AuthenticationError),
        (402, {"code": 0, "message": "m"}, APIError),
        (400, {"code": 0, "message": "m"}, APIError),
    ],
)
def test_the_code_decides_before_the_status(status: int, error: dict[str, Any], kind: type[APIError]) -> None:
    """A known code raises its error with any HTTP status; another 401 is an AuthenticationError."""
    assert type(refusal(status, {"error": error})) is kind
    assert refuses_token(response(status, {"error": error})) == (kind is AuthenticationError)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b""),
        (401, b"<html>"),
        (401, []),
        (401, {}),
        (401, {"message": "Unauthorized"}),  # a proxy's own JSON
        (401, {"result": None, "success": True}),
        (200, {"result": {"a": 1}, "unAuthorizedRequest": True}),
        (403, {"result": None, "unAuthorizedRequest": True}),
    ],
)
def test_a_refused_token(status: int, body: object) -> None:
    """Without an error in the body, a 401 or the member `unAuthorizedRequest` means that the token was refused."""
    error = refusal(status, body)
    assert type(error) is AuthenticationError
    assert (error.code, error.message, error.details) == (None, "The token was refused", None)
    assert (error.status_code, error.headers) == (status, {"x-id": "7"})
    assert refuses_token(response(status, body)) == (status == 401)


def test_a_401_with_a_result_is_no_refused_token() -> None:
    """A 401 with a result means that the request was processed and must not be sent again."""
    assert not refuses_token(response(401, {"result": {"a": 1}}))


@pytest.mark.parametrize(
    ("error", "message", "details"),
    [
        ({"message": "m", "details": "more"}, "m", "more"),
        ({"message": "m", "details": ""}, "m", ""),
        ({"message": "m"}, "m", None),
        ({"message": "m", "details": {"a": 1}}, "m", None),
        ({"message": 5, "details": 5}, "", None),
        ({}, "", None),
    ],
)
def test_the_texts_of_a_refusal(error: dict[str, Any], message: str, details: str | None) -> None:
    """Message and details are kept if they are strings."""
    caught = refusal(400, {"error": error})
    assert (caught.message, caught.details) == (message, details)


def test_validation_errors() -> None:
    """A validation error has a message and members, either of which may be missing; what has neither shape is skipped."""
    entries: list[object] = [
        {"message": "m", "members": ["a", 1]},
        None,
        {"members": ["b"]},
        {"message": "n", "members": "b"},
        {},
        {"message": 5, "members": [None]},
    ]
    caught = refusal(400, {"error": {"validationErrors": entries}})
    assert type(caught) is ValidationFailed
    assert [(problem.message, problem.members) for problem in caught.validation_errors] == [
        ("m", ("a", "1")),
        ("", ("b",)),
        ("n", ()),
        ("", ()),
        ("5", ("None",)),
    ]


@pytest.mark.parametrize("entries", ["text", 5, {"a": 1}, [None, "x", 3]])
def test_malformed_validation_errors(entries: object) -> None:
    """Validation errors of another type are ignored."""
    assert type(refusal(400, {"error": {"code": 0, "message": "m", "validationErrors": entries}})) is APIError


@pytest.mark.parametrize(
    ("body", "headers", "by_gateway"),
    [
        (b"", {"www-authenticate": "Bearer"}, True),
        (b" \n", {"www-authenticate": ' BEARER error="invalid_token"'}, True),
        (b"", {"www-authenticate": "Basic"}, False),
        (b"", {}, False),
        (b"<html>", {"www-authenticate": "Bearer"}, False),
        (b"[" * 100_000, {}, False),
        ({"unAuthorizedRequest": True}, {}, True),
        ({"result": None, "unAuthorizedRequest": True}, {}, True),
        ({"unAuthorizedRequest": False}, {}, False),
        ({"unAuthorizedRequest": 1}, {}, False),
        ({}, {}, False),
        ([], {}, False),
    ],
)
def test_who_refused_a_token(body: object, headers: dict[str, str], by_gateway: bool) -> None:
    """A 401 is the gateway's if it has the envelope, or is empty with a Bearer challenge. Otherwise only its status counts."""
    received = response(401, body, **headers)
    with pytest.raises(AuthenticationError) as caught:
        read(received)
    assert is_refused_by_gateway(received) == by_gateway
    assert is_guessed(received, caught.value) == (not by_gateway)


def test_a_401_with_a_result_or_a_message() -> None:
    """A result is no refusal of the token, and a message of the gateway is no guess."""
    assert not is_refused_by_gateway(response(401, {"result": {"a": 1}, "unAuthorizedRequest": True}))
    received = response(401, {"error": {"code": 0, "message": "m"}})
    with pytest.raises(AuthenticationError) as caught:
        read(received)
    assert not is_guessed(received, caught.value)
