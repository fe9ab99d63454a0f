"""Tests for PostgreSQL only: concurrency, isolation levels, lost connections. They need COMMERCEPAY_TEST_POSTGRESQL."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from inbox.conftest import with_driver
from inbox.deliver import check
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from commercepay.callbacks import Callback
from commercepay.inbox import ArrivalState, AsyncInbox, Inbox

Genuine = Callable[..., tuple[bytes, str]]
SECRET = "example-Secret-Key-01"
URL = "https://shop.example.my/callback"


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    made = create_engine(postgresql_url, pool_size=20)
    Inbox(made, secret_key=SECRET).create_tables()
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE ledger (id serial, reference_code text)"))
    yield made
    made.dispose()


def inbox_on(engine: Engine) -> Inbox:
    return Inbox(engine, secret_key=SECRET, callback_url=URL)


def enter(callback: Callback, connection: Connection) -> None:
    connection.execute(text("INSERT INTO ledger (reference_code) VALUES (:c)"), {"c": callback.reference_code})


def entered(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT reference_code FROM ledger ORDER BY id")).scalars())


def test_sixteen_processes_deliver_a_thousand_callbacks(postgresql_url: str) -> None:
    """16 processes deliver the same 1,000 callbacks, shuffled and repeated, some killed: each handled exactly once."""
    check(postgresql_url, workers=16, count=1000, die=3, kill=3)


LEVELS = pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
DRIVERS = pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pg8000"])


@LEVELS
@DRIVERS
def test_same_callback_at_once(postgresql_url: str, engine: Engine, genuine: Genuine, driver: str, level: str) -> None:
    """Many threads receive the same callback at once: one handles it, the others wait and report a duplicate."""
    strict = create_engine(with_driver(postgresql_url, driver), isolation_level=level, pool_size=20)
    inbox = inbox_on(strict)
    start = threading.Barrier(6)

    def slowly(callback: Callback, connection: Connection) -> None:
        enter(callback, connection)
        time.sleep(0.1)

    def deliver(_: int) -> ArrivalState:
        start.wait()
        return inbox.receive(*genuine(), slowly).state

    with ThreadPoolExecutor(6) as pool:
        states = list(pool.map(deliver, range(6)))
    strict.dispose()
    assert sorted(states, key=str) == [ArrivalState.DUPLICATE] * 5 + [ArrivalState.HANDLED]
    assert entered(engine) == ["INV-1"]


@LEVELS
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg_async"])
def test_same_callback_at_once_in_tasks(
    postgresql_url: str, engine: Engine, genuine: Genuine, driver: str, level: str
) -> None:
    """The same with tasks on an event loop."""

    async def slowly(callback: Callback, connection: Any) -> None:
        await connection.run_sync(lambda inner: enter(callback, inner))
        await asyncio.sleep(0.1)

    async def main() -> list[ArrivalState]:
        url = with_driver(postgresql_url, driver)
        asynchronous = create_async_engine(url, isolation_level=level, pool_size=20)
        inbox = AsyncInbox(asynchronous, secret_key=SECRET, callback_url=URL)
        receipts = await asyncio.gather(*(inbox.receive(*genuine(), slowly) for _ in range(6)))
        await asynchronous.dispose()
        return [receipt.state for receipt in receipts]

    assert sorted(asyncio.run(main()), key=str) == [ArrivalState.DUPLICATE] * 5 + [ArrivalState.HANDLED]
    assert entered(engine) == ["INV-1"]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@DRIVERS
def test_serialization_failure_is_survived(
    postgresql_url: str, engine: Engine, genuine: Genuine, driver: str, level: str
) -> None:
    """Two facts whose handlers update one row: PostgreSQL aborts the second transaction, and it is repeated."""
    strict = create_engine(with_driver(postgresql_url, driver), isolation_level=level)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE stock (items int)"))
        connection.execute(text("INSERT INTO stock VALUES (0)"))
    inbox = inbox_on(strict)
    both = threading.Barrier(2)
    runs: list[str] = []

    def count(callback: Callback, connection: Connection) -> None:
        runs.append(callback.reference_code)
        connection.execute(text("SELECT items FROM stock")).all()  # takes the snapshot
        if len(runs) <= 2:
            both.wait(10)
        connection.execute(text("UPDATE stock SET items = items + 1"))

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(inbox.receive, *genuine(code), count) for code in ("INV-1", "INV-2")]
        assert [future.result().state for future in futures] == [ArrivalState.HANDLED, ArrivalState.HANDLED]
    strict.dispose()
    assert len(runs) >= 3  # more if the repeated one meets the other again
    with engine.connect() as connection:
        assert connection.execute(text("SELECT items FROM stock")).scalar_one() == 2


def test_first_fails_while_others_wait(engine: Engine, genuine: Genuine) -> None:
    """If the handling thread fails, one of the waiting threads handles the callback."""
    inbox = inbox_on(engine)
    calls: list[int] = []

    def first_fails(callback: Callback, connection: Connection) -> None:
        calls.append(1)
        first = len(calls) == 1
        enter(callback, connection)
        time.sleep(0.1)
        if first:
            raise RuntimeError("the first")

    def deliver(_: int) -> ArrivalState | None:
        try:
            return inbox.receive(*genuine(), first_fails).state
        except RuntimeError:
            return None

    with ThreadPoolExecutor(6) as pool:
        states = list(pool.map(deliver, range(6)))
    assert sorted(map(str, states)) == ["None"] + ["duplicate"] * 4 + ["handled"]
    assert entered(engine) == ["INV-1"]


def test_workers_share_what_waits(engine: Engine, genuine: Genuine) -> None:
    """Concurrent workers process different callbacks, and none waits for another's slow handler."""
    inbox = inbox_on(engine)
    for number in range(8):
        inbox.receive(*genuine(f"INV-{number}"))
    all_four_at_work = threading.Barrier(4)

    def work(_: int) -> list[ArrivalState]:
        first = True

        def meets_the_others(callback: Callback, connection: Connection) -> None:
            nonlocal first
            if first:  # raises unless the three others are in their handlers too
                first = False
                all_four_at_work.wait(30)
            enter(callback, connection)

        return [receipt.state for receipt in inbox.process_pending(meets_the_others)]

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(work, range(4)))
    assert [state for worker in taken for state in worker] == [ArrivalState.HANDLED] * 8
    assert sorted(entered(engine)) == [f"INV-{number}" for number in range(8)]


def test_worker_and_receive_meet(engine: Engine, genuine: Genuine) -> None:
    """If a worker processes a callback between its two transactions, `receive` waits and reports the result."""
    inbox = inbox_on(engine)
    original = inbox._perform
    held = threading.Event()

    def slowly(callback: Callback, connection: Connection) -> None:
        held.set()
        time.sleep(0.2)
        enter(callback, connection)

    worker = threading.Thread(target=lambda: inbox_on(engine).process(1, slowly))
    steps: list[Any] = []

    def late(step: Any) -> Any:
        steps.append(step)
        if len(steps) == 2:  # the moment between the two transactions
            worker.start()
            assert held.wait(5)
        return original(step)

    inbox._perform = late  # type: ignore[method-assign]
    receipt = inbox.receive(*genuine(), enter)
    worker.join()
    assert receipt.state is ArrivalState.HANDLED
    assert receipt.callback is not None
    assert entered(engine) == ["INV-1"]


@DRIVERS
def test_deadlock_in_handlers_is_survived(postgresql_url: str, engine: Engine, genuine: Genuine, driver: str) -> None:
    """Two handlers that lock the merchant's rows in opposite order: PostgreSQL aborts one, and it is run again."""
    own_engine = create_engine(with_driver(postgresql_url, driver))
    inbox = inbox_on(own_engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO ledger (reference_code) VALUES ('a'), ('b')"))
    both = threading.Barrier(2)
    runs: list[str] = []

    def crossing(callback: Callback, connection: Connection) -> None:
        runs.append(callback.reference_code)
        order = "ab" if callback.reference_code == "INV-1" else "ba"
        for position, row in enumerate(order):
            connection.execute(text("UPDATE ledger SET id = id WHERE reference_code = :r"), {"r": row})
            if position == 0 and len(runs) <= 2:
                both.wait(10)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(inbox.receive, *genuine(code), crossing) for code in ("INV-1", "INV-2")]
        assert [future.result().state for future in futures] == [ArrivalState.HANDLED, ArrivalState.HANDLED]
    own_engine.dispose()
    assert len(runs) >= 3  # more if the repeated one meets the other again


@DRIVERS
def test_lost_connection_is_survived(postgresql_url: str, engine: Engine, genuine: Genuine, driver: str) -> None:
    """After the server ends connections, in the pool or during a handler, the transaction is repeated."""
    own_engine = create_engine(with_driver(postgresql_url, driver))
    inbox = inbox_on(own_engine)
    inbox.receive(*genuine("INV-1"), enter)
    runs: list[str] = []

    def cut_off(callback: Callback, connection: Connection) -> None:
        runs.append(callback.reference_code)
        enter(callback, connection)
        if len(runs) == 1:
            own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            admin = create_engine(engine.url)
            with admin.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
            admin.dispose()
        connection.execute(text("SELECT 1"))

    assert inbox.receive(*genuine("INV-2"), cut_off).state is ArrivalState.HANDLED
    own_engine.dispose()
    assert runs == ["INV-2", "INV-2"]
    assert entered(engine) == ["INV-1", "INV-2"]


def test_handler_that_fails_at_commit_is_undone(engine: Engine, genuine: Genuine) -> None:
    """After a constraint fails at commit, everything is rolled back and the callback is pending."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE once (code text UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        connection.execute(text("INSERT INTO once VALUES ('INV-1')"))

    def handler(callback: Callback, connection: Connection) -> None:
        connection.execute(text("INSERT INTO once VALUES ('INV-1')"))

    inbox = inbox_on(engine)
    with pytest.raises(DBAPIError, match="once_code_key"):
        inbox.receive(*genuine(), handler)
    assert inbox.process(1, enter).state is ArrivalState.HANDLED


def test_cancelled_task_is_undone(postgresql_url: str, engine: Engine, genuine: Genuine) -> None:
    """After a request is cancelled during its handler, the callback is pending."""

    async def main() -> ArrivalState:
        asynchronous = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
        inbox = AsyncInbox(asynchronous, secret_key=SECRET, callback_url=URL)
        reached = asyncio.Event()

        async def endless(callback: Callback, connection: Any) -> None:
            await connection.run_sync(lambda inner: enter(callback, inner))
            reached.set()
            await asyncio.sleep(60)

        async def plain(callback: Callback, connection: Any) -> None:
            await connection.run_sync(lambda inner: enter(callback, inner))

        task = asyncio.create_task(inbox.receive(*genuine(), endless))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        receipt = await inbox.process(1, plain)
        await asynchronous.dispose()
        return receipt.state

    assert asyncio.run(main()) is ArrivalState.HANDLED
    assert entered(engine) == ["INV-1"]


def test_tables_created_by_many_at_once(postgresql_url: str) -> None:
    """Every process of a web server may create the tables at its start."""
    start = threading.Barrier(8)

    def create(_: int) -> None:
        engine = create_engine(postgresql_url)
        start.wait()
        Inbox(engine, secret_key="key").create_tables()
        engine.dispose()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(8)))
