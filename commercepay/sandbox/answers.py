"""The gateway's answers: the framework's envelope, and the two shapes of a failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Answer:
    """What the gateway answers, with what the sandbox alone knows about it."""

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


def success(result: Mapping[str, Any] | None) -> Answer:
    return Answer(200, _envelope(result, success=True), "accepted")


def bad_signature(explanation: dict[str, Any]) -> Answer:
    """HTTP 400, yet `success` is true: so it was seen on staging."""
    payload = _envelope({"code": 1, "message": "Invalid Signature."}, success=True)
    return Answer(400, payload, "signature refused", explanation)


def refused(code: int, message: str, *, status: int = 400) -> Answer:
    error = {"code": code, "message": message, "details": None, "validationErrors": None}
    return Answer(status, _envelope(None, success=False, error=error), f"refused {code}")


def unauthorized(why: str) -> Answer:
    message = "Current user did not login to the application!"
    error = {"code": 0, "message": message, "details": None, "validationErrors": None}
    payload = _envelope(None, success=False, error=error, unauthorized=True)
    return Answer(401, payload, "token refused", {"text": why})


def login_failed(why: str) -> Answer:
    answer = refused(0, "Login failed!", status=401)
    answer.verdict, answer.explanation = "login refused", {"text": why}
    return answer


def invalid(problems: Iterable[tuple[str, tuple[str, ...]]]) -> Answer:
    """ABP's validation error: each problem is a message and the members that it is about."""
    found = list(problems)
    error = {
        "code": 0,
        "message": "Your request is not valid!",
        "details": "The following errors were detected during validation.\n"
        + "".join(f" - {message}\n" for message, _ in found),
        "validationErrors": [{"message": message, "members": list(members)} for message, members in found],
    }
    return Answer(400, _envelope(None, success=False, error=error), "invalid")


def not_found(method: str, path: str, known: Iterable[str]) -> Answer:
    answer = refused(0, "Not Found", status=404)
    answer.verdict = "no such endpoint"
    answer.explanation = {"text": f"{method} {path} is no endpoint of the description; it has: " + ", ".join(known)}
    return answer
