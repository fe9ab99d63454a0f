"""A description of all that is allowed and hard: names that mean something in Python, quotes, and every kind of member."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_MEMBERS = """
class from None int list type self data result response request T UNSET a-b 1st $x Any Mapping TypeVar prop id name value
field items keys object datetime True str dict property isinstance json body client match async print éa with_ models
"""
_PARAMETERS = """
url data json self type k v any dict str path method timeout extensions result parse wire unset import 1st a-b none auth
models types parse_response
"""
MEMBERS, PARAMETERS = _MEMBERS.split(), _PARAMETERS.split()


QUOTES = 'A "quoted" """ text,\nwith \\ and {{ braces }} and a quote at its end "'

_SCALARS = ("string", "integer", "boolean", "number")


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [schema, {"type": "null"}]}


KINDS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, "text"),
    ({"type": "integer"}, 5),
    ({"type": ["boolean", "null"]}, True),
    ({"type": "number", "format": "double"}, 1.5),
    (_ref("Codes"), "a-b"),
    (_ref("Numbers"), 3),
    ({"type": "array", "items": _ref("Codes")}, ["none", "self"]),
    ({"type": "array", "items": _ref("list")}, [{"a": "1", "b": 2}]),
    ({"type": ["array", "null"], "items": {"type": "string"}}, ["x"]),
    ({"type": "array", "items": {"type": "array", "items": _ref("Codes")}}, [["self"], []]),
    (_null(_ref("Exception")), {"a": "1"}),
    (_ref("Customer"), {"name": "Aisyah"}),
    (_null(_ref("PaymentStatus")), 99),
]
"""A schema, and a value."""


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _get(name: str, result: dict[str, Any], parameters: list[dict[str, Any]], tag: str) -> dict[str, Any]:
    responses = {"200": {"description": "It.", "content": _content(result)}}
    return {"get": {"operationId": name, "tags": [tag], "parameters": parameters, "responses": responses}}


def _members(names: list[str]) -> dict[str, Any]:
    return {name: KINDS[index % len(KINDS)][0] for index, name in enumerate(names)}


VALUE = {name: KINDS[index % len(KINDS)][1] for index, name in enumerate(MEMBERS)}
"""A value of `Everything`, which has every member."""
ARGUMENTS = [("5", 5, True, 2.5)[index % 4] for index in range(len(PARAMETERS))]
"""The value of each parameter."""

DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "Hard names", "version": "1"},
    "paths": {
        "/api/Hard/Post": {
            "post": {
                "operationId": "class",
                "summary": QUOTES,
                "tags": ["import"],
                "requestBody": {"content": _content(_ref("Everything"))},
                "responses": {"200": {"description": "It.", "content": _content(_ref("Optional"))}},
            }
        },
        "/api/Hard/Query": _get(
            "import",
            {"type": "array", "items": {"type": "string"}},
            [
                {
                    "name": name,
                    "in": "query",
                    "required": index % 2 == 0,
                    "schema": {"type": _SCALARS[index % 4]},
                }
                for index, name in enumerate(PARAMETERS)
            ],
            "Hard tag-name",
        ),
        "/api/Hard/Code": _get(
            "Code", _ref("Codes"), [{"name": "Code", "in": "query", "schema": _ref("Numbers")}], "def"
        ),
        "/api/Hard/Lists": _get(
            "Lists", {"type": "array", "items": {"type": "array", "items": _ref("Codes")}}, [], "def"
        ),
        "/api/Hard/Ours": _get("Ours", _ref("QueryResult"), [], "def"),
        "/api/Hard/Number": _get("Number", {"type": "number"}, [], "def"),
    },
    "components": {
        "schemas": {
            "Everything": {
                "type": "object",
                "description": QUOTES,
                "required": MEMBERS,
                "properties": _members(MEMBERS),
            },
            "Optional": {"allOf": [_ref("list"), {"type": "object", "properties": _members(MEMBERS)}]},
            "Codes": {"type": "string", "enum": ["a-b", "1", "none", "mro", "name", "value", "x y", "self", "class"]},
            "Numbers": {"anyOf": [{"type": "integer", "enum": [0, 1, -5]}, {"type": "integer"}]},
            "list": {
                "type": "object",
                "required": ["a"],
                "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            },
            "Exception": {"type": "object", "properties": {"a": {"type": "string"}}},
        }
    },
}


def write(folder: Path) -> Path:
    path = folder / "hard.json"
    path.write_text(json.dumps(DESCRIPTION, indent=1))
    return path
