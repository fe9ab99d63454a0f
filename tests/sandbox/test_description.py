"""The sandbox follows the description: an addition is served, bound and validated without a change of the code."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import Any

import pytest

from commercepay import signature
from commercepay.sandbox.description import Description, load
from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web.server import Background
from commercepay.testing import Sandbox

REFUND = "/api/services/app/PaymentGateway/MadeUp"


@pytest.fixture
def document() -> dict[str, Any]:
    """The description with one endpoint and one member that it does not have."""
    found: dict[str, Any] = json.loads(files("commercepay_api").joinpath("openapi.json").read_text(encoding="utf-8"))
    found = copy.deepcopy(found)
    found["components"]["schemas"]["Customer"]["properties"]["nickname"] = {"type": "string", "maxLength": 5}
    schema = {"type": "object", "required": ["colour"], "properties": {"colour": {"type": "string"}}}
    envelope = {"result": {"madeUp": True}, "success": True, "error": None, "unAuthorizedRequest": False, "__abp": True}
    found["paths"][REFUND] = {
        "post": {
            "operationId": "MadeUp",
            "security": [{"bearer": [], "tenant": [], "signature": []}],
            "requestBody": {"content": {"application/json": {"schema": schema}}},
            "responses": {"200": {"content": {"application/json": {"examples": {"one": {"value": envelope}}}}}},
        }
    }
    return found


@pytest.fixture
def extended(document: dict[str, Any]) -> Any:
    background = Background(SandboxCore(description=Description(document)))
    yield Sandbox(background)
    background.stop()


def test_a_new_endpoint_is_served_with_its_example(extended: Sandbox, caller_of: Any) -> None:
    """An endpoint without behaviour accepts signed, valid requests and responds with the description's example."""
    caller = caller_of(extended)
    response = caller.post("MadeUp", {"colour": "red"})
    assert (response.status_code, response.json()["result"]) == (200, {"madeUp": True})
    assert "the description's example" in response.headers["x-sandbox-explanation"]
    assert caller.post("MadeUp", {}).json()["error"]["validationErrors"][0]["members"] == ["colour"]
    assert caller.post("MadeUp", {"colour": "red", "taste": "sour"}).json()["result"]["code"] == 1


def test_an_endpoint_without_example_says_so(document: dict[str, Any], caller_of: Any) -> None:
    """Without an example, the response is an error."""
    document["paths"][REFUND]["post"]["responses"] = {"200": {"description": "ok"}}
    background = Background(SandboxCore(description=Description(document)))
    response = caller_of(Sandbox(background)).post("MadeUp", {"colour": "red"})
    background.stop()
    assert response.status_code == 500
    assert response.json()["error"]["code"] == 0
    assert "nor an example" in response.headers["x-sandbox-explanation"]


def test_a_new_member_is_bound_signed_and_validated(extended: Sandbox, caller_of: Any) -> None:
    """A member that was added to the description is signed, and has its limit."""
    caller = caller_of(extended)
    assert caller.post("InitialSession", caller.members(customer={"nickname": "Ais"})).status_code == 200
    response = caller.post("InitialSession", caller.members(customer={"nickname": "Aisyah"}))
    assert response.json()["error"]["validationErrors"][0]["members"] == ["customer.nickname"]


def test_that_member_is_unknown_to_the_description_as_it_is(sb: Sandbox, caller_of: Any) -> None:
    """Without the addition, the same request has a wrong signature."""
    caller = caller_of(sb)
    assert caller.post("InitialSession", caller.members(customer={"nickname": "Ais"})).json()["result"]["code"] == 1


@pytest.mark.parametrize(
    "vector",
    json.loads((files("commercepay_api") / "openapi.json").read_text())["paths"][
        "/api/services/app/PaymentGateway/RequestPayment"
    ]["post"]["requestBody"]["content"]["application/json"]["examples"].items(),
    ids=lambda vector: vector[0],
)
def test_the_descriptions_own_examples_are_taken(sb: Sandbox, caller_of: Any, vector: tuple[str, Any]) -> None:
    """Each example of the description is a valid request."""
    response = caller_of(sb).post("RequestPayment", vector[1]["value"])
    assert response.status_code == 200, response.text


def test_binding_keeps_known_members_only() -> None:
    """Names are found in any case, at every depth, in the sender's order; unknown members are removed."""
    operation = load().find("POST", "/api/services/app/PaymentGateway/InitialSession")
    assert operation is not None
    sent = {
        "Customer": {"NAME": "A", "x": 1},
        "AMOUNT": "5",
        "channelId": 2,
        "requestPaymentExtraInfo": {"hiddenChannel": ["4"]},
    }
    bound = operation.model.bind(sent)
    assert list(bound.items()) == [
        ("customer", {"name": "A"}),
        ("amount", "5"),
        ("requestPaymentExtraInfo", {"hiddenChannel": ["4"]}),
    ]
    typed = operation.model.typed(bound)
    assert (typed["amount"], typed["requestPaymentExtraInfo"]["hiddenChannel"]) == (5, [4])
    assert signature.string_to_sign("u", typed) == (
        'u{"amount":5,"customer":{"name":"a"},"requestpaymentextrainfo":{"hiddenchannel":[4]}}'
    )
