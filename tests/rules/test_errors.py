"""The tree of errors: drawn as it is, picklable, with texts that harm nobody."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from commercepay import errors
from commercepay.errors import CallbackRejection, CommercePayError, ValidationProblem

ANSWER: dict[str, Any] = {"status_code": 400, "headers": {"Content-Type": "x"}, "body": b"\x00\xff"}
ALL = {
    name: item for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, CommercePayError)
}
PUBLIC = {name: item for name, item in ALL.items() if not name.startswith("_")}


def example(cls: type[CommercePayError]) -> CommercePayError:
    make: Any = cls
    if issubclass(cls, errors.APIError):
        problems = [ValidationProblem(message="m", members=("a",))]
        return make("words", code=7, details="d", validation_errors=problems, **ANSWER)
    if issubclass(cls, errors.OutcomeUnknown):
        return make("text", reference_code="INV-1", detail="ReadTimeout", **ANSWER)
    if issubclass(cls, errors.InvalidResponse):
        return make("text", **ANSWER)
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


def test_the_drawing() -> None:
    """The tree in the module's docstring is the tree of the classes."""
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


def test_codes() -> None:
    """Each code of the facts has its class."""
    assert {code: cls.__name__ for code, cls in errors.BY_CODE.items()} == {
        1: "InvalidSignature",
        2009: "DuplicateTransaction",
        2010: "TransactionNotFound",
        2021: "PaymentExpired",
        2022: "TransactionAlreadyProcessed",
    }


def test_double_natures() -> None:
    """An unreadable answer to a POST is caught as either; a wrong argument as a ValueError."""
    assert issubclass(errors.UnreadableOutcome, errors.OutcomeUnknown)
    assert issubclass(errors.UnreadableOutcome, errors.InvalidResponse)
    assert issubclass(errors.ArgumentError, ValueError)
    assert not issubclass(errors.OutcomeUnknown, errors.APIConnectionError)


def test_the_answer_stays_reachable() -> None:
    """What was answered is kept, under lower-case names, and is not part of the text."""
    for cls in (errors.APIError, errors.InvalidResponse, errors.OutcomeUnknown, errors.UnreadableOutcome):
        error: Any = example(cls)
        assert (error.status_code, error.headers, error.body) == (400, {"content-type": "x"}, b"\x00\xff")
        assert "content-type" not in str(error)


def test_what_to_do() -> None:
    """An unknown outcome names the reference code and what to do; one without a code says to find out."""
    error = errors.OutcomeUnknown("RequestPayment was sent", reference_code="INV-1")
    for part in ("'INV-1'", "same reference code", "DuplicateTransaction", "Never use a new"):
        assert part in str(error)
    assert "find out" in str(errors.OutcomeUnknown("POST was sent", reference_code=None))


def test_problems() -> None:
    """One problem is the text; several are listed."""
    assert str(errors.ArgumentError("one")) == "one"
    assert str(errors.ArgumentError(["one", "two"])) == "2 problems:\n  - one\n  - two"
    assert errors.ArgumentError(iter(["one", "two"])).problems == ("one", "two")


def test_harmless_text() -> None:
    """The gateway's words can't steer a terminal, forge a log line or flood a log."""
    error = errors.APIError("\x1b[31m\r\nx" + "y" * 9999, code=5, **ANSWER)
    assert "\x1b" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 400
    assert str(errors.APIError("", code=None)) == "" or "refused" in str(errors.APIError("", code=None))
