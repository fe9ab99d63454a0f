"""The requests that the sandbox's gateway accepts and refuses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sandbox.conftest import Caller

from commercepay import signature
from commercepay.sandbox.rules import LOCK_OUT_AFTER, LOCKED_FOR
from commercepay.testing import Sandbox, sandbox

GATEWAY = "/api/services/app/PaymentGateway"
NUMBER = "[0-9A-Z]{22}([0-9A-Z]{3})?"
INVALID_SIGNATURE = {
    "result": {"code": 1, "message": "Invalid Signature."},
    "targetUrl": None,
    "success": True,
    "error": None,
    "unAuthorizedRequest": False,
    "__abp": True,
}


def test_authenticate_gives_a_token_for_a_day(caller: Caller) -> None:
    """Right credentials get a token with the lifetime that was observed on staging, in the framework's envelope."""
    response = caller.authenticate()
    assert response.status_code == 200
    body = response.json()
    assert body["result"].keys() == {"accessToken", "encryptedAccessToken", "expireInSeconds", "userId"}
    assert body["result"]["expireInSeconds"] == 86_400
    assert body | {"result": None} == INVALID_SIGNATURE | {"result": None}


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"userNameOrEmailAddress": "somebody"}])
def test_wrong_credentials_are_refused(caller: Caller, changes: dict[str, str]) -> None:
    """A wrong user name or password gets ABP's response, with an error and its details in the envelope."""
    response = caller.authenticate(**changes)
    assert response.status_code == 401
    assert response.json()["error"] == {
        "code": 0,
        "message": "Login failed!",
        "details": "Invalid user name or password",
        "validationErrors": None,
    }
    assert response.json()["result"] is None


def test_repeated_wrong_passwords_lock_the_user(caller_of: Callable[..., Caller]) -> None:
    """With `lock_out`, the right password is refused as well after five wrong ones, for five minutes."""
    with sandbox(lock_out=True) as sb:
        caller = caller_of(sb)
        for _ in range(LOCK_OUT_AFTER - 1):
            caller.authenticate(password="wrong")
        assert caller.authenticate().status_code == 200
        for _ in range(LOCK_OUT_AFTER):
            assert caller.authenticate(password="wrong").json()["error"]["details"] == "Invalid user name or password"
        locked = caller.authenticate()
        assert (locked.status_code, locked.json()["error"]["code"]) == (401, 0)
        assert "locked out" in locked.json()["error"]["details"]
        sb.clock.advance(LOCKED_FOR + 1)
        assert caller.authenticate().status_code == 200


def test_nobody_is_locked_out_without_the_switch(caller: Caller) -> None:
    """By default, the right password works after any number of wrong ones."""
    for _ in range(LOCK_OUT_AFTER + 1):
        caller.authenticate(password="wrong")
    assert caller.authenticate().status_code == 200


def test_credentials_of_another_tenant_are_refused(caller: Caller, other: Caller) -> None:
    """The credentials of one tenant are refused with the id of another."""
    body = {"userNameOrEmailAddress": caller.credentials.username, "password": caller.credentials.password}
    headers = {"Abp-TenantId": str(other.credentials.tenant_id)}
    assert caller.http.post("/api/TokenAuth/Authenticate", json=body, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Authorization": None}, "no Authorization header"),
        ({"Authorization": "Bearer nonsense"}, "has not issued this access token"),
        ({"Authorization": "Bearer {%s}"}, "in braces"),
        ({"Authorization": "%s"}, "does not begin with"),
    ],
)
def test_a_call_without_access_is_unauthorized_and_explained(
    caller: Caller, change: dict[str, str | None], why: str
) -> None:
    """A missing or wrong token is HTTP 401 with `unAuthorizedRequest`; the header explains it."""
    refuses(caller, change, why)


TENANT_HEADERS: list[tuple[dict[str, str | None], str]] = [
    ({"Abp-TenantId": None}, "no Abp-TenantId header"),
    ({"Abp-TenantId": "4711"}, "has no tenant of"),
    ({"Abp-TenantId": "1002"}, "belongs to tenant 1001"),
]


@pytest.mark.parametrize("change", [change for change, _ in TENANT_HEADERS])
def test_the_token_gives_the_tenant(sb: Sandbox, caller: Caller, change: dict[str, str | None]) -> None:
    """With a token, the tenant header is neither required nor compared, as in the framework."""
    assert changed(caller, change).status_code == 200
    assert sb.orders[0].tenant_id == caller.credentials.tenant_id


@pytest.mark.parametrize(("change", "why"), TENANT_HEADERS)
def test_a_strict_gateway_compares_the_tenant(
    caller_of: Callable[..., Caller], change: dict[str, str | None], why: str
) -> None:
    """With `strict_tenant`, a missing header and another tenant's are HTTP 401."""
    with sandbox(strict_tenant=True) as sb:
        refuses(caller_of(sb), change, why)
        assert caller_of(sb).open()


def changed(caller: Caller, change: dict[str, str | None]) -> httpx.Response:
    """The response to a valid request with other headers; `%s` is the token."""
    members = caller.members()
    headers = caller.headers(caller.sign("InitialSession", members))
    for name, value in change.items():
        del headers[name]
        if value is not None:
            headers[name] = value.replace("%s", caller.token)
    return caller.http.post(f"{GATEWAY}/InitialSession", json=members, headers=headers)


def refuses(caller: Caller, change: dict[str, str | None], why: str) -> None:
    response = changed(caller, change)
    assert response.status_code == 401
    assert response.json()["unAuthorizedRequest"] is True
    assert response.json()["error"]["code"] == 0
    assert why in response.headers["x-sandbox-explanation"]
    assert caller.token not in response.headers["x-sandbox-explanation"]


def test_a_token_expires(sb: Sandbox, caller: Caller) -> None:
    """A token expires by the sandbox's clock, and a new one works."""
    number = caller.open()
    sb.clock.advance(86_399)
    assert caller.query(SessionNumber=number)["amount"] == 1234
    sb.clock.advance(2)
    response = caller.get("Query", {"SessionNumber": number, "Timestamp": 1})
    assert response.status_code == 401
    assert "expired" in response.headers["x-sandbox-explanation"]
    caller.forget_token()
    assert caller.query(SessionNumber=number)["amount"] == 1234


def test_a_wrong_signature_is_answered_as_on_staging(caller: Caller) -> None:
    """A wrong signature gets HTTP 400 and a code in the result of an envelope that claims success."""
    response = caller.post("InitialSession", caller.members(), signed="0" * 64)
    assert response.status_code == 400
    assert response.json() == INVALID_SIGNATURE
    assert caller.get("Query", {"SessionNumber": "1", "Timestamp": 1}, signed="0" * 64).json() == INVALID_SIGNATURE


def test_nothing_is_created_by_a_wrong_signature(sb: Sandbox, caller: Caller) -> None:
    """A refused request does not use up its reference code."""
    members = caller.members()
    caller.post("InitialSession", members, signed="0" * 64)
    assert sb.orders == []
    assert caller.post("InitialSession", members).json()["result"]["sessionNumber"]


def test_a_member_unknown_to_the_endpoint_breaks_the_signature(caller: Caller) -> None:
    """The gateway signs the bound members, so an unknown member makes the signature wrong."""
    response = caller.post("InitialSession", caller.members(channelId=2))
    assert response.json() == INVALID_SIGNATURE
    assert "channelId" in response.headers["x-sandbox-explanation"]


def test_an_unknown_member_that_was_not_signed_is_left_out(caller: Caller) -> None:
    """An unknown member is not signed, at any depth."""
    members = caller.members(customer={"name": "Aisyah"})
    signed = caller.sign("InitialSession", members)
    members["customer"]["shoeSize"] = 38
    response = caller.post("InitialSession", {**members, "colour": "red"}, signed=signed)
    assert response.json()["result"]["sessionNumber"]


def test_member_names_bind_without_regard_to_case(sb: Sandbox, caller: Caller) -> None:
    """`Customer` is `customer`, for the signature as for the request (assumption)."""
    members = caller.members()
    spelled = {name[0].upper() + name[1:]: value for name, value in members.items()} | {"Customer": {"NAME": "Aisyah"}}
    assert caller.post("InitialSession", spelled).json()["result"]["sessionNumber"]
    assert sb.orders[0].request == members | {"customer": {"name": "Aisyah"}}


def test_null_members_are_as_good_as_left_out(caller: Caller) -> None:
    """Null is not signed; it is accepted for an optional member, and a required member with null is missing."""
    assert caller.post("InitialSession", caller.members(description=None)).status_code == 200
    response = caller.post("InitialSession", caller.members(currencyCode=None))
    assert response.json()["error"]["validationErrors"] == [
        {"message": "The CurrencyCode field is required.", "members": ["currencyCode"]}
    ]


def test_a_session_is_opened_and_queried(caller: Caller) -> None:
    """InitialSession returns a number and a URL, and Query reports a pending payment."""
    members = caller.members()
    response = caller.post("InitialSession", members)
    result = response.json()["result"]
    assert result == {
        "redirectionType": 1,
        "redirectUrl": f"{caller.url}/pay/{result['sessionNumber']}",
        "clientScript": None,
        "sessionNumber": result["sessionNumber"],
    }
    payment = caller.query(SessionNumber=result["sessionNumber"])
    assert re.fullmatch(NUMBER, payment.pop("transactionNumber"))
    assert payment.pop("creationTime").startswith("20")
    assert payment == {
        "paymentSessionNumber": result["sessionNumber"],
        "referenceCode": members["referenceCode"],
        "status": 0,
        "currencyCode": "MYR",
        "amount": 1234,
        "channelId": None,
        "providerChannelId": None,
        "providerTransactionNumber": None,
        "remark": None,
        "providerPaymentMethod": None,
        "providerErrorMessage": None,
    }


def test_a_payment_is_started_and_queried(caller: Caller) -> None:
    """RequestPayment returns a transaction number, by which Query finds the payment, without a session."""
    number = caller.start(channelId=2, providerChannelId="TEST0021")
    payment = caller.query(TransactionNumber=number)
    assert (payment["transactionNumber"], payment["paymentSessionNumber"]) == (number, None)
    assert (payment["channelId"], payment["providerChannelId"]) == (2, "TEST0021")


def test_numbers_have_the_gateways_shape(caller: Caller) -> None:
    """Sessions and transactions have 22 or 25 capitals and digits; both lengths occur."""
    numbers = [number for _ in range(12) for number in (caller.open(), caller.start())]
    assert all(re.fullmatch(NUMBER, number) for number in numbers)
    assert {len(number) for number in numbers} == {22, 25}


def test_a_channel_can_answer_with_a_script(caller: Caller) -> None:
    """A payment through channel 18 has no URL, but a script with a form to the payment page."""
    result = caller.post("RequestPayment", caller.members(channelId=18)).json()["result"]
    number = result["transactionNumber"]
    assert (result["redirectionType"], result["redirectUrl"]) == (2, None)
    action = re.search(r'<form[^>]* method="post" action="([^"]+)"', result["clientScript"])
    assert action is not None
    opened = caller.http.post(action[1], headers={"Origin": "https://shop.example.my"})
    assert (opened.status_code, opened.headers["location"]) == (303, f"/pay/{number}")
    assert ".submit()" in result["clientScript"]


def test_a_payment_without_a_callback_url(sb: Sandbox, caller: Caller) -> None:
    """`callbackUrl` may be left out; there is no callback then, and Query has the outcome."""
    members = caller.members()
    del members["callbackUrl"]
    number = caller.post("InitialSession", members).json()["result"]["sessionNumber"]
    sb.pay(number)
    assert sb.callbacks == []
    assert caller.query(SessionNumber=number)["status"] == 1


CHANNELS = "/api/services/app/Channel/GetTenantChannelsByCountry"


@pytest.mark.parametrize("signed", [True, False])
def test_the_channels_of_a_country(caller: Caller, signed: bool) -> None:
    """The channels are listed with their currencies and surcharges, whether the call is signed or not."""
    headers = caller.headers(
        signature.sign(caller.url + CHANNELS, {"countryCode": "MY"}, caller.credentials.secret_key)
    )
    if not signed:
        del headers["cap-signature"]
    result = caller.http.get(CHANNELS, params={"countryCode": "MY"}, headers=headers).json()["result"]
    assert [one["id"] for one in result] == [2, 4, 18, 22]
    card = result[1]
    assert (card["name"], card["groupName"]) == ("Card", "Cards")
    (currency,) = card["currencyList"]
    assert (currency["acceptedCurrencyCode"], currency["isSurchargePercentage"]) == ("MYR", True)
    assert currency["surcharge"] == 1.5
    elsewhere = caller.http.get(CHANNELS, params={"countryCode": "SG"}, headers=caller.headers(""))
    assert elsewhere.json()["result"]["code"] == 1, "a signature that is sent must be right"


def test_another_country_has_no_channels(caller: Caller) -> None:
    """A country without channels is an empty list; without a country the request is invalid."""
    headers = caller.headers("")
    del headers["cap-signature"]
    assert caller.http.get(CHANNELS, params={"countryCode": "SG"}, headers=headers).json()["result"] == []
    problems = caller.http.get(CHANNELS, headers=headers).json()["error"]["validationErrors"]
    assert problems == [{"message": "The CountryCode field is required.", "members": ["countryCode"]}]
    assert caller.http.get(CHANNELS, params={"countryCode": "MY"}).status_code == 401


@pytest.mark.parametrize(("channel", "surcharge"), [(2, 0), (4, 19), (22, 50), (77, 0)])
@pytest.mark.parametrize("reported", [False, True])
def test_surcharges(caller_of: Callable[..., Caller], channel: int, surcharge: int, reported: bool) -> None:
    """A channel's surcharge is added to the reported amount only with `report_surcharge`, in Query as in the callback."""
    with sandbox(report_surcharge=reported) as sb:
        caller = caller_of(sb)
        number = caller.open(amount=1234)
        payment = sb.pay(number, channel_id=channel)
        amount = 1234 + surcharge if reported else 1234
        assert payment.surcharge == surcharge
        assert caller.query(SessionNumber=number)["amount"] == amount
        assert sb.callbacks[0].members["amount"] == amount


def test_a_used_reference_code_is_refused(caller: Caller) -> None:
    """A reference code is accepted once, over both endpoints; then the code is 2009."""
    members = caller.members()
    caller.post("InitialSession", members)
    for endpoint in ("InitialSession", "RequestPayment"):
        response = caller.post(endpoint, members | {"amount": 1, "timestamp": 2})
        assert response.status_code == 400
        assert response.json()["error"]["code"] == 2009
        assert response.json()["success"] is False


def test_two_tenants_may_use_the_same_reference_code(caller: Caller, other: Caller) -> None:
    """Two merchants can use the same reference code."""
    assert caller.open(referenceCode="INV-7")
    assert other.open(referenceCode="INV-7")


NOT_FOUND = {"code": 2010, "message": "Transaction Not Found", "details": None, "validationErrors": None}


def test_query_does_not_find_what_is_not_there(caller: Caller, other: Caller) -> None:
    """A number that is unknown, of another tenant, or beside that of another session is 2010 with HTTP 400, as on staging."""
    number, another = caller.open(), caller.open()
    transaction = caller.query(SessionNumber=number)["transactionNumber"]
    for one, members in (
        (caller, {"SessionNumber": "nothing"}),
        (caller, {"TransactionNumber": "1000000000000000"}),
        (other, {"SessionNumber": number}),
        (caller, {"TransactionNumber": transaction, "SessionNumber": another}),
    ):
        response = one.get("Query", {**members, "Timestamp": 1})
        assert response.status_code == 400
        assert (response.json()["error"], response.json()["success"]) == (NOT_FOUND, False)


def test_query_needs_a_number(caller: Caller) -> None:
    """Query without a number is a validation error that names both members."""
    problems = caller.get("Query", {"Timestamp": 1}).json()["error"]["validationErrors"]
    assert problems[0]["members"] == ["transactionNumber", "sessionNumber"]


@pytest.mark.parametrize(
    ("changes", "member", "message"),
    [
        ({"referenceCode": "x" * 51}, "referenceCode", "must be a string with a maximum length of 50"),
        ({"description": "x" * 101}, "description", "maximum length of 100"),
        ({"currencyCode": "myr"}, "currencyCode", "must match the regular expression"),
        ({"amount": 12.5}, "amount", "is not valid"),
        ({"customer": {"name": "x" * 37}}, "customer.name", "maximum length of 36"),
        ({"description": "\U0001f600" * 51}, "description", "maximum length of 100"),
        ({"customer": {"name": "\U0001f600" * 19}}, "customer.name", "maximum length of 36"),
        ({"referenceCode": ""}, "referenceCode", "field is required"),
        ({"referenceCode": " "}, "referenceCode", "field is required"),
        ({"ipAddress": ""}, "ipAddress", "field is required"),
        ({"expiredInMinutes": 0}, "expiredInMinutes", "greater than 0"),
        ({"expiredInMinutes": -1}, "expiredInMinutes", "greater than 0"),
        ({"requestPaymentExtraInfo": {"hiddenChannel": ["x"]}}, "requestPaymentExtraInfo.hiddenChannel.0", "not valid"),
    ],
)
def test_bad_members_get_abps_validation_error(
    caller: Caller, changes: dict[str, Any], member: str, message: str
) -> None:
    """A request beyond the limits gets HTTP 400 and names the members in `validationErrors`."""
    response = caller.post("InitialSession", caller.members(**changes))
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["message"]) == (0, "Your request is not valid!")
    assert [problem["members"] for problem in error["validationErrors"]] == [[member]]
    assert message in error["validationErrors"][0]["message"]
    assert message in error["details"]


def test_every_missing_member_is_named(caller: Caller) -> None:
    """An empty request gets one validation error for each missing member."""
    problems = caller.post("RequestPayment", {}).json()["error"]["validationErrors"]
    assert {problem["members"][0] for problem in problems} == {
        "currencyCode",
        "amount",
        "referenceCode",
        "timestamp",
        "ipAddress",
        "returnUrl",
    }


def test_lengths_count_utf16_units(caller: Caller) -> None:
    """Characters are counted as in .NET: 50 emoji are 100 characters, the limit of the description."""
    assert caller.post("InitialSession", caller.members(description="\U0001f600" * 50)).status_code == 200


def test_a_whole_number_written_as_a_fraction_is_taken(sb: Sandbox, caller: Caller) -> None:
    """JSON's 1234.0 is the integer 1234, and is signed as such."""
    members = caller.members()
    signed = caller.sign("InitialSession", members)
    assert caller.post("InitialSession", {**members, "amount": 1234.0}, signed=signed).status_code == 200
    assert type(sb.orders[0].amount) is int


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"amount": NaN}',
        b'{"amount": 1e400}',
        b"\xff\xfe",
        b'{"description": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_bad_input(caller: Caller, body: bytes) -> None:
    """A request that can't be bound is a validation error."""
    headers = caller.headers("0" * 64) | {"Content-Type": "application/json"}
    response = caller.http.post(f"{GATEWAY}/InitialSession", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["validationErrors"]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "text/json",
        "application/json-patch+json",
        "application/vnd.shop+json",
        "APPLICATION/JSON",
    ],
)
def test_the_frameworks_types_of_json_are_taken(caller: Caller, kind: str) -> None:
    """Every media type for JSON that the framework reads is read."""
    members = caller.members()
    signed = caller.sign("InitialSession", members)
    headers = caller.headers(signed) | {"Content-Type": kind}
    response = caller.http.post(f"{GATEWAY}/InitialSession", content=json.dumps(members), headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "text/vnd.shop+json", "json", ""])
def test_other_types_are_not_taken(caller: Caller, kind: str) -> None:
    """JSON with another media type, or without one, is HTTP 415."""
    headers = caller.headers("0" * 64) | {"Content-Type": kind}
    assert caller.http.post(f"{GATEWAY}/InitialSession", content=b"{}", headers=headers).status_code == 415


def test_a_form_is_not_taken(caller: Caller) -> None:
    """A form in place of JSON is HTTP 415."""
    response = caller.http.post("/api/TokenAuth/Authenticate", data={"password": "x"})
    assert (response.status_code, response.json()["error"]["message"]) == (415, "Unsupported Media Type")


def test_an_unknown_endpoint_is_not_found(caller: Caller) -> None:
    """An unknown path is HTTP 404 in the framework's envelope, and the header lists the known ones."""
    response = caller.http.post(f"{GATEWAY}/NoSuchEndpoint", json={})
    assert response.status_code == 404
    assert response.json()["__abp"] is True
    assert f"POST {GATEWAY}/RequestPayment" in response.headers["x-sandbox-explanation"]


def test_a_wrong_method_is_not_allowed(caller: Caller) -> None:
    """A known path with another method is HTTP 405, with the allowed methods."""
    response = caller.http.post(f"{GATEWAY}/Query", json={})
    assert (response.status_code, response.headers["allow"]) == (405, "GET")


def test_paths_are_found_without_regard_to_case(caller: Caller) -> None:
    """A path is found in any case, as in ASP.NET."""
    members = caller.members()
    path = f"{GATEWAY.lower()}/initialsession"
    signed = signature.sign(caller.url + path, members, caller.credentials.secret_key)
    assert caller.http.post(path, json=members, headers=caller.headers(signed)).status_code == 200


def test_seconds_for_milliseconds_are_hinted_at(caller: Caller) -> None:
    """A signed timestamp in seconds is accepted, with a hint in the header."""
    response = caller.post("InitialSession", caller.members(timestamp=int(time.time())))
    assert response.status_code == 200
    assert "seconds for milliseconds" in response.headers["x-sandbox-explanation"]


def test_the_log_of_requests_holds_no_secret(sb: Sandbox, caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """Password, token, secret key and signature are masked wherever a request is shown or logged."""
    caplog.set_level("DEBUG")
    members = caller.members(description=f"my key is {caller.credentials.secret_key}")
    signed = caller.sign("InitialSession", members)
    caller.post("InitialSession", members, signed=signed)
    caller.post("InitialSession", members, signed="0" * 63 + "1")
    caller.http.post(
        "/api/TokenAuth/Authenticate",
        content=f'{{"password": "{caller.credentials.password}"',
        headers={"Content-Type": "application/json"},
    )
    pages = [caller.http.get(path).text for path in ("/_sandbox/api/requests", "/_sandbox/api/state")]
    shown = repr(sb.requests) + caplog.text + "".join(pages)
    assert len(sb.requests) == 4
    for secret in (caller.token, signed, caller.credentials.password, caller.credentials.secret_key, "0" * 63 + "1"):
        assert secret not in shown
    assert "INV-1" in shown


def test_a_request_is_recorded_with_its_verdict(sb: Sandbox, caller: Caller) -> None:
    """Each request is kept with its body, its response and its verdict."""
    members = caller.members()
    caller.post("InitialSession", members)
    caller.post("InitialSession", members)
    caller.post("InitialSession", members, signed="f" * 64)
    verdicts = [(one.operation, one.status, one.verdict) for one in sb.requests]
    assert verdicts == [
        ("Authenticate", 200, "accepted"),
        ("InitialSession", 200, "accepted"),
        ("InitialSession", 400, "refused 2009"),
        ("InitialSession", 400, "signature refused"),
    ]
    assert json.loads(sb.requests[1].body) == members
    assert json.loads(sb.requests[2].response)["error"]["code"] == 2009
