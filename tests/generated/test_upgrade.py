"""What `nox -s upgrade-generator` prints when the generator's templates have moved."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from scripts import ROOT, load

from commercepay._generator.render import TEMPLATES, load_patch

PATCHES = {
    path.relative_to(TEMPLATES).as_posix().removesuffix(".toml") + ".jinja": load_patch(path, ["password"])["replace"]
    for path in sorted(TEMPLATES.rglob("*.toml"))
}
TIMEOUT = "a derived client changed the timeout of its parent"


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(ROOT / "openapi"), *sys.path])
    return load("openapi/upgrade_generator.py")


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """Templates that have what the patches replace. A patch may change what an earlier one inserted."""
    for name, changes in PATCHES.items():
        text = ""
        for done, change in enumerate(changes):
            after = text
            for earlier in changes[:done]:
                after = after.replace(earlier["old"], earlier["new"])
            text += change["old"] * (change.get("times", 1) - after.count(change["old"])) + "\n"
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def found(upgrade: Any, stock: Path, old: str, new: str) -> str:
    """The one paragraph about templates in which lines were changed."""
    path = stock / "client.py.jinja"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    (paragraph,) = upgrade.moved(stock)
    return str(paragraph)


def test_nothing_moved(upgrade: Any, stock: Path) -> None:
    """Templates that have what the patches replace give no output."""
    assert list(upgrade.moved(stock)) == []


def test_a_changed_line(upgrade: Any, stock: Path) -> None:
    """A changed line is shown beside the one that the patch replaces, with the reason of the patch."""
    text = found(upgrade, stock, "self._client.timeout = timeout", "self._client.timeout = new_timeout")
    assert text.startswith(f"client.py.jinja: {TIMEOUT}")
    assert "-            self._client.timeout = timeout\n+            self._client.timeout = new_timeout\n" in text


def test_a_change_that_upstream_took(upgrade: Any, stock: Path) -> None:
    """A template that has the change already is reported: the patch can be deleted."""
    (change,) = (change for change in PATCHES["client.py.jinja"] if change["why"] == TIMEOUT)
    assert found(upgrade, stock, change["old"], change["new"]).endswith("delete the patch.")


def test_a_line_that_occurs_again(upgrade: Any, stock: Path) -> None:
    """Lines that occur more often than the patch expects are reported with both numbers."""
    (change,) = (change for change in PATCHES["client.py.jinja"] if change["why"] == TIMEOUT)
    assert "occur 2 times, not 1" in found(upgrade, stock, change["old"], change["old"] * 2)


def test_a_template_that_is_gone(upgrade: Any, stock: Path) -> None:
    """A template that the generator no longer has is reported."""
    (stock / "types.py.jinja").unlink()
    assert list(upgrade.moved(stock)) == ["types.py.jinja: there is no such template any more"]


def test_the_write_up_for_the_generator(upgrade: Any) -> None:
    """Every section of openapi/upstream.md has a program and a patch that changes something; the description is JSON."""
    description, found = upgrade.faults(upgrade.UPSTREAM.read_text("utf-8"))
    assert json.loads(description)["openapi"] == "3.1.0"
    assert len(found) >= 8
    for fault in found:
        compile(fault.program, fault.title, "exec")
        assert fault.edits
        assert all(old.strip() and old != new for _, old, new in fault.edits)
