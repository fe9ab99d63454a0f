"""docs/signatures.md is right: its sample works, and its table has every wrong reading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commercepay.explain import READINGS

TEXT = (Path(__file__).parents[2] / "docs" / "signatures.md").read_text("utf-8")


def test_the_sample(capsys: pytest.CaptureFixture[str]) -> None:
    """The sample prints the readings that it names, and the steps."""
    (sample,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(sample, "signatures.md", "exec"), {})
    printed = capsys.readouterr().out
    (promised,) = re.findall(r"# (signed with: .*)\.\.\.", sample)
    assert printed.startswith(promised)
    assert "the string to sign" in printed


def test_the_table() -> None:
    """The table has each wrong reading with its rule."""
    rows = re.findall(r"^\| (.+) \| (.+) \|$", TEXT.partition("## The wrong readings")[2], re.MULTILINE)
    assert dict(rows[2:]) == {one.name: one.rule for one in READINGS}
