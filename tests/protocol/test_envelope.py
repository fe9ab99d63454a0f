"""`commercepay._protocol.envelope`: how a response is classified."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commercepay import APIError, AuthenticationError, InvalidResponse, InvalidSignature, TransactionNotFound
from commercepay._protocol.envelope import Response, read, refuses_token


def response(status: int, body: object) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status_code=status, headers={"x-id": "7"}, body=raw)


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


def test_a_validation_error_without_a_message() -> None:
    """A validation error without a message has only its members."""
    (problem,) = refusal(400, {"error": {"validationErrors": [None, {"members": ["a", 1]}]}}).validation_errors
    assert (problem.message, problem.members) == ("", ("a", "1"))
