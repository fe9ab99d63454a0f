"""The responses of endpoints without behaviour: what a test registers, or the example of the description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from commercepay._base.json_guards import is_object
from commercepay._base.suggestions import did_you_mean
from commercepay.errors import APIError
from commercepay.sandbox import answers
from commercepay.sandbox.answers import GatewayResponse
from commercepay.sandbox.description import Description, Operation
from commercepay.sandbox.model import Json

Result = Json | list[Any] | str | int | float | None
"""The result in a response, as JSON."""
Responder = Callable[[Json], "Result | APIError"]
"""Takes the members of a request, and returns a result or a refusal, or raises a refusal."""


@dataclass(slots=True)
class _Registered:
    response: Result | APIError | Responder
    times: int | None


class Registered:
    """What tests registered, by endpoint; the newest first."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._of: dict[str, list[_Registered]] = {}

    def add(self, endpoint: str, response: Result | APIError | Responder, times: int | None) -> None:
        """Register a response.

        Raises:
            ValueError: there is no such endpoint, or the result does not match the description.
        """
        operation = self._description.by_name.get(endpoint.lower())
        if operation is None:
            known = [one.name for one in self._description.by_name.values()]
            raise ValueError(f"the description has no endpoint {endpoint!r}{did_you_mean(endpoint, known)}")
        if times is not None and (type(times) is not int or times < 1):
            raise ValueError("times must be a positive integer or None")
        if not isinstance(response, APIError) and not callable(response):
            _check(operation, response)
        self._of.setdefault(operation.name, []).insert(0, _Registered(response, times))

    def clear(self) -> None:
        self._of.clear()

    def respond(self, operation: Operation, members: Json) -> GatewayResponse | None:
        """The registered response to a request; None if there is none."""
        registered = self._of.get(operation.name)
        if not registered:
            return None
        first = registered[0]
        if first.times is not None:
            first.times -= 1
            if not first.times:
                registered.pop(0)
        try:
            response = first.response(members) if callable(first.response) else first.response
            if not isinstance(response, APIError):
                _check(operation, response)
                return answers.success(response)
        except APIError as refusal:
            response = refusal
        except Exception as error:  # noqa: BLE001  # the test's function: its error is shown, as a gateway's would not be
            return _failed(f"the response that the test registered for {operation.name} failed: {error!r}")
        return answers.refused(
            response.code or 0, response.message, details=response.details, status=response.status_code or 400
        )


def example(operation: Operation) -> GatewayResponse:
    """The response of an endpoint without behaviour, and without a registered response."""
    found = operation.example
    if found is None:
        return _failed(f"{operation.name} has neither behaviour in the sandbox nor an example in the description")
    result = found.get("result") if is_object(found) and "__abp" in found else found
    response = answers.success(result)
    response.explanation = {
        "text": f"{operation.name} has no behaviour in the sandbox: this is the description's example"
    }
    return response


def _failed(why: str) -> GatewayResponse:
    response = answers.refused(0, "An internal error occurred during your request!", status=500)
    response.explanation = {"text": why}
    return response


def _check(operation: Operation, result: object) -> None:
    if problems := operation.result_problems(result):
        raise ValueError(f"this is no result of {operation.name} in the description: {'; '.join(problems)}")
