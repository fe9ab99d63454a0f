"""Reading responses: every status, unreadable bodies, unknown codes."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
import traceback
from typing import Any

import httpx
import pytest
from commercepay_api.api.payment_gateway import initial_session, query, request_payment
from commercepay_api.api.token_auth import authenticate
from commercepay_api.wire import UnreadableResponse
from commercepay_api.models import (
    AuthenticateRequest,
    AuthenticateResult,
    ErrorCode,
    ErrorInfo,
    IdentificationType,
    PaymentStarted,
    PaymentStatus,
    QueryResult,
    Refusal,
    SessionOpened,
    SessionRequest,
)
from commercepay_api.types import UNSET
from facade.gateway import ON_THE_WIRE
from hypothesis import given
from hypothesis import strategies as st

PAID = {"referenceCode": "INV-1", "status": 1, "currencyCode": "MYR", "amount": 1234}
QUERY: dict[str, Any] = {"transaction_number": "2005", "timestamp": 1621851652617}
SESSION = SessionRequest.from_dict({**ON_THE_WIRE, "timestamp": 1621851652617})
SECRET = "do-not-show-me"  # must not appear


def enveloped(result: Any, error: Any = None) -> bytes:
    envelope = {
        "result": result,
        "targetUrl": None,
        "success": error is None,
        "error": error,
        "unAuthorizedRequest": False,
        "__abp": True,
    }
    return json.dumps(envelope).encode()


@pytest.mark.parametrize("status", [200, 201, 299, 400, 401, 403, 404, 429, 500, 502, 503, 520, 524, 527, 599, 999])
def test_any_status_is_kept(gateway: Any, status: int) -> None:
    """Every HTTP status is kept as a number, also an unregistered one, and the body decides."""
    gateway.status, gateway.body = status, enveloped(PAID)
    response = gateway.call(query, **QUERY)
    assert response.status_code == status
    assert response.parsed.result == QueryResult.from_dict(PAID)


UNREADABLE = [
    pytest.param(b"", id="empty"),
    pytest.param(b"   \n", id="blank"),
    pytest.param(b"<html><body>502 Bad Gateway do-not-show-me</body></html>", id="HTML"),
    pytest.param(b"[]", id="empty list"),
    pytest.param(b'[["result", null]]', id="list that dict() takes"),
    pytest.param(b"null", id="null"),
    pytest.param(b"true", id="true"),
    pytest.param(b"12", id="number"),
    pytest.param(b'"do-not-show-me"', id="string"),
    pytest.param(b"{}", id="empty object"),
    pytest.param(enveloped(PAID)[:-9], id="truncated"),
    pytest.param(enveloped(PAID) + b"}", id="with a tail"),
    pytest.param(b'{"result": {"remark": "do-not-show-me \xe9\xff"}}', id="not UTF-8"),
    pytest.param(b"\xff\xfe{\x00", id="half UTF-16"),
    pytest.param(b"[" * 200_000, id="nested too deep"),
    pytest.param(b'{"a":' * 200_000, id="objects nested too deep"),
    pytest.param(b'{"result": {"amount": ' + b"1" * 5000 + b"}}", id="number too long"),
    pytest.param(b'{"success": true}', id="no result"),
    pytest.param(b'{"message": "do-not-show-me"}', id="a proxy's own JSON"),
    *(pytest.param(enveloped(result), id=f"result {json.dumps(result)}") for result in ([], "x", 5, True, {}, [PAID])),
    *(pytest.param(enveloped({**PAID, missing: None}), id=f"null {missing}") for missing in ("status",)),
    *(
        pytest.param(enveloped({k: v for k, v in PAID.items() if k != missing}), id=f"without {missing}")
        for missing in PAID
    ),
    *(
        pytest.param(enveloped({**PAID, "status": status}), id=f"status {json.dumps(status)}")
        for status in (True, False, "1", 1.0, 1.5, [], {}, [1], "do-not-show-me")
    ),
    *(pytest.param(enveloped(None, error), id=f"error {json.dumps(error)}") for error in ("x", [], 5, True)),
    pytest.param(enveloped(None, {"code": "2010"}), id="error code as text"),
    pytest.param(enveloped(None, {"code": True}), id="error code true"),
    pytest.param(enveloped(None, {"validationErrors": {}}), id="validation errors as object"),
    pytest.param(enveloped(None, {"validationErrors": ["do-not-show-me"]}), id="validation error as text"),
    pytest.param(enveloped({"code": "1", "message": "Invalid Signature."}), id="refusal code as text"),
    pytest.param(enveloped({"code": True, "message": "Invalid Signature."}), id="refusal code true"),
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_any_unreadable_body_is_one_error(gateway: Any, body: bytes) -> None:
    """A body that does not match the description is one error. It keeps the response, and does not show it."""
    gateway.body, gateway.headers = body, {"retry-after": "7", "set-cookie": SECRET}
    for gateway.status in (200, 502, 520):
        with pytest.raises(UnreadableResponse) as caught:
            gateway.call(query, **QUERY)
        error = caught.value
        assert (error.status_code, error.content, error.headers["Retry-After"]) == (gateway.status, body, "7")
        assert str(len(body)) in str(error)
        shown = "".join([str(error), repr(error), repr(error.args), *traceback.format_exception_only(error)])
        assert SECRET not in shown
        assert error.__cause__ is None
        assert error.__context__ is None


def test_the_error_says_what_is_missing(gateway: Any) -> None:
    """The error for an incomplete result names the missing member."""
    gateway.body = enveloped({"redirectionType": 1})
    with pytest.raises(UnreadableResponse, match="'sessionNumber' is missing"):
        gateway.call(initial_session, body=SESSION)


@pytest.mark.parametrize(("encoding", "body"), [("gzip", b"no gzip"), ("gzip", b""), ("deflate", b"\xff\xff\xff")])
def test_a_body_that_cannot_be_decoded(gateway: Any, encoding: str, body: bytes) -> None:
    """A body that can't be decoded is the same error, with status and headers but without content."""
    gateway.status, gateway.body, gateway.headers = 503, body, {"content-encoding": encoding}
    with pytest.raises(UnreadableResponse) as caught:
        gateway.call(query, **QUERY)
    error = caught.value
    assert (error.status_code, error.content, error.headers["content-encoding"]) == (503, b"", encoding)


def test_a_compressed_body_is_read(gateway: Any) -> None:
    """A compressed body is decoded."""
    gateway.body, gateway.headers = gzip.compress(enveloped(PAID)), {"content-encoding": "gzip"}
    response = gateway.call(query, **QUERY)
    assert response.parsed.result.status is PaymentStatus.PAID
    assert response.content == enveloped(PAID)


@pytest.mark.parametrize("duplicate", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_errors_can_be_pickled(duplicate: Any) -> None:
    """The error can be pickled and copied with all its attributes."""
    error = UnreadableResponse(520, b"<html>", httpx.Headers({"Retry-After": "7"}), "it is not JSON")
    twin = duplicate(error)
    assert type(twin) is UnreadableResponse
    assert (twin.status_code, twin.content, twin.headers["retry-after"]) == (520, b"<html>", "7")
    assert (twin.reason, str(twin)) == (error.reason, str(error))


def test_the_generated_error_is_no_error_of_reading(gateway: Any) -> None:
    """A timeout or a broken connection is not an unreadable response."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too slow", request=request)

    client = gateway.client(httpx_args={"transport": httpx.MockTransport(fail)})
    with pytest.raises(httpx.ReadTimeout):
        gateway.call(query, client, **QUERY)


REDIRECT = {"redirectionType": 1, "redirectUrl": "https://x.test/p"}
LOGIN = AuthenticateRequest(user_name_or_email_address="shop", password="x")

OPERATIONS = pytest.mark.parametrize(
    ("operation", "arguments", "result", "model"),
    [
        (authenticate, {"body": LOGIN}, {"accessToken": "t", "expireInSeconds": 86400}, AuthenticateResult),
        (request_payment, {"body": SESSION}, {**REDIRECT, "transactionNumber": "2005"}, PaymentStarted),
        (initial_session, {"body": SESSION}, {**REDIRECT, "sessionNumber": "S-1"}, SessionOpened),
        (query, QUERY, PAID, QueryResult),
    ],
    ids=["Authenticate", "RequestPayment", "InitialSession", "Query"],
)


@OPERATIONS
def test_a_result(gateway: Any, operation: Any, arguments: Any, result: Any, model: Any) -> None:
    """A result in its envelope, or without one as the vendor's pages show it, becomes the operation's model."""
    gateway.body = enveloped(result)
    parsed = gateway.call(operation, **arguments).parsed
    assert (parsed.result, parsed.error, parsed.field_abp) == (model.from_dict(result), None, True)
    gateway.body = json.dumps(result).encode()
    assert gateway.call(operation, **arguments).parsed.result == model.from_dict(result)


@OPERATIONS
def test_a_refusal(gateway: Any, operation: Any, arguments: Any, result: Any, model: Any) -> None:
    """A refusal in place of the result, or an error beside it, is never read as a result, with any status and `success`."""
    problem = {"message": "The ReferenceCode field is required.", "members": ["referenceCode"]}
    error = {"code": 0, "message": "Invalid.", "details": None, "validationErrors": [problem]}
    for gateway.status in (200, 400, 500):
        gateway.body = enveloped({"code": 1, "message": "Invalid Signature."})
        refusal = gateway.call(operation, **arguments).parsed.result
        assert refusal == Refusal(code=ErrorCode.INVALID_SIGNATURE, message="Invalid Signature.")
        gateway.body = enveloped(None, error)
        parsed = gateway.call(operation, **arguments).parsed
        assert parsed.result is None
        assert isinstance(parsed.error, ErrorInfo)
        assert (parsed.error.code, parsed.error.message) == (0, "Invalid.")
        assert parsed.error.validation_errors[0].to_dict() == problem


def test_members_that_are_null_missing_or_unknown(gateway: Any) -> None:
    """An optional member of a result is None for null and UNSET if it is absent; an unknown member is kept."""
    gateway.body = enveloped({**PAID, "remark": None, "new": [1]})
    result = gateway.call(query, **QUERY).parsed.result
    assert result.remark is None
    assert result.transaction_number is UNSET
    assert result.additional_properties == {"new": [1]}


@pytest.mark.parametrize("code", [99, -1, 2**70])
def test_an_unknown_status_is_kept(gateway: Any, code: int) -> None:
    """An unknown status keeps its number and equals no known one."""
    gateway.body = enveloped({**PAID, "status": code})
    status = gateway.call(query, **QUERY).parsed.result.status
    assert isinstance(status, PaymentStatus)
    assert status == status.value == code
    assert not status.is_known
    assert status not in list(PaymentStatus)
    assert QueryResult.from_dict({**PAID, "status": code}).to_dict()["status"] == code


@given(st.integers())
def test_any_integer_is_a_code(code: int) -> None:
    """Every integer is a code, equal after pickling and copying, and known only if the description has it."""
    for kind in (PaymentStatus, ErrorCode, IdentificationType):
        member = kind(code)
        for twin in (kind(code), pickle.loads(pickle.dumps(member)), copy.copy(member), copy.deepcopy(member)):
            assert type(twin) is kind
            assert twin == member == code
            assert hash(twin) == hash(member)
            assert (twin.name, twin.value, str(twin)) == (member.name, code, str(code))
        assert member.is_known == (code in list(kind))
        assert kind.read(code) == member


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, [], b"1"])
def test_a_code_is_an_integer(value: Any) -> None:
    """Only an integer is a code: true, 1.0 and "1" are not the status paid."""
    with pytest.raises(TypeError):
        PaymentStatus.read(value)


def test_unknown_codes_do_not_pile_up() -> None:
    """Unknown codes are not added to the enum, so a hostile server can't make it grow."""
    before = list(PaymentStatus), dict(PaymentStatus.__members__)
    for code in range(1000, 1100):
        PaymentStatus(code)
    assert (list(PaymentStatus), dict(PaymentStatus.__members__)) == before
