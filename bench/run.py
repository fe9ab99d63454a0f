"""Speed, side by side in one run: `nox -s bench`, or with parts: `nox -s bench -- calls callbacks imports sandbox`.

What is compared is measured in turns, so that the machine's moods fall on all alike; what is printed are medians and ratios.
"""

from __future__ import annotations

import asyncio
import sys

import callbacks
import calls
import imports
import sandbox

PARTS = {
    "calls": calls.main,
    "callbacks": callbacks.main,
    "imports": imports.main,
    "sandbox": lambda: asyncio.run(sandbox.main([])),
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
