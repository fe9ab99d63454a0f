"""What changed between two versions of the description: which changes break an application, and which do not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from scripts import ROOT, load

API_DIFF = load("openapi/api_diff.py")
DOCUMENT: Any = json.loads((ROOT / API_DIFF.DOCUMENT).read_text("utf-8"))
TEXT = {"type": "string"}
CODES = {"oneOf": [{"const": 1, "title": "ONE"}, {"const": 2, "title": "TWO"}]}
OPEN = {"anyOf": [CODES, {"type": "integer"}]}
REF = "#/components/schemas/"


def document(sent: Any, read: Any) -> Any:
    """A document with one operation and one callback. They send and read these members of an object."""

    def content(schema: str) -> Any:
        return {"content": {"application/json": {"schema": {"$ref": REF + schema}}}}

    def operation(body: str, response: str) -> Any:
        return {"requestBody": content(body), "responses": {"200": content(response)}}

    return {
        "paths": {"/pay": {"post": {"operationId": "Pay", **operation("Sent", "Read")}}},
        "webhooks": {"paid": {"post": {"operationId": "Paid", **operation("Read", "Sent")}}},
        "components": {
            "schemas": {
                "Sent": {"type": "object", **sent},
                "Read": {"type": "object", **read},
                "Other": {"type": "object"},
            }
        },
    }


def compared(old: Any, new: Any) -> tuple[list[str], list[str]]:
    """The breaking and the compatible changes."""
    found = API_DIFF.Comparison(old, new)
    return sorted(found._lines(True)), sorted(found._lines(False))


def member(schema: Any, *, required: bool = False) -> Any:
    return {"properties": {"x": schema}, "required": ["x"] if required else []}


LESS = {
    "a type": ({"type": ["string", "null"]}, TEXT, "is never null"),
    "an integer of a number": ({"type": "number"}, {"type": "integer"}, "is never number"),
    "a nullable object": (
        {"oneOf": [{"$ref": REF + "Other"}, {"type": "null"}]},
        {"$ref": REF + "Other"},
        "is never null",
    ),
    "a lower maximum": (
        {"type": "string", "maxLength": 9},
        {"type": "string", "maxLength": 8},
        "the maxLength 8 (9 before)",
    ),
    "a new maximum": ({"type": "integer"}, {"type": "integer", "maximum": 8}, "the maximum 8 (none before)"),
    "a higher minimum": (
        {"type": "integer", "minimum": 0},
        {"type": "integer", "minimum": 1},
        "the minimum 1 (0 before)",
    ),
    "a new pattern": (TEXT, {"type": "string", "pattern": "^a"}, "has the pattern `^a`"),
    "a new format": (TEXT, {"type": "string", "format": "date"}, "has the format `date`"),
    "codes only": ({"type": "integer"}, {"type": "integer", **CODES}, "has only known codes"),
    "a closed enum": ({"type": "integer", **OPEN}, {"type": "integer", **CODES}, "has only known codes"),
    "an alternative": (
        {"oneOf": [TEXT, {"type": "integer"}, {"type": "boolean"}]},
        {"oneOf": [TEXT, {"type": "integer"}]},
        "is never `boolean`",
    ),
    "items": (
        {"type": "array", "items": {"type": ["string", "null"]}},
        {"type": "array", "items": TEXT},
        "x[]` is never null",
    ),
}
"""A schema, one that allows less, and what the text has."""


@pytest.mark.parametrize(("more", "less", "text"), LESS.values(), ids=LESS)
def test_what_allows_less_or_more(more: Any, less: Any, text: str) -> None:
    """What allows less breaks the sender; what allows more breaks the reader; a callback is read by the application."""
    narrowed = compared(document(member(more), member(more)), document(member(less), member(less)))
    widened = compared(document(member(less), member(less)), document(member(more), member(more)))
    for breaking, compatible, breaks in ((*narrowed, "Sent"), (*widened, "Read")):
        (broken,), (other,) = breaking, compatible
        assert broken.startswith(f"`{breaks}.x")
        assert other.startswith("`Read.x" if breaks == "Sent" else "`Sent.x")
        assert broken.endswith(
            "(request of Pay, response of Paid)." if breaks == "Sent" else "(request of Paid, response of Pay)."
        )
    assert text in narrowed[0][0]


CHANGES: dict[str, tuple[Any, Any, list[str], list[str]]] = {
    "a new member": ({}, member(TEXT), [], ["`Read.x` is new", "`Sent.x` is new"]),
    "a new required member": (
        {},
        member(TEXT, required=True),
        ["`Sent.x` is new and required"],
        ["`Read.x` is new and required"],
    ),
    "a removed member": (member(TEXT), {}, ["`Read.x` was removed", "`Sent.x` was removed"], []),
    "a member that is now required": (
        member(TEXT),
        member(TEXT, required=True),
        ["`Sent.x` is required"],
        ["`Read.x` is always present"],
    ),
    "a member that is now optional": (
        member(TEXT, required=True),
        member(TEXT),
        ["`Read.x` can be absent"],
        ["`Sent.x` can be absent"],
    ),
    "a new code": (
        member(CODES),
        member({"oneOf": [*CODES["oneOf"], {"const": 3, "title": "THREE"}]}),
        ["`Read.x` has the code 3 THREE"],
        ["`Sent.x` has the code 3 THREE"],
    ),
    "a new code of an open enum": (
        member(OPEN),
        member({"anyOf": [{"oneOf": [*CODES["oneOf"], {"const": 3, "title": "THREE"}]}, {"type": "integer"}]}),
        [],
        ["`Read.x` has the code 3 THREE", "`Sent.x` has the code 3 THREE"],
    ),
    "a removed code": (
        member(OPEN),
        member({"anyOf": [{"oneOf": CODES["oneOf"][:1]}, {"type": "integer"}]}),
        ["`Read.x` has no code 2 TWO", "`Sent.x` has no code 2 TWO"],
        [],
    ),
    "a renamed code": (
        member(CODES),
        member({"enum": [1, 2], "x-enum-varnames": ["ONE", "DEUX"]}),
        ["`Read.x` names the code 2 DEUX, not TWO", "`Sent.x` names the code 2 DEUX, not TWO"],
        [],
    ),
    "another pattern": (
        member({"type": "string", "pattern": "^a"}),
        member({"type": "string", "pattern": "^b"}),
        ["`Read.x` has the pattern `^b`", "`Sent.x` has the pattern `^b`"],
        [],
    ),
    "a secret": (member(TEXT), member({"type": "string", "format": "password"}), [], []),
    "codes in another notation": (member(CODES), member({"enum": [1, 2], "x-enum-varnames": ["ONE", "TWO"]}), [], []),
    "text": (member(TEXT), member({**TEXT, "description": "Other.", "examples": ["a"]}), [], []),
}


@pytest.mark.parametrize(("old", "new", "breaking", "compatible"), CHANGES.values(), ids=CHANGES)
def test_members_and_codes(old: Any, new: Any, breaking: list[str], compatible: list[str]) -> None:
    """Each change of a member or a code is reported on both sides, as breaking or compatible."""
    found = compared(document(old, old), document(new, new))
    assert [[line.partition(" (")[0] for line in lines] for lines in found] == [breaking, compatible]


def test_a_schema_that_contains_itself() -> None:
    """A schema that contains itself is compared once."""
    old, new = (member({"$ref": f"{REF}Sent"}) | {"description": text} for text in "ab")
    old["properties"]["y"] = TEXT
    assert compared(document(old, {}), document(new, {})) == (
        ["`Sent.y` was removed (request of Pay, response of Paid)."],
        [],
    )


QUERY = "/api/services/app/PaymentGateway/Query"
PATHS = DOCUMENT["paths"]


def put(place: list[Any], value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        *steps, last = place
        for step in steps:
            document = document[step]
        if value is None:
            del document[last]
        else:
            document[last] = value

    return change


OPERATIONS: dict[str, tuple[Callable[[Any], None], bool, str]] = {
    "an operation": (put(["paths", QUERY], None), True, "The operation Query was removed."),
    "the callback": (put(["webhooks", "paymentCallback"], None), True, "The callback PaymentCallback was removed."),
    "a server": (
        put(["servers"], DOCUMENT["servers"][:1]),
        True,
        "The server https://payments.commerce.asia was removed.",
    ),
    "a header": (
        put(["components", "securitySchemes", "tenant", "name"], "X-Tenant"),
        True,
        "The security scheme `tenant` has changed.",
    ),
    "another path": (
        lambda document: document["paths"].update({"/Query": document["paths"].pop(QUERY)}),
        True,
        f"Query is now GET /Query, not GET {QUERY}.",
    ),
    "less security": (
        put(["paths", QUERY, "get", "security"], [{"bearer": [], "tenant": []}]),
        False,
        "Query needs other security: bearer and tenant.",
    ),
    "more security": (
        put(["paths", "/api/TokenAuth/Authenticate", "post", "security"], [{"tenant": [], "signature": []}]),
        True,
        "Authenticate needs other security: signature and tenant.",
    ),
    "no security of a callback": (
        put(["webhooks", "paymentCallback", "post", "security"], [{}]),
        True,
        "PaymentCallback needs other security: nothing.",
    ),
    "a parameter": (
        put(["paths", QUERY, "get", "parameters"], PATHS[QUERY]["get"]["parameters"][1:]),
        True,
        "`Query.TransactionNumber (in the query)` was removed (request of Query).",
    ),
    "a status": (
        put(["paths", QUERY, "get", "responses", "404"], PATHS[QUERY]["get"]["responses"]["default"]),
        False,
        "The status 404 is new (response of Query).",
    ),
    "a content type": (
        put(["paths", QUERY, "get", "responses", "200", "content"], {}),
        True,
        "`application/json` was removed (response of Query).",
    ),
}


@pytest.mark.parametrize(("change", "breaks", "text"), OPERATIONS.values(), ids=OPERATIONS)
def test_operations(change: Callable[[Any], None], breaks: bool, text: str) -> None:
    """Each change of an operation is reported; the reverse of a removal is compatible."""
    changed = copy.deepcopy(DOCUMENT)
    change(changed)
    breaking, compatible = compared(DOCUMENT, changed)
    assert (breaking, compatible) == (([text], []) if breaks else ([], [text]))
    if "was removed" in text:
        assert compared(changed, DOCUMENT)[0] == []


def test_shared_schemas_are_reported_once() -> None:
    """A change of a schema that several operations use is one line with all of them."""
    changed = copy.deepcopy(DOCUMENT)
    changed["components"]["schemas"]["PaymentDetails"]["properties"]["newMember"] = TEXT
    del changed["components"]["schemas"]["QueryResult"]["properties"]["remark"]
    assert API_DIFF.Comparison(DOCUMENT, changed).markdown() == (
        "### Breaking\n\n- `QueryResult.remark` was removed (response of Query).\n\n"
        "### Compatible\n\n- `PaymentDetails.newMember` is new (request of InitialSession, request of RequestPayment).\n"
    )


def test_no_difference() -> None:
    """The same description has no differences, and the text states it."""
    assert API_DIFF.Comparison(DOCUMENT, DOCUMENT).markdown() == "The description allows what it allowed before.\n"


def test_a_wrong_revision() -> None:
    """A revision that does not exist is an error with Git's reason; without a revision, the usage is shown."""
    with pytest.raises(SystemExit, match="api-diff: fatal"):
        API_DIFF.main(["no-such-revision"])
    assert API_DIFF.main([]) == 2
