"""The command of each README, in an empty environment. Installs packages."""

from __future__ import annotations

import shlex
import subprocess
import venv
from pathlib import Path

import pytest
from examples.shops import KINDS, ROOT, Customer, Shop, command


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_is_enough(kind: str, tmp_path: Path) -> None:
    """In a new virtual environment, the command installs everything that the shop needs, and starts it."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    program, *rest = shlex.split(command(kind)[0])
    assert program == "pip"
    subprocess.run([python, "-m", "pip", "--quiet", *rest], cwd=ROOT, check=True, timeout=600)
    shop = Shop(kind, tmp_path, python=str(python))
    try:
        with Customer(shop) as customer:
            assert customer.follow(customer.pay()) == "paid"
            assert shop.shipped(customer.reference) == 1
    finally:
        shop.stop()
