"""Reconcile many open sessions; the process is killed midway and run again.

    python tests/certainty/reconcile.py --sessions 100000

The sandbox runs in this process and the merchant's record is an SQLite file. A second process reconciles; it is killed
(SIGKILL) after a third of the orders and started again. Checked: every order is handled exactly once, with the right outcome;
the rate stays below the one that was set; memory does not grow with the number of sessions.
"""

from __future__ import annotations

import argparse
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from commercepay import CommercePay, Money, OpenPayment, Outcome, PaymentStatus
from commercepay.testing import Sandbox, sandbox

AMOUNT = Money("12.34", "MYR")
PAGE = 500
PAID_EVERY = 7  # of every seventh session the callback is lost


def opened(gateway: Sandbox, path: Path, sessions: int) -> None:
    """Open sessions in the sandbox and in the merchant's record. Without HTTP, which is not tested here."""
    core, tenant = gateway._core, gateway._core.tenant

    def some(numbers: range) -> list[tuple[int, str]]:
        rows = []
        for number in numbers:
            members = {
                "amount": AMOUNT.minor,
                "currencyCode": AMOUNT.currency,
                "referenceCode": f"INV-{number}",
                "returnUrl": "http://127.0.0.1/return",
                "callbackUrl": "http://127.0.0.1/callback",
                "ipAddress": "203.0.113.9",
                "timestamp": core.clock.now(),
                "expiredInMinutes": 10_000,
            }
            result = core.gateway.initial_session(tenant, members, gateway.url)
            if number % PAID_EVERY == 0:
                core.gateway.settle(result["sessionNumber"], PaymentStatus.PAID, note="by tests/certainty/reconcile.py")
            rows.append((number, result["sessionNumber"]))
        return rows

    gateway.faults.add("callback_never", times=None)
    with sqlite3.connect(path) as record:
        record.execute("PRAGMA journal_mode = WAL")
        record.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, session TEXT, state TEXT DEFAULT 'open')")
        record.execute("CREATE TABLE handled (id INTEGER, outcome TEXT)")  # no key: handling twice must be seen
        for start in range(0, sessions, 1000):
            rows = gateway._background.call(some, range(start, min(start + 1000, sessions)))
            record.executemany("INSERT INTO orders (id, session) VALUES (?, ?)", rows)
    record.close()


def still_open(record: sqlite3.Connection) -> Iterator[OpenPayment]:
    """The merchant's open orders, a page at a time."""
    last = -1
    while True:
        page = record.execute(
            "SELECT id, session FROM orders WHERE state = 'open' AND id > ? ORDER BY id LIMIT ?", (last, PAGE)
        ).fetchall()
        if not page:
            return
        for number, session in page:
            yield OpenPayment(session_number=session, reference_code=f"INV-{number}", amount=AMOUNT)
        last = page[-1][0]


def resident() -> int:
    """The memory in use now, in MiB. (The peak that `getrusage` reports includes that of the parent process.)"""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def run_reconcile(path: Path, rate: float) -> None:
    """The merchant's process. Handling an order and closing it in the record is one transaction."""
    record = sqlite3.connect(path, isolation_level=None)
    started, done = time.monotonic(), 0
    with CommercePay.from_env() as cp:
        for result in cp.payments.reconcile(still_open(record), concurrency=16, rate=rate):
            if result.decision is None:
                raise SystemExit(f"no decision: {result.error}")
            number = result.item.expected.reference_code.removeprefix("INV-")
            record.execute("BEGIN IMMEDIATE")
            record.execute("INSERT INTO handled VALUES (?, ?)", (number, result.decision.outcome.value))
            record.execute("UPDATE orders SET state = 'seen' WHERE id = ?", (number,))
            record.execute("COMMIT")
            done += 1
            if done % 1000 == 0:
                print(f"{done} {done / (time.monotonic() - started):.0f} {resident()}", flush=True)
    record.close()


def watch_process(path: Path, gateway: Sandbox, rate: float, kill_at: int | None) -> list[tuple[int, int, int]]:
    """Run `reconcile` as a process. Its reports: payments so far, payments per second, memory in MiB."""
    command = [sys.executable, __file__, "--run", str(path), "--rate", str(rate)]
    reports: list[tuple[int, int, int]] = []
    with subprocess.Popen(command, env=gateway.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            done, speed, memory = map(int, line.split())
            reports.append((done, speed, memory))
            if kill_at is not None and done >= kill_at:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == (0 if kill_at is None else -signal.SIGKILL), process.returncode
    return reports


def check(sessions: int, rate: float) -> None:
    with tempfile.TemporaryDirectory() as folder, sandbox() as gateway:
        path = Path(folder) / "record.db"
        opened(gateway, path, sessions)
        print(f"{sessions} sessions open; reconciling at up to {rate:g} a second", flush=True)
        first = watch_process(path, gateway, rate, kill_at=max(1000, sessions // 3))
        second = watch_process(path, gateway, rate, kill_at=None)
        with sqlite3.connect(path) as record:
            rows = record.execute("SELECT id, outcome FROM handled ORDER BY id").fetchall()
        record.close()
    assert [number for number, _ in rows] == list(range(sessions)), "an order was handled twice, or never"
    expected = {0: Outcome.PAID.value}
    assert all(outcome == expected.get(number % PAID_EVERY, Outcome.PENDING.value) for number, outcome in rows)
    for reports in (first, second):
        assert all(speed <= rate * 1.01 for _, speed, _ in reports), "faster than the rate that was set"
    memory = [used for _, _, used in second]
    assert max(memory) - memory[0] <= 8, f"memory grew: {memory} MiB"
    print(
        f"killed after {first[-1][0]}, gone on to the end: {len(rows)} handled, each once;"
        f" {second[-1][1]} a second; memory {memory[0]} MiB after 1,000, {max(memory)} MiB at the most"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sessions", type=int, default=5000)
    options.add_argument("--rate", type=float, default=500)
    options.add_argument("--run", type=Path, help="(the process that is killed)")
    given = options.parse_args()
    if given.run is not None:
        run_reconcile(given.run, given.rate)
    else:
        check(given.sessions, given.rate)


if __name__ == "__main__":
    main()
