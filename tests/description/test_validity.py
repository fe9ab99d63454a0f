"""The description is valid, complete in what it says about itself, and its examples are what it says."""

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
            # What stands in an example is data: an example may well have a member named `examples`.
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
    """Everything that has to say what it is and how well that is known."""
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
    """The search for examples finds those of members, bodies and parameters."""
    found = [param.id for param in examples()]
    assert len(found) > 100
    assert any("/properties/" in name for name in found)
    assert any("Query/get/parameters" in name for name in found)
    assert any("responses/default" in name for name in found)


@pytest.mark.parametrize(("where", "value"), list(examples()))
def test_every_example_is_valid(where: str, value: Any) -> None:
    """An example is valid against the schema that it illustrates."""
    jsonschema.Draft202012Validator({**DESCRIPTION, "$ref": where}).validate(value)


@pytest.mark.parametrize("entry", list(documented()))
def test_everything_says_what_it_is_and_how_well_it_is_known(entry: dict[str, Any]) -> None:
    """An entry has a description and a level of evidence out of the five."""
    assert entry["description"].strip()
    levels = entry["x-evidence"].split(", ")
    assert levels
    assert set(levels) <= set(DESCRIPTION["x-evidence-levels"]) == set("VSIFA")


@pytest.mark.parametrize("schema", list(schemas()))
def test_every_schema_and_member_has_an_example(schema: dict[str, Any]) -> None:
    """A schema, and a member of one, shows at least one value."""
    assert schema["examples"]


@pytest.mark.parametrize("entry", list(documented()))
def test_what_is_assumed_is_said_in_words(entry: dict[str, Any]) -> None:
    """An entry at the level of an assumption says so in its description."""
    if "A" in entry["x-evidence"].split(", "):
        assert any(word in entry["description"] for word in ("assumption", "not published"))


def test_no_default_is_sent() -> None:
    """No member has a default: generated code would send it, and it would be signed."""
    assert [
        steps for steps, node in walk(DESCRIPTION["components"]) if isinstance(node, dict) and "default" in node
    ] == []


def test_unknown_members_are_not_forbidden() -> None:
    """No schema closes itself to members that nobody has published."""
    assert [
        steps for steps, node in walk(DESCRIPTION) if isinstance(node, dict) and "additionalProperties" in node
    ] == []


def test_the_package_carries_the_same_description(generated: Path, description: dict[str, Any]) -> None:
    """The JSON inside the package says what the YAML says, and on its first line that it is generated."""
    text = (generated / "openapi.json").read_text("utf-8")
    data = json.loads(text)
    assert "do not edit" in text.splitlines()[0]
    assert "do not edit" in data.pop("x-generated")
    assert data == description
