"""The text of an error names the call and its payment, so that a line of a log is enough."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from facade.conftest import OPENING
from facade.gateway import PAYMENT, QUERY, SESSION, Reply, refused

from commercepay import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    ArgumentError,
    AuthenticationError,
    CommercePayError,
    Customer,
    DuplicateTransaction,
    InvalidResponse,
    OutcomeUnknown,
    StillOpen,
    TransactionNotFound,
)

NUMBERS = ("session_number", "transaction_number")


def raised(driver: Any, kind: type[CommercePayError], call: Any) -> str:
    """The text of the error of a call, which is the same after pickling."""
    with pytest.raises(kind) as caught:
        driver.do(call())
    assert type(caught.value) is kind
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [(SESSION, "sessions", "InitialSession"), (PAYMENT, "payments", "RequestPayment")],
)
def test_a_refused_opening(driver: Any, gateway: Any, cp: Any, path: str, method: str, name: str) -> None:
    """A refusal names the call and the reference code. `message` has only the gateway's message."""
    for code, kind in ((2009, DuplicateTransaction), (9999, APIError)):
        gateway.always[path] = Reply(refused(code, "No way"))
        with pytest.raises(kind) as caught:
            driver.do(getattr(cp, method).create(**OPENING))
        assert str(caught.value).startswith(f"{name} (reference code 'INV-1'): No way (code {code}")
        assert caught.value.message == "No way"
    gateway.always[path] = Reply(b"<html>")
    assert "'INV-1'" in raised(
        driver, OutcomeUnknown.__subclasses__()[0], lambda: getattr(cp, method).create(**OPENING)
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_a_query(driver: Any, gateway: Any, cp: Any, number: str) -> None:
    """The error for an unknown payment or an unreadable response has the number of the payment."""
    for reply, kind in ((refused(2010, "Not found"), TransactionNotFound), (b"{", InvalidResponse)):
        gateway.always[QUERY] = Reply(reply)
        text = raised(driver, kind, lambda: cp.payments.query(**{number: "S-77"}, max_retries=0))
        assert text.startswith(f"Query ({number} 'S-77'): ")
    gateway.always[QUERY] = Reply({"result": {"status": "x"}, "success": True})
    text = raised(driver, InvalidResponse, lambda: cp.payments.query(**{number: "S-77"}))
    assert text.startswith(f"Query ({number} 'S-77'): ")
    gateway.always[QUERY] = Reply(refused(2010, "Not found"))
    gateway.always[QUERY] = Reply(b"", 503)
    text = raised(driver, StillOpen, lambda: cp.payments.wait(**{number: "S-77"}, timeout=0.001))
    assert text.startswith(f"payments.wait ({number} 'S-77'): ")


def test_a_login(driver: Any) -> None:
    """A refused login names Authenticate."""
    cp = driver.client(password="wrong")
    text = raised(driver, AuthenticationError, lambda: cp.payments.query(session_number="S-1"))
    assert text.startswith("Authenticate: ")


def test_another_call(driver: Any, gateway: Any, cp: Any) -> None:
    """The error of `request` has the method, the path, and the reference code in the body."""
    gateway.always["/x"] = Reply(refused(2009, "Used"))
    text = raised(driver, DuplicateTransaction, lambda: cp.request("POST", "/x", json={"referenceCode": "INV-2"}))
    assert text.startswith("POST /x (reference code 'INV-2'): Used")


def test_a_host_that_is_not_reached(driver: Any, gateway: Any, at_once: None) -> None:
    """A connection error names the host and the port."""
    gateway.close()
    host = gateway.url.removeprefix("http://")
    text = raised(driver, APIConnectionError, lambda: driver.client().sessions.create(**OPENING))
    assert text.startswith(f"Authenticate: {host} was not reached")


def test_a_host_that_does_not_respond(driver: Any, gateway: Any, cp: Any, at_once: None) -> None:
    """The error of a call without a response names the host and the port."""
    host = gateway.url.removeprefix("http://")
    driver.do(cp.payments.query(session_number="S-1"))
    gateway.always[QUERY] = gateway.always[SESSION] = Reply(drop="after")
    text = raised(driver, APIConnectionError, lambda: cp.payments.query(session_number="S-1"))
    assert text.startswith(f"Query (session_number 'S-1'): {host} did not respond")
    text = raised(driver, OutcomeUnknown, lambda: cp.sessions.create(**OPENING))
    assert text.startswith(f"InitialSession was sent to {host}, but no response came")
    gateway.always[QUERY] = Reply({}, delay=1)
    text = raised(driver, APITimeoutError, lambda: cp.payments.query(session_number="S-1", timeout=0.4, max_retries=0))
    assert text.startswith(f"Query (session_number 'S-1'): {host} did not respond in time")


@pytest.mark.parametrize(
    ("call", "given", "part"),
    [
        ("sessions.create", {**OPENING, "amount": None}, "amount is required"),
        ("sessions.create", {**OPENING, "referencecode": "x"}, "did you mean 'reference_code'?"),
        ("payments.create", {**OPENING, "chanel_id": 1}, "did you mean 'channel_id'?"),
        ("payments.query", {"session": "S-1"}, "did you mean 'session_number'?"),
        ("payments.wait", {"session_number": "S-1", "timeout": -1}, "timeout"),
        ("payments.confirm", {"expected": 1, "session_number": "S-1"}, "expected must be"),
        ("request", {"method": "PUT", "path": "/x"}, "method"),
    ],
)
def test_arguments(driver: Any, cp: Any, call: str, given: dict[str, Any], part: str) -> None:
    """An ArgumentError names the call. For a misspelt parameter it suggests a known one."""
    method = cp
    for name in call.split("."):
        method = getattr(method, name)
    text = raised(driver, ArgumentError, lambda: method(**given))
    assert text.startswith(f"{call}: ")
    assert part in text


def test_a_record() -> None:
    """For a misspelt field of a record, the error suggests a known one."""
    with pytest.raises(TypeError, match=r"unknown argument 'e_mail'; did you mean 'email'\?"):
        Customer(e_mail="a@b.example")  # type: ignore[call-arg]
