"""Every test of the inbox runs with every driver of the database.

That is PostgreSQL where COMMERCEPAY_TEST_POSTGRESQL holds the URL of a server (see postgresql.py beside this file), and
SQLite where it doesn't. The cases of the other one then do not exist, rather than being skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL as DatabaseURL
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from commercepay import signature
from commercepay.callbacks import Callback
from commercepay.inbox import AsyncInbox, Inbox, Receipt, arrivals

SERVER = os.environ.get("COMMERCEPAY_TEST_POSTGRESQL")
collect_ignore = ["postgresql.py", "deliver.py", "test_sqlite.py" if SERVER else "test_postgresql.py"]

SECRET = "example-Secret-Key-01"
URL = "https://shop.example.my/callback"

SIDES = (
    ["postgresql/" + driver for driver in ("psycopg", "psycopg2", "pg8000", "psycopg_async", "asyncpg")]
    if SERVER
    else ["sqlite/pysqlite", "sqlite/aiosqlite"]
)

shop = MetaData()
shipped = Table(
    "shipped",
    shop,
    Column("id", Integer, primary_key=True),
    Column("reference_code", String(50), nullable=False),  # not unique, so that shipping twice is detected
)


def genuine(reference_code: str = "INV-1", **change: Any) -> tuple[bytes, str]:
    """A callback of the gateway: body and header."""
    data = {
        "amount": 1234,
        "currencyCode": "MYR",
        "referenceCode": reference_code,
        "status": 1,
        "transactionNumber": f"TN-{reference_code}",
        **change,
    }
    return json.dumps(data).encode(), signature.sign(URL, data, SECRET)


def ship(callback: Callback, connection: Connection) -> None:
    """The handler of most tests: it writes to the merchant's table."""
    connection.execute(shipped.insert().values(reference_code=callback.reference_code))


Plain = Callable[[Callback, Connection], object]


class Side:
    """An inbox, sync or async, with one interface."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        driver = kind.split("/")[1]
        self.is_async = driver in ("aiosqlite", "asyncpg", "psycopg_async")
        self.url = make_url(url)
        self.engine: Engine = create_engine(self.url if self.is_async else with_driver(url, driver))
        self._runner = asyncio.Runner() if self.is_async else None
        self._engines: list[Any] = []
        self.async_engine = create_async_engine(with_driver(url, driver)) if self.is_async else None
        shop.create_all(self.engine)

    def inbox(self, **options: Any) -> Any:
        options = {"secret_key": SECRET, "callback_url": URL, **options}
        if self.async_engine is not None:
            return AsyncInbox(self.async_engine, **options)
        return Inbox(self.engine, **options)

    def inbox_with(self, hook: Callable[[Any], object] | None = None, **options: Any) -> Any:
        """An inbox on an engine of its own: `hook` is called with each new connection of the driver."""
        engine: Any
        if self.async_engine is None:
            core = engine = create_engine(self.engine.url, **options)
        else:
            engine = create_async_engine(self.async_engine.url, **options)
            core = engine.sync_engine
        if hook is not None:
            event.listen(core, "connect", lambda connection, record: hook(connection))
        self._engines.append(engine)
        return (AsyncInbox if self.is_async else Inbox)(engine, secret_key=SECRET, callback_url=URL)

    def run(self, result: Any) -> Any:
        return self._runner.run(result) if self._runner else result

    def handler(self, plain: Plain | None) -> Any:
        if not self.is_async or plain is None:
            return plain

        async def handler(callback: Callback, connection: AsyncConnection) -> None:
            await connection.run_sync(lambda inner: plain(callback, inner))

        return handler

    def create(self, **options: Any) -> Any:
        inbox = self.inbox(**options)
        self.run(inbox.create_tables())
        return inbox

    def receive(self, inbox: Any, message: tuple[Any, Any], handler: Plain | None = None, **options: Any) -> Receipt:
        receipt: Receipt = self.run(inbox.receive(*message, self.handler(handler), **options))
        return receipt

    def process(
        self, inbox: Any, handler: Plain | None, *, after: timedelta = timedelta(days=1), **options: Any
    ) -> list[Receipt]:
        """Process what is due after a time; by default after the first pauses."""
        clock = inbox._rules.clock
        inbox._rules.clock = lambda: clock() + after
        try:
            receipts: list[Receipt] = self.run(inbox.process_pending(self.handler(handler), **options))
            return receipts
        finally:
            inbox._rules.clock = clock

    def shipped(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(shipped.c.reference_code).order_by(shipped.c.id)).scalars())

    def rows(self, *columns: str) -> list[Any]:
        chosen = [arrivals.c[name] for name in columns]
        with self.engine.connect() as connection:
            rows = connection.execute(select(*chosen).order_by(arrivals.c.id)).all()
        return [row[0] for row in rows] if len(columns) == 1 else [tuple(row) for row in rows]

    def close(self) -> None:
        for engine in (self.engine, self.async_engine, *self._engines):
            if engine is not None:
                disposed = engine.dispose()
                if self._runner and disposed is not None:
                    self._runner.run(disposed)
        if self._runner:
            self._runner.close()


def with_driver(url: str, driver: str) -> DatabaseURL:
    """The URL for another driver of the same database."""
    made = make_url(url)
    made = made.set(drivername=f"{made.get_dialect().name}+{driver}")
    if driver == "pg8000":  # its name for the socket is a file, not a directory
        made = made.set(query={"unix_sock": f"{made.query['host']}/.s.PGSQL.5432"})
    return made


def new_database(tmp_path: Path, dialect: str) -> Iterator[str]:
    """The URL of a new, empty database."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
        return
    assert SERVER is not None
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Side]:
    for url in new_database(tmp_path, request.param.split("/")[0]):
        yield from new_side(request.param, url)


def new_side(kind: str, url: str) -> Iterator[Side]:
    made = Side(kind, url)
    yield made
    made.close()


@pytest.fixture(params=["postgresql/psycopg", "postgresql/asyncpg"] if SERVER else SIDES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Side]:
    """A sync and an async side: for tests in which the driver makes no difference."""
    for url in new_database(tmp_path, request.param.split("/")[0]):
        yield from new_side(request.param, url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    yield from new_database(tmp_path, "sqlite")


@pytest.fixture
def postgresql_url(tmp_path: Path) -> Iterator[str]:
    yield from new_database(tmp_path, "postgresql")


@pytest.fixture(name="genuine")
def genuine_fixture() -> Callable[..., tuple[bytes, str]]:
    return genuine


@pytest.fixture(name="ship")
def ship_fixture() -> Plain:
    return ship
