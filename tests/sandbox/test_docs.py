"""docs/sandbox.md is right: the terminal session, the example, and the lists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from commercepay.sandbox.channels import CHANNELS
from commercepay.sandbox.deliveries import BACKOFF
from commercepay.sandbox.faults import KINDS
from commercepay.sandbox.model import Switches
from commercepay.testing import Sandbox

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl and openssl are needed")
def test_the_terminal_session_works_as_printed(sb: Sandbox, tmp_path: Path) -> None:
    """With curl and openssl, the terminal session authenticates, opens a session, queries, and gets a mistake explained."""
    script = "set -euo pipefail\n"
    for when, block in re.findall(r"<!-- session( after payment)? -->\n```sh\n(.*?)```", TEXT, re.DOTALL):
        if when:  # the reader pays in a browser, and the callback arrives
            script += 'curl -sS -d attempt=1 -d outcome=1 "$PAGE"\nsleep 0.5\n'
        script += block
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, **sb.environment, "no_proxy": "*"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    number = sb.orders[0].number
    assert f"Pay at {sb.url}/pay/{number}" in done.stdout
    assert re.search(r'"state":"delivered".*"status":200', done.stdout)
    assert re.search(rf'"paymentSessionNumber":"{number}".*"status":1,', done.stdout)
    assert "signed with: body without the URL" in done.stdout
    verdicts = [one.verdict for one in sb.requests]
    assert verdicts == ["accepted", "accepted", "accepted", "signature refused"]
    assert [one.status for one in sb.orders[0].attempts] == [1]


def test_the_example_works() -> None:
    """The test in the document passes."""
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    names["test_a_payment"]()


def test_every_fault_is_listed() -> None:
    """The table has exactly the faults of the code."""
    table = TEXT.partition("## Faults and time")[2].partition("The clock is")[0]
    rows = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) == KINDS.keys()


def test_every_switch_is_documented() -> None:
    """The usage names each switch of the command line."""
    usage = TEXT.partition("```\n")[2].partition("```")[0]
    assert all(f"--{field.name.replace('_', '-')}" in usage for field in fields(Switches))


def test_every_channel_is_listed() -> None:
    """The table names each channel with its number."""
    assert all(f"| {one.id} | {one.name} |" in TEXT for one in CHANNELS.values())


def test_the_pauses_between_attempts_are_as_written() -> None:
    """The document has the numbers of the code."""
    *first, last = map(str, BACKOFF)
    assert f"{', '.join(first)} and {last} seconds" in " ".join(TEXT.split())
