"""The description has every known fact about the gateway, and no others. The tables are copied from the facts."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

GATEWAY = "/api/services/app/PaymentGateway"
CHANNELS = "/api/services/app/Channel/GetTenantChannelsByCountry"
DETAILS = {
    "currencyCode": "string",
    "amount": "integer",
    "referenceCode": "string",
    "timestamp": "integer",
    "ipAddress": "string",
    "returnUrl": "string",
    "callbackUrl": "string",
    "description": "string",
    "userAgent": "string",
    "customer": "Customer",
    "savePayment": "boolean",
    "localCitizen": "boolean",
    "subMerchant": "SubMerchant",
    "recurringPaymentInfo": "RecurringPaymentInfo",
    "requestPaymentExtraInfo": "RequestPaymentExtraInfo",
    "platformCharge": "PlatformCharge",
}
ENVELOPE = {
    "targetUrl": "string|null",
    "success": "boolean|null",
    "error": "ErrorInfo|null",
    "unAuthorizedRequest": "boolean|null",
    "__abp": "boolean|null",
}
OUTCOME = {
    "amount": "integer",
    "channelId": "integer|null",
    "currencyCode": "string",
    "referenceCode": "string",
    "status": "PaymentStatus",
    "transactionNumber": "string|null",
    "paymentSessionNumber": "string|null",
    "providerTransactionNumber": "string|null",
}
REDIRECT = {"redirectionType": "integer|null", "redirectUrl": "string|null", "clientScript": "string|null"}
MEMBERS = {
    "AuthenticateRequest": {"userNameOrEmailAddress": "string", "password": "string", "rememberClient": "boolean"},
    "AuthenticateResult": {
        "accessToken": "string",
        "expireInSeconds": "integer|null",
        "encryptedAccessToken": "string|null",
        "userId": "integer|null",
    },
    "PaymentDetails": DETAILS,
    "PaymentRequest": {**DETAILS, "channelId": "integer|null", "providerChannelId": "string|null"},
    "SessionRequest": {**DETAILS, "expiredInMinutes": "integer"},
    "Customer": {
        "email": "string",
        "mobileNo": "string",
        "name": "string",
        "username": "string",
        "identificationNumber": "string",
        "identificationType": "IdentificationType",
    },
    "SubMerchant": {"uniqueId": "string", "name": "string"},
    "RecurringPaymentInfo": {
        "id": "string",
        "mode": "RecurringMode",
        "numberOfPayments": "integer",
        "effectiveDate": "string",
        "expiryDate": "string",
        "maximumPaymentAmount": "integer",
        "isFixedAmount": "boolean",
    },
    "RequestPaymentExtraInfo": {"channelGroupId": "integer", "hiddenChannel": "array"},
    "PlatformCharge": {"partnerId": "string", "amount": "integer"},
    "PaymentStarted": {**REDIRECT, "transactionNumber": "string"},
    "SessionOpened": {**REDIRECT, "sessionNumber": "string"},
    "QueryResult": {
        **OUTCOME,
        "providerChannelId": "string|null",
        "creationTime": "string|null",
        "remark": "string|null",
        "providerPaymentMethod": "string|null",
        "providerErrorMessage": "string|null",
    },
    "Callback": OUTCOME,
    "Channel": {
        "id": "integer",
        "name": "string|null",
        "type": "integer|null",
        "isProviderHostChannel": "boolean|null",
        "imageUrl": "string|null",
        "groupId": "integer|null",
        "groupName": "string|null",
        "groupImageUrl": "string|null",
        "savePayment": "boolean|null",
        "currencyList": "array|null",
        "currencies": "array|null",
    },
    "ChannelCurrency": {
        "acceptedCurrencyCode": "string|null",
        "minRequestAmount": "number|null",
        "maxRequestAmount": "number|null",
        "dailyTransactionCount": "integer|null",
        "dailyTransactionAmount": "number|null",
        "minSurchargeAmount": "number|null",
        "maxSurchargeAmount": "number|null",
        "isSurchargePercentage": "boolean|null",
        "surcharge": "number|null",
    },
    "Refusal": {"code": "ErrorCode", "message": "string"},
    "ErrorInfo": {
        "code": "ErrorCode|null",
        "message": "string|null",
        "details": "string|null",
        "validationErrors": "array|null",
    },
    "ValidationError": {"message": "string|null", "members": "array|null"},
    "Envelope": ENVELOPE,
    "AuthenticateEnvelope": {**ENVELOPE, "result": "Refusal|AuthenticateResult|null"},
    "RequestPaymentEnvelope": {**ENVELOPE, "result": "Refusal|PaymentStarted|null"},
    "InitialSessionEnvelope": {**ENVELOPE, "result": "Refusal|SessionOpened|null"},
    "QueryEnvelope": {**ENVELOPE, "result": "Refusal|QueryResult|null"},
    "ChannelsEnvelope": {**ENVELOPE, "result": "Refusal|array|null"},
}
PAYMENT_REQUIRED = {"currencyCode", "amount", "referenceCode", "timestamp", "ipAddress", "returnUrl"}
REQUIRED = {
    "AuthenticateRequest": {"userNameOrEmailAddress", "password"},
    "AuthenticateResult": {"accessToken"},
    "PaymentDetails": PAYMENT_REQUIRED,
    "PaymentRequest": PAYMENT_REQUIRED,
    "SessionRequest": PAYMENT_REQUIRED,
    "PaymentStarted": {"transactionNumber"},
    "SessionOpened": {"sessionNumber"},
    "Channel": {"id"},
    "QueryResult": {"referenceCode", "status", "currencyCode", "amount"},
    "Callback": {"referenceCode", "status", "currencyCode", "amount"},
    "Refusal": {"code", "message"},
}
STATUSES = {
    0: "PENDING",
    1: "PAID",
    2: "FAILED",
    3: "CANCELLED",
    4: "TRANSACTION_LIMIT_EXCEEDED",
    5: "MINIMUM_AMOUNT_NOT_MET",
    6: "INSUFFICIENT_FUNDS",
    7: "INVALID_TRANSACTION",
    8: "CANCELLED_BY_USER",
    9: "AUTHORISED",
    10: "EXPIRED",
    11: "REFUNDED",
    12: "REFUND_IN_PROGRESS",
    13: "REFUND_FAILED",
    18: "VOIDED",
}
ERROR_CODES = {
    1: "INVALID_SIGNATURE",
    2009: "DUPLICATE_TRANSACTION",
    2010: "TRANSACTION_NOT_FOUND",
    2021: "PAYMENT_EXPIRED",
    2022: "TRANSACTION_ALREADY_PROCESSED",
}
PAYMENT = {
    "currencyCode": "MYR",
    "amount": 1000,
    "referenceCode": "INV-1",
    "timestamp": 1621851652617,
    "ipAddress": "203.0.113.9",
    "returnUrl": "https://shop.example.my/return",
    "callbackUrl": "https://shop.example.my/callback",
}


def flat(description: dict[str, Any], name: str) -> tuple[dict[str, Any], set[str]]:
    """All members of a schema, and its required members, with those of the schemas that it includes."""
    schema = description["components"]["schemas"][name]
    members, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", []):
        if "$ref" in part:
            inherited, needed = flat(description, part["$ref"].rpartition("/")[2])
        else:
            inherited, needed = part["properties"], set(part.get("required", ()))
        members, required = {**members, **inherited}, required | needed
    return members, required


def type_name(schema: dict[str, Any]) -> str:
    """The type of a member: `integer`, `string|null`, or the names of its schemas."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "allOf" in schema:
        return "|".join(type_name(part) for part in schema["allOf"])
    if "oneOf" in schema:
        return "|".join(type_name(part) for part in schema["oneOf"])
    kind = schema["type"]
    return kind if isinstance(kind, str) else "|".join(kind)


def is_valid(description: dict[str, Any], name: str, value: Any) -> bool:
    schema = {**description, "$ref": f"#/components/schemas/{name}"}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def test_all_schemas_with_members_are_in_the_table(description: dict[str, Any]) -> None:
    """The table has every schema with members."""
    described = {name for name in description["components"]["schemas"] if flat(description, name)[0]}
    assert described == set(MEMBERS)


@pytest.mark.parametrize("name", MEMBERS)
def test_members_and_types(description: dict[str, Any], name: str) -> None:
    """A schema has exactly the known members, with the known types."""
    members, _ = flat(description, name)
    assert {member: type_name(schema) for member, schema in members.items()} == MEMBERS[name]


@pytest.mark.parametrize("name", MEMBERS)
def test_required_members(description: dict[str, Any], name: str) -> None:
    """A schema requires exactly the members that are known to be required."""
    assert flat(description, name)[1] == REQUIRED.get(name, set())


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("PaymentStatus", STATUSES),
        ("ErrorCode", ERROR_CODES),
    ],
)
def test_open_codes(description: dict[str, Any], name: str, known: dict[int, str]) -> None:
    """The known codes have names, and any other integer is valid too."""
    schema = description["components"]["schemas"][name]
    by_name = schema["anyOf"][0]
    assert dict(zip(by_name["enum"], by_name["x-enum-varnames"], strict=True)) == known
    assert all(is_valid(description, name, code) for code in (*known, 14, 99, -1, 0))
    assert not any(is_valid(description, name, other) for other in (True, "1", 1.5, None))


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (
            "IdentificationType",
            {1: "NEW_IDENTITY_NUMBER", 2: "OLD_IDENTITY_NUMBER", 3: "PASSPORT", 4: "BUSINESS_REGISTRATION", 5: "OTHER"},
        ),
        ("RecurringMode", {1: "DAILY", 2: "WEEKLY", 3: "MONTHLY", 4: "YEARLY"}),
    ],
)
def test_closed_codes(description: dict[str, Any], name: str, known: dict[int, str]) -> None:
    """The codes of a request have names, and no other code is valid."""
    schema = description["components"]["schemas"][name]
    assert dict(zip(schema["enum"], schema["x-enum-varnames"], strict=True)) == known
    assert not any(is_valid(description, name, other) for other in (0, len(known) + 1))


LIMITS = [
    pytest.param({"referenceCode": "x" * 50}, {"referenceCode": "x" * 51}, id="referenceCode up to 50"),
    pytest.param({"description": "x" * 100}, {"description": "x" * 101}, id="description up to 100"),
    pytest.param({"userAgent": "x" * 200}, {"userAgent": "x" * 201}, id="userAgent up to 200"),
    pytest.param({"customer": {"name": "x" * 36}}, {"customer": {"name": "x" * 37}}, id="name up to 36"),
    pytest.param(
        {"recurringPaymentInfo": {"numberOfPayments": 999}},
        {"recurringPaymentInfo": {"numberOfPayments": 1000}},
        id="numberOfPayments up to 999",
    ),
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
@pytest.mark.parametrize(("at", "beyond"), LIMITS)
def test_limits(description: dict[str, Any], name: str, at: dict[str, Any], beyond: dict[str, Any]) -> None:
    """A request at a limit is valid, and one beyond it is not."""
    assert is_valid(description, name, {**PAYMENT, **at})
    assert not is_valid(description, name, {**PAYMENT, **beyond})


@pytest.mark.parametrize("name", ["PaymentRequest", "SessionRequest"])
@pytest.mark.parametrize("member", sorted(PAYMENT_REQUIRED))
def test_a_request_without_a_required_member(description: dict[str, Any], name: str, member: str) -> None:
    """A request without a required member, or with null for it, is not valid."""
    assert is_valid(description, name, PAYMENT)
    assert not is_valid(description, name, {key: value for key, value in PAYMENT.items() if key != member})
    assert not is_valid(description, name, {**PAYMENT, member: None})


def test_the_channel_may_be_null(description: dict[str, Any]) -> None:
    """The two channel members of RequestPayment may be null."""
    assert is_valid(description, "PaymentRequest", {**PAYMENT, "channelId": None, "providerChannelId": None})


def test_no_limit_is_invented(description: dict[str, Any]) -> None:
    """The description has exactly the limits of the facts."""
    keywords = {"maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems", "pattern"}
    found = {
        (name, member, keyword, limit)
        for name in MEMBERS
        for member, schema in flat(description, name)[0].items()
        for keyword, limit in schema.items()
        if keyword in keywords and name not in ("PaymentRequest", "SessionRequest")
    }
    date = "^[0-3][0-9][01][0-9][0-9]{4}$"
    assert found == {
        ("PaymentDetails", "currencyCode", "pattern", "^[A-Z]{3}$"),
        ("PaymentDetails", "referenceCode", "maxLength", 50),
        ("PaymentDetails", "description", "maxLength", 100),
        ("PaymentDetails", "userAgent", "maxLength", 200),
        ("Customer", "name", "maxLength", 36),
        ("RecurringPaymentInfo", "numberOfPayments", "maximum", 999),
        ("RecurringPaymentInfo", "effectiveDate", "pattern", date),
        ("RecurringPaymentInfo", "expiryDate", "pattern", date),
    }


OPERATIONS = [
    ("Authenticate", "post", "/api/TokenAuth/Authenticate", "AuthenticateRequest", "AuthenticateEnvelope"),
    ("RequestPayment", "post", f"{GATEWAY}/RequestPayment", "PaymentRequest", "RequestPaymentEnvelope"),
    ("InitialSession", "post", f"{GATEWAY}/InitialSession", "SessionRequest", "InitialSessionEnvelope"),
    ("Query", "get", f"{GATEWAY}/Query", None, "QueryEnvelope"),
    ("GetTenantChannelsByCountry", "get", CHANNELS, None, "ChannelsEnvelope"),
]


def test_the_endpoints_are_the_public_ones(description: dict[str, Any]) -> None:
    """The description has exactly the published endpoints and the callback."""
    found = {
        (item[method]["operationId"], method, path) for path, item in description["paths"].items() for method in item
    }
    assert found == {operation[:3] for operation in OPERATIONS}
    assert set(description["webhooks"]) == {"paymentCallback"}


@pytest.mark.parametrize(("operation_id", "method", "path", "request_schema", "envelope"), OPERATIONS)
def test_operations(
    description: dict[str, Any], operation_id: str, method: str, path: str, request_schema: str | None, envelope: str
) -> None:
    """An operation has its own request schema, and its own envelope for every status."""
    operation = description["paths"][path][method]
    assert operation["operationId"] == operation_id
    if request_schema is not None:
        body = operation["requestBody"]["content"]
        assert list(body) == ["application/json"]
        assert body["application/json"]["schema"]["$ref"].endswith(f"/{request_schema}")
    assert set(operation["responses"]) == {"200", "default"}
    for response in operation["responses"].values():
        assert list(response["content"]) == ["application/json"]
        assert response["content"]["application/json"]["schema"]["$ref"].endswith(f"/{envelope}")


def test_security(description: dict[str, Any]) -> None:
    """Authenticate needs only the tenant, a callback needs its signature, every other call needs all three headers.

    The list of channels can be signed or not.
    """
    needs = {
        item[method]["operationId"]: [sorted(alternative) for alternative in item[method]["security"]]
        for item in description["paths"].values()
        for method in item
    }
    assert needs.pop("Authenticate") == [["tenant"]]
    assert needs.pop("GetTenantChannelsByCountry") == [["bearer", "tenant"], ["bearer", "signature", "tenant"]]
    assert all(need == [["bearer", "signature", "tenant"]] for need in needs.values())
    assert description["webhooks"]["paymentCallback"]["post"]["security"] == [{"signature": []}]


def test_the_headers(description: dict[str, Any]) -> None:
    """The three headers have their names."""
    schemes = description["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["tenant"]["in"], schemes["tenant"]["name"]) == ("header", "Abp-TenantId")
    assert (schemes["signature"]["in"], schemes["signature"]["name"]) == ("header", "cap-signature")


def test_the_query_parameters(description: dict[str, Any]) -> None:
    """Query takes two optional strings, and a timestamp that is a number."""
    parameters = description["paths"][f"{GATEWAY}/Query"]["get"]["parameters"]
    assert [(p["name"], p["in"], p["schema"]["type"], p["required"]) for p in parameters] == [
        ("TransactionNumber", "query", "string", False),
        ("SessionNumber", "query", "string", False),
        ("Timestamp", "query", "integer", True),
    ]


def test_the_servers(description: dict[str, Any]) -> None:
    """The description has both servers, staging first."""
    assert [(server["x-environment"], server["url"]) for server in description["servers"]] == [
        ("staging", "https://staging-payments.commerce.asia"),
        ("production", "https://payments.commerce.asia"),
    ]


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


@pytest.mark.parametrize("envelope", [operation[4] for operation in OPERATIONS])
@pytest.mark.parametrize("body", FAILURES)
def test_both_shapes_of_failure_fit_every_envelope(
    description: dict[str, Any], envelope: str, body: dict[str, Any]
) -> None:
    """Every envelope is valid with a failure in place of the result, and with an error."""
    assert is_valid(description, envelope, body)


@pytest.mark.parametrize("envelope", [operation[4] for operation in OPERATIONS])
def test_an_incomplete_result_fits_no_envelope(description: dict[str, Any], envelope: str) -> None:
    """A result without its required members is neither a result nor a failure."""
    assert not is_valid(description, envelope, {"result": {"redirectionType": 1}, "success": True, "error": None})


def test_secrets_are_marked(description: dict[str, Any]) -> None:
    """The password and the tokens are marked as secret, so that generated reprs do not show them."""
    marked = {
        (name, member)
        for name in MEMBERS
        for member, schema in flat(description, name)[0].items()
        if schema.get("format") == "password"
    }
    assert marked == {
        ("AuthenticateRequest", "password"),
        ("AuthenticateResult", "accessToken"),
        ("AuthenticateResult", "encryptedAccessToken"),
    }
