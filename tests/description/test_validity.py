"""The description is valid and complete, and its examples are valid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

DESCRIPTION = yaml.safe_load((Path(__file__).resolve().parents[2] / "openapi" / "commercepay.yaml").read_text("utf-8"))


def pointer(*steps: str) -> str:
    return "#/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)


def walk(node: Any, *steps: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield steps, node
    if isinstance(node, dict):
        for key, value in node.items():
            # An example is data: it can have a member with the name `examples`.
            if key not in ("example", "examples", "value"):
                yield from walk(value, *steps, str(key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, *steps, str(index))


def examples() -> dict[str, tuple[str, Any]]:
    """Every example by its place: the pointer to its schema, and its value."""
    found: dict[str, tuple[str, Any]] = {}
    for steps, node in walk(DESCRIPTION):
        if not isinstance(node, dict):
            continue
        given, schema = node.get("examples"), pointer(*steps, "schema")
        if isinstance(given, list):
            found |= {f"{pointer(*steps)}/examples/{n}": (pointer(*steps), value) for n, value in enumerate(given)}
        elif isinstance(given, dict) and "schema" in node:
            found |= {pointer(*steps, "examples", name): (schema, one["value"]) for name, one in given.items()}
        elif "example" in node and "schema" in node:
            found[pointer(*steps, "example")] = (schema, node["example"])
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema and every member of one."""
    found: dict[str, dict[str, Any]] = {}

    def add_members(name: str, schema: dict[str, Any]) -> None:
        for member, inner in schema.get("properties", {}).items():
            found[f"{name}.{member}"] = inner
        for part in schema.get("allOf", []):
            add_members(name, part)

    for name, schema in DESCRIPTION["components"]["schemas"].items():
        found[name] = schema
        add_members(name, schema)
    return found


def documented() -> dict[str, dict[str, Any]]:
    """Every entry that must have a description and a source."""
    found = {f"server {one['url']}": one for one in DESCRIPTION["servers"]}
    found |= {f"tag {one['name']}": one for one in DESCRIPTION["tags"]}
    for path, item in (DESCRIPTION["paths"] | DESCRIPTION["webhooks"]).items():
        for method, operation in item.items():
            where = f"{method} {path}"
            found[where] = operation
            found |= {f"{where} {one['name']}": one for one in operation.get("parameters", [])}
            found |= {f"{where} {status}": one for status, one in operation["responses"].items()}
            found |= {f"{where} body": operation["requestBody"]} if "requestBody" in operation else {}
    found |= {f"security {name}": one for name, one in DESCRIPTION["components"]["securitySchemes"].items()}
    return found | schemas()


def test_the_description_is_valid() -> None:
    """The description is valid OpenAPI 3.1."""
    assert DESCRIPTION["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(DESCRIPTION).validate()


def test_there_are_examples_to_check() -> None:
    """The search finds the examples of members, bodies and parameters."""
    assert len(examples()) > 100
    for part in ("/properties/", "Query/get/parameters", "responses/default"):
        assert any(part in place for place in examples())


def test_every_example_is_valid() -> None:
    """Every example is valid against its schema."""
    for place, (schema, value) in examples().items():
        found = jsonschema.Draft202012Validator({**DESCRIPTION, "$ref": schema}).iter_errors(value)
        assert [error.message for error in found] == [], place


def test_every_entry_has_a_description_and_a_source() -> None:
    """Every entry has a description, and one or more of the five levels of evidence; that of an assumption calls it one."""
    assert set(DESCRIPTION["x-evidence-levels"]) == set("VSIFA")
    assert len(documented()) > 150
    for place, entry in documented().items():
        assert entry["description"].strip(), place
        levels = entry["x-evidence"].split(", ")
        assert set("VSIFA").issuperset(levels), place
        if "A" in levels:
            assert any(word in entry["description"] for word in ("assumption", "not published")), place


def test_every_schema_and_member_has_an_example() -> None:
    """Every schema and every member has at least one example."""
    assert [name for name, schema in schemas().items() if not schema["examples"]] == []


def test_no_default_is_sent() -> None:
    """No member has a default, because generated code would sign and send it."""
    assert [
        steps for steps, node in walk(DESCRIPTION["components"]) if isinstance(node, dict) and "default" in node
    ] == []


def test_unknown_members_are_not_forbidden() -> None:
    """No schema forbids unknown members."""
    assert [
        steps for steps, node in walk(DESCRIPTION) if isinstance(node, dict) and "additionalProperties" in node
    ] == []


def test_the_package_carries_the_same_description(generated: Path, description: dict[str, Any]) -> None:
    """The JSON in the package equals the YAML, and its first line states that it is generated."""
    text = (generated / "openapi.json").read_text("utf-8")
    data = json.loads(text)
    assert "do not edit" in text.splitlines()[0]
    assert "do not edit" in data.pop("x-generated")
    assert data == description
