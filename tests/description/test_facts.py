"""What holds for every operation, member and code of the description, and the facts that money depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from facade.gateway import ON_THE_WIRE

DESCRIPTION = yaml.safe_load((Path(__file__).resolve().parents[2] / "openapi" / "commercepay.yaml").read_text("utf-8"))
SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]
OPERATIONS = {one["operationId"]: one for item in DESCRIPTION["paths"].values() for one in item.values()}
REFERENCE = "#/components/schemas/"
PAYMENT = ON_THE_WIRE | {"timestamp": 1621851652617}


def members(name: str) -> dict[str, Any]:
    """All members of a schema, with those of the schemas that it includes."""
    found = dict(SCHEMAS[name].get("properties", {}))
    for part in SCHEMAS[name].get("allOf", ()):
        found |= members(part["$ref"].removeprefix(REFERENCE)) if "$ref" in part else part["properties"]
    return found


def required(name: str) -> set[str]:
    parts = [SCHEMAS[name], *SCHEMAS[name].get("allOf", ())]
    inherited = [required(part["$ref"].removeprefix(REFERENCE)) for part in parts if "$ref" in part]
    return set().union(*inherited, *(part.get("required", ()) for part in parts))


def schema_of(content: dict[str, Any]) -> str:
    """The schema of a body, which has a name and is JSON."""
    assert list(content["content"]) == ["application/json"]
    return content["content"]["application/json"]["schema"]["$ref"].removeprefix(REFERENCE)


ENVELOPES = {name: schema_of(operation["responses"]["200"]) for name, operation in OPERATIONS.items()}
REQUESTS = {schema_of(one["requestBody"]): name for name, one in OPERATIONS.items() if "requestBody" in one}


def is_valid(name: str, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator({**DESCRIPTION, "$ref": REFERENCE + name}).is_valid(value))


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name: str) -> None:
    """An operation has the name at the end of its path, and its own envelope for every status, with its result or a refusal."""
    (path,) = [path for path, item in DESCRIPTION["paths"].items() for one in item.values() if one is OPERATIONS[name]]
    assert path.rpartition("/")[2] == name
    assert {status: schema_of(one) for status, one in OPERATIONS[name]["responses"].items()} == dict.fromkeys(
        ("200", "default"), ENVELOPES[name]
    )
    assert list(ENVELOPES.values()).count(ENVELOPES[name]) == 1
    assert members("Envelope").keys() | {"result"} == members(ENVELOPES[name]).keys()
    refusal, _, null = members(ENVELOPES[name])["result"]["oneOf"]
    assert (refusal, null) == ({"$ref": f"{REFERENCE}Refusal"}, {"type": "null"})


@pytest.mark.parametrize("name", OPERATIONS)
def test_security(name: str) -> None:
    """Authenticate needs only the tenant; every other call needs tenant and token, and may be signed."""
    alternatives = [set(one) for one in OPERATIONS[name]["security"]]
    if name == "Authenticate":
        assert alternatives == [{"tenant"}]
    else:
        assert all(one >= {"bearer", "tenant"} for one in alternatives)
        assert alternatives[-1] == {"bearer", "tenant", "signature"}


def test_the_callback_is_signed() -> None:
    """A callback needs its signature."""
    assert DESCRIPTION["webhooks"]["paymentCallback"]["post"]["security"] == [{"signature": []}]


def test_the_headers() -> None:
    """The three headers have their names."""
    schemes = DESCRIPTION["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["tenant"]["in"], schemes["tenant"]["name"]) == ("header", "Abp-TenantId")
    assert (schemes["signature"]["in"], schemes["signature"]["name"]) == ("header", "cap-signature")


def test_the_servers() -> None:
    """The description has both servers, staging first."""
    assert [(server["x-environment"], server["url"]) for server in DESCRIPTION["servers"]] == [
        ("staging", "https://staging-payments.commerce.asia"),
        ("production", "https://payments.commerce.asia"),
    ]


def all_members() -> Iterator[Any]:
    for name in SCHEMAS:
        for member, schema in members(name).items():
            yield pytest.param(member, schema, id=f"{name}.{member}")
    for name, operation in OPERATIONS.items():
        for one in operation.get("parameters", ()):
            yield pytest.param(one["name"], one["schema"], id=f"{name}.{one['name']}")


@pytest.mark.parametrize(("name", "schema"), list(all_members()))
def test_names_decide_types(name: str, schema: dict[str, Any]) -> None:
    """A timestamp is a number. What is named like a secret is marked as one, so that no generated repr shows it."""
    if name.lower() == "timestamp":
        assert (schema["type"], schema["format"]) == ("integer", "int64")
    assert (schema.get("format") == "password") == bool(re.search("password|token|secret", name, re.IGNORECASE))


@pytest.mark.parametrize("name", ["PaymentDetails", "PlatformCharge", "QueryResult", "Callback"])
def test_amounts(name: str) -> None:
    """The amount of a payment is a whole number of minor units."""
    assert members(name)["amount"]["type"] == "integer"
    assert "minor units" in members(name)["amount"]["description"]


@pytest.mark.parametrize("name", ["QueryResult", "Callback"])
def test_what_decides_is_required(name: str) -> None:
    """A report always has what decides whether an order is paid."""
    assert required(name) == {"referenceCode", "status", "currencyCode", "amount"}


def codes(name: str) -> dict[int, str]:
    return {one["const"]: one["title"] for one in SCHEMAS[name].get("anyOf", [SCHEMAS[name]])[0]["oneOf"]}


@pytest.mark.parametrize("name", [name for name in SCHEMAS if SCHEMAS[name].get("type") == "integer"])
def test_codes(name: str) -> None:
    """Codes and their names are unique. Another integer is valid only for an open enum."""
    known = codes(name)
    assert len(set(known.values())) == len(SCHEMAS[name].get("anyOf", [SCHEMAS[name]])[0]["oneOf"]) == len(known)
    assert all(is_valid(name, code) for code in known)
    assert {is_valid(name, code) for code in (-1, 0, 99) if code not in known} == {"anyOf" in SCHEMAS[name]}
    assert not any(is_valid(name, other) for other in (True, "1", 1.5, None))


def test_only_1_is_paid() -> None:
    """Only the code 1 is named paid. Statuses and error codes are open."""
    assert "anyOf" in SCHEMAS["PaymentStatus"]
    assert "anyOf" in SCHEMAS["ErrorCode"]
    assert [code for code, title in codes("PaymentStatus").items() if "PAID" in title] == [1]


FORMS = [
    pytest.param(
        {"recurringPaymentInfo": {"effectiveDate": "31122026"}},
        {"recurringPaymentInfo": {"effectiveDate": "2026-12-31"}},
        id="effectiveDate as ddMMyyyy",
    ),
    pytest.param(
        {"recurringPaymentInfo": {"expiryDate": "31122026"}},
        {"recurringPaymentInfo": {"expiryDate": "20261231"}},
        id="expiryDate as ddMMyyyy",
    ),
    pytest.param({"currencyCode": "CNY"}, {"currencyCode": "Ringgit"}, id="currencyCode in ISO 4217"),
    pytest.param({"amount": 1}, {"amount": 1.5}, id="amount in whole minor units"),
    pytest.param({"amount": 1}, {"amount": "1"}, id="amount as a number"),
    pytest.param({"timestamp": 1621851652617}, {"timestamp": "1621851652617"}, id="timestamp as a number"),
    pytest.param({"savePayment": False}, {"savePayment": 0}, id="savePayment as a boolean"),
    pytest.param(
        {"requestPaymentExtraInfo": {"hiddenChannel": [4]}},
        {"requestPaymentExtraInfo": {"hiddenChannel": ["4"]}},
        id="hiddenChannel as integers",
    ),
]


@pytest.mark.parametrize("name", ["PaymentRequest", "SessionRequest"])
@pytest.mark.parametrize(("right", "wrong"), FORMS)
def test_forms(name: str, right: dict[str, Any], wrong: dict[str, Any]) -> None:
    """A request with a member in the right form is valid, and one in another form is not."""
    assert is_valid(name, {**PAYMENT, **right})
    assert not is_valid(name, {**PAYMENT, **wrong})


@pytest.mark.parametrize(("name", "member"), [(name, member) for name in REQUESTS for member in sorted(required(name))])
def test_a_request_without_a_required_member(name: str, member: str) -> None:
    """A request without a required member, or with null for it, is not valid."""
    example = SCHEMAS[name]["examples"][0]
    assert is_valid(name, example)
    assert not is_valid(name, {key: value for key, value in example.items() if key != member})
    assert not is_valid(name, {**example, member: None})


def test_the_channel_may_be_null() -> None:
    """The two channel members of RequestPayment may be null."""
    assert is_valid("PaymentRequest", {**PAYMENT, "channelId": None, "providerChannelId": None})


FAILURES = [
    pytest.param(
        {"result": {"code": 1, "message": "Invalid Signature."}, "success": True, "error": None}, id="signature"
    ),
    pytest.param(
        {
            "result": None,
            "success": False,
            "error": {"code": 2010, "message": "Transaction Not Found", "details": None, "validationErrors": None},
        },
        id="not found",
    ),
    pytest.param(
        {
            "result": None,
            "targetUrl": None,
            "success": False,
            "error": {
                "code": 0,
                "message": "Invalid.",
                "details": None,
                "validationErrors": [{"message": "Required.", "members": ["amount"]}],
            },
            "unAuthorizedRequest": False,
            "__abp": True,
        },
        id="validation",
    ),
]


@pytest.mark.parametrize("envelope", ENVELOPES.values())
@pytest.mark.parametrize("body", FAILURES)
def test_both_shapes_of_failure_fit_every_envelope(envelope: str, body: dict[str, Any]) -> None:
    """Every envelope is valid with a failure in place of the result, and with an error."""
    assert is_valid(envelope, body)


@pytest.mark.parametrize("envelope", ENVELOPES.values())
def test_an_incomplete_result_fits_no_envelope(envelope: str) -> None:
    """A result without its required members is neither a result nor a failure."""
    assert not is_valid(envelope, {"result": {"redirectionType": 1}, "success": True, "error": None})
