"""Speed, side by side in one run: `nox -s bench`, or some parts of it, such as `nox -s bench -- calls inbox`.

Candidates are measured in turn, so that a change in the machine's load affects all of them. Medians and ratios are printed.
"""

from __future__ import annotations

import asyncio
import sys

import callbacks
import calls
import imports
import inbox
import reconcile
import sandbox

PARTS = {
    "calls": lambda: (calls.main(), imports.ready()),
    "callbacks": callbacks.main,
    "imports": imports.main,
    "inbox": inbox.main,
    "reconcile": reconcile.main,
    "sandbox": lambda: asyncio.run(sandbox.main([])),
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
