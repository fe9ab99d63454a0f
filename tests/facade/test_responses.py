"""The result or error for each response of the gateway, for every call, sync and async."""

from __future__ import annotations

import gzip
import pickle
from typing import Any

import pytest
from commercepay_api.api.payment_gateway import query
from facade.conftest import OPENING, built
from facade.gateway import (
    AUTHENTICATE,
    CHANNELS,
    OPENED,
    PAID,
    PAYMENT,
    QUERY,
    SESSION,
    STARTED,
    Reply,
    enveloped,
    refused,
)

from commercepay import (
    APIError,
    AuthenticationError,
    DuplicateTransaction,
    InvalidResponse,
    InvalidSignature,
    OutcomeUnknown,
    PaymentExpired,
    TransactionAlreadyProcessed,
    TransactionNotFound,
    UnreadableOutcome,
    ValidationFailed,
    errors,
)

GENERIC = "/api/services/app/PaymentGateway/Anything"

CALLS: dict[str, tuple[str, Any]] = {
    "sessions.create": (SESSION, lambda cp: cp.sessions.create(**OPENING)),
    "payments.create": (PAYMENT, lambda cp: cp.payments.create(**OPENING)),
    "channels.list": (CHANNELS, lambda cp: cp.channels.list(country="MY")),
    "payments.query": (QUERY, lambda cp: cp.payments.query(session_number="S-1")),
    "request POST": (GENERIC, lambda cp: cp.request("POST", GENERIC, json={"referenceCode": "INV-1"})),
    "request GET": (GENERIC, lambda cp: cp.request("GET", GENERIC, params={"a": 1})),
    "call POST": (GENERIC, lambda cp: cp.call(built(GENERIC, referenceCode="INV-1"))),
    "call GET": (QUERY, lambda cp: cp.call(query.request(session_number="S-1", timestamp=1))),
    "authenticate": (AUTHENTICATE, lambda cp: cp.request("POST", GENERIC)),
}
POSTS = ("sessions.create", "payments.create", "request POST", "call POST")
VALIDATION = [{"message": "Too long", "members": ["referenceCode"]}, {"message": "Missing", "members": None}]

# A response, and its error for a GET. For a POST, InvalidResponse becomes UnreadableOutcome.
REFUSALS: dict[str, tuple[Reply, type[APIError], int | None]] = {
    "signature": (Reply(enveloped({"code": 1, "message": "Invalid Signature."}), 400), InvalidSignature, 1),
    "signature, no envelope": (Reply({"code": 1, "message": "Invalid Signature."}), InvalidSignature, 1),
    "duplicate": (Reply(refused(2009, "Duplicate Transaction"), 400), DuplicateTransaction, 2009),
    "not found with HTTP 500": (Reply(refused(2010, "Transaction Not Found"), 500), TransactionNotFound, 2010),
    "beside a result": (Reply(enveloped(OPENED, error={"code": 2010, "message": "m"})), TransactionNotFound, 2010),
    "expired": (Reply(refused(2021, "Payment Expired"), 400), PaymentExpired, 2021),
    "processed": (Reply(refused(2022, "Already"), 400), TransactionAlreadyProcessed, 2022),
    "unknown code": (Reply(refused(3999, "Something else"), 400), APIError, 3999),
    "no code": (Reply(enveloped(None, success=False, error={"message": "m"}), 400), APIError, None),
    "validation": (Reply(refused(0, "Invalid", validationErrors=VALIDATION), 400), ValidationFailed, 0),
    "forbidden": (Reply(refused(0, "No", unAuthorizedRequest=True), 403), AuthenticationError, 0),
    "401 and a challenge": (Reply(b"", 401, {"WWW-Authenticate": "Bearer"}), AuthenticationError, None),
}
UNREADABLE: dict[str, Reply] = {
    "empty": Reply(b"", 500),
    "HTML 502": Reply(b"<html>Bad gateway</html>", 502, {"Content-Type": "text/html"}),
    "HTML 200": Reply(b"<!doctype html>", 200, {"Content-Type": "text/html"}),
    "truncated JSON": Reply(b'{"result": {"redirectUrl": "https://pay.exa'),
    "list": Reply([enveloped(OPENED)]),
    "no result": Reply(enveloped(None), 400),
    "error is text": Reply(enveloped(None, success=False, error="boom")),
    "a proxy's own JSON": Reply({"message": "Service Unavailable"}, 503),
    "a problem document": Reply({"type": "about:blank", "title": "Not Found", "status": 404}, 404),
    "a redirect": Reply(b"", 302, {"Location": "/elsewhere"}),
    "broken gzip": Reply(b"junk", 200, {"Content-Encoding": "gzip"}),
}
NOT_THE_GATEWAYS: dict[str, Reply] = {
    "nothing": Reply(b"", 401),
    "HTML": Reply(b"<html>", 401, {"Content-Type": "text/html"}),
    "a proxy's JSON": Reply({"message": "Unauthorized"}, 401),
}
"""What comes with a 401 that a proxy or a filter may have sent."""
INCOMPLETE: dict[str, list[tuple[Any, str]]] = {
    "sessions.create": [
        (None, "no result"),
        ("text", "no result"),
        ([], "no result"),
        ({}, "redirectUrl is missing"),
        (OPENED | {"redirectUrl": None}, "redirectUrl is missing"),
        (OPENED | {"redirectUrl": ""}, "redirectUrl is empty"),
        (OPENED | {"redirectUrl": 5}, "redirectUrl is not a string"),
        (OPENED | {"redirectUrl": "/relative"}, "redirectUrl is not an absolute URL"),
        (OPENED | {"redirectUrl": "javascript:alert(1)"}, "redirectUrl is not an absolute URL"),
        (OPENED | {"sessionNumber": None}, "sessionNumber is missing"),
        (OPENED | {"sessionNumber": 17}, "sessionNumber is not a string"),
        (OPENED | {"sessionNumber": " "}, "sessionNumber is empty"),
        (OPENED | {"redirectionType": "1"}, "redirectionType is not an integer"),
        (OPENED | {"redirectionType": True}, "redirectionType is not an integer"),
    ],
    "payments.create": [
        (STARTED | {"redirectUrl": None}, "redirectUrl is missing, and there is no clientScript"),
        (STARTED | {"redirectUrl": None, "clientScript": " "}, "there is no clientScript"),
        (STARTED | {"redirectUrl": None, "clientScript": 5}, "there is no clientScript"),
        (STARTED | {"redirectUrl": "/relative", "clientScript": "<form>"}, "redirectUrl is not an absolute URL"),
        (STARTED | {"transactionNumber": None}, "transactionNumber is missing"),
        (STARTED | {"transactionNumber": 2005671137}, "transactionNumber is not a string"),
    ],
    "payments.query": [
        (None, "no result"),
        ({}, "status is missing"),
        (
            {"status": "1", "amount": 1.5, "currencyCode": "MYR"},
            "status is not an integer; amount is not an integer; referenceCode is missing",
        ),
        (PAID | {"status": None}, "status is missing"),
        (PAID | {"status": "1"}, "status is not an integer"),
        (PAID | {"status": True}, "status is not an integer"),
        (PAID | {"status": 1.0}, "status is not an integer"),
        (PAID | {"amount": None}, "amount is missing"),
        (PAID | {"amount": "1234"}, "amount is not an integer"),
        (PAID | {"amount": 12.34}, "amount is not an integer"),
        (PAID | {"amount": 1234.0}, "amount is not an integer"),
        (PAID | {"amount": True}, "amount is not an integer"),
        (PAID | {"amount": -1}, "an amount must be positive"),
        (PAID | {"currencyCode": None}, "currencyCode is missing"),
        (PAID | {"currencyCode": 458}, "currencyCode is not a string"),
        (PAID | {"currencyCode": "ringgit"}, "currency must be"),
        (PAID | {"referenceCode": None}, "referenceCode is missing"),
        (PAID | {"referenceCode": 1}, "referenceCode is not a string"),
        (PAID | {"paymentSessionNumber": "S-2"}, "paymentSessionNumber is that of another payment"),
    ],
    "channels.list": [
        (None, "no result"),
        ({"id": 2}, "no result"),
        ([{"id": 2}, "FPX"], "channel 2: it holds no result"),
        ([{"name": "FPX"}], "channel 1: id is missing"),
        ([{"id": "2"}], "channel 1: id is not an integer"),
    ],
    "call GET": [
        (None, "a JSON object is missing"),
        ([], "a JSON object is missing"),
        ({}, "the member '.*' is missing"),
        (PAID | {"status": "1"}, "does not match the description"),
        (PAID | {"amount": "1234"}, "amount must be int, not str"),
        (PAID | {"amount": 1234.0}, "amount must be int, not float"),
        (PAID | {"amount": True, "channelId": "2"}, "amount must be int, not bool; channel_id must be int, not str"),
        (PAID | {"currencyCode": None}, "currency_code must be str, not NoneType"),
    ],
    "authenticate": [
        (None, "no result"),
        ({}, "accessToken is missing"),
        ({"accessToken": None, "expireInSeconds": 1}, "accessToken is missing"),
        ({"accessToken": 5}, "accessToken is not a string"),
        ({"accessToken": ""}, "accessToken is empty"),
        ({"accessToken": "with a newline\n"}, "accessToken"),
        ({"accessToken": "tök"}, "accessToken"),
    ],
}


def holds_no_http_object(error: BaseException) -> bool:
    """Assert that an error has nothing of httpx: in its attributes, its cause and its context."""
    assert error.__cause__ is None
    assert error.__context__ is None or isinstance(error.__context__, errors.CommercePayError)
    todo: list[Any] = [*vars(error).values(), *error.args]
    while todo:
        item = todo.pop()
        assert not type(item).__module__.startswith(("httpx", "httpcore", "commercepay_api"))
        if isinstance(item, dict):
            todo += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set):
            todo += item
    return True


def same_after_pickling(error: errors.CommercePayError) -> bool:
    again = pickle.loads(pickle.dumps(error))
    return (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def caught_by_all(driver: Any, gateway: Any, reply: Reply) -> dict[str, errors.CommercePayError]:
    """The error of each call for this response."""
    caught: dict[str, errors.CommercePayError] = {}
    for call, (path, act) in CALLS.items():
        gateway.always = {path: reply}
        with pytest.raises(errors.CommercePayError) as info:
            driver.do(act(driver.client(max_retries=0)))
        caught[call] = info.value
    return caught


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(driver: Any, gateway: Any, name: str) -> None:
    """A refusal raises the error of its code for every call, in both forms, with any HTTP status. It keeps the response."""
    reply, expected, code = REFUSALS[name]
    for call, error in caught_by_all(driver, gateway, reply).items():
        assert isinstance(error, APIError), call
        if call == "authenticate" and expected in (APIError, ValidationFailed):
            assert type(error) in (expected, AuthenticationError), call
        else:
            assert type(error) is expected, call
        assert error.code == code, call
        assert error.status_code == reply.status, call
        assert error.body == reply.content(), call
        assert error.headers["content-length"] == str(len(reply.content())), call
        assert holds_no_http_object(error), call
        assert same_after_pickling(error), call


@pytest.mark.parametrize("name", NOT_THE_GATEWAYS)
def test_a_401_of_a_proxy(driver: Any, gateway: Any, name: str) -> None:
    """A 401 that is not the gateway's own leaves a POST's outcome unknown, is not repeated, and costs the token."""
    for call, error in caught_by_all(driver, gateway, NOT_THE_GATEWAYS[name]).items():
        assert type(error) is (UnreadableOutcome if call in POSTS else AuthenticationError), call
        assert error.status_code == 401, call
        assert holds_no_http_object(error), call
    assert gateway.count(SESSION) == gateway.count(PAYMENT) == 1
    cp = driver.client(max_retries=0)
    gateway.always = {SESSION: NOT_THE_GATEWAYS[name]}
    before = gateway.authenticates
    with pytest.raises(UnreadableOutcome):
        driver.do(cp.sessions.create(**OPENING))
    assert driver.do(cp.payments.query(session_number="S-INV-1")).status.is_paid
    assert gateway.authenticates == before + 2


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable(driver: Any, gateway: Any, name: str) -> None:
    """An unreadable response is an InvalidResponse for every call; for a POST, it is also an OutcomeUnknown."""
    reply = UNREADABLE[name]
    for call, error in caught_by_all(driver, gateway, reply).items():
        assert type(error) is (UnreadableOutcome if call in POSTS else InvalidResponse), call
        assert isinstance(error, InvalidResponse), call
        assert isinstance(error, OutcomeUnknown) == (call in POSTS), call
        assert error.status_code == reply.status, call
        assert error.body == reply.content(), call
        assert "content-type" in error.headers, call
        assert holds_no_http_object(error), call
        assert same_after_pickling(error), call
        assert str(reply.status) in str(error), call
        if isinstance(error, UnreadableOutcome):
            assert error.reference_code == "INV-1", call
            assert "'INV-1'" in str(error), call
    assert gateway.count("/elsewhere") == 0
    assert gateway.count(SESSION) == gateway.count(PAYMENT) == 1  # nothing was sent twice
    assert gateway.count(QUERY) == 2


@pytest.mark.parametrize("call", INCOMPLETE)
def test_incomplete(driver: Any, gateway: Any, call: str) -> None:
    """A result without a required member, or with one of another type, is an error. Nothing is converted."""
    path, act = CALLS[call]
    cp = driver.client()
    for number, (result, why) in enumerate(INCOMPLETE[call], 1):
        gateway.always[path] = Reply(enveloped(result))
        with pytest.raises(InvalidResponse, match=why) as caught:
            driver.do(act(cp))
        assert type(caught.value) is (UnreadableOutcome if call in POSTS else InvalidResponse)
        assert holds_no_http_object(caught.value)
        assert same_after_pickling(caught.value)
        assert gateway.count(path) == number


URL, SCRIPT = STARTED["redirectUrl"], "<form></form><script>document.forms[0].submit()</script>"


@pytest.mark.parametrize(
    ("kind", "url", "script", "expected"),
    [
        (1, URL, None, (URL, None)),
        (2, None, SCRIPT, (None, SCRIPT)),
        (2, "", SCRIPT, (None, SCRIPT)),
        (None, None, SCRIPT, (None, SCRIPT)),
        (2, URL, None, (URL, None)),
        (2, URL, SCRIPT, (None, SCRIPT)),
        (1, URL, SCRIPT, (URL, None)),
        (None, URL, SCRIPT, (URL, None)),
    ],
)
def test_url_or_script(driver: Any, gateway: Any, cp: Any, kind: Any, url: Any, script: Any, expected: Any) -> None:
    """A started payment has a URL or a script, never both."""
    redirection = {"redirectionType": kind, "redirectUrl": url, "clientScript": script}
    gateway.always[PAYMENT] = Reply(enveloped(STARTED | redirection))
    started = driver.do(cp.payments.create(**OPENING))
    assert (started.redirect_url, started.client_script) == expected
    assert started.uses_script == (expected[0] is None)
    assert started.redirection_type == kind


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("sessions.create", OPENED | {"redirectUrl": None}),
        ("sessions.create", OPENED | {"sessionNumber": None}),
        ("payments.create", STARTED | {"redirectUrl": None}),
        ("payments.create", STARTED | {"redirectUrl": None, "transactionNumber": 2005671137}),
        ("payments.create", STARTED | {"redirectUrl": "\x1b[2J"}),
        ("payments.query", PAID | {"status": None}),
    ],
)
def test_what_an_incomplete_result_has(driver: Any, gateway: Any, call: str, result: dict[str, Any]) -> None:
    """The error of an incomplete result has the number and the URL that came, as an attribute and in its text."""
    path, act = CALLS[call]
    gateway.always[path] = Reply(enveloped(result))
    with pytest.raises(InvalidResponse) as caught:
        driver.do(act(driver.client()))
    came = {name: result.get(name) for name in ("transactionNumber", "sessionNumber", "redirectUrl")}
    assert caught.value.received == {name: value for name, value in came.items() if value is not None}
    for name, value in caught.value.received.items():
        assert f"{name} {str(value)!a}" in str(caught.value)
    assert same_after_pickling(caught.value)


def test_bare_results(driver: Any, gateway: Any, cp: Any) -> None:
    """A result without an envelope, as on the vendor's pages, is accepted."""
    gateway.always |= {
        AUTHENTICATE: Reply({"accessToken": "Token-Bare", "expireInSeconds": 86400}),
        SESSION: Reply(OPENED),
        PAYMENT: Reply(STARTED),
        QUERY: Reply(PAID),
        GENERIC: Reply({"list": [1]}),
    }
    assert driver.do(cp.sessions.create(**OPENING)).session_number == "S-1"
    assert driver.do(cp.payments.create(**OPENING)).transaction_number == "T-1"
    assert driver.do(cp.payments.query(session_number="s-1")).status.is_paid
    assert driver.do(cp.request("POST", GENERIC)) == {"list": [1]}
    assert gateway.authenticates == 1


@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(enveloped(OPENED), status) for status in (201, 202, 400, 401, 404, 500, 599)),
        Reply(enveloped(OPENED, success=False)),
        Reply(gzip.compress(Reply(enveloped(OPENED)).content()), 200, {"Content-Encoding": "gzip"}),
    ],
)
def test_the_body_decides(driver: Any, gateway: Any, cp: Any, reply: Reply) -> None:
    """A result without an error is a result, with any HTTP status and `success`, and compressed. The POST is sent once."""
    gateway.always[SESSION] = reply
    assert driver.do(cp.sessions.create(**OPENING)).session_number == "S-1"
    assert gateway.count(SESSION) == 1


def test_a_result_with_a_code_alone(driver: Any, gateway: Any, cp: Any) -> None:
    """A result with a `code` but no `message`, or the other way round, is not a refusal."""
    for result in ({"code": 1}, {"message": "m"}, {"code": "1", "message": "m"}, {"code": 1, "message": None}):
        gateway.always[GENERIC] = Reply(enveloped(result))
        assert driver.do(cp.request("POST", GENERIC)) == result


def test_unknown_members(driver: Any, gateway: Any, cp: Any) -> None:
    """Unknown members are accepted, and kept in `raw`."""
    gateway.always[QUERY] = Reply(enveloped(PAID | {"new": {"deep": [1]}}))
    assert driver.do(cp.payments.query(session_number="S-1")).raw["new"] == {"deep": [1]}


def test_validation_errors_are_typed(driver: Any, gateway: Any, cp: Any) -> None:
    """A validation error names each member and message, also in its text."""
    gateway.always[SESSION] = REFUSALS["validation"][0]
    with pytest.raises(ValidationFailed) as caught:
        driver.do(cp.sessions.create(**OPENING))
    assert [(p.message, p.members) for p in caught.value.validation_errors] == [
        ("Too long", ("referenceCode",)),
        ("Missing", ()),
    ]
    assert "referenceCode: Too long" in str(caught.value)
    assert caught.value.message == "Invalid"


def test_unreadable_logins_keep_no_token(driver: Any, gateway: Any, cp: Any) -> None:
    """The error for an unusable response of Authenticate keeps the body without its tokens."""
    for body in (
        b'{"result": {"accessToken": "Token-Secret", "encryptedAccessToken": "Token-Secret"',
        b'{"result": {"accessToken": "Token-Secr',
        b'[{"accessToken":"Token-Secret"}]',
        Reply(enveloped({"accessToken": "Token-Secret \u00e9"})).content(),
        Reply(enveloped({"accessToken": "Token-Secret", "code": 7, "message": "m"})).content(),
    ):
        gateway.always[AUTHENTICATE] = Reply(body)
        with pytest.raises((InvalidResponse, APIError)) as caught:
            driver.do(cp.sessions.create(**OPENING))
        assert b"Token-Secr" not in caught.value.body
        assert b"Token-Secr" not in pickle.dumps(caught.value)
        assert not isinstance(caught.value, OutcomeUnknown)
    assert gateway.count(SESSION) == 0
