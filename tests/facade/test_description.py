"""The facade has what the description has: every limit, code and member, and no others."""

from __future__ import annotations

import json
from datetime import date, timedelta
from enum import IntEnum
from importlib.resources import files
from inspect import getdoc
from typing import Any

import pytest
from facade.conftest import OPENING

from commercepay import (
    Customer,
    IdentificationType,
    Money,
    PaymentStatus,
    PlatformCharge,
    Recurrence,
    RecurrenceMode,
    SubMerchant,
    params,
)
from commercepay._base.flow import drive
from commercepay._calls import checks, operations, requests
from commercepay._calls.resources import Sessions
from commercepay._protocol.envelope import Response
from commercepay._protocol.settings import settings_of
from commercepay.errors import BY_CODE, ArgumentError, CommercePayError

SCHEMAS: dict[str, Any] = json.loads(files("commercepay_api").joinpath("openapi.json").read_text("utf-8"))[
    "components"
]["schemas"]
SETTINGS = settings_of({"tenant_id": 1, "username": "u", "password": "p", "secret_key": "s"})
EVERYTHING: dict[str, Any] = OPENING | {
    "description": "Order",
    "user_agent": "Mozilla/5.0",
    "customer": Customer(
        name="Aisyah",
        email="a@example.my",
        mobile_number="60123456789",
        username="aisyah",
        identification_number="900101015555",
        identification_type=IdentificationType.OTHER,
    ),
    "save_payment": True,
    "local_citizen": False,
    "sub_merchant": SubMerchant(unique_id="stall-12", name="Stall"),
    "recurring": Recurrence(
        mode=RecurrenceMode.MONTHLY,
        number_of_payments=3,
        effective_date=date(2027, 1, 1),
        expiry_date=date(2027, 12, 31),
        maximum_amount=Money("10.00", "MYR"),
        is_fixed_amount=True,
        id="sub-77",
    ),
    "channel_group_id": 1,
    "hidden_channels": [4],
    "platform_charge": PlatformCharge(partner_id="p", amount=Money("0.50", "MYR")),
}
PARAMETERS: dict[tuple[str, str, str], Any] = {
    ("PaymentDetails", "referenceCode", "maxLength"): lambda size: {"reference_code": "x" * size},
    ("PaymentDetails", "description", "maxLength"): lambda size: {"description": "x" * size},
    ("Customer", "name", "maxLength"): lambda size: {"customer": Customer(name="x" * size)},
    ("RecurringPaymentInfo", "numberOfPayments", "maximum"): lambda size: {
        "recurring": Recurrence(number_of_payments=size)
    },
}
"""The arguments that reach a limit. The user agent is cut instead."""


def sent(**given: Any) -> dict[str, Any]:
    """The body of a session, and that of a payment, in one."""
    opening: Any = OPENING | given
    session: Any = {"expires_in": timedelta(minutes=5)}
    payment: Any = {"channel_id": 4, "provider_channel_id": "TEST0021"}
    bodies = [
        requests.session_request(SETTINGS, opening | session)()["json"],
        requests.payment_request(SETTINGS, opening | payment)()["json"],
    ]
    return {**bodies[0], **bodies[1]}


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    """The members of a schema, with those of the schemas that it is made of."""
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        found |= properties(SCHEMAS[part["$ref"].rpartition("/")[2]] if "$ref" in part else part)
    return found


def names(schema: dict[str, Any], place: str = "") -> set[str]:
    """The names of all members, with those of the objects in them."""
    return {
        name
        for member, inner in properties(schema).items()
        for name in (place + member, *names({"properties": properties(inner)}, f"{place}{member}."))
    }


def names_in(body: dict[str, Any], place: str = "") -> set[str]:
    """The names of all members of a JSON object, with those of the objects in it."""
    return {
        name
        for member, value in body.items()
        for name in (place + member, *(names_in(value, f"{place}{member}.") if isinstance(value, dict) else ()))
    }


def test_members_of_requests() -> None:
    """With every parameter given, exactly the members of the description are sent."""
    assert names_in(sent(**EVERYTHING)) == names(SCHEMAS["SessionRequest"]) | names(SCHEMAS["PaymentRequest"])


@pytest.mark.parametrize(
    ("schema", "call", "given", "unread"),
    [
        ("SessionOpened", operations.create_session, OPENING, {"clientScript"}),
        ("PaymentStarted", operations.create_payment, OPENING, set()),
        ("QueryResult", operations.query_payment, {"session_number": "S-1001"}, {"providerChannelId"}),
    ],
)
def test_members_of_results(schema: str, call: Any, given: Any, unread: set[str]) -> None:
    """Every member of a result is read, apart from those that only `raw` holds, and every attribute comes from one."""
    members = properties(SCHEMAS[schema])
    whole = {name: next(filter(None, member["examples"]), "text") for name, member in members.items()}

    def outcome(*left_out: str) -> Any:
        result = {name: value for name, value in whole.items() if name not in left_out}

        def perform(_: Any) -> Response:
            return Response(status_code=200, headers={}, body=json.dumps({"result": result}).encode())

        try:
            return drive(call(SETTINGS, given), perform)
        except CommercePayError as error:
            return type(error)

    read = {name for name in whole for other in ("", *whole) if outcome(other) != outcome(other, name)}
    assert whole.keys() - read == unread
    found = [vars(value) for name in ("", *whole) if not isinstance(value := outcome(name), type)]
    assert all(any(value[name] is not None for value in found) for name in found[0])


def test_checks() -> None:
    """There is a check for every parameter of every call, and for every field of a parameter that has fields."""
    calls = [
        call
        for name, call in vars(params).items()
        if name.endswith("Params") and name not in ("ClientParams", "OpeningParams")
    ]
    assert {*checks.CHECKS, *checks.RECORDS} == {name for call in calls for name in call.__annotations__}
    for kind, fields in checks.RECORDS.values():
        assert fields.keys() == kind.__annotations__.keys(), kind


def test_limits() -> None:
    """The facade accepts each limit of the description, and refuses one more; a user agent is cut."""
    limits = {
        (schema_name, name, keyword): member[keyword]
        for schema_name, schema in SCHEMAS.items()
        for name, member in schema.get("properties", {}).items()
        for keyword in ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems")
        if keyword in member
    }
    longest = limits.pop(("PaymentDetails", "userAgent", "maxLength"))
    assert sent(user_agent="x" * (longest + 1))["userAgent"] == "x" * longest
    assert PARAMETERS.keys() == limits.keys()
    documentation = f"{getdoc(Sessions.create)} {Customer.__doc__} {Recurrence.__doc__}"
    for place, limit in limits.items():
        assert f"up to {limit}" in documentation
        sent(**PARAMETERS[place](limit))
        with pytest.raises(ArgumentError, match=str(limit)):
            sent(**PARAMETERS[place](limit + 1))


@pytest.mark.parametrize(
    ("schema", "known"),
    [("PaymentStatus", PaymentStatus), ("IdentificationType", IdentificationType), ("RecurringMode", RecurrenceMode)],
)
def test_codes(schema: str, known: type[IntEnum]) -> None:
    """The members of an enum are the description's codes, with their names."""
    assert {code.name: code.value for code in known} == codes(schema)


def test_error_codes() -> None:
    """The errors that are raised for codes are the description's codes, with their names."""
    spelt = {"".join(word.title() for word in name.split("_")): code for name, code in codes("ErrorCode").items()}
    assert {error.__name__: code for code, error in BY_CODE.items()} == spelt


def codes(name: str) -> dict[str, int]:
    schema = SCHEMAS[name]
    schema = schema.get("anyOf", [schema])[0]
    return dict(zip(schema["x-enum-varnames"], schema["enum"], strict=True))
