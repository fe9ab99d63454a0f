"""The sample of docs/unknown-outcome.md runs against the sandbox: no second session is opened that could be paid."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from facade.conftest import OPENING

from commercepay import CommercePay, DuplicateTransaction, OutcomeUnknown
from commercepay.testing import Sandbox

(SAMPLE,) = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "unknown-outcome.md").read_text("utf-8"), re.DOTALL
)


@pytest.fixture
def cp(sb: Sandbox) -> Iterator[CommercePay]:
    with sb.client() as client:
        yield client


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(shop.TABLES)
    connection.execute("INSERT INTO orders (id, minor, currency) VALUES ('INV-1', 1234, 'MYR')")
    connection.commit()
    yield connection
    connection.close()


names: dict[str, Any] = {}
exec(compile(SAMPLE, "unknown-outcome.md", "exec"), names)
shop = SimpleNamespace(**names)


def references(sb: Sandbox) -> list[str]:
    return [order.reference_code for order in sb.orders]


def test_a_call_that_is_lost_after_it_arrived(sb: Sandbox, cp: CommercePay, db: sqlite3.Connection) -> None:
    """The next try finds that the first call arrived, and opens a session with another reference. Either pays the order."""
    sb.faults.add("drop_after", endpoint="InitialSession", times=1)
    with pytest.raises(OutcomeUnknown):
        shop.payment_url(cp, db, "INV-1")
    url = shop.payment_url(cp, db, "INV-1")
    assert url == shop.payment_url(cp, db, "INV-1")
    assert references(sb) == ["INV-1", "INV-1-2"]
    for order in sb.orders:
        assert (order.number in url) == (order.reference_code == "INV-1-2")
        sb.pay(order.number)
        assert cp.payments.confirm(shop.expected(db, "INV-1"), session_number=order.number).is_paid


def test_a_call_that_never_arrived(sb: Sandbox, cp: CommercePay, db: sqlite3.Connection) -> None:
    """The next try opens the session with the same reference."""
    sb.faults.add("drop_before", endpoint="InitialSession")
    with pytest.raises(OutcomeUnknown):
        shop.payment_url(cp, db, "INV-1")
    assert shop.payment_url(cp, db, "INV-1").startswith(sb.url)
    assert references(sb) == ["INV-1"]


def test_every_response_is_lost(sb: Sandbox, cp: CommercePay, db: sqlite3.Connection) -> None:
    """Each attempt whose call arrived is known before the next reference is used."""
    sb.faults.add("drop_after", endpoint="InitialSession", times=2)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            shop.payment_url(cp, db, "INV-1")
        assert references(sb) == ["INV-1"]
    sb.faults.add("drop_after", endpoint="InitialSession", share=0.5)  # the second call: that with the new reference
    with pytest.raises(OutcomeUnknown):
        shop.payment_url(cp, db, "INV-1")
    assert shop.payment_url(cp, db, "INV-1").startswith(sb.url)
    assert references(sb) == ["INV-1", "INV-1-2", "INV-1-3"]
    assert shop.expected(db, "INV-1").reference_codes == tuple(references(sb))


def test_a_duplicate_without_an_unknown_outcome(sb: Sandbox, cp: CommercePay, db: sqlite3.Connection) -> None:
    """If another process opened the session, no other reference is used, however often it is tried."""
    cp.sessions.create(**OPENING)
    for _ in range(2):
        with pytest.raises(DuplicateTransaction):
            shop.payment_url(cp, db, "INV-1")
    assert references(sb) == ["INV-1"]


def test_the_lock(sb: Sandbox, cp: CommercePay, db: sqlite3.Connection) -> None:
    """While one request has the order, another one makes no call. The lock is free afterwards, and after its time."""
    with shop.locked(db, "INV-1"), pytest.raises(shop.Busy):
        shop.payment_url(cp, db, "INV-1")
    assert sb.requests == []
    db.execute("UPDATE orders SET locked_until = 1")
    assert shop.payment_url(cp, db, "INV-1").startswith(sb.url)
