"""Many processes deliver the same callbacks to one inbox, some of them killed: python deliver.py URL WORKERS CALLBACKS DIE KILL

Each worker delivers every callback, shuffled, a tenth of them twice. The first DIE workers kill themselves with SIGKILL in
the middle of a handler, after it has written; KILL more are killed by the parent at some moment. Every handler fails one time
in fifty. The handler writes to a table that would take a callback twice. Prints what happened, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, create_engine, event

from commercepay import signature
from commercepay.callbacks import Callback
from commercepay.inbox import Inbox

SECRET = "example-Secret-Key-01"
URL = "https://shop.example.my/callback"
shop = MetaData()
ledger = Table(
    "ledger", shop, Column("id", Integer, primary_key=True), Column("reference_code", String(50), nullable=False)
)


class HandlerError(Exception):
    pass


def connect(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _(connection: object, _record: object) -> None:
            connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[attr-defined]

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
        if chance.random() < 0.02:
            raise HandlerError

    inbox = Inbox(connect(url), secret_key=SECRET, callback_url=URL)
    for body, header in order:
        with contextlib.suppress(HandlerError):
            inbox.receive(body, header, handle)


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
