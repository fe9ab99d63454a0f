"""The orders and callbacks of a sandbox: in memory, and also in an SQLite file if there is one.

A changed order or callback is saved as one row, and `commit` is called before the change is acknowledged. With SQLite's
write-ahead log a commit survives if the process is killed at any moment (but not a power cut: the sandbox does not wait
for the disk).
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from commercepay.sandbox.model import CallbackRecord, Order, PaymentRecord


class StateFileError(Exception):
    """The state file can't be used."""


class Store:
    """Orders and callbacks, and their indexes."""

    def __init__(self, file: Path | None = None) -> None:
        self.version: int = 0
        self._file = _File(file) if file is not None else None
        self._clear()
        if self._file is not None:
            for text in self._file.all("orders"):
                self.add(Order.from_json(json.loads(text)))
            for text in self._file.all("callbacks"):
                callback = CallbackRecord.from_json(json.loads(text))
                self.callbacks[callback.id] = callback

    def _clear(self) -> None:
        self.orders: dict[str, Order] = {}
        self.callbacks: dict[int, CallbackRecord] = {}
        self._order_of: dict[str, Order] = {}
        self._references: set[tuple[int, str]] = set()

    def add(self, order: Order) -> None:
        self.orders[order.number] = order
        self._references.add((order.tenant_id, order.reference_code))
        for payment in order.attempts:
            self._order_of[payment.transaction_number] = order

    def add_attempt(self, order: Order, payment: PaymentRecord) -> None:
        order.attempts.append(payment)
        self._order_of[payment.transaction_number] = order

    def has_reference(self, tenant_id: int, reference_code: str) -> bool:
        return (tenant_id, reference_code) in self._references

    def order(self, number: str) -> Order | None:
        """The order of a session number or a transaction number."""
        return self.orders.get(number) or self._order_of.get(number)

    def payment(self, transaction_number: str) -> tuple[Order, PaymentRecord] | None:
        order = self._order_of.get(transaction_number)
        if order is None:
            return None
        return order, next(one for one in order.attempts if one.transaction_number == transaction_number)

    def next_callback_id(self) -> int:
        return max(self.callbacks, default=0) + 1

    def save(self, record: Order | CallbackRecord) -> None:
        self.version += 1
        if isinstance(record, CallbackRecord):
            self.callbacks[record.id] = record
        if self._file is not None:
            table, key = ("orders", record.number) if isinstance(record, Order) else ("callbacks", record.id)
            self._file.put(table, key, json.dumps(record.to_json()))

    def touch(self) -> None:
        """Raise the version because something changed that is not stored here."""
        self.version += 1

    def commit(self) -> None:
        if self._file is not None:
            self._file.commit()

    def reset(self) -> None:
        self._clear()
        self.version += 1
        if self._file is not None:
            self._file.clear()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _File:
    _FORMAT = 2

    def __init__(self, path: Path) -> None:
        self._begun = False
        try:
            # Orders have customers' data: the file is for its owner only. SQLite gives its side files the same permissions.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            os.chmod(path, 0o600)
            # Used by one thread at a time, but not always by the thread that opened it.
            self._db = sqlite3.connect(path, timeout=1, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StateFileError(f"{path} can't be used as a state file: {error}") from error
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._db.close()
            is_locked = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            hint = "another sandbox is using it" if is_locked else str(error)
            raise StateFileError(f"{path} can't be used as a state file: {hint}") from error
        except StateFileError:
            self._db.close()
            raise

    def _prepare(self, path: Path) -> None:
        self._db.execute(
            "PRAGMA locking_mode = EXCLUSIVE"
        )  # two sandboxes on one file would overwrite each other's data
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found not in (0, self._FORMAT):
            raise StateFileError(f"{path} is a state file of format {found}; this version reads format {self._FORMAT}")
        self._db.execute("CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, record TEXT NOT NULL)")
        self._db.execute("CREATE TABLE IF NOT EXISTS callbacks (number INTEGER PRIMARY KEY, record TEXT NOT NULL)")
        self._db.execute(f"PRAGMA user_version = {self._FORMAT}")
        self._db.execute("COMMIT")

    def all(self, table: str) -> list[str]:
        rows = self._db.execute(f"SELECT record FROM {table} ORDER BY rowid")  # noqa: S608  # a name of ours
        return [text for (text,) in rows]

    def put(self, table: str, key: str | int, record: str) -> None:
        if not self._begun:
            self._db.execute("BEGIN")
            self._begun = True
        self._db.execute(
            f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record",  # noqa: S608  # a name of ours
            (key, record),
        )

    def commit(self) -> None:
        if self._begun:
            self._db.execute("COMMIT")
            self._begun = False

    def clear(self) -> None:
        self.commit()
        self._db.execute("DELETE FROM orders")
        self._db.execute("DELETE FROM callbacks")

    def close(self) -> None:
        self.commit()
        self._db.close()
