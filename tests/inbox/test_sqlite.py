"""Tests for SQLite only: many processes on one file. test_postgresql.py has the same for PostgreSQL."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from commercepay.callbacks import Callback
from commercepay.inbox import ArrivalState, Inbox

DELIVER = Path(__file__).with_name("deliver.py")


def test_four_processes_deliver_a_thousand_callbacks(sqlite_url: str) -> None:
    """4 processes deliver the same 1,000 callbacks, shuffled and repeated, two of them killed: each handled exactly once."""
    done = subprocess.run(
        [sys.executable, DELIVER, sqlite_url, "4", "1000", "1", "1"], capture_output=True, check=True, timeout=120
    )
    ended = json.loads(done.stdout)["ended"]
    assert ended.count(-signal.SIGKILL) >= 1
    assert set(ended) <= {0, -signal.SIGKILL}, done.stderr.decode()
    engine = create_engine(sqlite_url)
    inbox = Inbox(engine, secret_key="example-Secret-Key-01", callback_url="https://shop.example.my/callback")

    def handle(callback: Callback, connection: Any) -> None:
        connection.execute(
            text("INSERT INTO ledger (reference_code) VALUES (:code)"), {"code": callback.reference_code}
        )

    inbox.replay(state=ArrivalState.STORED)  # now, and not after the pauses
    while inbox.process_pending(handle):
        pass
    with engine.connect() as connection:
        counts = connection.execute(text("SELECT count(*), count(DISTINCT reference_code) FROM ledger")).one()
        states: dict[str, int] = dict(
            connection.execute(text("SELECT state, count(*) FROM commercepay_arrivals GROUP BY state")).all()
        )
    engine.dispose()
    assert tuple(counts) == (1000, 1000)
    assert states["handled"] == 1000
    assert set(states) == {"handled", "duplicate"}


def test_tables_created_by_many_processes_at_once(sqlite_url: str, ship: Callable[..., None]) -> None:
    """Every process of a web server may create the tables at its start."""
    code = """
import os, sys
from sqlalchemy import create_engine
from commercepay.inbox import Inbox

children = []
for _ in range(4):
    if not (child := os.fork()):
        Inbox(create_engine(sys.argv[1]), secret_key="key").create_tables()
        sys.exit()
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""
    subprocess.run([sys.executable, "-c", code, sqlite_url], check=True, timeout=60)


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_explicit_begin(
    side: Any, genuine: Callable[..., tuple[bytes, str]], ship: Callable[..., None], begin: str
) -> None:
    """SQLAlchemy's recipe for SQLite, a driver in autocommit and an explicit BEGIN, has transactions and is accepted."""

    def no_own_begin(connection: Any) -> None:
        connection.isolation_level = None

    inbox = side.inbox_with(no_own_begin)
    core = getattr(inbox.engine, "sync_engine", inbox.engine)
    event.listen(core, "begin", lambda connection: connection.exec_driver_sql(begin))
    side.run(inbox.create_tables())

    def failing(callback: Callback, connection: Any) -> None:
        ship(callback, connection)
        raise RuntimeError("the first time")

    with pytest.raises(RuntimeError):
        side.receive(inbox, genuine(), failing)
    assert side.shipped() == []
    assert side.receive(inbox, genuine(), ship).state is ArrivalState.HANDLED
    assert side.shipped() == ["INV-1"]
