"""The inbox on PostgreSQL, beside the same statements in bare SQLAlchemy Core and in psycopg by hand.

Every candidate verifies the callback. "Received" is: stored and committed. "Handled" is: also claimed, and handled by a handler
that inserts one row, in a second transaction. Printed are callbacks per second in one thread, in 8 threads and in 8 processes,
with a server that flushes each commit to the disk (fsync) and with one that does not; and for one thread, the CPU time of the
client. Needs Debian's package postgresql.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

SERVER = Path(__file__).parents[1] / "tests" / "inbox" / "postgresql.py"
SECRET = "example-Secret-Key-01"
URL = "https://shop.example.my/callback"
ROUNDS, CALLBACKS, WORKERS = 15, 80, 8
Message = tuple[bytes, str]
Take = Callable[[Message], object]
_numbers = count()


def main() -> None:
    for fsync in ([], ["--fsync"]):
        subprocess.run([sys.executable, SERVER, *fsync, sys.executable, __file__, "fsync" if fsync else ""], check=True)


def messages(number: int) -> list[Message]:
    from commercepay import signature

    made = []
    for _ in range(number):
        reference = f"INV-{os.getpid()}-{next(_numbers)}"
        data = {
            "amount": 1234,
            "currencyCode": "MYR",
            "referenceCode": reference,
            "status": 1,
            "transactionNumber": reference,
        }
        made.append((json.dumps(data).encode(), signature.sign(URL, data, SECRET)))
    return made


# --- candidates: each returns functions that receive, and that receive and handle ----------------------------------------


def with_inbox(server: str) -> tuple[Take, Take]:
    from sqlalchemy import create_engine, text

    from commercepay.inbox import Inbox

    inbox = Inbox(create_engine(server, pool_size=WORKERS), secret_key=SECRET, callback_url=URL)
    inbox.create_tables()
    ship = text("INSERT INTO shipped VALUES (:code)")

    def handler(callback: Any, connection: Any) -> None:
        connection.execute(ship, {"code": callback.reference_code})

    return lambda message: inbox.receive(*message), lambda message: inbox.receive(*message, handler)


def with_core(server: str) -> tuple[Take, Take]:
    from sqlalchemy import bindparam, create_engine, insert, text, update
    from sqlalchemy.dialects.postgresql import insert as upsert

    from commercepay.callbacks import Verifier
    from commercepay.inbox import arrivals, handled

    engine = create_engine(server, pool_size=WORKERS)
    verifier = Verifier(secret_key=SECRET, callback_url=URL)
    store = insert(arrivals).returning(arrivals.c.id)
    settle = update(arrivals).where(
        arrivals.c.inbox == bindparam("of"),
        arrivals.c.id == bindparam("of_id"),
        arrivals.c.state == bindparam("of_state"),
    )
    claim = upsert(handled).on_conflict_do_nothing().returning(handled.c.fact_key)
    ship = text("INSERT INTO shipped VALUES (:code)")

    def receive(message: Message) -> tuple[int, Any]:
        callback = verifier.verify(*message)
        with engine.begin() as connection:
            return connection.execute(store, _row(message, callback)).scalar_one(), callback

    def handle(message: Message) -> None:
        arrival_id, callback = receive(message)
        now = datetime.now(UTC)
        with engine.begin() as connection:
            found = {"of": "default", "of_id": arrival_id, "of_state": "stored"}
            connection.execute(settle, {**found, "state": "handled", "settled_at": now, "detail": None})
            key = {"inbox": "default", "fact_key": callback.fact_key, "arrival_id": arrival_id, "handled_at": now}
            connection.execute(claim, {**key, "outcome": None, "transaction_number": callback.transaction_number}).one()
            connection.execute(ship, {"code": callback.reference_code})

    return receive, handle


def with_psycopg(server: str, fewer: bool = False) -> tuple[Take, Take]:
    """By hand; with `fewer`, the arrival is marked and the fact claimed in one statement instead of two."""
    import threading

    import psycopg
    from sqlalchemy.engine import make_url

    from commercepay.callbacks import Verifier

    verifier = Verifier(secret_key=SECRET, callback_url=URL)
    mine = threading.local()
    columns = list(_row((b"", ""), None))
    store = f"INSERT INTO commercepay_arrivals ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) RETURNING id"

    def connection() -> psycopg.Connection[Any]:
        if not hasattr(mine, "connection"):
            url = make_url(server)
            mine.connection = psycopg.connect(
                host=str(url.query["host"]), user="postgres", dbname=url.database, prepare_threshold=2
            )
        made: psycopg.Connection[Any] = mine.connection
        return made

    def receive(message: Message) -> tuple[int, Any]:
        callback = verifier.verify(*message)
        with connection().transaction():
            (row,) = connection().execute(store, list(_row(message, callback).values()))
        return row[0], callback

    def handle(message: Message) -> None:
        arrival_id, callback = receive(message)
        now = datetime.now(UTC)
        with connection().transaction():
            run = connection().execute
            mark = (
                "UPDATE commercepay_arrivals SET state = 'handled', settled_at = %s WHERE id = %s AND state = 'stored'"
            )
            claim = "INSERT INTO commercepay_handled"
            once = "ON CONFLICT DO NOTHING RETURNING fact_key"
            key = [callback.fact_key, arrival_id, now]
            if fewer:
                marked = f"WITH marked AS ({mark} RETURNING id)"
                row = "SELECT 'default', %s, %s::bigint, %s::timestamptz FROM marked"
                run(f"{marked} {claim} {row} {once}", [now, arrival_id, *key]).fetchone()
            else:
                run(mark, [now, arrival_id])
                run(f"{claim} VALUES ('default', %s, %s, %s) {once}", key).fetchone()
            run("INSERT INTO shipped VALUES (%s)", [callback.reference_code])

    return receive, handle


def _row(message: Message, callback: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    facts = ("fact_key", "reference_code", "transaction_number")
    return {
        "inbox": "default",
        "received_at": now,
        "body": message[0],
        "signature": message[1],
        "callback_url": None,
        "state": "stored",
        "attempts": 1,
        "first_attempt_at": now,
        "next_attempt_at": now,
        "detail": None,
        "reason": None,
        "digest": None,
        **{name: getattr(callback, name, None) for name in facts},
        "status": 1,
    }


# --- measuring ------------------------------------------------------------------------------------------------------------


def in_one_thread(take: Take, given: list[Message]) -> None:
    for message in given:
        take(message)


def in_threads(take: Take, given: list[Message]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(take, given))


def in_processes(take: Take, given: list[Message]) -> None:
    children = []
    for number in range(WORKERS):
        if not (child := os.fork()):
            in_one_thread(take, given[number::WORKERS])
            os._exit(0)
        children.append(child)
    assert not any(os.waitpid(child, 0)[1] for child in children)


def measure(fsync: bool) -> None:
    from sqlalchemy import create_engine, text

    server = os.environ["COMMERCEPAY_TEST_POSTGRESQL"]
    makers: dict[str, Callable[[str], tuple[Take, Take]]] = {
        "inbox": with_inbox,
        "SQLAlchemy Core": with_core,
        "psycopg": with_psycopg,
        "psycopg, fewer statements": partial(with_psycopg, fewer=True),
    }
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE shipped (reference_code text)"))
    engine.dispose()
    ways = {"1 thread": in_one_thread, "8 threads": in_threads, "8 processes": in_processes}
    print(
        f"\nThe inbox, callbacks per second, fsync {'on' if fsync else 'off'}; in brackets: the inbox's share of that"
    )
    for way, run in ways.items():
        # New ones for each way: in a child process, those of SQLAlchemy and psycopg would use the connections of the parent.
        candidates = {name: make(server) for name, make in makers.items()}
        for index, what in enumerate(("received", "handled")):
            rounds = [_round(candidates, index, run, turn) for turn in range(ROUNDS)]
            for unit in ("per second", "CPU") if run is in_one_thread else ("per second",):
                # Each round compares candidates at nearly the same time: its ratios bear a load that changes.
                share = {name: median(one[name][unit] / one["inbox"][unit] for one in rounds) for name in candidates}
                shown = ", ".join(
                    f"{name} {median(one[name][unit] for one in rounds):,.0f}"
                    + ("" if name == "inbox" else f" ({1 / share[name] if unit != 'CPU' else share[name]:.2f})")
                    for name in candidates
                )
                print(f"  {way}, {what}{', CPU in µs' if unit == 'CPU' else ''}: {shown}", flush=True)


def _round(candidates: dict[str, Any], index: int, run: Any, turn: int) -> dict[str, dict[str, float]]:
    taken = {}
    names = list(candidates)
    for name in names[turn % len(names) :] + names[: turn % len(names)]:
        given = messages(CALLBACKS)
        wall, cpu = time.perf_counter(), time.process_time()
        run(candidates[name][index], given)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        taken[name] = {"per second": CALLBACKS / wall, "CPU": cpu / CALLBACKS * 1e6}
    return taken


if __name__ == "__main__":
    measure(fsync=sys.argv[1:] == ["fsync"])
