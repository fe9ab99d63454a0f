"""Attempts, back-off, dead letters, replays, the queue, evidence, purging, forks."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from inbox.conftest import new_side
from sqlalchemy import Connection, create_engine, func, select, text, update

from commercepay.callbacks import Callback
from commercepay.errors import ArgumentError, CallbackRejection
from commercepay.inbox import ArrivalState, Evidence, Inbox, Retries, _storage, arrivals, handled, rejections

Genuine = Callable[..., tuple[bytes, str]]
Plain = Callable[[Callback, Connection], object]
FORGED = "0" * 64
SERVER = os.environ.get("COMMERCEPAY_TEST_POSTGRESQL")


@pytest.fixture
def side(pair: Any) -> Any:
    return pair


class ShopError(Exception):
    """The exception of a merchant's handler."""


def fails(callback: Callback, connection: Connection) -> None:
    raise ShopError("password=hunter2")


# --- attempts and back-off -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempts", range(1, 40))
def test_pauses_double_up_to_the_longest(attempts: int) -> None:
    """Each pause is at least twice the one before, up to the longest; at random up to a half longer."""
    nominal = min(30 * 2 ** (attempts - 1), 6 * 3600)
    pauses = {Retries().after(attempts).total_seconds() for _ in range(20)}
    assert len(pauses) > 1
    assert nominal <= min(pauses) <= max(pauses) <= 1.5 * nominal


def test_no_dead_letter_before_three_days() -> None:
    """With the defaults, the last attempt is made three days after the first or later, whatever the pauses."""
    retries = Retries()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert not retries.is_over(1000, now, now + timedelta(days=3) - timedelta(seconds=1))
    assert not retries.is_over(19, now, now + timedelta(days=30))
    assert retries.is_over(20, now, now + timedelta(days=3))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Retries, {"max_attempts": 0}),
        (Retries, {"max_attempts": True}),
        (Retries, {"first_pause": 5}),
        (Retries, {"longest_pause": timedelta(-1)}),
        (Retries, {"at_least": None}),
        (Evidence, {"count": -1}),
        (Evidence, {"plausible_size": 1.5}),
    ],
)
def test_wrong_numbers_are_refused(kind: Any, options: dict[str, Any]) -> None:
    """A wrong number is an error that names it."""
    with pytest.raises(ArgumentError, match=next(iter(options))):
        kind(**options)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"retries": 3}, "retries must be Retries"),
        ({"evidence": 3}, "evidence must be Evidence"),
        ({"enqueue": 3}, "enqueue must be a function"),
        ({"on_settled": print}, "both find_order and on_settled"),
        ({"find_order": print}, "both find_order and on_settled"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], problem: str) -> None:
    """A wrong option is an error when the inbox is made."""
    with pytest.raises(ArgumentError, match=problem):
        Inbox(create_engine("sqlite://"), secret_key="key", **options)


def test_a_failing_arrival_waits_for_its_next_attempt(side: Any, genuine: Genuine, ship: Plain) -> None:
    """After a failure an arrival is not due before its pause is over; a loop until nothing is due ends."""
    inbox = side.create()
    side.receive(inbox, genuine("INV-BAD"))
    side.receive(inbox, genuine("INV-GOOD"))
    before = datetime.now(UTC)
    failed, good = side.process(inbox, fails, limit=1, after=timedelta(0)) + side.process(
        inbox, ship, after=timedelta(0)
    )
    assert (failed.state, failed.callback.reference_code) == (ArrivalState.STORED, "INV-BAD")
    assert isinstance(failed.error, ShopError)
    assert failed.next_attempt_at >= before + timedelta(seconds=30)
    assert good.callback.reference_code == "INV-GOOD"
    assert side.process(inbox, ship, after=timedelta(seconds=29)) == []
    assert [receipt.state for receipt in side.process(inbox, ship, after=timedelta(seconds=46))] == [
        ArrivalState.HANDLED
    ]
    assert side.rows("attempts", "detail") == [(2, None), (1, None)]


def test_dead_letter(side: Any, genuine: Genuine, ship: Plain, caplog: Any) -> None:
    """After the last attempt an arrival is dead: logged as an error, not tried again, not purged, and replayed on request."""
    inbox = side.create(retries=Retries(max_attempts=2))
    side.receive(inbox, genuine())
    for after, state in ((0, "stored"), (1, "stored"), (4, "dead")):
        (receipt,) = side.process(inbox, fails, after=timedelta(days=after))
        assert str(receipt.state) == state
    assert receipt.next_attempt_at is None
    assert [record.levelname for record in caplog.records if "is dead" in record.message] == ["ERROR"]
    assert side.process(inbox, ship, after=timedelta(days=400)) == []
    assert side.run(inbox.purge(datetime.now(UTC) + timedelta(days=1))) == 0
    assert side.run(inbox.process(1, side.handler(ship))).state is ArrivalState.DEAD
    stats = side.run(inbox.stats())
    assert (stats.waiting, stats.oldest, stats.dead, stats.rejected) == (0, None, 1, 0)
    assert side.run(inbox.replay(state=ArrivalState.DEAD)) == 1
    assert side.run(inbox.stats()).oldest == side.rows("received_at")[0]
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED]


def test_one_log_line_per_failure(side: Any, genuine: Genuine, ship: Plain, caplog: Any) -> None:
    """Each failure is one line, with the traceback when the error is new; another error has a traceback again."""
    inbox = side.create()
    side.receive(inbox, genuine())

    def fails_otherwise(callback: Callback, connection: Connection) -> None:
        raise KeyError("no such product")

    for days, handler in enumerate((fails, fails, fails_otherwise)):
        side.process(inbox, handler, after=timedelta(days=days))
    lines = [record for record in caplog.records if record.name == "commercepay.inbox"]
    assert [(line.levelname, line.exc_info is not None) for line in lines] == [
        ("ERROR", True),
        ("WARNING", False),
        ("ERROR", True),
    ]
    caplog.clear()
    with pytest.raises(ShopError):  # the application's framework logs it
        side.receive(inbox, genuine("INV-2"), fails)
    assert caplog.records == []
    last = side.inbox(retries=Retries(max_attempts=1, at_least=timedelta(0)))
    with pytest.raises(ShopError):
        side.receive(last, genuine("INV-3"), fails)
    side.receive(last, genuine("INV-4"))
    assert [str(receipt.state) for receipt in side.process(last, fails, after=timedelta(0))] == ["dead"]
    assert [(record.levelname, record.exc_info is not None) for record in caplog.records] == [
        ("ERROR", False),
        ("ERROR", True),
    ]


KILLED = """
import os, signal, sys
from sqlalchemy import create_engine
from commercepay.inbox import Inbox
inbox = Inbox(create_engine(sys.argv[1]), secret_key="example-Secret-Key-01", callback_url="https://shop.example.my/callback")
def handler(callback, connection):
    if callback.reference_code == "INV-POISON":
        os.kill(os.getpid(), signal.SIGKILL)
    connection.exec_driver_sql("INSERT INTO shipped (reference_code) VALUES ('%s')" % callback.reference_code)
inbox.process_pending(handler)
"""


def test_arrival_that_kills_its_worker(side: Any, genuine: Genuine, ship: Plain) -> None:
    """An arrival that kills its worker costs one worker per pause: the next one handles the others. In the end it is dead."""
    inbox = side.create(retries=Retries(max_attempts=1))
    side.receive(inbox, genuine("INV-POISON"))
    side.receive(inbox, genuine("INV-GOOD"))
    url = side.url.render_as_string(hide_password=False)
    ended = [subprocess.run([sys.executable, "-c", KILLED, url], check=False).returncode for _ in range(2)]
    assert ended == [-signal.SIGKILL, 0]
    assert side.shipped() == ["INV-GOOD"]
    assert side.rows("state", "attempts") == [("stored", 1), ("handled", 1)]
    assert [receipt.state for receipt in side.process(inbox, ship, after=timedelta(days=4))] == [ArrivalState.DEAD]


def test_attempt_in_receive_is_counted_before_the_handler(side: Any, genuine: Genuine) -> None:
    """Another connection sees the attempt while the handler runs."""
    inbox = side.create()
    seen: list[Any] = []

    def handler(callback: Callback, connection: Connection) -> None:
        seen.extend(side.rows("attempts", "state"))

    side.receive(inbox, genuine(), handler)
    assert seen == [(1, "stored")]


# --- replay ----------------------------------------------------------------------------------------------------------


def test_replay_chooses(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Arrivals are chosen by number, state, reason and time; what is handled is not handled again."""
    inbox = side.create()
    side.receive(inbox, genuine("INV-1"), ship)
    side.receive(inbox, (genuine("INV-2")[0], FORGED))
    side.receive(inbox, (b"?", FORGED))
    later = datetime.now(UTC) + timedelta(seconds=1)

    def chosen(*args: Any, **options: Any) -> Any:
        return side.run(inbox.replay(*args, **options))

    assert chosen(received_from=later) == 0
    assert chosen(reason=CallbackRejection.SIGNATURE_WRONG, received_before=later) == 1
    assert side.rows("state") == ["handled", "stored", "rejected"]
    assert chosen(state=ArrivalState.REJECTED) == 1
    assert chosen(received_before=later) == 2  # what is pending is due at once
    assert chosen(1) == 1
    assert sorted(str(receipt.state) for receipt in side.process(inbox, ship)) == ["duplicate", "rejected", "rejected"]
    assert side.shipped() == ["INV-1"]
    for options in (
        {},
        {"state": ArrivalState.HANDLED},
        {"state": "dead"},
        {"reason": "signature_wrong"},
        {"received_before": datetime(2026, 1, 1)},  # noqa: DTZ001  the mistake in question
    ):
        with pytest.raises(ArgumentError, match="replay: "):
            chosen(**options)


def test_replay_with_another_callback_url(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A wrong URL that was passed to `receive` can be replaced."""
    inbox = side.create(callback_url=None)
    side.receive(inbox, genuine(), callback_url="https://wrong.example.my/callback")
    assert side.run(inbox.replay(1, callback_url="https://shop.example.my/callback")) == 1
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED]


def test_retired_key_does_not_lose_what_was_verified(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A callback that was verified when it came is handled although its key has been retired since."""
    side.receive(side.create(), genuine())
    assert [receipt.state for receipt in side.process(side.inbox(secret_key="new"), ship)] == [ArrivalState.HANDLED]


# --- the queue -------------------------------------------------------------------------------------------------------


def test_enqueue_commits_with_the_arrival(side: Any, genuine: Genuine, ship: Plain) -> None:
    """`enqueue` writes in the transaction that stores the arrival: both are committed, or neither."""
    jobs: list[int] = []

    def add(connection: Connection, arrival_id: int) -> None:
        connection.execute(text("INSERT INTO shipped (reference_code) VALUES ('a job')"))
        if jobs == [1]:
            raise ShopError
        jobs.append(arrival_id)

    async def aadd(connection: Any, arrival_id: int) -> None:
        await connection.run_sync(add, arrival_id)

    inbox = side.create(enqueue=aadd if side.is_async else add)
    assert side.receive(inbox, genuine("INV-1")).state is ArrivalState.STORED
    with pytest.raises(ShopError):
        side.receive(inbox, genuine("INV-2"))
    assert (jobs, side.shipped(), side.rows("id", "attempts")) == ([1], ["a job"], [(1, 0)])
    with pytest.raises(ArgumentError, match="process"):
        side.receive(inbox, genuine("INV-3"), ship)
    with pytest.raises(ArgumentError, match="handler"):
        side.run(inbox.process(1))
    assert side.run(inbox.process(1, side.handler(ship))).state is ArrivalState.HANDLED
    jobs.clear()
    side.run(inbox.replay(1))
    assert jobs == [1]


# --- evidence --------------------------------------------------------------------------------------------------------


def test_evidence_is_limited(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Beyond the limits of an hour, forgeries are only counted. A small genuine callback with our wrong key is still kept."""
    inbox = side.create(secret_key="mistyped", evidence=Evidence(count=3, size=3000, plausible_count=2))
    forged = [b"%04d" % number for number in range(6)]
    receipts = [side.receive(inbox, (body, FORGED)) for body in (*forged, forged[0])]
    assert [receipt.arrival_id is not None for receipt in receipts] == [True] * 3 + [False] * 4
    assert {receipt.http_status for receipt in receipts} == {400}
    padded = genuine("INV-PADDED", description="x" * 3000)
    assert side.receive(inbox, padded, ship).arrival_id is None
    kept = [side.receive(inbox, genuine(f"INV-{number}")).arrival_id is not None for number in range(3)]
    assert kept == [True, True, False]
    assert side.run(inbox.stats()).rejected == 11
    assert len(side.rows("id")) == 5
    with side.engine.begin() as connection:
        counted = connection.execute(
            select(rejections.c.seen, rejections.c.kept).order_by(rejections.c.plausible)
        ).all()
        connection.execute(update(rejections).values(hour=datetime.now(UTC) - timedelta(hours=2)))
    assert counted == [(8, 3), (3, 2)]
    assert side.receive(inbox, (b"next hour", FORGED)).arrival_id is not None
    repaired = side.inbox()
    side.run(repaired.replay(reason=CallbackRejection.SIGNATURE_WRONG))
    assert [str(receipt.state) for receipt in side.process(repaired, ship)] == ["handled", "handled"]


def test_evidence_is_limited_by_size_and_kept_once(side: Any, genuine: Genuine) -> None:
    """Bytes are limited, too. Equal bodies are kept once; of a plausible callback, each signature."""
    inbox = side.create(evidence=Evidence(size=10))
    bodies = (b"123456", b"123456", b"1234567", b"1234")
    assert [side.receive(inbox, (body, FORGED)).arrival_id is not None for body in bodies] == [True, False, False, True]
    body, right = genuine()
    mistyped = side.inbox(secret_key="mistyped")
    given = (FORGED, right, right)
    assert [side.receive(mistyped, (body, header)).arrival_id is not None for header in given] == [True, True, False]


# --- purge -----------------------------------------------------------------------------------------------------------


def test_purge_by_state_in_batches(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Settled arrivals are deleted by age and state, in several transactions; keys stay, and other inboxes' arrivals."""
    inbox = side.create()
    side.receive(inbox, genuine("INV-1"), ship)
    side.receive(inbox, (b"?", FORGED))
    side.receive(side.inbox(name="other"), (b"?", FORGED))
    with side.engine.begin() as connection:
        columns = [column.name for column in arrivals.columns if column.name != "id"]
        one = select(*(arrivals.c[name] for name in columns)).where(arrivals.c.id == 1)
        for _ in range(10):  # 1,024 handled ones
            connection.execute(arrivals.insert().from_select(columns, one.with_only_columns(*one.selected_columns)))
            one = select(*(arrivals.c[name] for name in columns)).where(arrivals.c.state == "handled")
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert side.run(inbox.purge(later, states=[ArrivalState.REJECTED])) == 1
    with side.engine.begin() as connection:
        many = connection.execute(select(func.count()).where(arrivals.c.state == "handled")).scalar_one()
    assert many > 500
    assert side.run(inbox.purge(later)) == many
    assert side.rows("inbox", "state") == [("other", "rejected")]
    with side.engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(handled)).scalar_one() == 1
    with pytest.raises(ArgumentError, match="states"):
        side.run(inbox.purge(later, states=[ArrivalState.DEAD]))


# --- many arrivals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "index"),
    [("_DUE", "pending"), ("_COUNT_PENDING", "pending"), ("_COUNT_DEAD", "dead"), ("_HAS_EVIDENCE", "rejected")],
)
def test_statements_search_an_index(side: Any, name: str, index: str) -> None:
    """What is asked often is found by an index of the rows in that state: it does not matter how many others exist."""
    side.create()
    statement = getattr(_storage, name).params(of="default", now=datetime.now(UTC), of_digest="0" * 64)
    with side.engine.begin() as connection:
        sql = str(statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
        if SERVER is None:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all())
        else:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # the table is empty
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
            plan = str(connection.exec_driver_sql(f"EXPLAIN {sql}".replace("%", "%%")).all())
    assert f"ix_commercepay_arrivals_{index}" in plan
    assert "sort" not in plan.lower()
    assert "TEMP B-TREE" not in plan


# --- forks -----------------------------------------------------------------------------------------------------------

FORKS = """
import os, sys
from sqlalchemy import create_engine
from commercepay.inbox import Inbox
URL = "https://shop.example.my/callback"
inbox = Inbox(create_engine(sys.argv[1]), secret_key="example-Secret-Key-01", callback_url=URL)
before = inbox.stats()  # the parent has a connection
children = []
for _ in range(3):
    if not (child := os.fork()):
        assert [inbox.stats().waiting for _ in range(50)] == [before.waiting] * 50
        os._exit(0)
    children.append(child)
assert [inbox.stats().waiting for _ in range(50)] == [before.waiting] * 50
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def test_inbox_inherited_over_a_fork(side: Any, genuine: Genuine) -> None:
    """Children use connections of their own, at the same time as the parent uses its connection."""
    side.receive(side.create(), genuine())
    url = side.url.render_as_string(hide_password=False)
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS, url], check=True, timeout=60)


@pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"])
def test_store_is_limited_in_time_on_sqlite(
    sqlite_url: str, genuine: Genuine, ship: Plain, caplog: Any, driver: str
) -> None:
    """While a slow handler holds SQLite's write lock, another callback gets the response 503 within 5 s, and is not stored."""
    caplog.set_level(logging.ERROR, "commercepay.inbox")
    for side in new_side(f"sqlite/{driver}", sqlite_url):
        side.create()
        inbox = side.inbox_with(connect_args={"timeout": 60})
        slow = create_engine(sqlite_url)
        with slow.connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            began = time.monotonic()
            receipt = side.receive(inbox, genuine(), ship)
            took = time.monotonic() - began
            other.rollback()
        slow.dispose()
        assert (receipt.state, receipt.http_status, receipt.arrival_id) == (ArrivalState.NOT_STORED, 503, None)
        assert took < 5
        assert [record.message for record in caplog.records] == [
            "a callback could not be stored in time (sqlalchemy.exc.OperationalError): the gateway has to repeat it"
        ]
        assert side.run(_busy_timeout(inbox)) == 60_000
        assert side.rows("id") == []


def _busy_timeout(inbox: Any) -> Any:
    """The setting of the inbox's connection, which is the application's again."""
    statement = "PRAGMA busy_timeout"
    if isinstance(inbox, Inbox):
        with inbox.engine.connect() as connection:
            return connection.exec_driver_sql(statement).scalar_one()

    async def ask() -> Any:
        async with inbox.engine.connect() as connection:
            return (await connection.exec_driver_sql(statement)).scalar_one()

    return ask()
