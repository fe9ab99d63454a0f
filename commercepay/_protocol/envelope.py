"""Classify a response: a result, a refusal, or unreadable. The body decides, not `success` and not the HTTP status."""

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
    """A response of the gateway.

    Attributes:
        status_code: the HTTP status; it need not be one that IANA lists.
        headers: the headers, by name in any case.
        body: the raw bytes.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    _aside = ("headers", "body")


def read(response: Response) -> Any:
    """The result in a response: usually a dict, None for an empty result.

    Raises:
        APIError: the gateway refused the request, in either of its two forms.
        InvalidResponse: the body is not a JSON object, or neither a result nor a refusal.
    """
    body = _decoded(response)
    if is_object(error := body.get("error")):
        raise _refusal(error, body, response)
    # The vendor's pages show the bare result without an envelope: then the body is the result.
    result = body.get("result") if "result" in body or "error" in body else body
    if is_object(result) and type(result.get("code")) is int and isinstance(result.get("message"), str):
        # A wrong signature is refused like this, with `success: true`.
        raise _refusal(result, body, response)
    if body.get("unAuthorizedRequest") is True or (response.status_code == 401 and (result is None or result is body)):
        raise _refusal(_TOKEN_REFUSED, body, response)
    if result is None and (response.status_code >= 400 or body.get("success") is not True):
        raise invalid(response, "it has neither a result nor an error")
    if result is body and response.status_code >= 400:
        # The error of a proxy or load balancer can be a JSON object.
        raise invalid(response, "it is not the gateway's envelope")
    return result


def refuses_token(response: Response) -> bool:
    """Whether the gateway refused the token, and therefore did not process the request.

    A 401 without a result means that (an assumption). With a result it does not: the body decides.
    """
    if response.status_code != 401:
        return False
    try:
        read(response)
    except APIError as error:
        return isinstance(error, AuthenticationError)
    return False


def is_refused_by_gateway(response: Response) -> bool:
    """Whether a 401 is the gateway's own, and not that of a proxy or a filter: its envelope, or an empty Bearer challenge.

    That an empty 401 with a Bearer challenge comes from the gateway's framework is an assumption.
    """
    if not response.body.strip():
        return response.headers.get("www-authenticate", "").strip().lower().startswith("bearer")
    try:
        body: object = json.loads(response.body)
    except (ValueError, RecursionError):
        return False
    return is_object(body) and body.get("result") is None and body.get("unAuthorizedRequest") is True


def is_guessed(response: Response, error: AuthenticationError) -> bool:
    """Whether only the status 401 shows that the token was refused, and not the gateway's envelope."""
    return error.message == _TOKEN_REFUSED["message"] and not is_refused_by_gateway(response)


def invalid(response: Response, why: str) -> InvalidResponse:
    return InvalidResponse(
        f"the gateway's response can't be used: {why} (HTTP {response.status_code}, {len(response.body)} bytes)",
        status_code=response.status_code,
        headers=response.headers,
        body=response.body,
    )


def _decoded(response: Response) -> dict[str, Any]:
    why = "it is empty"
    if response.body.strip():
        try:
            body = json.loads(response.body)
        except (ValueError, RecursionError):
            kind = response.headers.get("content-type", "").partition(";")[0]
            why = f"it is not JSON but {kind}" if kind and "json" not in kind else "its JSON is invalid"
        else:
            if is_object(body):
                return body
            why = f"it is a JSON {type(body).__name__}, not an object"
    if response.status_code == 401:
        # The status is enough: a proxy or filter may have removed the envelope.
        raise _refusal(_TOKEN_REFUSED, {}, response)
    raise invalid(response, why)


def _refusal(error: dict[str, Any], body: dict[str, Any], response: Response) -> APIError:
    code = error.get("code")
    code = code if type(code) is int else None
    entries = error.get("validationErrors")
    problems = [_problem(entry) for entry in entries if is_object(entry)] if is_array(entries) else []
    cls = BY_CODE.get(code, APIError) if code is not None else APIError
    if cls is APIError:
        if body.get("unAuthorizedRequest") is True or response.status_code == 401:
            cls = AuthenticationError
        elif problems:
            cls = ValidationFailed
    message, details = error.get("message"), error.get("details")
    return cls(
        message if isinstance(message, str) else "",
        code=code,
        details=details if isinstance(details, str) else None,
        validation_errors=problems,
        status_code=response.status_code,
        headers=response.headers,
        body=response.body,
    )


def _problem(entry: dict[str, Any]) -> ValidationProblem:
    members = entry.get("members")
    return ValidationProblem(
        message=str(entry.get("message") or ""),
        members=tuple(str(member) for member in members) if is_array(members) else (),
    )
