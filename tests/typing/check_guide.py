"""Packages of docs/your-endpoints.md and of a description with hard names, in strict mode. `nox -s types` runs this file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from own_endpoints import hard
from own_endpoints.guide import COMMANDS, TYPE_CHECK, run, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    write(folder)
    assert run(COMMANDS[0], folder).returncode == 0
    hard.write(folder)
    assert run("commercepay generate hard.json --output myshop/hard_extra", folder).returncode == 0
    return folder


def test_mypy(folder: Path) -> None:
    """The command of the guide finds no error."""
    done = run(TYPE_CHECK, folder)
    assert done.returncode == 0, done.stdout


def test_pyright(folder: Path) -> None:
    """pyright in strict mode finds no error, in the generated package neither."""
    settings = {"include": ["."], "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = run(f"pyright --pythonpath {sys.executable}", folder)
    assert done.returncode == 0, done.stdout
