"""The client classes: finite timeouts, no secrets in a repr, derived clients that leave their parent alone."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from functools import partial
from typing import Any

import commercepay_api.models as models
import httpx
import pytest
from commercepay_api import AuthenticatedClient, Client
from commercepay_api.api.payment_gateway import query
from commercepay_api.api.token_auth import authenticate
from commercepay_api.models import (
    AuthenticateEnvelope,
    AuthenticateRequest,
    AuthenticateResult,
    SessionRequest,
)
from commercepay_api.types import UNSET, Response, Unset
from facade.gateway import ON_THE_WIRE

SECRET = "do-not-show-me"  # must not appear
RESPONSE = b'{"result": {"referenceCode": "INV-1", "status": 1, "currencyCode": "MYR", "amount": 1}}'


def clients(**options: Any) -> list[Any]:
    return [
        Client(base_url="https://gateway.test", **options),
        AuthenticatedClient(base_url="https://gateway.test", token=SECRET, **options),
    ]


@pytest.mark.parametrize("client", clients(), ids=["Client", "AuthenticatedClient"])
def test_the_default_timeout_is_finite(client: Any) -> None:
    """The default timeout of a client is 30 seconds."""
    with client.get_httpx_client() as http:
        assert http.timeout == httpx.Timeout(30.0)

    async def look() -> httpx.Timeout:
        async with client.get_async_httpx_client() as http:
            return http.timeout

    assert asyncio.run(look()) == httpx.Timeout(30.0)


@pytest.mark.parametrize("timeout", [None, httpx.Timeout(3)])
def test_a_timeout_that_is_given_holds(timeout: httpx.Timeout | None) -> None:
    """A given timeout is used, also None for no timeout."""
    for client in clients(timeout=timeout):
        with client.get_httpx_client() as http:
            assert http.timeout == httpx.Timeout(timeout)


@pytest.mark.parametrize("opened", [False, True], ids=["unused", "used"])
def test_no_secret_in_the_repr_of_a_client(opened: bool) -> None:
    """A client's repr shows neither token nor headers, cookies or httpx arguments."""
    options = {
        "headers": {"Authorization": SECRET},
        "cookies": {"session": SECRET},
        "httpx_args": {"auth": ("shop", SECRET), "params": {"key": SECRET}},
    }
    for client in clients(**options):
        if opened:
            client.get_httpx_client().close()
        assert SECRET not in repr(client) + str(client)


SECRETIVE = [
    AuthenticateRequest(user_name_or_email_address="shop", password=SECRET),
    AuthenticateResult(access_token=SECRET, encrypted_access_token=SECRET),
    AuthenticateResult.from_dict({"accessToken": SECRET, "encryptedAccessToken": SECRET, "refreshToken": SECRET}),
    AuthenticateEnvelope.from_dict({"result": {"accessToken": SECRET, "refreshToken": SECRET}, "token": SECRET}),
]


@pytest.mark.parametrize("model", SECRETIVE, ids=lambda model: type(model).__name__)
def test_no_secret_in_the_repr_of_a_model(model: Any) -> None:
    """The repr of a login request, a login result and their envelope shows no secret, known or unknown."""
    assert SECRET not in repr(model) + str(model) + f"{model}"


def test_no_secret_in_the_repr_of_a_response(gateway: Any) -> None:
    """The repr of a response shows neither body nor headers; what it was read into is there."""
    gateway.body = json.dumps({"result": {"accessToken": SECRET, "userId": 7}}).encode()
    gateway.headers = {"set-cookie": SECRET}
    response = gateway.call(authenticate, body=SECRETIVE[0])
    assert isinstance(response, Response)
    assert SECRET not in repr(response)
    assert "user_id=7" in repr(response)
    assert response.parsed.result.access_token == SECRET
    assert SECRET.encode() in response.content
    assert response.headers["Set-Cookie"] == SECRET


def test_the_token_is_not_written_into_the_callers_headers() -> None:
    """Opening a connection does not change the dict of headers that the caller passed."""
    headers = {"x-shop": "1"}
    client = AuthenticatedClient(base_url="https://gateway.test", token=SECRET, headers=headers)
    with client.get_httpx_client() as http:
        assert http.headers["Authorization"] == f"Bearer {SECRET}"
    assert headers == {"x-shop": "1"}


def test_a_client_without_token_sends_none() -> None:
    """A client whose Auth adds the token sends no empty token."""
    with AuthenticatedClient(base_url="https://gateway.test", token="").get_httpx_client() as http:
        assert "Authorization" not in http.headers


DERIVED = [
    pytest.param(lambda client: client.with_headers({"x-shop": "2"}), id="with_headers"),
    pytest.param(lambda client: client.with_cookies({"shop": "2"}), id="with_cookies"),
    pytest.param(lambda client: client.with_timeout(httpx.Timeout(1)), id="with_timeout"),
]


def settings(http: Any) -> Any:
    return dict(http.headers), dict(http.cookies), http.timeout


@pytest.mark.parametrize("opened", [False, True], ids=["unused", "used"])
@pytest.mark.parametrize("derive", DERIVED)
def test_a_derived_client_leaves_its_parent_alone(derive: Any, opened: bool) -> None:
    """Deriving a client changes neither the parent's settings nor the connections that it has open."""
    for parent in clients(headers={"x-shop": "1"}, cookies={"shop": "1"}):
        if opened:
            parent.get_httpx_client(), parent.get_async_httpx_client()
        child = derive(parent)
        assert type(child) is type(parent)
        assert settings(parent.get_httpx_client()) == settings(parent.get_async_httpx_client())
        assert settings(parent.get_httpx_client())[1:] == ({"shop": "1"}, httpx.Timeout(30.0))
        assert parent.get_httpx_client().headers["x-shop"] == "1"
        assert child.get_httpx_client() is not parent.get_httpx_client()
        assert settings(child.get_httpx_client()) != settings(parent.get_httpx_client())


def test_a_client_can_be_subclassed(gateway: Any) -> None:
    """The generated functions use the connections of a subclass."""
    gateway.body = RESPONSE

    class Own(AuthenticatedClient):
        def get_httpx_client(self) -> httpx.Client:
            return http

    with httpx.Client(base_url="https://own.test", transport=httpx.MockTransport(gateway.respond)) as http:
        query.sync(client=Own(base_url="https://gateway.test", token=""), timestamp=1)
    assert gateway.requests[0].url.host == "own.test"


def test_the_short_forms_return_what_was_read(gateway: Any) -> None:
    """`sync` and `asyncio` return the envelope itself."""
    gateway.body = RESPONSE
    client = gateway.client()
    with client:
        assert query.sync(client=client, timestamp=1).result.amount == 1

    async def run() -> Any:
        async with client:
            return await query.asyncio(client=client, timestamp=1)

    assert asyncio.run(run()).result.amount == 1


def pickled(value: Any, protocol: int) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))


DUPLICATES = [*(partial(pickled, protocol=n) for n in range(pickle.HIGHEST_PROTOCOL + 1)), copy.copy, copy.deepcopy]


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_unset_is_one_object(duplicate: Any) -> None:
    """UNSET is the same object after pickling and copying, also inside a container."""
    assert duplicate(UNSET) is UNSET
    assert duplicate([UNSET])[0] is UNSET
    assert not UNSET
    assert isinstance(UNSET, Unset)
    assert repr(UNSET) == "UNSET"


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_models_can_be_pickled_and_copied(duplicate: Any) -> None:
    """A pickled or copied model is equal and sends the same data: no UNSET becomes a value."""
    model = SessionRequest.from_dict({**ON_THE_WIRE, "timestamp": 1, "customer": {"name": "Aisyah"}})
    model["new"] = [1]
    twin = duplicate(model)
    assert twin == model
    assert twin.description is UNSET
    assert json.dumps(twin.to_dict()) == json.dumps(model.to_dict())


@pytest.mark.parametrize("value", [[], "x", 5, None, True, [["a", 1]]], ids=json.dumps)
def test_no_model_is_read_from_anything_but_an_object(value: Any) -> None:
    """A model is read only from a JSON object. An empty list is not an object."""
    for model in (getattr(models, name) for name in models.__all__):
        if hasattr(model, "from_dict"):
            with pytest.raises(TypeError):
                model.from_dict(value)
