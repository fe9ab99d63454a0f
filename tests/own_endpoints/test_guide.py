"""docs/your-endpoints.md, from an empty folder to a rehearsed refund."""

from __future__ import annotations

import re
from pathlib import Path

from own_endpoints.guide import COMMANDS, GUIDE, run, write


def test_the_guide(tmp_path: Path) -> None:
    """The files and commands of the guide work in an empty folder, in their order: generate, check, rehearse."""
    write(tmp_path)
    outputs = [run(command, tmp_path) for command in COMMANDS]
    assert [done.returncode for done in outputs] == [0, 0, 0], [done.stdout + done.stderr for done in outputs]
    assert "6 passed" in outputs[-1].stdout


def test_the_examples_are_labelled() -> None:
    """The guide states that its endpoints are invented, before the first of them."""
    assert GUIDE.index("invented, as examples") < GUIDE.index("/api/services")
    assert re.search("title: Invented examples, not the real gateway", GUIDE)
