"""Several processes that call the gateway at once: python tests/tokens/fleet.py OPTIONS, with the options as JSON.

A line on its input starts a round: the seconds by which all clocks are put forward. Its output is a line of JSON: first the
numbers of the processes, then for each round the error (or null) and the seconds of each call.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from commercepay import AsyncCommercePay, CommercePay, tokens
from commercepay._protocol import defaults

real_time = time.time
Result = tuple[str | None, float]


def work(options: dict[str, Any], rounds: Any, results: Any) -> None:
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    cls: Any = AsyncCommercePay if options["asynchronous"] else CommercePay
    cp = cls(**options["client"])
    for name, value in options["limits"].items():
        setattr(tokens if name == "TIMEOUT" else defaults, name, value)
    while (forward := rounds.get()) is not None:
        cp.api._httpx_args["auth"]._tokens._clock = lambda by=forward: time.monotonic() + by
        time.time = lambda by=forward: real_time() + by
        results.put(asyncio.run(in_tasks(cp, options)) if options["asynchronous"] else in_threads(cp, options))


def end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def in_threads(cp: Any, options: dict[str, Any]) -> list[Result]:
    def call(_: int) -> Result:
        began, error = time.monotonic(), None
        try:
            cp.payments.query(session_number="S-1")
        except Exception as raised:  # noqa: BLE001  # the test fails with it
            error = repr(raised)
        return error, time.monotonic() - began

    with ThreadPoolExecutor(options["threads"]) as pool:
        return list(pool.map(call, range(options["threads"])))


async def in_tasks(cp: Any, options: dict[str, Any]) -> list[Result]:
    began = time.monotonic()
    calls = [cp.payments.query(session_number="S-1") for _ in range(options["threads"])]
    raised = await asyncio.gather(*calls, return_exceptions=True)
    slowest = time.monotonic() - began
    return [(repr(one) if isinstance(one, Exception) else None, slowest) for one in raised]


def main() -> None:
    options = json.loads(sys.argv[1])
    tokens.store_at(options["client"]["token_store"])  # loads the libraries once, before the fork
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    rounds = [context.SimpleQueue() for _ in range(options["processes"])]
    processes = [context.Process(target=work, args=(options, each, results), daemon=True) for each in rounds]
    for process in processes:
        process.start()
    print(json.dumps([process.pid for process in processes]), flush=True)
    for line in sys.stdin:
        for each in rounds:
            each.put(float(line))
        print(json.dumps([call for _ in processes for call in results.get()]), flush=True)
    for each in rounds:
        each.put(None)


if __name__ == "__main__":
    main()
