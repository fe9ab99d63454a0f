"""The one place that says what an answer means. The body decides: neither `success` nor the HTTP status does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from commercepay._base.json_guards import is_array, is_object
from commercepay._base.record import Record
from commercepay.errors import (
    BY_CODE,
    APIError,
    AuthenticationError,
    InvalidResponse,
    ValidationFailed,
    ValidationProblem,
)

_TOKEN_REFUSED = {"message": "The token was refused"}


class Response(Record):
    """What came back, as it came.

    Attributes:
        status_code: the HTTP status, IANA's or not.
        headers: the headers; their names in any case.
        body: the raw bytes.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    _aside = ("headers", "body")


def read(answer: Response) -> Any:
    """The result that an answer carries: usually a dict, None for an empty result.

    Raises:
        APIError: the gateway refused, in either of its two shapes.
        InvalidResponse: the body is no JSON object, or neither a result nor a refusal.
    """
    body = _decoded(answer)
    if is_object(error := body.get("error")):
        raise _refusal(error, body, answer)
    # The vendor's pages show the bare result without an envelope: then the body is the result.
    result = body.get("result") if "result" in body or "error" in body else body
    if is_object(result) and type(result.get("code")) is int and isinstance(result.get("message"), str):
        # A refused signature comes so, with `success: true`.
        raise _refusal(result, body, answer)
    if body.get("unAuthorizedRequest") is True or (answer.status_code == 401 and (result is None or result is body)):
        raise _refusal(_TOKEN_REFUSED, body, answer)
    if result is None and (answer.status_code >= 400 or body.get("success") is not True):
        raise invalid(answer, "neither a result nor an error in it")
    if result is body and answer.status_code >= 400:
        # Proxies and load balancers put JSON objects of their own into their errors.
        raise invalid(answer, "not the gateway's envelope")
    return result


def refuses_token(answer: Response) -> bool:
    """Whether a 401 says that the token was refused, and so that the request was not acted upon.

    That is what a 401 is taken to say (an assumption), unless a result comes with it: the body decides.
    """
    if answer.status_code != 401:
        return False
    try:
        read(answer)
    except APIError as error:
        return isinstance(error, AuthenticationError)
    return False


def invalid(answer: Response, why: str) -> InvalidResponse:
    return InvalidResponse(
        f"the gateway's answer can't be used: {why} (HTTP {answer.status_code}, {len(answer.body)} bytes)",
        status_code=answer.status_code,
        headers=answer.headers,
        body=answer.body,
    )


def _decoded(answer: Response) -> dict[str, Any]:
    why = "it is empty"
    if answer.body.strip():
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            kind = answer.headers.get("content-type", "").partition(";")[0]
            why = f"it is not JSON but {kind}" if kind and "json" not in kind else "its JSON is broken"
        else:
            if is_object(body):
                return body
            why = f"it is a JSON {type(body).__name__}, not an object"
    if answer.status_code == 401:
        # The status alone says it: a proxy or filter may have eaten the envelope.
        raise _refusal(_TOKEN_REFUSED, {}, answer)
    raise invalid(answer, why)


def _refusal(error: dict[str, Any], body: dict[str, Any], answer: Response) -> APIError:
    code = error.get("code")
    code = code if type(code) is int else None
    entries = error.get("validationErrors")
    problems = [_problem(entry) for entry in entries if is_object(entry)] if is_array(entries) else []
    cls = BY_CODE.get(code, APIError) if code is not None else APIError
    if cls is APIError:
        if body.get("unAuthorizedRequest") is True or answer.status_code == 401:
            cls = AuthenticationError
        elif problems:
            cls = ValidationFailed
    message, details = error.get("message"), error.get("details")
    return cls(
        message if isinstance(message, str) else "",
        code=code,
        details=details if isinstance(details, str) else None,
        validation_errors=problems,
        status_code=answer.status_code,
        headers=answer.headers,
        body=answer.body,
    )


def _problem(entry: dict[str, Any]) -> ValidationProblem:
    members = entry.get("members")
    return ValidationProblem(
        message=str(entry.get("message") or ""),
        members=tuple(str(member) for member in members) if is_array(members) else (),
    )
