"""No secret in a repr, a log, a traceback or a pickle."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import Any

import pytest
from commercepay_api.models import AuthenticateRequest, AuthenticateResult
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import PASSWORD, QUERY, SECRET_KEY, SESSION, USERNAME, Gateway, Reply, enveloped
from processes import python

from commercepay import CommercePay, InvalidSignature
from commercepay._base.secret import Secret
from commercepay._protocol.token import Token

QUERIED: dict[str, Any] = {"session_number": "S-1"}


def clean(text: str, gateway: Gateway) -> bool:
    signatures = {seen.signature for seen in gateway.seen} - {""}
    return not any(secret in text for secret in (PASSWORD, SECRET_KEY, "Token-Example", *signatures))


def test_reprs(driver: Any, gateway: Any, cp: Any) -> None:
    """No attribute and no result of the client shows a secret."""
    driver.do(cp.sessions.create(**OPENING))
    auth = cp.api._httpx_args["auth"]
    for thing in (
        cp,
        cp.settings,
        cp.api,
        cp.api._httpx_args,
        auth,
        auth._tokens,
        auth._tokens._token,
        vars(auth._tokens),
        vars(auth),
        vars(cp),
        cp.callbacks,
        vars(cp.callbacks),
        cp.sessions,
        driver.within(lambda: cp.last_response),
        AuthenticateRequest(user_name_or_email_address=USERNAME, password=PASSWORD),
        AuthenticateResult(access_token="Token-Example", expire_in_seconds=1),
    ):
        for text in (repr(thing), str(thing), f"{thing}", repr([thing])):
            assert clean(text, gateway), type(thing)


def test_nothing_secret_is_pickled(driver: Any, cp: Any) -> None:
    """Clients, settings, secrets and tokens can't be pickled or deep-copied; the error has the reason."""
    for thing in (
        cp,
        cp.settings,
        cp.settings.password,
        cp.sessions,
        cp.payments,
        cp.callbacks,
        Token(Secret("t"), 0.0),
    ):
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(thing)
        with pytest.raises(TypeError):
            copy.deepcopy(thing)
    for thing in (cp.api, cp.api._httpx_args["auth"]):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def test_secret() -> None:
    """A secret equals another with the same text, has the same hash, and has a hidden repr."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("a"))
    assert {repr(Secret("a")), str(Secret("a")), f"{Secret('a')}", "%s" % Secret("a")} == {"Secret('***')"}  # noqa: UP031


def test_logs_of_a_test(driver: Any, gateway: Any, at_once: None, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, `commercepay` logs one line for each request, without secrets, headers, query and body."""
    gateway.queue(QUERY, Reply(b"<html>secret page", 503))
    with caplog.at_level(logging.DEBUG, logger="commercepay"):
        cp = driver.client()
        driver.do(cp.sessions.create(**OPENING))
        driver.do(cp.payments.query(**QUERIED))
        driver.do(cp.request("GET", "/x", params={"card": "4111"}))
        gateway.always[SESSION] = Reply(enveloped({"code": 1, "message": "Invalid Signature."}), 400)
        with pytest.raises(InvalidSignature):
            driver.do(cp.sessions.create(**OPENING))
    lines = [record.getMessage() for record in caplog.records if record.name == "commercepay"]
    text = "\n".join(lines)
    for part in ("Authenticate", "InitialSession", "Query", "GET /x", "HTTP 503", "attempt 2 of 3", "InvalidSignature"):
        assert part in text
    for part in ("4111", "INV-1", "S-1", "secret page", "Bearer", "203.0.113.9", USERNAME):
        assert part not in text
    assert clean(text, gateway)
    assert len(lines) == 7  # six requests, one pause


SCRIPT = """
import json, sys
from commercepay import CommercePay
options = json.loads(sys.argv[1])
for _ in range(2):  # a second client does not print everything twice
    with CommercePay(**options) as cp:
        cp.payments.query(session_number="S-1")
"""


@pytest.mark.parametrize(("level", "lines"), [("debug", 5), (" INFO ", 1), ("", 0), ("nonsense", 0)])
def test_commercepay_log(gateway: Any, level: str, lines: int) -> None:
    """`COMMERCEPAY_LOG=debug` or `info` prints the log on standard error; nothing else does."""
    gateway.queue(QUERY, Reply(b"", 503, {"Retry-After": "0"}))
    options = json.dumps(CREDENTIALS | {"base_url": gateway.url})
    done = python(SCRIPT, options, env={"COMMERCEPAY_LOG": level})
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == lines + (level == "debug"), done.stderr
    assert clean(done.stderr, gateway)
    assert "S-1" not in done.stderr


def test_no_handler_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable, the package adds no handler and sets no level."""
    monkeypatch.delenv("COMMERCEPAY_LOG", raising=False)
    logger = logging.getLogger("commercepay")
    before = (list(logger.handlers), logger.level, logger.propagate)
    CommercePay(**CREDENTIALS).close()
    assert before == (list(logger.handlers), logger.level, logger.propagate)
