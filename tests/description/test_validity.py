"""The description and its examples are valid. `nox -s lint-api` checks that it is complete."""

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


def test_the_package_carries_the_same_description(generated: Path, description: dict[str, Any]) -> None:
    """The JSON in the package equals the YAML, and its first line states that it is generated."""
    text = (generated / "openapi.json").read_text("utf-8")
    data = json.loads(text)
    assert "do not edit" in text.splitlines()[0]
    assert "do not edit" in data.pop("x-generated")
    assert data == description
