"""Every rule of openapi/lint/spectral.yaml finds its fault. `nox -s lint-api` runs this, where spectral is installed."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts import ROOT

SCHEMAS = ("components", "schemas")
QUERY = ("paths", "/api/services/app/PaymentGateway/Query", "get")
FAULTS: dict[tuple[str, ...], tuple[str, Any]] = {
    ("servers", "0", "description"): ("commercepay-description", None),
    ("tags", "1", "description"): ("commercepay-description", ""),
    (*QUERY, "description"): ("commercepay-description", None),
    (*QUERY, "parameters", "0", "x-evidence"): ("commercepay-evidence", None),
    (*QUERY, "responses", "default", "x-evidence"): ("commercepay-evidence", "B"),
    ("webhooks", "paymentCallback", "post", "requestBody", "x-evidence"): ("commercepay-evidence", "V I"),
    ("components", "securitySchemes", "tenant", "x-evidence"): ("commercepay-evidence", None),
    (*SCHEMAS, "Customer", "properties", "email", "description"): ("commercepay-description", None),
    (*SCHEMAS, "PaymentRequest", "allOf", "1", "properties", "channelId", "x-evidence"): ("commercepay-evidence", None),
    (*SCHEMAS, "Customer", "properties", "name", "examples"): ("commercepay-example", None),
    (*SCHEMAS, "Customer", "examples"): ("commercepay-example", []),
    (*SCHEMAS, "SessionRequest", "allOf", "1", "properties", "expiredInMinutes", "description"): (
        "commercepay-assumption",
        "The minutes.",
    ),
    (*SCHEMAS, "PaymentStatus", "anyOf", "0", "oneOf", "3", "title"): ("commercepay-code", None),
    (*SCHEMAS, "RecurringMode", "oneOf", "2", "description"): ("commercepay-code", None),
    (*SCHEMAS, "RecurringMode", "oneOf", "1", "title"): ("commercepay-code", "weekly"),
    (*SCHEMAS, "SubMerchant", "properties", "name", "default"): ("commercepay-no-default", "Stall"),
    (*SCHEMAS, "SubMerchant", "additionalProperties"): ("commercepay-unknown-members", False),
}
"""By place: the rule, and the value that breaks it; None removes the value."""


def step(node: Any, name: str) -> Any:
    return node[int(name)] if isinstance(node, list) else node[name]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, tuple[str, ...]]]:
    """What spectral finds in a description with all these faults: rule and place."""
    description = yaml.safe_load((ROOT / "openapi" / "commercepay.yaml").read_text("utf-8"))
    description = json.loads(json.dumps(description))  # anchors of the YAML are shared objects
    for (*steps, last), (_, value) in copy.deepcopy(FAULTS).items():
        node = description
        for name in steps:
            node = step(node, name)
        if value is None:
            del node[last]
        else:
            node[last] = value
    path: Path = tmp_path_factory.mktemp("lint") / "description.json"
    path.write_text(json.dumps(description), "utf-8")
    command = ["lint", path, "--ruleset", ROOT / "openapi" / "lint" / "spectral.yaml", "--format", "json", "--quiet"]
    done = subprocess.run([os.environ["SPECTRAL"], *command], capture_output=True, text=True, check=False)
    return {(one["code"], tuple(map(str, one["path"]))) for one in json.loads(done.stdout)}


@pytest.mark.parametrize("place", FAULTS, ids=".".join)
def test_the_fault_is_found(place: tuple[str, ...], found: set[tuple[str, tuple[str, ...]]]) -> None:
    """Spectral reports the fault at its place, with the rule."""
    rule, _ = FAULTS[place]
    assert any(code == rule and path in (place, place[:-1]) for code, path in found)


def test_every_rule_has_a_fault() -> None:
    """Every rule of the project is tried."""
    rules = yaml.safe_load((ROOT / "openapi" / "lint" / "spectral.yaml").read_text("utf-8"))["rules"]
    assert {name for name in rules if name.startswith("commercepay-")} == {rule for rule, _ in FAULTS.values()}
