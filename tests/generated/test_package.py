"""The generated package, and its build, which fails when a patch no longer applies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import commercepay_api
import commercepay_api.models as models
import pytest
from scripts import load

from commercepay._generator.render import TEMPLATES, BuildError, load_patch, patched

PACKAGE = Path(commercepay_api.__file__).parent
DESCRIPTION = json.loads((PACKAGE / "openapi.json").read_text("utf-8"))
SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]


BUILD = load("openapi/build.py")


def test_every_module_says_that_it_is_generated() -> None:
    """The first line of every module says that it is generated, and how to rebuild it."""
    for path in PACKAGE.rglob("*.py"):
        first = path.read_text("utf-8").splitlines()[0]
        assert first.startswith("# Generated"), path
        assert "do not edit" in first, path
        assert "nox -s generate" in first, path


def test_the_package_is_typed() -> None:
    """Type checkers use the annotations of the package."""
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("name", sorted(name for name, schema in SCHEMAS.items() if schema.get("type") != "integer"))
def test_every_example_survives_its_model(name: str) -> None:
    """An example is the same after it was read into its model and serialized."""
    model = getattr(models, name)
    for example in SCHEMAS[name]["examples"]:
        assert model.from_dict(example).to_dict() == example


@pytest.mark.parametrize("name", sorted(name for name, schema in SCHEMAS.items() if schema.get("type") == "integer"))
def test_every_code_has_its_name(name: str) -> None:
    """The class of a code has exactly the codes of the description."""
    codes = SCHEMAS[name].get("anyOf", [SCHEMAS[name]])[0]["oneOf"]
    assert {member.name: member.value for member in getattr(models, name)} == {one["title"]: one["const"] for one in codes}


PATCH = {"replace": [{"why": "because", "old": "slow", "new": "fast", "times": 2}]}


def test_a_patch_replaces_its_string() -> None:
    """A patch replaces its old string with the new one, the given number of times."""
    assert patched("slow and slow", PATCH, "x") == "fast and fast"


@pytest.mark.parametrize("stock", ["", "slow", "slow slow slow", "Slow slow"])
def test_a_patch_that_no_longer_applies_stops_the_build(stock: str) -> None:
    """A missing string, or one that occurs another number of times, is an error with the template and the reason."""
    with pytest.raises(BuildError, match=r"client\.py\.jinja.*because"):
        patched(stock, PATCH, "client.py.jinja")


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_patch_has_a_reason(path: Path) -> None:
    """Every patch has a reason, and changes something."""
    for change in load_patch(path, ["password"])["replace"]:
        assert change["why"].strip()
        assert change["old"].strip()
        assert change["old"] != change["new"]


def test_the_check_sees_every_kind_of_difference() -> None:
    """A changed, a missing and an additional file are differences; the same files are none."""
    built = {"same.py": b"1", "changed.py": b"1", "missing.py": b"1"}
    committed = {"same.py": b"1", "changed.py": b"2", "extra.py": b"1"}
    assert BUILD.differences(built, committed) == [
        "missing: missing.py",
        "not generated: extra.py",
        "changed: changed.py",
    ]
    assert BUILD.differences(built, built) == []


def test_the_pins_are_exact() -> None:
    """Everything that determines the output is pinned to an exact version."""
    lines = [line for line in BUILD.REQUIREMENTS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert BUILD.pins().keys() == {"openapi-python-client", "ruff", "jinja2", "pyyaml"}
    assert len(BUILD.pins()) == len(lines)
