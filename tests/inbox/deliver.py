"""Many processes deliver the same callbacks to one inbox, some of them killed: python deliver.py URL WORKERS CALLBACKS DIE KILL

Each worker delivers every callback, shuffled, a tenth of them twice. The first DIE workers kill themselves with SIGKILL in
the middle of a handler, after it has written; KILL more are killed by the parent at some moment. Every handler fails one time
in fifty, and always for one callback in a hundred, which becomes a dead letter. The handler writes to a table that would take a
callback twice. Prints what happened, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, create_engine, event, select

from commercepay import signature
from commercepay.callbacks import Callback
from commercepay.inbox import ArrivalState, Inbox, Retries, arrivals

SECRET = "example-Secret-Key-01"
URL = "https://shop.example.my/callback"
shop = MetaData()
ledger = Table(
    "ledger", shop, Column("id", Integer, primary_key=True), Column("reference_code", String(50), nullable=False)
)


POISON = "07"
RETRIES = Retries(max_attempts=2, first_pause=timedelta(seconds=1), at_least=timedelta(0))


class HandlerError(Exception):
    pass


def is_poison(callback: Callback) -> bool:
    return callback.reference_code.endswith(POISON)


def connect(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA journal_mode = WAL")

    return engine


def messages(count: int) -> list[tuple[bytes, str]]:
    made = []
    for number in range(count):
        data = {
            "amount": 100 + number,
            "currencyCode": "MYR",
            "referenceCode": f"INV-{number}",
            "status": 1,
            "transactionNumber": f"TN{number:08}",
        }
        made.append((json.dumps(data).encode(), signature.sign(URL, data, SECRET)))
    return made


def work(url: str, worker: int, count: int, dies: bool) -> None:
    """One worker, like a process of a web server."""
    chance = random.Random(worker)
    order = messages(count)
    order += chance.sample(order, count // 10)
    chance.shuffle(order)
    calls = 0
    death = chance.randint(5, 20)

    def handle(callback: Callback, connection: Connection) -> None:
        nonlocal calls
        calls += 1
        connection.execute(ledger.insert().values(reference_code=callback.reference_code))
        if dies and calls == death:
            os.kill(os.getpid(), signal.SIGKILL)
        if chance.random() < 0.02 or is_poison(callback):
            raise HandlerError

    inbox = Inbox(connect(url), secret_key=SECRET, callback_url=URL, retries=RETRIES)
    for body, header in order:
        with contextlib.suppress(HandlerError):
            inbox.receive(body, header, handle)


def check(url: str, workers: int, count: int, die: int, kill: int) -> None:
    """Run this script in a process, process what it left pending, and check that each callback was handled exactly once."""
    command = [sys.executable, __file__, url, *map(str, (workers, count, die, kill))]
    done = subprocess.run(command, capture_output=True, check=True, timeout=300)
    ended = json.loads(done.stdout)["ended"]
    assert ended.count(-signal.SIGKILL) >= die
    assert set(ended) <= {0, -signal.SIGKILL}, done.stderr.decode()
    engine = create_engine(url)
    inbox = Inbox(engine, secret_key=SECRET, callback_url=URL, retries=RETRIES)

    def handle(callback: Callback, connection: Connection) -> None:
        connection.execute(ledger.insert().values(reference_code=callback.reference_code))

    def fail(callback: Callback, connection: Connection) -> None:
        handle(callback, connection)
        if is_poison(callback):
            raise HandlerError

    def states() -> Counter[str]:
        with engine.connect() as connection:
            return Counter(connection.execute(select(arrivals.c.state)).scalars())

    clock = inbox._rules.clock
    inbox._rules.clock = lambda: clock() + timedelta(seconds=2)  # when the pauses are over
    while inbox.process_pending(fail, limit=1000):
        pass
    poison = sum(f"INV-{number}".endswith(POISON) for number in range(count))
    assert states()["handled"] == count - poison
    assert states().keys() == {"handled", "duplicate", "dead"}
    inbox.replay(state=ArrivalState.DEAD)
    while inbox.process_pending(handle, limit=1000):
        pass
    with engine.connect() as connection:
        handled = connection.execute(select(ledger.c.reference_code)).scalars().all()
    assert sorted(handled) == sorted(f"INV-{number}" for number in range(count))
    assert states()["handled"] == count
    assert states().keys() == {"handled", "duplicate"}
    engine.dispose()


def main(url: str, workers: int, count: int, die: int, kill: int) -> None:
    engine = connect(url)
    Inbox(engine, secret_key=SECRET, callback_url=URL).create_tables()
    shop.create_all(engine)
    engine.dispose()
    began = time.monotonic()
    children = []
    for worker in range(workers):
        if not (child := os.fork()):
            work(url, worker, count, dies=worker < die)
            os._exit(0)
        children.append(child)
    for child in children[die : die + kill]:
        time.sleep(0.3)
        os.kill(child, signal.SIGKILL)
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps({"ended": ended, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
