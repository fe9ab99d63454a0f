"""The tables of older versions are upgraded, with what is in them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from inbox.conftest import SERVER, genuine, new_database, with_driver
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from commercepay.callbacks import read_verified
from commercepay.errors import ArgumentError
from commercepay.inbox import ArrivalState, AsyncInbox, Inbox, _schema, metadata

SECRET = "example-Secret-Key-01"
URL = "https://shop.example.my/callback"
MIGRATIONS = Path(_schema.__file__).with_name("migrations")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    yield from new_database(tmp_path, "postgresql" if SERVER else "sqlite")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = create_engine(url)
    yield made
    made.dispose()


def make(engine: Engine, revision: str) -> None:
    """Make the tables of an older version, without a stored version."""
    script = ScriptDirectory(str(MIGRATIONS))
    with engine.begin() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            for each in reversed(list(script.iterate_revisions(revision, "base"))):
                each.module.upgrade()


def old_key(body: bytes) -> str:
    """The formula of the first version."""
    one = read_verified(body)
    fact = (
        one.transaction_number,
        str(one.status.value),
        str(one.amount.minor),
        one.amount.currency,
        one.reference_code,
    )
    return hashlib.sha256("\0".join(fact).lower().encode()).hexdigest()


def fill(engine: Engine, key_column: str, key: Callable[[bytes], str]) -> None:
    """Arrivals of the first version: two handled, one pending, one pending forgery, one rejected."""
    with engine.begin() as connection:
        for reference, state, signature in (
            ("INV-1", "handled", None),
            ("ΣΊΣΥΦΟΣ", "handled", None),
            ("INV-3", "stored", None),
            ("INV-4", "stored", "0" * 64),
            ("INV-5", "rejected", "0" * 64),
        ):
            body, right = genuine(reference)
            values: dict[str, Any] = {
                "body": body,
                "signature": signature or right,
                "state": state,
                "at": "2026-01-01 00:00:00",
                "url": URL,
                "key": key(body) if state == "handled" else None,
                "code": reference if state == "handled" else None,
                "reason": "signature_wrong" if state == "rejected" else None,
            }
            columns = "inbox, received_at, body, signature, callback_url, state, attempts, reference_code, reason"
            row = "'default', :at, :body, :signature, :url, :state, 7, :code, :reason, :code, :key"
            if engine.dialect.name == "postgresql":
                row = row.replace(":at", "CAST(:at AS timestamptz)")
            statement = f"INSERT INTO commercepay_arrivals ({columns}, transaction_number, {key_column}) VALUES ({row})"
            arrival_id = connection.execute(text(f"{statement} RETURNING id"), values).scalar_one()
            if state == "handled":
                connection.execute(
                    text(
                        f"INSERT INTO commercepay_handled (inbox, {key_column}, arrival_id, handled_at)"
                        f" VALUES ('default', :key, :id, {'CURRENT_TIMESTAMP'})"
                    ),
                    {"key": values["key"], "id": arrival_id},
                )


def inbox_on(engine: Engine, **options: Any) -> Inbox:
    return Inbox(engine, secret_key=SECRET, callback_url=URL, **options)


@pytest.mark.parametrize("revision", _schema.VERSIONS[:2])
@pytest.mark.parametrize("driver", ["sync", "async"])
def test_an_older_version_is_upgraded(url: str, engine: Engine, revision: str, driver: str) -> None:
    """What was handled stays handled, what is pending is verified and handled, and the tables are as in `metadata`."""
    make(engine, revision)
    first = revision == _schema.VERSIONS[0]
    column = "dedup" + "_key" if first else "fact_key"
    fill(engine, column, old_key if first else lambda body: read_verified(body).fact_key)
    upgrade(url, engine, driver)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, *_: name != _schema.VERSION_TABLE}
        )
        assert compare_metadata(context, metadata) == []
    inbox = inbox_on(engine)
    inbox.create_tables()
    had: list[str] = []

    def handler(callback: Any, connection: Any) -> None:
        had.append(callback.reference_code)

    repeated = [inbox.receive(*genuine(reference), handler).state for reference in ("INV-1", "ΣΊΣΥΦΟΣ")]
    assert repeated == [ArrivalState.DUPLICATE] * 2
    states = {str(receipt.state) for receipt in inbox.process_pending(handler)}
    assert (states, had) == ({"handled", "rejected"}, ["INV-3"])
    stats = inbox.stats()
    assert (stats.waiting, stats.rejected) == (0, 1)


def upgrade(url: str, engine: Engine, driver: str) -> None:
    if driver == "sync":
        return inbox_on(engine).create_tables()

    async def main() -> None:
        asynchronous = create_async_engine(with_driver(url, "asyncpg" if SERVER else "aiosqlite"))
        await AsyncInbox(asynchronous, secret_key=SECRET, callback_url=URL).create_tables()
        await asynchronous.dispose()

    return asyncio.run(main())


def test_a_new_database_has_the_current_version(engine: Engine) -> None:
    """New tables are made without Alembic, and have the version of the newest revision."""
    inbox_on(engine).create_tables()
    with engine.connect() as connection:
        assert _schema._stored_version(connection) == _schema.VERSIONS[-1]
    script = ScriptDirectory(str(MIGRATIONS))
    assert script.get_current_head() == _schema.VERSIONS[-1]
    assert [each.revision for each in script.walk_revisions()] == list(reversed(_schema.VERSIONS))


def test_tables_of_metadata_get_a_version(engine: Engine) -> None:
    """Tables that the merchant's own migrations made get the current version, and are not changed."""
    metadata.create_all(engine)
    inbox_on(engine).create_tables()
    assert inspect(engine).has_table(_schema.VERSION_TABLE)


def test_a_newer_version_is_refused(engine: Engine) -> None:
    """Tables of a newer version are an error that names both versions."""
    inbox_on(engine).create_tables()
    with engine.begin() as connection:
        _schema._set_version(connection, "commercepay_9999")
    with pytest.raises(ArgumentError, match="commercepay_9999, which is newer than this package"):
        inbox_on(engine).create_tables()


def test_an_upgrade_that_fails_changes_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade is one transaction: if it fails, the tables are those of the older version, and can be upgraded later."""
    make(engine, _schema.VERSIONS[0])
    fill(engine, "dedup" + "_key", old_key)

    def broken(connection: Any) -> None:
        upgrade_all(connection)
        raise RuntimeError("the disk is full")

    upgrade_all = _schema._upgrade
    monkeypatch.setattr(_schema, "_upgrade", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        inbox_on(engine).create_tables()
    with engine.connect() as connection:
        assert _schema._unversioned(connection) == _schema.VERSIONS[0]
    monkeypatch.undo()
    inbox_on(engine).create_tables()
    assert inbox_on(engine).stats().waiting == 2


def test_upgrades_take_turns(engine: Engine) -> None:
    """While another upgrade is running in the process, `create_tables` waits: Alembic runs one at a time."""
    import threading

    make(engine, _schema.VERSIONS[0])
    assert _schema._upgrading.acquire()
    timer = threading.Timer(0.3, _schema._upgrading.release)
    timer.start()
    inbox_on(engine).create_tables()
    timer.join()
    assert inbox_on(engine).stats().waiting == 0


ENV = """
from alembic import context
context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
"""


def own_migrations(folder: Path, connection: Connection) -> Config:
    """The migrations of an application with Alembic, which has added the package's revisions to its own."""
    (folder / "env.py").write_text(ENV)
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "space")
    config.set_main_option("version_path_separator", "space")  # its name in older versions of Alembic
    config.set_main_option("version_locations", f"{folder / 'versions'} commercepay.inbox:migrations/versions")
    config.attributes["connection"] = connection
    return config


def test_revisions_within_the_migrations_of_an_application(engine: Engine, tmp_path: Path) -> None:
    """The package's revisions, run by an application, make the same tables."""
    with engine.begin() as connection:
        command.upgrade(own_migrations(tmp_path, connection), "commercepay@head")
    inbox = inbox_on(engine)
    inbox.create_tables()
    assert inbox.receive(*genuine(), lambda callback, connection: None).state is ArrivalState.HANDLED


def test_downgrade_is_refused(engine: Engine, tmp_path: Path) -> None:
    """A downgrade from each revision is an error, and changes nothing: the keys of handled facts must be kept."""
    for version in _schema.VERSIONS:
        with engine.begin() as connection:
            config = own_migrations(tmp_path, connection)
            command.upgrade(config, version)
            tables = inspect(connection).get_table_names()
            with pytest.raises(ArgumentError, match="downgraded"):
                command.downgrade(config, "commercepay@-1" if version != _schema.VERSIONS[0] else "base")
            assert inspect(connection).get_table_names() == tables


def test_times(engine: Engine) -> None:
    """What is pending in an upgraded database is due since it was received."""
    make(engine, _schema.VERSIONS[0])
    fill(engine, "dedup" + "_key", old_key)
    inbox = inbox_on(engine)
    inbox.create_tables()
    assert inbox.stats().oldest == datetime(2026, 1, 1, tzinfo=UTC)
