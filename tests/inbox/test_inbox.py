"""The guarantees of the inbox, on SQLite or PostgreSQL, with each driver (see conftest.py)."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from commercepay.callbacks import MAX_BODY, Callback, Verifier
from commercepay.client import CommercePay
from commercepay.errors import ArgumentError, CallbackRejection
from commercepay.inbox import ArrivalState, AsyncInbox, Inbox, arrivals, handled, metadata
from commercepay.inbox._storage import is_transient
from commercepay.money import Money

SERVER = os.environ.get("COMMERCEPAY_TEST_POSTGRESQL")
Genuine = Callable[..., tuple[bytes, str]]
Plain = Callable[[Callback, Connection], object]


class ShopError(Exception):
    """The exception of a merchant's handler."""


# --- once ------------------------------------------------------------------------------------------------------------


def test_genuine_callback_is_handled(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A valid callback is handled, and the handler's writes are committed with those of the inbox."""
    receipt = side.receive(side.create(), genuine(), ship)
    assert (receipt.state, receipt.http_status) == (ArrivalState.HANDLED, 200)
    assert receipt.callback.amount == Money("12.34", "MYR")
    assert side.shipped() == ["INV-1"]
    assert side.rows("state", "reference_code", "transaction_number", "status") == [("handled", "INV-1", "TN-INV-1", 1)]


def test_repeated_callback_is_a_duplicate(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A repetition gets the response 200, and is not handled."""
    inbox = side.create()
    states = [side.receive(inbox, genuine(), ship).state for _ in range(3)]
    assert states == [ArrivalState.HANDLED, ArrivalState.DUPLICATE, ArrivalState.DUPLICATE]
    assert side.shipped() == ["INV-1"]


def test_replay_in_other_letters_is_a_duplicate(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A replay with changes that the signature does not cover is not a new fact."""
    inbox = side.create()
    body, header = genuine()
    side.receive(inbox, (body, header), ship)
    assert side.receive(inbox, (body.replace(b"TN-INV", b"tn-inv"), header), ship).state is ArrivalState.DUPLICATE
    assert side.shipped() == ["INV-1"]


def test_settled_by_another_process(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A process whose arrival was settled by another one, also during its attempt, gets the receipt of that."""
    inbox = side.create()
    side.receive(inbox, genuine())
    with side.engine.begin() as connection:
        attempt = inbox._rules._take(connection, 1, None)
    side.process(inbox, ship)
    with side.engine.begin() as connection:
        late = inbox._rules._handle_arrival(connection, attempt, ship, None)
        gone = inbox._rules._handle_arrival(connection, attempt._replace(arrival_id=2), ship, None)
    assert (late.state, late.callback.reference_code, gone.state) == (
        ArrivalState.HANDLED,
        "INV-1",
        ArrivalState.STORED,
    )
    assert side.shipped() == ["INV-1"]


def test_process_one_arrival(side: Any, genuine: Genuine, ship: Plain) -> None:
    """`process` handles one arrival once; for an arrival that is settled it returns the receipt."""
    inbox = side.create()
    handler = side.handler(ship)
    stored = side.receive(inbox, genuine()).arrival_id
    rejected = side.receive(inbox, (b"{}", "0" * 64)).arrival_id
    receipts = [side.run(inbox.process(arrival_id, handler)) for arrival_id in (stored, stored, rejected)]
    assert [receipt.state for receipt in receipts] == [
        ArrivalState.HANDLED,
        ArrivalState.HANDLED,
        ArrivalState.REJECTED,
    ]
    assert (receipts[1].callback.reference_code, receipts[2].rejection) == ("INV-1", CallbackRejection.SIGNATURE_WRONG)
    assert side.shipped() == ["INV-1"]
    with pytest.raises(ArgumentError, match="no arrival 99"):
        side.run(inbox.process(99, handler))


def test_another_status_is_another_fact(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Callbacks with the statuses pending and then paid, of one payment, are both handled."""
    inbox = side.create()
    side.receive(inbox, genuine(status=0), ship)
    assert side.receive(inbox, genuine(status=1), ship).state is ArrivalState.HANDLED
    assert side.shipped() == ["INV-1", "INV-1"]


def test_inboxes_of_different_names_do_not_meet(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Two tenants in one database each handle the same fact, and not each other's callbacks."""
    first, second = side.create(name="first"), side.create(name="second", secret_key="another")
    side.receive(first, genuine())
    assert side.process(second, ship) == []
    third = side.create(name="third")
    side.receive(third, genuine())
    assert [receipt.state for receipt in side.process(third, ship, limit=1)] == [ArrivalState.HANDLED]
    assert [receipt.state for receipt in side.process(first, ship)] == [ArrivalState.HANDLED]


# --- failures --------------------------------------------------------------------------------------------------------


def failing(ship: Plain, times: int = 1) -> Plain:
    """A handler that writes, and then raises the first times."""
    calls: list[Callback] = []

    def handler(callback: Callback, connection: Connection) -> None:
        ship(callback, connection)
        calls.append(callback)
        if len(calls) <= times:
            raise ShopError("password=hunter2")

    return handler


def test_handler_that_raises_is_undone(side: Any, genuine: Genuine, ship: Plain) -> None:
    """`receive` raises the handler's exception; the handler's writes are rolled back, and the callback stays stored."""
    inbox = side.create()
    with pytest.raises(ShopError):
        side.receive(inbox, genuine(), failing(ship))
    assert side.shipped() == []
    assert side.rows("state", "attempts") == [("stored", 1)]


def test_failed_callback_is_handed_out_again_by_a_worker(side: Any, genuine: Genuine, ship: Plain) -> None:
    """After a failure, `process_pending` processes the callback again, and not after it was handled."""
    inbox = side.create()
    with pytest.raises(ShopError):
        side.receive(inbox, genuine(), failing(ship))
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED]
    assert side.process(inbox, ship) == []
    assert side.shipped() == ["INV-1"]


def test_failed_callback_is_handed_out_again_when_repeated(side: Any, genuine: Genuine, ship: Plain) -> None:
    """After a failure, the gateway's repetition is handled, and the first arrival becomes the duplicate."""
    inbox = side.create()
    with pytest.raises(ShopError):
        side.receive(inbox, genuine(), failing(ship))
    assert side.receive(inbox, genuine(), ship).state is ArrivalState.HANDLED
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.DUPLICATE]
    assert side.shipped() == ["INV-1"]


def test_one_failure_costs_only_itself(side: Any, genuine: Genuine, ship: Plain, caplog: Any) -> None:
    """A worker continues after a handler that raised. The receipt has the error, the log has the traceback."""
    inbox = side.create()
    for number in range(3):
        side.receive(inbox, genuine(f"INV-{number}"))
    receipts = side.process(inbox, failing(ship))
    assert [receipt.state for receipt in receipts] == [ArrivalState.STORED, ArrivalState.HANDLED, ArrivalState.HANDLED]
    assert isinstance(receipts[0].error, ShopError)
    assert side.shipped() == ["INV-1", "INV-2"]
    assert "ShopError" in caplog.text


def test_one_that_always_fails_keeps_nobody_waiting(side: Any, genuine: Genuine, ship: Plain) -> None:
    """The callbacks that failed least often come first, so that one that always fails does not use up a small limit."""
    inbox = side.create()
    side.receive(inbox, genuine("INV-BAD"))
    side.process(inbox, failing(ship, 99), limit=1)
    side.receive(inbox, genuine("INV-GOOD"))
    assert side.process(inbox, ship, limit=1)[0].callback.reference_code == "INV-GOOD"


def test_text_of_a_handlers_error_is_not_stored(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Only the type of a handler's exception is stored, because its text may have a secret."""
    inbox = side.create()
    with pytest.raises(ShopError):
        side.receive(inbox, genuine(), failing(ship))
    (detail,) = side.rows("detail")
    assert detail.endswith("ShopError")
    assert "hunter2" not in detail


def test_broken_sql_in_a_handler_is_undone(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A failed statement ends the transaction, and nothing of it is committed."""
    inbox = side.create()

    def handler(callback: Callback, connection: Connection) -> None:
        ship(callback, connection)
        connection.execute(text("SELECT * FROM no_such_table"))

    with pytest.raises(Exception, match="no_such_table"):
        side.receive(inbox, genuine(), handler)
    assert side.shipped() == []
    assert side.receive(inbox, genuine(), ship).state is ArrivalState.HANDLED


def test_handler_that_commits_is_not_run_twice(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A handler that commits is an error; its callback is not handled a second time."""
    inbox = side.create()

    def handler(callback: Callback, connection: Connection) -> None:
        ship(callback, connection)
        connection.commit()

    with pytest.raises(ArgumentError, match="ended the inbox's transaction"):
        side.receive(inbox, genuine(), handler)
    assert side.process(inbox, ship) == []
    assert side.receive(inbox, genuine(), ship).state is ArrivalState.DUPLICATE
    assert side.shipped() == ["INV-1"]


@pytest.mark.parametrize("way", ["rollback", "error"])
def test_handler_that_undoes_without_raising(side: Any, genuine: Genuine, ship: Plain, way: str) -> None:
    """A handler that rolls back, or catches an error which has ended the transaction, has failed."""
    inbox = side.create()

    def handler(callback: Callback, connection: Connection) -> None:
        ship(callback, connection)
        if way == "rollback":
            connection.rollback()
        with suppress(DBAPIError):
            connection.execute(text("SELECT * FROM no_such_table"))
        if SERVER is None and way == "error":  # SQLite ends no transaction for an error of this kind
            connection.rollback()

    with pytest.raises(Exception, match=r"ended the inbox's transaction|aborted|closed transaction"):
        side.receive(inbox, genuine(), handler)
    assert side.shipped() == []
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED]


class DriverError(Exception):
    """The exception of a driver. Each driver has another attribute for the code, or none."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args)
        self.__dict__.update(attributes)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (DriverError(sqlstate="40001"), True),  # psycopg, asyncpg
        (DriverError(pgcode="40P01"), True),  # psycopg2, psycopg2cffi
        (DriverError({"S": "ERROR", "C": "40001"}), True),  # pg8000
        (DriverError({"C": "57P01"}), True),  # the server ends the connection
        (DriverError(sqlstate="08006"), True),
        (DriverError(sqlite_errorcode=261), True),  # SQLITE_BUSY_RECOVERY
        (DriverError("database is locked"), True),  # sqlcipher3
        (DriverError(sqlstate="23505"), False),
        (DriverError({"C": "42P01"}), False),
        (DriverError("database is locked", sqlite_errorcode=1), False),
        (DriverError("no such table: shipped"), False),
        (DriverError(), False),
    ],
    ids=str,
)
def test_which_errors_are_transient(error: Exception, transient: bool) -> None:
    """A transaction that lost a race or its connection is repeated with every driver; another error is not."""
    assert is_transient(DBAPIError("UPDATE", {}, error)) is transient


# --- without a handler -----------------------------------------------------------------------------------------------


def test_receive_without_a_handler_stores(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Without a handler, a callback is verified and stays pending for a worker."""
    inbox = side.create()
    receipt = side.receive(inbox, genuine())
    assert (receipt.state, receipt.http_status, receipt.callback.reference_code) == (ArrivalState.STORED, 200, "INV-1")
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED]


def test_limit(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A worker processes at most `limit` arrivals."""
    inbox = side.create()
    for number in range(5):
        side.receive(inbox, genuine(f"INV-{number}"))
    assert [len(side.process(inbox, ship, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_stored_but_never_looked_at(side: Any, genuine: Genuine, ship: Plain) -> None:
    """What the first version stored unverified is verified when it is processed: valid or forged."""
    inbox = side.create()
    side.receive(inbox, genuine("INV-1"))
    side.receive(inbox, (genuine("INV-2")[0], "0" * 64))
    with side.engine.begin() as connection:
        connection.execute(update(arrivals).values(state="stored", fact_key=None, next_attempt_at=datetime.now(UTC)))
    receipts = side.process(inbox, ship)
    assert [(receipt.state, receipt.rejection) for receipt in receipts] == [
        (ArrivalState.HANDLED, None),
        (ArrivalState.REJECTED, CallbackRejection.SIGNATURE_WRONG),
    ]
    assert side.shipped() == ["INV-1"]


# --- rejected --------------------------------------------------------------------------------------------------------

GOOD = "f" * 64
REJECTED: dict[str, tuple[bytes, Any, CallbackRejection, int]] = {
    "wrong signature": (b'{"0": 0}', GOOD, CallbackRejection.SIGNATURE_WRONG, 401),
    "no signature": (b'{"1": 0}', None, CallbackRejection.SIGNATURE_MISSING, 401),
    "empty signature": (b'{"2": 0}', "", CallbackRejection.SIGNATURE_MISSING, 401),
    "two signatures": (b'{"3": 0}', f"{GOOD}, {GOOD}", CallbackRejection.SIGNATURE_MALFORMED, 401),
    "a list of signatures": (b'{"4": 0}', [GOOD], CallbackRejection.SIGNATURE_MALFORMED, 401),
    "bytes": (b'{"5": 0}', GOOD.encode(), CallbackRejection.SIGNATURE_MALFORMED, 401),
    "a NUL in the signature": (b'{"6": 0}', "\0" * 64, CallbackRejection.SIGNATURE_MALFORMED, 401),
    "a surrogate in the signature": (b'{"7": 0}', "\udcff" * 64, CallbackRejection.SIGNATURE_MALFORMED, 401),
    "an endless signature": (b'{"8": 0}', "f" * 10**6, CallbackRejection.SIGNATURE_MALFORMED, 401),
    "no JSON": (b"\0\xff\xfe", GOOD, CallbackRejection.BODY_NOT_UTF8, 400),
    "nothing": (b"", GOOD, CallbackRejection.BODY_NOT_JSON, 400),
    "a NUL in a name": (b'{"\\u0000\\ud800": 1}', GOOD, CallbackRejection.BODY_NOT_JSON, 400),
    "too deep": (b"[" * 1000, GOOD, CallbackRejection.BODY_NESTED_TOO_DEEP, 400),
    "too large": (b" " * (3 * MAX_BODY), GOOD, CallbackRejection.BODY_TOO_LARGE, 400),
}


@pytest.mark.parametrize("way", ["with a handler", "without", "by a worker"])
def test_rejected_is_kept_as_evidence(side: Any, ship: Plain, way: str) -> None:
    """A rejected callback is kept with its reason, gets the response 401 or 400, and is not handled."""
    inbox = side.create()
    for case, (body, header, reason, status) in REJECTED.items():
        receipt = side.receive(inbox, (body, header), ship if way == "with a handler" else None)
        if way == "by a worker":
            assert side.run(inbox.replay(receipt.arrival_id)) == 1
            (receipt,) = side.process(inbox, ship)
        assert (case, receipt.state, receipt.rejection, receipt.http_status) == (
            case,
            ArrivalState.REJECTED,
            reason,
            status,
        )
    assert side.shipped() == []
    kept = side.rows("state", "reason", "body")
    assert kept == [("rejected", reason.value, body[: MAX_BODY + 1]) for body, _, reason, _ in REJECTED.values()]


def test_content_that_is_no_callback(side: Any, ship: Plain, genuine: Genuine) -> None:
    """A signed body that is not a callback gets the response 400, not 401."""
    receipt = side.receive(side.create(), genuine(amount="12.34"), ship)
    assert (receipt.rejection, receipt.http_status) == (CallbackRejection.MEMBER_INVALID, 400)
    assert side.rows("detail") == [
        "callback rejected (member_invalid): amount must be an integer, not a str",
    ]


def test_evidence_is_as_it_came(side: Any, genuine: Genuine) -> None:
    """Body, header, URL and time of arrival are kept unchanged."""
    body, header = genuine()
    before = datetime.now(UTC)
    side.receive(side.create(), (body, header), callback_url="https://shop.example.my/callback")
    ((kept_body, kept_header, url, at),) = side.rows("body", "signature", "callback_url", "received_at")
    assert (kept_body, str(kept_header), url) == (body, header, "https://shop.example.my/callback")
    assert before <= at <= datetime.now(UTC)


def test_rejected_for_a_wrong_secret_is_replayed(side: Any, genuine: Genuine, ship: Plain) -> None:
    """After a wrong secret key or URL is corrected, rejected arrivals are verified again and handled; forgeries are not."""
    wrong = side.create(secret_key="mistyped")
    side.receive(wrong, genuine(), ship)
    side.receive(wrong, (genuine("INV-2")[0], "f" * 64), ship)
    assert side.rows("state") == ["rejected", "rejected"]
    inbox = side.inbox()
    assert side.run(inbox.replay(reason=CallbackRejection.SIGNATURE_WRONG)) == 2
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED, ArrivalState.REJECTED]
    assert side.shipped() == ["INV-1"]


def test_secret_rotation(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Several secret keys are accepted."""
    inbox = side.create(secret_key=["new", "example-Secret-Key-01"])
    assert side.receive(inbox, genuine(), ship).state is ArrivalState.HANDLED


@pytest.mark.parametrize("way", ["verifier", "client", "client's verifier"])
def test_verify_of_a_client(side: Any, genuine: Genuine, ship: Plain, way: str) -> None:
    """An inbox verifies with a client's current and retired keys, and over the callback URL and the former ones."""
    keys = Verifier(secret_key=["new", "example-Secret-Key-01"])
    urls = ["https://new.example.my/callback", "https://shop.example.my/callback"]
    client = CommercePay(
        tenant_id=1, username="u", password="p", secret_key="new", retired_secret_keys=["example-Secret-Key-01"]
    )
    options: dict[str, Any] = {
        "verifier": {"verify": keys.at(urls).verify, "callback_url": None},
        "client": {"verify": client.callbacks.verify, "callback_url": urls},
        "client's verifier": {"verify": client.callbacks.at(urls).verify, "callback_url": None},
    }[way]
    inbox = side.create(secret_key=None, **options)
    side.receive(inbox, genuine())
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED]
    assert side.receive(inbox, genuine("INV-2"), ship).state is ArrivalState.HANDLED
    assert side.receive(inbox, (b"{}", "0" * 64), ship).state is ArrivalState.REJECTED


def test_callback_url_of_one_payment(side: Any, genuine: Genuine, ship: Plain) -> None:
    """A URL that differs between payments is passed to `receive`, and stored for the worker."""
    inbox = side.create(callback_url=None)
    side.receive(inbox, genuine(), callback_url="https://shop.example.my/callback")
    assert [receipt.state for receipt in side.process(inbox, ship)] == [ArrivalState.HANDLED]
    assert side.receive(side.inbox(), genuine(), callback_url="https://else.example/").state is ArrivalState.REJECTED


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_nothing_secret_is_shown(side: Any, genuine: Genuine, ship: Plain, caplog: Any) -> None:
    """Neither reprs, nor SQLAlchemy's echo, nor its errors show the signature or the secret key."""
    inbox = side.create()
    message = genuine()
    shown = [repr(inbox), repr(vars(inbox)), repr(vars(inbox._rules))]
    caplog.set_level(logging.INFO, logger="sqlalchemy.engine")
    receipt = side.receive(inbox, message, ship)
    with side.engine.connect() as connection:
        shown += [repr(receipt), repr(connection.execute(select(arrivals)).all())]
        again = {**connection.execute(select(arrivals)).mappings().one()}
        with pytest.raises(IntegrityError, match="commercepay_arrivals") as caught:
            connection.execute(arrivals.insert().values(again))
        shown.append(str(caught.value))
    shown.append(caplog.text)
    assert "INSERT INTO commercepay_arrivals" in caplog.text
    for line in shown:
        assert message[1] not in line
        assert "example-Secret-Key-01" not in line


# --- tables ----------------------------------------------------------------------------------------------------------


def test_tables_are_created_once(side: Any) -> None:
    """Creating existing tables changes nothing. The tables are in `metadata`, for the merchant's migrations."""
    side.create()
    side.create()
    found = inspect(side.engine)
    assert {"commercepay_arrivals", "commercepay_handled"} <= set(found.get_table_names())
    assert set(metadata.tables) == {"commercepay_arrivals", "commercepay_handled", "commercepay_rejections"}
    assert {index["name"] for index in found.get_indexes("commercepay_arrivals")} == {
        "ix_commercepay_arrivals_pending",
        "ix_commercepay_arrivals_dead",
        "ix_commercepay_arrivals_rejected",
        "ix_commercepay_arrivals_reference_code",
    }


def test_metadata_creates_the_same_tables(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Tables that the merchant created are used."""
    metadata.create_all(side.engine)
    assert side.receive(side.inbox(), genuine(), ship).state is ArrivalState.HANDLED


def test_purge(side: Any, genuine: Genuine, ship: Plain) -> None:
    """Old arrivals are deleted, pending ones stay, and handled facts stay known."""
    inbox = side.create()
    side.receive(inbox, genuine("INV-1"), ship)
    side.receive(inbox, genuine("INV-2"))
    side.receive(inbox, (b"{}", None))
    assert side.run(inbox.purge(datetime.now(UTC) - timedelta(days=1))) == 0
    assert side.run(inbox.purge(datetime.now(UTC) + timedelta(seconds=1))) == 2
    assert side.rows("state") == ["stored"]
    assert side.receive(inbox, genuine("INV-1"), ship).state is ArrivalState.DUPLICATE
    with pytest.raises(ArgumentError, match="aware"):
        side.run(inbox.purge(datetime(2026, 1, 1)))  # noqa: DTZ001  the mistake in question


# --- handlers --------------------------------------------------------------------------------------------------------


def test_session_on_the_connection(side: Any, genuine: Genuine) -> None:
    """An ORM session on the handler's connection joins the transaction, even if it commits."""
    inbox = side.create()

    def handler(callback: Callback, connection: Connection) -> None:
        with Session(connection) as session:
            session.execute(text("INSERT INTO shipped (reference_code) VALUES ('by the session')"))
            session.commit()
        raise ShopError

    with pytest.raises(ShopError):
        side.receive(inbox, genuine(), handler)
    assert side.shipped() == []


@pytest.mark.parametrize("entry", ["receive", "process_pending"])
def test_handler_of_the_wrong_kind(side: Any, genuine: Genuine, ship: Plain, entry: str) -> None:
    """An async handler of the sync inbox, and the other way round, is an error, and the callback is not lost."""
    inbox = side.create()

    async def asynchronous(callback: Callback, connection: Any) -> None:
        raise AssertionError("never awaited")

    def plain(callback: Callback, connection: Any) -> None:
        pass

    wrong: Any = plain if side.is_async else asynchronous
    if entry == "process_pending":
        side.receive(inbox, genuine())
    with pytest.raises(ArgumentError, match="handler"):
        side.run(inbox.receive(*genuine(), wrong) if entry == "receive" else inbox.process_pending(wrong))
    assert side.process(inbox, ship)[0].state is ArrivalState.HANDLED


@pytest.mark.parametrize("body", ["{}", None, {}, bytearray(b"{}")])
def test_body_that_is_not_bytes(side: Any, body: Any) -> None:
    """A body that is not bytes is an ArgumentError, and nothing is stored."""
    inbox = side.create()
    with pytest.raises(ArgumentError, match="raw bytes"):
        side.receive(inbox, (body, "0" * 64))
    assert side.rows("id") == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"secret_key": ""}, "secret_key"),
        ({"secret_key": None}, "either verify"),
        ({"verify": Verifier(secret_key="key").verify}, "either verify"),
        ({"verify": Verifier(secret_key="key").verify, "secret_key": None, "callback_url": "/x"}, "callback_url"),
        ({"secret_key": []}, "secret_key"),
        ({"secret_key": [None]}, "secret_key"),
        ({"callback_url": "/callback"}, "callback_url"),
        ({"callback_url": ""}, "callback_url"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
    ],
)
@pytest.mark.parametrize("kind", [Inbox, AsyncInbox])
def test_mistakes_are_found_at_once(kind: Any, options: dict[str, Any], problem: str) -> None:
    """Creating an unusable inbox is an error."""
    given = {"secret_key": "key", "callback_url": "https://shop.example.my/callback", **options}
    engine = create_engine("sqlite://") if kind is Inbox else create_async_engine("sqlite+aiosqlite://")
    with pytest.raises(ArgumentError, match=problem):
        kind(engine, **given)


@pytest.mark.parametrize("url", [None, "", "/callback"])
def test_callback_url_is_needed(side: Any, genuine: Genuine, url: Any) -> None:
    """Without a callback URL, `receive` is an error and stores nothing."""
    inbox = side.create(callback_url=None)
    with pytest.raises(ArgumentError, match="callback_url"):
        side.receive(inbox, genuine(), callback_url=url)
    assert side.rows("id") == []


@pytest.mark.parametrize("way", ["create_engine", "execution_options"])
def test_engine_without_transactions_is_refused(way: str) -> None:
    """An engine with autocommit is an error."""
    if way == "create_engine":
        engine = create_engine("sqlite://", isolation_level="AUTOCOMMIT")
    else:
        engine = create_engine("sqlite://").execution_options(isolation_level="AUTOCOMMIT")
    with pytest.raises(ArgumentError, match="AUTOCOMMIT"):
        Inbox(engine, secret_key="key")


@pytest.mark.parametrize("dialect", ["mysql+pymysql", "mariadb+pymysql", "mssql+pymssql"])
def test_engine_of_another_database_is_refused(dialect: str) -> None:
    """Creating an inbox with another database is an error that names it."""
    driver = SimpleNamespace(paramstyle="named", version="9.9.9", __version__="9.9.9")
    engine = create_engine(f"{dialect}://u:p@127.0.0.1:1/x", module=driver)
    with pytest.raises(ArgumentError, match=f"PostgreSQL and SQLite, not on {dialect.partition('+')[0]}"):
        Inbox(engine, secret_key="key")


def by_itself(connection: Any) -> None:
    """Make a driver commit each statement."""
    if hasattr(connection, "isolation_level") and not hasattr(connection, "autocommit"):
        connection.isolation_level = None  # SQLite before Python 3.12
    else:
        connection.autocommit = True


AUTOCOMMIT: dict[str, dict[str, Any]] = {"hook": {"hook": by_itself}}
if SERVER is None:
    AUTOCOMMIT["isolation_level"] = {"connect_args": {"isolation_level": None}}
    if sys.version_info >= (3, 12):
        AUTOCOMMIT["autocommit"] = {"connect_args": {"autocommit": True}}


@pytest.mark.parametrize("way", AUTOCOMMIT)
def test_driver_that_commits_by_itself(side: Any, genuine: Genuine, ship: Plain, way: str) -> None:
    """If the driver commits each statement, every call is an error, and nothing is handled."""
    side.create()
    inbox = side.inbox_with(**AUTOCOMMIT[way])
    for _ in range(2):  # the repetition is not a duplicate
        with pytest.raises(ArgumentError, match="commits each statement by itself"):
            side.receive(inbox, genuine(), failing(ship))
    with pytest.raises(ArgumentError, match="commits each statement by itself"):
        side.process(inbox, ship)
    assert (side.shipped(), side.rows("state")) == ([], [])
    assert side.receive(side.inbox(), genuine(), ship).state is ArrivalState.HANDLED


# --- death -----------------------------------------------------------------------------------------------------------

DIES = """
import os, signal, sys
from sqlalchemy import create_engine, event, text
from commercepay.inbox import Inbox
url, header, moment = sys.argv[1:]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def handler(callback, connection):
    connection.execute(text("INSERT INTO shipped (reference_code) VALUES ('by the dead')"))
    if moment == "before the commit":
        event.listen(engine, "commit", die)
    elif moment == "in the handler":
        die()
def perform(step):
    steps.append(step)
    if moment == "after storing" and len(steps) == 2:
        die()
    return inner(step)
engine = create_engine(url)
inbox = Inbox(engine, secret_key="example-Secret-Key-01", callback_url="https://shop.example.my/callback")
inner, inbox._perform, steps = inbox._perform, perform, []
inbox.receive(sys.stdin.buffer.read(), header, handler)
"""


@pytest.mark.parametrize("moment", ["after storing", "in the handler", "before the commit"])
def test_process_killed(pair: Any, genuine: Genuine, ship: Plain, moment: str) -> None:
    """After kill -9 at any moment, what the handler wrote is rolled back and the callback is pending."""
    inbox = pair.create()
    body, header = genuine()
    url = pair.url.render_as_string(hide_password=False)
    dead = subprocess.run([sys.executable, "-c", DIES, url, header, moment], input=body, check=False)
    assert dead.returncode == -signal.SIGKILL
    assert pair.shipped() == []
    assert [receipt.state for receipt in pair.process(inbox, ship)] == [ArrivalState.HANDLED]
    assert pair.shipped() == ["INV-1"]
    with pair.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(handled)).scalar_one() == 1


def test_database_that_is_gone(genuine: Genuine, ship: Plain, tmp_path: Path) -> None:
    """If the database can't be reached, `receive` raises at once: the response is a 500, and the gateway tries again."""
    gone = tmp_path / "gone"
    url = f"sqlite:///{gone}/shop.db" if SERVER is None else f"postgresql+psycopg://postgres@/shop?host={gone}"
    inbox = Inbox(
        create_engine(url), secret_key="example-Secret-Key-01", callback_url="https://shop.example.my/callback"
    )
    with pytest.raises(DBAPIError):
        inbox.receive(*genuine(), ship)
