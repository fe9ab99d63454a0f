"""Interrupts at random moments of a call. `python tests/faults/interrupts.py --interrupts 20000` is the full size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_interrupts() -> None:
    """An exception from a signal handler during a login or a call blocks no later call and no other thread."""
    script = Path(__file__).with_name("interrupts.py")
    command = [sys.executable, str(script), "--interrupts", "600"]
    # Not measured by coverage.py: an exception inside of its tracer leaves its own lock taken.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.count("300 interrupts") == 2  # of logins
    assert run.stdout.count("30 interrupts") == 3  # of logins with a token store, of calls over the network
