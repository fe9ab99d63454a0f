"""The facade has every operation, member, limit and code of the description, or a reason why not; and nothing else.

The description is not repeated here. The tests call the facade and compare what is sent and what is read.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any, NamedTuple, TypedDict, get_type_hints

import pytest
from facade.conftest import CREDENTIALS

import commercepay
from commercepay import ArgumentError, CommercePayError, Money, models, params, signature
from commercepay._base.flow import drive
from commercepay._calls import checks, operations, resources
from commercepay._protocol import envelope
from commercepay._protocol.call import Call, Options
from commercepay._protocol.envelope import Response
from commercepay._protocol.settings import settings_of
from commercepay.callbacks import verify
from commercepay.errors import BY_CODE

LEFT_OUT = {
    "AuthenticateRequest.rememberClient": "its effect is not known",
    "AuthenticateResult.encryptedAccessToken": "no call needs it",
    "AuthenticateResult.userId": "no call needs it",
    "SessionOpened.clientScript": "a session is opened at its URL",
    "QueryResult.providerChannelId": "`raw` has it",
    "Envelope.targetUrl": "only null was observed",
    "Envelope.success": "it is not reliable, and read only if nothing else shows what the response is",
    "Envelope.__abp": "it is a marker of the framework",
}
"""What the description has and the facade has not, with the reason: operations, members (`Schema.member`) and codes."""

ENUMS = {"RecurringMode": "RecurrenceMode"}
"""The enums with another name in the facade."""

DESCRIPTION: dict[str, Any] = json.loads(files("commercepay_api").joinpath("openapi.json").read_text("utf-8"))
SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]
DESCRIBED = {one["operationId"]: one for item in DESCRIPTION["paths"].values() for one in item.values()}
LIMITS = ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems")
SETTINGS = settings_of(CREDENTIALS)
Path = tuple[str | int, ...]


# --- the description ----------------------------------------------------------------------------------------------


class Member(NamedTuple):
    """A member that is no object: the steps to it, the schema that declares it with its name, and its schema."""

    path: Path
    name: str
    schema: dict[str, Any]


def resolved(schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return (name, SCHEMAS[name]) if name else ("", schema)


def members(schema: dict[str, Any], owner: str = "", path: Path = ()) -> Iterator[Member]:
    """All members, with those of the objects and arrays in the schema."""
    name, schema = resolved(schema)
    owner = name or owner
    parts = [part for part in (*schema.get("allOf", ()), *schema.get("oneOf", ())) if "const" not in part]
    for part in parts:
        yield from members(part, owner, path)
    for name, inner in schema.get("properties", {}).items():
        yield from members(inner, f"{owner}.{name}", (*path, name))
    if "items" in schema:
        yield from members(schema["items"], owner, (*path, 0))
    elif "properties" not in schema and not parts and schema["type"] != "null":
        yield Member(path, owner, schema)


def request_members(name: str) -> list[Member]:
    operation = DESCRIBED[name]
    if "requestBody" in operation:
        return list(members(operation["requestBody"]["content"]["application/json"]["schema"]))
    return [Member((one["name"],), f"{name}.{one['name']}", one["schema"]) for one in operation.get("parameters", ())]


def result_members(name: str) -> list[Member]:
    """The members of a successful result. The envelope has it beside the refusal and null."""
    _, body = resolved(DESCRIBED[name]["responses"]["200"]["content"]["application/json"]["schema"])
    refusal, result, null = body["allOf"][1]["properties"]["result"]["oneOf"]
    assert (resolved(refusal)[0], null) == ("Refusal", {"type": "null"})
    return list(members(result))


def codes(name: str) -> dict[str, int]:
    schema = SCHEMAS[name]
    return {code["title"]: code["const"] for code in schema.get("anyOf", [schema])[0]["oneOf"]}


CODES = [name for name, schema in SCHEMAS.items() if "const" in json.dumps(schema)]


def left_out(names: Iterable[str]) -> set[str]:
    """What is left out of the operation or the schemas with these names."""
    owners = {name.partition(".")[0] for name in names}
    return {name for name in LEFT_OUT if name.partition(".")[0] in owners}


def example(schema: dict[str, Any]) -> Any:
    given = [value for value in schema.get("examples", ()) if value not in (None, False)]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    return given[0] if given else {"string": "text", "integer": 7, "number": 1.5, "boolean": True}[kind]


def nested(leaves: dict[Path, Any]) -> Any:
    """The JSON value with these leaves; the step 0 is the one item of an array."""
    if () in leaves:
        return leaves[()]
    first = dict.fromkeys(path[0] for path in leaves)
    found = {step: nested({path[1:]: value for path, value in leaves.items() if path[0] == step}) for step in first}
    return list(found.values()) if 0 in found else found


def leaves(value: Any, path: Path = ()) -> dict[Path, Any]:
    """The reverse of `nested`."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else None
    if items is None:
        return {path: value}
    return {place: leaf for step, item in items for place, leaf in leaves(item, (*path, step)).items()}


# --- the facade ---------------------------------------------------------------------------------------------------

CANDIDATES: tuple[Any, ...] = (
    "S-1001",  # the session of the description's examples
    "https://shop.example.my",
    "203.0.113.9",
    "MY",
    5,
    True,
    [4],
    Money("12.34", "MYR"),
    date(2027, 1, 1),
    datetime(2027, 1, 1, tzinfo=UTC),
    timedelta(minutes=5),
    models.IdentificationType.PASSPORT,
    models.RecurrenceMode.DAILY,
)


def passing(check: checks.Check) -> Any:
    return next(value for value in CANDIDATES if check(value) is None)


def argument(name: str, /, **fields: Any) -> Any:
    """An argument for a parameter; an object has all its fields."""
    if name not in checks.RECORDS:
        return passing(checks.CHECKS[name])
    kind, known = checks.RECORDS[name]
    return kind(**{field: passing(check) for field, check in known.items()} | fields)


class Operation(NamedTuple):
    """An operation of the facade, and the type of its arguments."""

    start: Callable[[Any], Any]
    declared: Any

    def ask(self, given: dict[str, Any], result: Any = None) -> tuple[Call, Any]:
        """The call, and what it returns for this result, or the type of the error that it raises."""
        calls: list[Any] = []

        def perform(call: Any) -> Response:
            calls.append(call)
            return Response(status_code=200, headers={}, body=json.dumps({"result": result}).encode())

        try:
            outcome = drive(self.start(given), perform)
        except CommercePayError as error:
            if not calls:
                raise
            outcome = type(error)
        return calls[0], outcome

    def sent(self, given: dict[str, Any]) -> dict[Path, Any]:
        request = self.ask(given)[0].request()
        return leaves(request.get("json", request.get("params")))

    def accepted(self) -> list[dict[str, Any]]:
        """Arguments: all, the required ones, and these with each of the others. Only those that are accepted."""
        names = [name for name in self.declared.__annotations__ if name not in params.CallOptions.__annotations__]
        required = [name for name in names if name in self.declared.__required_keys__]
        found = []
        for some in (names, required, *([*required, name] for name in names if name not in required)):
            given = {name: argument(name) for name in some}
            try:
                self.ask(given)
            except ArgumentError:
                continue
            found.append(given)
        return found


class Nothing(TypedDict):
    """The arguments of Authenticate, which takes the credentials of the client."""


def facade() -> Iterator[Operation]:
    for function in vars(operations).values():
        if getattr(function, "__module__", "") == operations.__name__ and "given" in get_type_hints(function):
            yield Operation(lambda given, start=function: start(SETTINGS, given), get_type_hints(function)["given"])
    login = Call(name="Query", request=dict, safe=True, options=Options.starting_now(5, 0, own=False))
    yield Operation(lambda _: operations.authenticate(SETTINGS, login, login.options.deadline), Nothing)


FACADE = {operation.ask(operation.accepted()[0])[0].name: operation for operation in facade()}
BOTH = sorted(FACADE.keys() & DESCRIBED.keys())


def unread(described: list[Member], read: Callable[[Any], Any]) -> set[str]:
    """The members that make no difference, also if another member is missing."""
    whole = {member.path: example(member.schema) for member in described}
    others = {(), *(path[:length] for path in whole for length in range(1, len(path) + 1))}

    def outcome(*without: Path) -> Any:
        prefixes = [path for path in without if path]
        return read(nested({path: v for path, v in whole.items() if not any(path[: len(p)] == p for p in prefixes)}))

    def is_read(path: Path) -> bool:
        return any(outcome(other) != outcome(other, path) for other in others)

    return {member.name for member in described} - {member.name for member in described if is_read(member.path)}


def results(value: Any) -> Iterator[Any]:
    """The results in a value, with those in their attributes."""
    if isinstance(value, tuple):
        for item in value:
            yield from results(item)
    elif hasattr(value, "raw"):
        yield value
        yield from results(tuple(vars(value).values()))


def unfilled(values: list[Any]) -> set[str]:
    """The attributes that have no value in any of these results."""
    filled = {(type(value), name) for value in values for name, item in vars(value).items() if item not in (None, ())}
    return {
        f"{type(value).__name__}.{name}"
        for value in values
        for name in vars(value)
        if (type(value), name) not in filled
    }


# --- both ---------------------------------------------------------------------------------------------------------


def test_reasons() -> None:
    """What is left out is in the description."""
    declared = {f"{name}.{member}" for name, schema in SCHEMAS.items() for member in properties(schema)}
    parameters = {member.name for name in DESCRIBED for member in request_members(name)}
    assert LEFT_OUT.keys() <= {
        *DESCRIBED,
        *declared,
        *parameters,
        *(f"{name}.{code}" for name in CODES for code in codes(name)),
    }


def properties(schema: dict[str, Any]) -> set[str]:
    return {
        *schema.get("properties", ()),
        *(name for part in schema.get("allOf", ()) for name in part.get("properties", ())),
    }


def test_operations() -> None:
    """The facade has every operation."""
    assert FACADE.keys() ^ DESCRIBED.keys() == left_out(DESCRIBED) & DESCRIBED.keys()


def test_calls_that_open_a_payment() -> None:
    """A call whose request has a reference code opens a payment: after `OutcomeUnknown` it can be made again with that code."""
    with_reference = {
        name for name in DESCRIBED if any(member.path == ("referenceCode",) for member in request_members(name))
    }
    options = Options.starting_now(1.0, 0)
    opening = {name for name in DESCRIBED if Call(name=name, request=dict, safe=False, options=options).opens_payment}
    assert opening == with_reference == {"InitialSession", "RequestPayment"}


@pytest.mark.parametrize("name", BOTH)
def test_members_of_requests(name: str) -> None:
    """With every parameter given, exactly the members of the request are sent."""
    described = request_members(name)
    sent = {path for given in FACADE[name].accepted() for path in FACADE[name].sent(given)}
    assert sent <= {member.path for member in described}
    assert {member.name for member in described if member.path not in sent} == left_out(one.name for one in described)


@pytest.mark.parametrize("name", BOTH)
def test_members_of_results(name: str) -> None:
    """Every member of a result is read, and every attribute comes from a member or an argument."""
    described = result_members(name)
    given = FACADE[name].accepted()[0]
    found: list[Any] = []

    def read(result: Any) -> Any:
        outcome = FACADE[name].ask(given, result)[1]
        found.extend(results(outcome))
        return outcome

    assert unread(described, read) == left_out(member.name for member in described)
    assert unfilled(found) == set()


def test_members_of_callbacks() -> None:
    """There is one callback. Every member of it is read, and every attribute comes from a member."""
    ((name, item),) = DESCRIPTION["webhooks"].items()
    assert name == "paymentCallback"
    described = list(members(item["post"]["requestBody"]["content"]["application/json"]["schema"]))
    url, key = "https://shop.example.my/callback", "not-a-real-key"
    found: list[Any] = []

    def read(data: Any) -> Any:
        try:
            found.append(verify(json.dumps(data).encode(), signature.sign(url, data, key), url, key))
        except CommercePayError as error:
            return type(error)
        return repr(found[-1])

    assert unread(described, read) == left_out(member.name for member in described)
    assert unfilled(found) == set()


@pytest.mark.parametrize(("schema", "place"), [("Envelope", None), ("Refusal", "result")])
def test_members_of_refusals(schema: str, place: str | None) -> None:
    """Every member of an envelope with an error is read, and of a refusal in place of the result."""
    described = list(members({"$ref": f"#/components/schemas/{schema}"}))

    def read(body: Any) -> Any:
        body = {"result": None, **body} if place is None else {place: body}
        try:
            return envelope.read(Response(status_code=200, headers={}, body=json.dumps(body).encode()))
        except CommercePayError as error:
            return type(error), {**vars(error), "body": b""}, str(error).partition(", ")[0]

    assert unread(described, read) == left_out(member.name for member in described)


def test_checks() -> None:
    """There is a check for every parameter of every call, and for every field of a parameter that has fields."""
    calls = [getattr(params, name) for name in params.__all__ if name.endswith("Params") and name != "ClientParams"]
    assert {*checks.CHECKS, *checks.RECORDS} == {name for call in calls for name in call.__annotations__}
    for kind, fields in checks.RECORDS.values():
        assert fields.keys() == kind.__annotations__.keys(), kind


def at(operation: Operation, member: Member, value: Any) -> Iterator[Callable[[Any], Any]]:
    """For each argument that is sent as this member: a function that sends another value in its place."""
    (given, *_) = operation.accepted()
    for name in given:
        for field in checks.RECORDS[name][1] if name in checks.RECORDS else [None]:

            def send(value: Any, name: str = name, field: str | None = field) -> Any:
                changed = value if field is None else argument(name, **{field: value})
                return operation.sent(given | {name: changed}).get(member.path)

            try:
                reached = send(value) == value
            except ArgumentError:
                continue
            if reached:
                yield send


LIMITED = [
    pytest.param(name, member, keyword, id=f"{name} {member.name} {keyword}")
    for name in BOTH
    for member in request_members(name)
    for keyword in LIMITS
    if keyword in member.schema
]


@pytest.mark.parametrize(("name", "member", "keyword"), LIMITED)
def test_limits(name: str, member: Member, keyword: str) -> None:
    """The facade accepts a limit of the description, and refuses or cuts what is beyond it; the documentation has it."""
    limit = member.schema[keyword]
    beyond = limit + 1 if keyword.startswith("max") else limit - 1
    at_limit, too_far = ("x" * limit, "x" * beyond) if keyword.endswith("Length") else (limit, beyond)
    (send,) = at(FACADE[name], member, at_limit)
    try:
        sent = send(too_far)
    except ArgumentError as error:
        sent = at_limit if str(limit) in str(error) else error
    assert sent == at_limit
    methods = [
        inspect.getdoc(method) for cls in (resources.Sessions, resources.Payments) for method in vars(cls).values()
    ]
    assert f"up to {limit}" in "".join(map(str, [*methods, *(kind.__doc__ for kind, _ in checks.RECORDS.values())]))


@pytest.mark.parametrize("name", [name for name in CODES if name != "ErrorCode"])
def test_codes(name: str) -> None:
    """The members of an enum are the description's codes, with their names."""
    known = {code.name: code.value for code in getattr(commercepay, ENUMS.get(name, name))}
    assert known.keys() ^ codes(name).keys() == {one.partition(".")[2] for one in left_out([name])}
    assert known.items() <= codes(name).items()


def test_error_codes() -> None:
    """The errors that are raised for codes are the description's codes, with their names."""
    described = {
        f"ErrorCode.{name}": code for name, code in codes("ErrorCode").items() if f"ErrorCode.{name}" not in LEFT_OUT
    }
    spelt = {
        "".join(word.title() for word in name.partition(".")[2].split("_")): code for name, code in described.items()
    }
    assert {error.__name__: code for code, error in BY_CODE.items()} == spelt
