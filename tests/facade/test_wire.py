"""What the gateway receives: signature, token, tenant, members. Sync and async, facade and raw."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from commercepay_api.api.payment_gateway import initial_session, query, request_payment
from commercepay_api.api.token_auth import authenticate
from commercepay_api.models import AuthenticateRequest, PaymentRequest, SessionRequest
from facade.conftest import OPENING
from facade.gateway import (
    AUTHENTICATE,
    ON_THE_WIRE,
    PASSWORD,
    PAYMENT,
    QUERY,
    SECRET_KEY,
    SESSION,
    USERNAME,
    Reply,
    enveloped,
    signature_of,
    typed,
)

from commercepay import (
    CommercePay,
    Customer,
    IdentificationType,
    Money,
    PlatformCharge,
    Recurrence,
    RecurrenceMode,
    SubMerchant,
    signature,
)

VECTORS = json.loads((Path(__file__).parents[1] / "signature-vectors.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors_over_their_own_url(vector: Any) -> None:
    """A request to the URL of a vector has exactly the vector's signature."""
    seen: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(AUTHENTICATE):
            return httpx.Response(200, json={"result": {"accessToken": "t", "expireInSeconds": 60}, "success": True})
        seen.append(request)
        return httpx.Response(200, json={"result": {}, "success": True})

    base_url, _, rest = vector["url"].partition("/api/services")
    if not rest:
        base_url, path = vector["url"].rsplit("/", 1)
        path = "/" + path
    else:
        path = "/api/services" + rest.partition("?")[0]
    cp = CommercePay(
        tenant_id=1,
        username="u",
        password="p",
        secret_key=vector["secret"],
        base_url=base_url,
        transport=httpx.MockTransport(respond),
    )
    with cp:
        if "Query" in path:
            cp.request("GET", path, params=vector["data"])
        else:
            cp.request("POST", path, json=vector["data"])
    assert seen[0].headers["cap-signature"] == vector["signature"]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (request_payment, PaymentRequest.from_dict(VECTORS[0]["data"])),
        (initial_session, SessionRequest.from_dict(VECTORS[1]["data"])),
    ],
    ids=["request_payment", "initial_session"],
)
def test_raw_functions_are_signed(driver: Any, gateway: Any, cp: Any, operation: Any, body: Any) -> None:
    """A raw generated POST with the client's `api` carries token, tenant and the right signature."""
    response = driver.raw(operation, cp.api, body=body)

    assert response.status_code == 200
    assert response.parsed.success is True
    received = gateway.seen[-1]
    assert received.signature == signature_of(gateway.url + received.path, received.json)
    assert received.token == "Token-Example-1"


def test_raw_query_types(driver: Any, gateway: Any, cp: Any) -> None:
    """A raw Query signs the timestamp as a number and an all-digit transaction number as a string."""
    driver.raw(query, cp.api, transaction_number="2005671137", timestamp=1621851652617)

    received = gateway.seen[-1]
    assert received.target == f"{QUERY}?TransactionNumber=2005671137&Timestamp=1621851652617"
    expected = {"transactionNumber": "2005671137", "timestamp": 1621851652617}
    assert received.signature == signature_of(gateway.url + QUERY, expected)
    assert received.signature != signature_of(gateway.url + QUERY, expected | {"timestamp": "1621851652617"})
    assert received.signature != signature_of(gateway.url + QUERY, expected | {"transactionNumber": 2005671137})
    assert received.status == 200


def test_raw_authenticate_carries_no_credentials_twice(driver: Any, gateway: Any, cp: Any) -> None:
    """A raw Authenticate has the tenant, and neither token nor signature."""
    driver.raw(authenticate, cp.api, body=AuthenticateRequest(user_name_or_email_address=USERNAME, password=PASSWORD))

    received = gateway.seen[-1]
    assert gateway.authenticates == len(gateway.seen) == 1
    assert received.headers["abp-tenantid"] == "42"
    assert "authorization" not in received.headers
    assert "cap-signature" not in received.headers


def test_facade_query_types(driver: Any, gateway: Any, cp: Any) -> None:
    """`payments.query` signs its timestamp, in milliseconds, as a number, and an all-digit number as a string."""
    before = datetime.now(UTC).timestamp()
    payment = driver.do(cp.payments.query(transaction_number="2005671137"))

    received = typed(gateway.seen[-1])
    assert received.keys() == {"TransactionNumber", "Timestamp"}
    assert before - 1 < received["Timestamp"] / 1000 < before + 60
    assert payment.transaction_number == "2005671137"


def test_headers(driver: Any, gateway: Any, cp: Any) -> None:
    """Every call carries the tenant and JSON headers, and every call but Authenticate token and signature."""
    driver.do(cp.sessions.create(**OPENING))

    login, opening = gateway.seen
    for received in (login, opening):
        assert received.headers["abp-tenantid"] == "42"
        assert received.headers["accept"] == "application/json"
        assert received.headers["content-type"] == "application/json"
        assert received.headers["user-agent"].startswith("commercepay-python/")
    assert login.json.items() >= {"userNameOrEmailAddress": USERNAME, "password": PASSWORD}.items()
    assert "authorization" not in login.headers
    assert opening.headers["authorization"] == "Bearer Token-Example-1"
    assert len(opening.signature) == 64


def test_base_url_with_a_path(driver: Any, gateway: Any) -> None:
    """The path of a base URL is part of the URL that is called and signed."""
    gateway.always["/proxied" + AUTHENTICATE] = gateway.authenticate
    gateway.always["/proxied/x"] = Reply(enveloped({}))
    cp = driver.client(base_url=gateway.url + "/proxied/")
    driver.do(cp.request("POST", "/x", json={"a": 1}))

    assert [received.target for received in gateway.seen] == ["/proxied" + AUTHENTICATE, "/proxied/x"]
    assert gateway.seen[-1].signature == signature_of(gateway.url + "/proxied/x", {"a": 1})


CUSTOMER = Customer(
    name="José 黑马",
    email="Aisyah@Example.my",
    mobile_number="0123456789",
    username="aisyah",
    identification_number="900101-01-0101",
    identification_type=IdentificationType.NEW_IDENTITY_NUMBER,
)
CUSTOMER_ON_THE_WIRE = {
    "name": "José 黑马",
    "email": "Aisyah@Example.my",
    "mobileNo": "0123456789",
    "username": "aisyah",
    "identificationNumber": "900101-01-0101",
    "identificationType": 1,
}
PLAN = Recurrence(
    mode=RecurrenceMode.MONTHLY,
    number_of_payments=12,
    effective_date=date(2026, 9, 1),
    expiry_date=date(2027, 8, 31),
    maximum_amount=Money("99.90", "MYR"),
    is_fixed_amount=False,
    id="P-1",
)
PLAN_ON_THE_WIRE = {
    "mode": 3,
    "numberOfPayments": 12,
    "effectiveDate": "01092026",
    "expiryDate": "31082027",
    "maximumPaymentAmount": 9990,
    "isFixedAmount": False,
    "id": "P-1",
}
MOMENT = datetime(2021, 5, 24, 10, 20, 52, 617_000, tzinfo=UTC)

MEMBERS = [
    ({"amount": Money("0.01", "SGD")}, {"amount": 1, "currencyCode": "SGD"}),
    ({"amount": Money.from_minor(500, "JPY")}, {"amount": 500, "currencyCode": "JPY"}),
    ({"reference_code": "x" * 50}, {"referenceCode": "x" * 50}),
    ({"ip_address": "2001:db8::1"}, {"ipAddress": "2001:db8::1"}),
    ({"return_url": "https://a.my/r?x=1&y=é"}, {"returnUrl": "https://a.my/r?x=1&y=é"}),
    ({"callback_url": "https://a.my/Cb/"}, {"callbackUrl": "https://a.my/Cb/"}),
    ({"description": 'Bilik "A"/B \\ C\n'}, {"description": 'Bilik "A"/B \\ C\n'}),
    ({"user_agent": "u" * 250}, {"userAgent": "u" * 200}),
    ({"customer": CUSTOMER}, {"customer": CUSTOMER_ON_THE_WIRE}),
    ({"customer": Customer(email="a@b.my")}, {"customer": {"email": "a@b.my"}}),
    ({"save_payment": False}, {"savePayment": False}),
    ({"local_citizen": True}, {"localCitizen": True}),
    ({"sub_merchant": SubMerchant(unique_id="U", name="N")}, {"subMerchant": {"uniqueId": "U", "name": "N"}}),
    ({"recurring": PLAN}, {"recurringPaymentInfo": PLAN_ON_THE_WIRE}),
    ({"channel_group_id": 2}, {"requestPaymentExtraInfo": {"channelGroupId": 2}}),
    ({"hidden_channels": [9, 3, 7]}, {"requestPaymentExtraInfo": {"hiddenChannel": [9, 3, 7]}}),
    (
        {"hidden_channels": (1,), "channel_group_id": 0},
        {"requestPaymentExtraInfo": {"hiddenChannel": [1], "channelGroupId": 0}},
    ),
    ({"hidden_channels": []}, {"requestPaymentExtraInfo": {"hiddenChannel": []}}),
    (
        {"platform_charge": PlatformCharge(partner_id="P", amount=Money("1.00", "MYR"))},
        {"platformCharge": {"partnerId": "P", "amount": 100}},
    ),
    ({"timestamp": MOMENT}, {"timestamp": 1621851652617}),
    ({"timestamp": MOMENT.astimezone()}, {"timestamp": 1621851652617}),
]
SESSION_MEMBERS = [({"expires_in": timedelta(hours=1, minutes=1)}, {"expiredInMinutes": 61})]
PAYMENT_MEMBERS = [
    ({"channel_id": 2}, {"channelId": 2}),
    ({"provider_channel_id": "TEST0021"}, {"providerChannelId": "TEST0021"}),
]


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [(SESSION, *pair) for pair in MEMBERS + SESSION_MEMBERS] + [(PAYMENT, *pair) for pair in MEMBERS + PAYMENT_MEMBERS],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value.rpartition("/")[2],
)
def test_every_member(driver: Any, gateway: Any, cp: Any, path: str, given: Any, expected: Any) -> None:
    """Every documented member is sent with its name and type, and no other member is; the request is signed."""
    call = cp.sessions.create if path == SESSION else cp.payments.create
    driver.do(call(**OPENING | given))

    received = gateway.seen[-1]
    assert received.path == path
    assert received.status == 200  # so the signature was right
    sent = received.json
    now = sent.pop("timestamp") if "timestamp" not in expected else 1.7e12
    assert type(now) is int or "timestamp" in expected
    assert sent == ON_THE_WIRE | expected
    assert json.dumps(sent, sort_keys=True) == json.dumps(ON_THE_WIRE | expected, sort_keys=True)  # 1 is not True


def test_nothing_is_null(driver: Any, gateway: Any, cp: Any) -> None:
    """An argument that is left out or None is not sent as null."""
    driver.do(cp.payments.create(**OPENING, description=None, channel_id=None, customer=Customer()))

    sent = gateway.seen[-1].json
    assert "description" not in sent
    assert "channelId" not in sent
    assert sent["customer"] == {}
    assert b"null" not in gateway.seen[-1].body


def test_query_sends_what_is_signed(driver: Any, gateway: Any, cp: Any) -> None:
    """`request("GET")` signs parameters with their types, leaves None out, and sends each as the gateway would read it."""
    gateway.strict = False
    driver.do(cp.request("GET", "/x", params={"n": 5, "s": "5", "b": True, "f": 1.5, "gone": None, "Upper": "é /?&"}))

    received = gateway.seen[-1]
    path, _, query = received.target.partition("?")
    assert path == "/x"
    assert parse_qsl(query) == [("n", "5"), ("s", "5"), ("b", "true"), ("f", "1.5"), ("Upper", "é /?&")]
    expected = {"n": 5, "s": "5", "b": True, "f": 1.5, "Upper": "é /?&"}
    assert received.signature == signature_of(gateway.url + "/x", expected)


@pytest.mark.parametrize(
    "data",
    [
        {"a": MappingProxyType({"b": (1, MappingProxyType({"C": None}))})},
        MappingProxyType({"a": 1}),
        {"a": IdentificationType.OTHER, "b": [None, {"x": None}], "c": 1e22, "d": 1.0, "e": -0.0, "f": 2**70},
        {"ümlaut": "ÄÖÜ ß İ", "ctrl": "\x00\x1f\x7f"},
        {},
    ],
    ids=["nested mappings", "mapping", "numbers", "text", "empty"],
)
def test_request_sends_what_it_signs(driver: Any, gateway: Any, cp: Any, data: Any) -> None:
    """The gateway computes the same signature from the received data, for all data that can be signed."""
    driver.do(cp.request("POST", "/x", json=data))
    assert gateway.seen[-1].status == 200
    assert gateway.seen[-1].signature == signature.sign(gateway.url + "/x", data, SECRET_KEY)


def test_request_returns_plain_data(driver: Any, gateway: Any, cp: Any) -> None:
    """`request` returns the result as plain data, and None for an empty one."""
    assert driver.do(cp.request("POST", "/x", json={"a": 1})) == {"ok": True}
    gateway.always["/x"] = Reply(enveloped(None))
    assert driver.do(cp.request("POST", "/x")) is None
    assert gateway.seen[-1].body == b"{}"


def test_what_comes_back(driver: Any, cp: Any) -> None:
    """`create` and `query` return typed values with the data of the response."""
    session = driver.do(cp.sessions.create(**OPENING))
    started = driver.do(cp.payments.create(**OPENING | {"reference_code": "INV-2"}))
    payment = driver.do(cp.payments.query(session_number="S-1"))

    assert (session.redirect_url, session.session_number) == ("https://pay.example/s", "S-INV-1")
    assert (session.reference_code, session.redirection_type) == ("INV-1", 1)
    assert (started.redirect_url, started.transaction_number) == ("https://pay.example/t", "T-INV-2")
    assert payment.status.is_paid
    assert payment.amount == Money("12.34", "MYR")
    assert (payment.reference_code, payment.session_number) == ("INV-1", "S-1")
    assert payment.raw["providerPaymentMethod"] == "FPX"


def test_last_response(driver: Any, gateway: Any, cp: Any) -> None:
    """`last_response` holds status, headers and raw body of the last call, never those of Authenticate."""
    assert driver.within(lambda: cp.last_response) is None
    driver.do(cp.payments.query(session_number="S-1"))

    last = driver.within(lambda: cp.last_response)
    assert last.status_code == 200
    assert {name.lower(): value for name, value in last.headers.items()}["content-type"] == "application/json"
    assert json.loads(last.body)["result"]["referenceCode"] == "INV-1"
    assert type(last.headers) is dict
    assert driver.within(lambda: driver.client().last_response) is None
