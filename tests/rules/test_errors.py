"""The errors: their tree, pickling, and texts that are safe to print."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from commercepay import errors
from commercepay.errors import CallbackRejection, CommercePayError, ValidationProblem

RESPONSE: dict[str, Any] = {"status_code": 400, "headers": {"Content-Type": "x"}, "body": b"\x00\xff"}
ALL = {
    name: item for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, CommercePayError)
}
PUBLIC = {name: item for name, item in ALL.items() if not name.startswith("_")}


def example(cls: type[CommercePayError]) -> CommercePayError:
    make: Any = cls
    if issubclass(cls, errors.APIError):
        problems = [ValidationProblem(message="m", members=("a",))]
        return make("words", code=7, details="d", validation_errors=problems, **RESPONSE)
    if issubclass(cls, errors.OutcomeUnknown):
        return make("text", reference_code="INV-1", detail="ReadTimeout", **RESPONSE)
    if issubclass(cls, errors.InvalidResponse):
        return make("text", **RESPONSE)
    if issubclass(cls, errors.APIConnectionError):
        return make("text", detail="d")
    if issubclass(cls, errors.CallbackError):
        return make(CallbackRejection.SIGNATURE_WRONG, "text", body=b"b", problems=["p"])
    if issubclass(cls, errors.ArgumentError):
        return make(["one", "two"])
    needed = [name for name, p in inspect.signature(cls).parameters.items() if p.kind is p.KEYWORD_ONLY]
    return make("text", **dict.fromkeys(needed))


@pytest.mark.parametrize("cls", PUBLIC.values())
def test_pickle_and_copy(cls: Any) -> None:
    """Every error survives pickle and copy: class, text, arguments and every attribute."""
    error = example(cls)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert (type(again), str(again), again.args, vars(again)) == (cls, str(error), error.args, vars(error))
    for again in (copy.copy(error), copy.deepcopy(error)):
        assert (type(again), str(again), vars(again)) == (cls, str(error), vars(error))
    assert again is not error


def test_the_tree_in_the_docstring() -> None:
    """The tree in the module's docstring shows every class under its base class."""
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)(\w+)", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            if depth:
                drawn[found[2]] = path[depth - 1]
    real = {
        name: next(base.__name__ for base in cls.__mro__[1:] if base.__name__ in PUBLIC)
        for name, cls in PUBLIC.items()
        if cls is not CommercePayError
    }
    assert drawn == real


def test_two_base_classes() -> None:
    """An unreadable response to a POST is an OutcomeUnknown and an InvalidResponse; a wrong argument is a ValueError."""
    assert issubclass(errors.UnreadableOutcome, errors.OutcomeUnknown)
    assert issubclass(errors.UnreadableOutcome, errors.InvalidResponse)
    assert issubclass(errors.ArgumentError, ValueError)
    assert not issubclass(errors.OutcomeUnknown, errors.APIConnectionError)


def test_the_response_is_kept() -> None:
    """An error keeps the response, with header names in lower case, and does not print it."""
    for cls in (errors.APIError, errors.InvalidResponse, errors.OutcomeUnknown, errors.UnreadableOutcome):
        error: Any = example(cls)
        assert (error.status_code, error.headers, error.body) == (400, {"content-type": "x"}, b"\x00\xff")
        assert "content-type" not in str(error)


def test_what_to_do() -> None:
    """The text of an unknown outcome has the reference code, if there is one, and the next step."""
    error = errors.OutcomeUnknown("RequestPayment was sent", reference_code="INV-1")
    for part in ("'INV-1'", "same reference code", "DuplicateTransaction", "Never use a new"):
        assert part in str(error)
    assert "find out" in str(errors.OutcomeUnknown("POST was sent", reference_code=None))


def test_problems() -> None:
    """A single problem is the whole text; several problems are listed."""
    assert str(errors.ArgumentError("one")) == "one"
    assert str(errors.ArgumentError(["one", "two"])) == "2 problems:\n  - one\n  - two"
    assert errors.ArgumentError(iter(["one", "two"])).problems == ("one", "two")


def test_harmless_text() -> None:
    """The gateway's text can't control a terminal, forge a log line or fill a log."""
    text = "\x1b[31m\r\nx" + "y" * 9999
    error = errors.APIError(text, code=5, **RESPONSE)
    assert error.message == text
    assert "\x1b" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 400
    assert str(errors.APIError("", code=None)) == "the gateway refused the request and gave no reason"
