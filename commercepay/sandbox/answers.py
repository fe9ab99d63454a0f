"""The gateway's responses: the framework's envelope, and the two shapes of a failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class GatewayResponse:
    """A response of the gateway, with the verdict and the explanation that only the sandbox gives."""

    status: int
    payload: dict[str, Any]
    verdict: str
    explanation: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


def _envelope(result: Any, *, success: bool, error: Any = None, unauthorized: bool = False) -> dict[str, Any]:
    return {
        "result": result,
        "targetUrl": None,
        "success": success,
        "error": error,
        "unAuthorizedRequest": unauthorized,
        "__abp": True,
    }


def success(result: Mapping[str, Any] | list[Any] | str | float | None) -> GatewayResponse:
    return GatewayResponse(200, _envelope(result, success=True), "accepted")


def bad_signature(explanation: dict[str, Any]) -> GatewayResponse:
    """HTTP 400 with `success: true`, as seen on staging."""
    payload = _envelope({"code": 1, "message": "Invalid Signature."}, success=True)
    return GatewayResponse(400, payload, "signature refused", explanation)


def refused(code: int, message: str, *, details: str | None = None, status: int = 400) -> GatewayResponse:
    error = {"code": code, "message": message, "details": details, "validationErrors": None}
    return GatewayResponse(status, _envelope(None, success=False, error=error), f"refused {code}")


def unauthorized(why: str) -> GatewayResponse:
    message = "Current user did not login to the application!"
    error = {"code": 0, "message": message, "details": None, "validationErrors": None}
    payload = _envelope(None, success=False, error=error, unauthorized=True)
    return GatewayResponse(401, payload, "token refused", {"text": why})


def login_failed(details: str, why: str) -> GatewayResponse:
    response = refused(0, "Login failed!", details=details, status=401)
    response.verdict, response.explanation = "login refused", {"text": why}
    return response


def invalid(problems: Iterable[tuple[str, tuple[str, ...]]]) -> GatewayResponse:
    """ABP's validation error: a problem has a message and the members concerned."""
    found = list(problems)
    error = {
        "code": 0,
        "message": "Your request is not valid!",
        "details": "The following errors were detected during validation.\n"
        + "".join(f" - {message}\n" for message, _ in found),
        "validationErrors": [{"message": message, "members": list(members)} for message, members in found],
    }
    return GatewayResponse(400, _envelope(None, success=False, error=error), "invalid")


def not_found(method: str, path: str, known: Iterable[str]) -> GatewayResponse:
    response = refused(0, "Not Found", status=404)
    response.verdict = "no such endpoint"
    response.explanation = {"text": f"{method} {path} is not in the description, which has: " + ", ".join(known)}
    return response
