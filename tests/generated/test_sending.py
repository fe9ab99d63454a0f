"""Sending: the requests, and the data that an `httpx.Auth` gets for them."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from commercepay_api import AuthenticatedClient, Client
from commercepay_api.api.payment_gateway import initial_session, query, request_payment
from commercepay_api.api.token_auth import authenticate
from commercepay_api.models import AuthenticateRequest, Customer, IdentificationType, PaymentRequest, SessionRequest
from commercepay_api.wire import EXTENSION, absolute_url
from facade.gateway import ON_THE_WIRE

RESPONSE = b'{"result": {"code": 1, "message": "Invalid Signature."}, "success": true, "error": null}'
REQUIRED: dict[str, Any] = {
    "currency_code": "MYR",
    "amount": 1234,
    "reference_code": "INV-1",
    "timestamp": 1621851652617,
    "ip_address": "203.0.113.9",
    "return_url": "https://shop.example.my/return",
    "callback_url": "https://shop.example.my/callback",
}
MEMBERS = {**ON_THE_WIRE, "timestamp": 1621851652617}
CUSTOMER = Customer(name="Aisyah", identification_type=IdentificationType.PASSPORT)
LOGIN = AuthenticateRequest(user_name_or_email_address="shop", password="not-a-real-password")

NULLS = {"channelId": None, "providerChannelId": None, "customer": {"name": "Aisyah", "identificationType": 3}}
GATEWAY = "/api/services/app/PaymentGateway/"

CALLS: dict[str, tuple[Any, str, dict[str, Any], dict[str, Any]]] = {
    "RequestPayment": (request_payment, GATEWAY, {"body": PaymentRequest(**REQUIRED)}, MEMBERS),
    "RequestPayment with nulls": (
        request_payment,
        GATEWAY,
        {"body": PaymentRequest(**REQUIRED, channel_id=None, provider_channel_id=None, customer=CUSTOMER)},
        {**MEMBERS, **NULLS},
    ),
    "InitialSession": (
        initial_session,
        GATEWAY,
        {"body": SessionRequest(**REQUIRED, expired_in_minutes=30, save_payment=False)},
        {**MEMBERS, "expiredInMinutes": 30, "savePayment": False},
    ),
    "Query by transaction": (
        query,
        GATEWAY,
        {"transaction_number": "2005", "timestamp": 1621851652617},
        {"TransactionNumber": "2005", "Timestamp": 1621851652617},
    ),
    "Query by session": (
        query,
        GATEWAY,
        {"session_number": "0042", "timestamp": 0},
        {"SessionNumber": "0042", "Timestamp": 0},
    ),
    "Authenticate": (
        authenticate,
        "/api/TokenAuth/",
        {"body": LOGIN},
        {"userNameOrEmailAddress": "shop", "password": "not-a-real-password"},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_sent(gateway: Any, name: str) -> None:
    """Only the set members are sent, as JSON or as a query. A signer gets them with their types, and whether to sign."""
    operation, folder, arguments, data = CALLS[name]
    gateway.body = RESPONSE
    gateway.call(operation, **arguments)
    (request,) = gateway.requests
    signed = request.extensions[EXTENSION]
    assert signed == {"name": name.partition(" ")[0], "data": data, "secured": name != "Authenticate"}
    assert {name: type(value) for name, value in signed["data"].items()} == {k: type(v) for k, v in data.items()}
    assert str(request.url.copy_with(query=None)) == f"https://gateway.test{folder}{name.split()[0]}"
    assert request.method == ("GET" if operation is query else "POST")
    if request.method == "POST":
        assert json.loads(request.content) == data
        assert request.headers["content-type"] == "application/json"
    else:
        assert request.content == b""
        assert dict(request.url.params) == {name: str(value) for name, value in data.items()}


class Resending(httpx.Auth):
    """Record the data to sign, and send each request twice, as after a 401."""

    def __init__(self) -> None:
        self.signed: list[Any] = []

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for attempt in ("first", "second"):
            self.signed.append(request.extensions[EXTENSION]["data"])
            request.headers["cap-signature"] = attempt
            yield request


def test_an_auth_gets_the_data_and_can_send_again(gateway: Any) -> None:
    """An Auth of the client gets the typed data, signs, and can send the request again."""
    auth, seen = Resending(), []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["cap-signature"])
        return httpx.Response(200, content=RESPONSE)

    client = gateway.client(httpx_args={"auth": auth, "transport": httpx.MockTransport(respond)})
    gateway.call(query, client, transaction_number="2005", timestamp=1621851652617)
    assert auth.signed == [{"TransactionNumber": "2005", "Timestamp": 1621851652617}] * 2
    assert seen == ["first", "second"]


def test_an_auth_survives_derived_clients(gateway: Any) -> None:
    """A client derived from another one keeps the Auth."""
    gateway.body, auth = RESPONSE, Resending()
    client = gateway.client(httpx_args={"auth": auth})
    derived = client.with_headers({"x-shop": "1"}).with_cookies({"c": "1"}).with_timeout(httpx.Timeout(5))
    gateway.call(query, derived, timestamp=1)
    assert len(auth.signed) == 2


def test_the_timeout_goes_with_the_request(gateway: Any) -> None:
    """The transport gets the timeout of the client as well as the data for the signer."""
    gateway.body = RESPONSE
    gateway.call(query, gateway.client(timeout=httpx.Timeout(3)), timestamp=1)
    assert gateway.requests[0].extensions["timeout"] == {"connect": 3, "read": 3, "write": 3, "pool": 3}


@pytest.mark.parametrize("client_type", [Client, AuthenticatedClient])
def test_authenticate_takes_either_client(gateway: Any, client_type: Any) -> None:
    """Authenticate needs no token, so a plain client will do."""
    gateway.body = RESPONSE
    token = {"token": "t"} if client_type is AuthenticatedClient else {}
    transport = httpx.MockTransport(gateway.respond)
    client = client_type(base_url="https://gateway.test", httpx_args={"transport": transport}, **token)
    assert authenticate.sync_detailed(client=client, body=LOGIN).parsed.result.code == 1
    client.get_httpx_client().close()


@pytest.mark.parametrize("path", ["/api/services/app/PaymentGateway/Query", "/a"])
@pytest.mark.parametrize(
    "base_url",
    [
        "https://gateway.test",
        "https://gateway.test/",
        "https://gateway.test:8443",
        "http://127.0.0.1:8080/prefix",
        "http://127.0.0.1:8080/prefix/",
        "http://[::1]:8080/a%20b/",
        "https://user:word@gateway.test/x",
        "",
    ],
)
def test_urls_are_joined_as_httpx_does_it(base_url: str, path: str) -> None:
    """The cached URL is the one that httpx would build."""
    with httpx.Client(base_url=base_url) as client:
        expected = client.build_request("GET", path).url
        assert client.build_request("GET", absolute_url(client.base_url, path)).url == expected
