"""The time of an import, compared with bare Python and other SDKs: whole processes, isolated from the environment."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from compare import take_turns

BARE = "bare Python"
STATEMENTS = {
    BARE: "pass",
    "import commercepay": "import commercepay",
    "import commercepay.callbacks": "import commercepay.callbacks",
    "from commercepay import CommercePay": "from commercepay import CommercePay",
    "import httpx": "import httpx",
    "import stripe": "import stripe",
    "import openai": "import openai",
}


def _process(statement: str) -> Callable[[], float]:
    def sample() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", statement], check=True)
        return time.perf_counter() - started

    return sample


def main(rounds: int = 25) -> None:
    """Print the medians, minus that of bare Python."""
    candidates = {name: _process(statement) for name, statement in STATEMENTS.items()}
    for once in candidates.values():
        once()  # compiles the modules
    medians = take_turns(candidates, rounds)
    print("\nImporting, in milliseconds over bare Python")
    for name, seconds in medians.items():
        over = (seconds - medians[BARE]) * 1e3
        print(f"  {name:<44} {over:9.1f} ms   (process: {seconds * 1e3:.1f} ms)")
