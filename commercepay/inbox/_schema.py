"""Creates the tables, or upgrades those of an older version with the Alembic revisions in `migrations/versions`."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Column, Connection, MetaData, String, Table, delete, insert, inspect, select, text
from sqlalchemy.schema import CreateIndex, CreateTable

from commercepay._base.extras import missing
from commercepay._base.flow import Pause
from commercepay.errors import ArgumentError
from commercepay.inbox._tables import arrivals, metadata

if TYPE_CHECKING:
    from commercepay._arrivals.rules import Rules
    from commercepay._arrivals.storage import Step

VERSION_TABLE = "commercepay_inbox_version"
VERSIONS = ("commercepay_0001", "commercepay_0002", "commercepay_0003")
"""The revisions, the current one last."""

_CREATION_LOCK = 0x636F6D6D70617921  # any number that no other application is likely to lock
_upgrading = threading.Lock()
_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


class _BusyError(Exception):
    """Another upgrade is running in this process: Alembic runs one at a time."""


def create(rules: Rules[Connection]) -> Generator[Step | Pause, Any, None]:
    while True:
        try:
            if not (yield from rules.transaction(_is_current)):
                yield from rules.transaction(_create)
            return
        except _BusyError:
            pass
        yield Pause(0.1)


def refuse_downgrade() -> NoReturn:
    """The downgrade of each revision: an older version of the package would lose keys of handled facts, and handle them again.

    Raises:
        ArgumentError: always.
    """
    raise ArgumentError(
        "the tables of the inbox can't be downgraded: the keys of handled facts must be kept. Restore a backup"
    )


def _is_current(connection: Connection) -> bool:
    return inspect(connection).has_table(VERSION_TABLE) and _stored_version(connection) == VERSIONS[-1]


def _create(connection: Connection) -> None:
    _lock(connection)
    version = _stored_version(connection) or _unversioned(connection)
    if version is None:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))
        _set_version(connection, VERSIONS[-1])
    elif version not in VERSIONS:
        raise ArgumentError(
            f"the tables of the inbox have the version {version}, which is newer than this package ({VERSIONS[-1]}):"
            " install the version of commercepay that has made them"
        )
    else:
        _set_version(connection, version)
        if version != VERSIONS[-1]:
            _upgrade(connection)


def _lock(connection: Connection) -> None:
    """Let one process at a time create or upgrade."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})
    elif not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]  # it is open
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins none for a statement that creates a table
    connection.execute(CreateTable(_version, if_not_exists=True))
    connection.execute(delete(_version).where(_version.c.version_num == ""))  # takes the write lock of SQLite


def _stored_version(connection: Connection) -> str | None:
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def _unversioned(connection: Connection) -> str | None:
    """The version of tables that were made before versions were stored, or by `metadata`; None if there are none."""
    inspector = inspect(connection)
    if not inspector.has_table(arrivals.name):
        return None
    columns = {column["name"] for column in inspector.get_columns(arrivals.name)}
    if "fact_key" not in columns:
        return VERSIONS[0]
    return VERSIONS[2] if "next_attempt_at" in columns else VERSIONS[1]


def _set_version(connection: Connection, version: str) -> None:
    connection.execute(delete(_version))
    connection.execute(insert(_version).values(version_num=version))


def _upgrade(connection: Connection) -> None:
    try:
        from alembic import command
        from alembic.config import Config
    except ModuleNotFoundError as error:
        raise missing("commercepay[inbox]", error) from error
    if not _upgrading.acquire(blocking=False):
        raise _BusyError
    try:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    finally:
        _upgrading.release()
