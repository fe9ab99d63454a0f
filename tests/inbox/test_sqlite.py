"""Tests for SQLite only: many processes on one file. test_postgresql.py has the same for PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from inbox.deliver import check
from processes import python
from sqlalchemy import event

from commercepay.callbacks import Callback
from commercepay.inbox import ArrivalState


def test_four_processes_deliver_the_same_callbacks(sqlite_url: str) -> None:
    """4 processes deliver the same 300 callbacks, shuffled and repeated, two of them killed: each handled exactly once."""
    check(sqlite_url, workers=4, count=300, die=1, kill=1)


CREATE = """
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


def test_tables_created_by_many_processes_at_once(sqlite_url: str, ship: Callable[..., None]) -> None:
    """Every process of a web server may create the tables at its start."""
    done = python(CREATE, sqlite_url)
    assert done.returncode == 0, done.stderr


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
