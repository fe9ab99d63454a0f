"""The description is valid and complete, and its examples are valid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

DESCRIPTION = yaml.safe_load((Path(__file__).resolve().parents[2] / "openapi" / "commercepay.yaml").read_text("utf-8"))
METHODS = ("get", "post")


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


def examples() -> Iterator[Any]:
    for steps, node in walk(DESCRIPTION):
        if not isinstance(node, dict):
            continue
        given = node.get("examples")
        if isinstance(given, list):
            for index, value in enumerate(given):
                yield pytest.param(pointer(*steps), value, id=f"{pointer(*steps)}/examples/{index}")
        elif isinstance(given, dict) and "schema" in node:
            for name, example in given.items():
                where = pointer(*steps, "schema")
                yield pytest.param(where, example["value"], id=f"{pointer(*steps)}/examples/{name}")
        elif "example" in node and "schema" in node:
            yield pytest.param(pointer(*steps, "schema"), node["example"], id=pointer(*steps, "example"))


def documented() -> Iterator[Any]:
    """Every entry that must have a description and a source."""
    for kind in ("servers", "tags"):
        for entry in DESCRIPTION[kind]:
            yield pytest.param(entry, id=f"{kind} {entry.get('url') or entry['name']}")
    for group in ("paths", "webhooks"):
        for path, item in DESCRIPTION[group].items():
            for method, operation in item.items():
                where = f"{method} {path}"
                yield pytest.param(operation, id=where)
                for parameter in operation.get("parameters", []):
                    yield pytest.param(parameter, id=f"{where} {parameter['name']}")
                if "requestBody" in operation:
                    yield pytest.param(operation["requestBody"], id=f"{where} body")
                for status, response in operation["responses"].items():
                    yield pytest.param(response, id=f"{where} {status}")
    for name, scheme in DESCRIPTION["components"]["securitySchemes"].items():
        yield pytest.param(scheme, id=f"security {name}")
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        yield pytest.param(schema, id=name)
        yield from members_of(name, schema)


def members_of(name: str, schema: dict[str, Any]) -> Iterator[Any]:
    for member, inner in schema.get("properties", {}).items():
        yield pytest.param(inner, id=f"{name}.{member}")
    for part in schema.get("allOf", []):
        yield from members_of(name, part)


def schemas() -> Iterator[Any]:
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        yield pytest.param(schema, id=name)
        yield from members_of(name, schema)


def test_the_description_is_valid() -> None:
    """The description is valid OpenAPI 3.1."""
    assert DESCRIPTION["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(DESCRIPTION).validate()


def test_there_are_examples_to_check() -> None:
    """The search finds the examples of members, bodies and parameters."""
    found = [param.id for param in examples()]
    assert len(found) > 100
    assert any("/properties/" in name for name in found)
    assert any("Query/get/parameters" in name for name in found)
    assert any("responses/default" in name for name in found)


@pytest.mark.parametrize(("where", "value"), list(examples()))
def test_every_example_is_valid(where: str, value: Any) -> None:
    """Every example is valid against its schema."""
    jsonschema.Draft202012Validator({**DESCRIPTION, "$ref": where}).validate(value)


@pytest.mark.parametrize("entry", list(documented()))
def test_every_entry_has_a_description_and_a_source(entry: dict[str, Any]) -> None:
    """Every entry has a description, and one or more of the five levels of evidence."""
    assert entry["description"].strip()
    levels = entry["x-evidence"].split(", ")
    assert levels
    assert set(levels) <= set(DESCRIPTION["x-evidence-levels"]) == set("VSIFA")


@pytest.mark.parametrize("schema", list(schemas()))
def test_every_schema_and_member_has_an_example(schema: dict[str, Any]) -> None:
    """Every schema and every member has at least one example."""
    assert schema["examples"]


@pytest.mark.parametrize("entry", list(documented()))
def test_every_assumption_is_in_the_description(entry: dict[str, Any]) -> None:
    """The description of an assumption calls it one."""
    if "A" in entry["x-evidence"].split(", "):
        assert any(word in entry["description"] for word in ("assumption", "not published"))


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
