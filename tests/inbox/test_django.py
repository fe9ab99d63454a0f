"""The inbox on Django's ORM, on SQLite or PostgreSQL. `default` is empty: a router names the database `shop`."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, models, transaction
from django.test import AsyncClient, Client, TestCase, override_settings
from inbox.conftest import SECRET, URL, genuine
from integrations import django_project  # noqa: F401  # Django's settings
from processes import python

from commercepay import Expected, Money, Outcome, decide
from commercepay.callbacks import Callback, Verifier
from commercepay.errors import ArgumentError
from commercepay.integrations.django.inbox import ArrivalState, DjangoInbox, Evidence, Retries
from commercepay.integrations.django.models import Arrival, HandledFact, Rejection

FORGED = (b'{"amount":1}', "0" * 64)


class Shipped(models.Model):
    reference = models.CharField(max_length=50)  # not unique, so that shipping twice is detected

    class Meta:
        app_label = "shop"


class ShopError(Exception):
    """The exception of a merchant's function."""


def ship(callback: Callback) -> None:
    Shipped.objects.create(reference=callback.reference_code)


def shipped() -> list[str]:
    return list(Shipped.objects.order_by("pk").values_list("reference", flat=True))


def states() -> list[str]:
    return list(Arrival.objects.order_by("pk").values_list("state", flat=True))


def make(**options: Any) -> DjangoInbox:
    return DjangoInbox(Verifier(secret_key=SECRET, callback_url=URL).verify, **options)


def later(inbox: DjangoInbox, after: timedelta = timedelta(days=1)) -> DjangoInbox:
    inbox._rules.clock = lambda: datetime.now(UTC) + after
    return inbox


@pytest.fixture(scope="module", autouse=True)
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tables of the app, by its migrations, and that of the shop."""
    shop = connections["shop"]
    if shop.vendor == "sqlite":
        shop.close()
        connections.settings["shop"]["NAME"] = str(tmp_path_factory.mktemp("django") / "shop.db")
        del connections["shop"]
    call_command("migrate", database="shop", verbosity=0, skip_checks=True)
    with connections["shop"].schema_editor() as editor:
        editor.create_model(Shipped)
    yield
    with connections["shop"].schema_editor() as editor:
        editor.delete_model(Shipped)
    call_command("migrate", "commercepay", "zero", database="shop", verbosity=0, skip_checks=True)
    connections["shop"].close()


@pytest.fixture(autouse=True)
def clean(tables: None) -> None:
    for model in (Arrival, HandledFact, Rejection, Shipped):
        model.objects.all().delete()


# --- once ------------------------------------------------------------------------------------------------------------


def test_once_per_fact() -> None:
    """A callback is handled once; what the handler writes with the ORM is committed with it."""
    inbox = make()
    receipts = [inbox.receive(*genuine(), ship) for _ in range(3)]
    assert [receipt.state for receipt in receipts] == [ArrivalState.HANDLED, *[ArrivalState.DUPLICATE] * 2]
    assert (shipped(), states()) == (["INV-1"], ["handled", "duplicate", "duplicate"])
    stored = Arrival.objects.first()
    assert (stored.reference_code, bytes(stored.body), stored.received_at.tzinfo) == ("INV-1", genuine()[0], UTC)
    assert genuine()[1] not in repr(vars(stored))


def set_rollback() -> None:
    transaction.set_rollback(True, using="shop")


def roll_back() -> None:
    connections["shop"].connection.rollback()


def commit_by_sql() -> None:
    with connections["shop"].cursor() as cursor:
        cursor.execute("COMMIT")
        cursor.execute("BEGIN")


def ignore_an_error() -> None:
    with suppress(DatabaseError), transaction.atomic(using="shop", savepoint=False):
        Shipped.objects.create(pk=Shipped.objects.first().pk, reference="again")


def fail() -> None:
    raise ShopError


@pytest.mark.parametrize("end", [fail, set_rollback, roll_back, ignore_an_error, commit_by_sql])
def test_a_handler_that_ends_the_transaction_has_failed(end: Callable[[], None]) -> None:
    """A handler that raises, or rolls back or commits without raising, has failed. Its arrival stays pending."""

    def handler(callback: Callback) -> None:
        ship(callback)
        end()

    inbox = make()
    with pytest.raises((ShopError, ArgumentError)) as caught:
        inbox.receive(*genuine(), handler)
    if end is not commit_by_sql:  # there is nothing that could undo a commit
        assert (shipped(), states()) == ([], ["stored"])
        assert [receipt.state for receipt in later(inbox).process_pending(ship)] == [ArrivalState.HANDLED]
        assert shipped() == ["INV-1"]
    assert end is fail or "ended the inbox's transaction" in str(caught.value)


def test_an_async_function_is_a_mistake() -> None:
    """The ORM can't await; the arrival stays pending."""

    async def handler(callback: Callback) -> None: ...

    with pytest.raises(ArgumentError, match="the handler is async"):
        make().receive(*genuine(), handler)
    assert states() == ["stored"]


@pytest.mark.parametrize("call", ["receive", "process", "process_pending"])
def test_within_a_transaction(call: str) -> None:
    """What is stored must be committed before anything else: within a transaction the inbox does nothing."""
    inbox = make()
    arguments: dict[str, tuple[Any, ...]] = {"receive": (*genuine(), ship), "process": (1, ship)}
    with transaction.atomic(using="shop"), pytest.raises(ArgumentError, match="within a transaction on 'shop'"):
        getattr(inbox, call)(*arguments.get(call, (ship,)))
    assert states() == []


def test_threads_handle_a_fact_once() -> None:
    """Threads that get the same callbacks together handle each once."""
    inbox = make()
    messages = [genuine(f"INV-{number}") for number in range(5)]

    def deliver() -> None:
        for message in messages:
            with suppress(DatabaseError):  # SQLite may be locked for too long: the gateway repeats it
                inbox.receive(*message, ship)
        connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    later(inbox).process_pending(ship)
    assert sorted(shipped()) == [f"INV-{number}" for number in range(5)]


# --- one function for all ways to a decision -------------------------------------------------------------------------


EXPECTED = Expected(reference_code="INV-1", amount=Money("12.34", "MYR"))


def settling(outcomes: list[Outcome]) -> DjangoInbox:
    def on_settled(decision: Any) -> None:
        outcomes.append(decision.outcome)

    return make(find_order=lambda hint: EXPECTED, on_settled=on_settled)


def test_settle_and_callback() -> None:
    """A decision and a callback about one payment are one fact; another payment of the order is `PAID_AGAIN`."""
    outcomes: list[Outcome] = []
    inbox = settling(outcomes)
    verify = Verifier(secret_key=SECRET, callback_url=URL).verify
    decision = decide(EXPECTED, verify(*genuine()))
    assert inbox.settle(decision).state is ArrivalState.HANDLED
    assert inbox.receive(*genuine()).state is ArrivalState.DUPLICATE
    assert inbox.receive(*genuine(transactionNumber="another")).state is ArrivalState.HANDLED
    assert outcomes == [Outcome.PAID, Outcome.PAID_AGAIN]


def test_settle_within_a_transaction() -> None:
    """A view with ATOMIC_REQUESTS may settle: if it fails later, the claim is undone as well."""
    outcomes: list[Outcome] = []
    inbox = settling(outcomes)
    decision = decide(EXPECTED, Verifier(secret_key=SECRET, callback_url=URL).verify(*genuine()))
    with suppress(ShopError), transaction.atomic(using="shop"):
        inbox.settle(decision)
        raise ShopError
    assert inbox.settle(decision).state is ArrivalState.HANDLED
    assert outcomes == [Outcome.PAID] * 2


# --- failures, evidence, upkeep --------------------------------------------------------------------------------------


def test_dead_letters_replay_and_purge(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that fails too often makes a dead letter, which is replayed; what is settled is purged, keys are kept."""
    inbox = make(retries=Retries(max_attempts=2, first_pause=timedelta(0), at_least=timedelta(0)))
    with pytest.raises(ShopError):
        inbox.receive(*genuine(), lambda callback: fail())
    with caplog.at_level(logging.CRITICAL, "commercepay.inbox"):
        assert inbox.process_pending(lambda callback: fail())[0].state is ArrivalState.DEAD
    assert (inbox.stats().dead, inbox.stats().waiting, inbox.process_pending(ship)) == (1, 0, [])
    assert inbox.replay(state=ArrivalState.DEAD) == 1
    assert inbox.stats().oldest.tzinfo is UTC
    arrival = Arrival.objects.get()
    assert [inbox.process(arrival.pk, ship).state for _ in range(2)] == [ArrivalState.HANDLED] * 2
    assert inbox.purge(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert (states(), HandledFact.objects.count()) == ([], 1)
    assert inbox.receive(*genuine(), ship).state is ArrivalState.DUPLICATE


def test_a_handler_that_ends_its_process() -> None:
    """The attempt is counted before the handler runs, and nothing that the handler wrote is left."""
    inbox = make()
    inbox.receive(*genuine())
    connections.close_all()
    if (child := os.fork()) == 0:

        def handler(callback: Callback) -> None:
            ship(callback)
            os._exit(9)

        with suppress(BaseException):
            inbox.process_pending(handler)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (Arrival.objects.get().attempts, shipped(), inbox.process_pending(ship)) == (1, [], [])
    assert [receipt.state for receipt in later(inbox).process_pending(ship)] == [ArrivalState.HANDLED]


def test_evidence_is_limited_and_replayed() -> None:
    """Rejected callbacks are kept once and within limits; after the key is corrected they are verified again."""
    wrong = DjangoInbox(
        Verifier(secret_key="another", callback_url=URL).verify, evidence=Evidence(count=1), on_settled=None
    )
    for message in (genuine(), genuine(), FORGED, FORGED, (b"{}", "0" * 64)):
        assert wrong.receive(*message, ship).state is ArrivalState.REJECTED
    assert (states(), wrong.stats().rejected) == (["rejected"] * 2, 5)
    inbox = make()
    assert inbox.replay(state=ArrivalState.REJECTED) == 2
    assert [receipt.state for receipt in inbox.process_pending(ship)] == [ArrivalState.HANDLED, ArrivalState.REJECTED]
    inbox.purge(datetime.now(UTC) + timedelta(hours=1))
    assert inbox.stats().rejected == 0


def test_enqueue_commits_with_the_arrival() -> None:
    """`enqueue` is called in the transaction that stores the arrival; if it raises, nothing is stored."""
    numbers: list[int] = []
    inbox = make(enqueue=numbers.append)
    inbox.receive(*genuine())
    assert inbox.process(numbers[0], ship).state is ArrivalState.HANDLED
    with pytest.raises(ShopError):
        make(enqueue=lambda number: fail()).receive(*genuine("INV-2"))
    assert states() == ["handled"]


@pytest.mark.parametrize("use_tz", [True, False])
def test_time_zones(use_tz: bool) -> None:
    """With USE_TZ both ways, times are aware and in UTC, and what is due is found."""
    with override_settings(USE_TZ=use_tz, TIME_ZONE="Asia/Kuala_Lumpur"):
        connections["shop"].close()
        inbox = make()
        inbox.receive(*genuine())
        received = inbox.stats().oldest
        assert received.tzinfo is UTC
        assert abs(datetime.now(UTC) - received) < timedelta(minutes=1)
        assert later(inbox, timedelta(minutes=-5)).process_pending(ship) == []
        assert [one.state for one in later(inbox, timedelta(minutes=5)).process_pending(ship)] == [ArrivalState.HANDLED]
    connections["shop"].close()


# --- the app ---------------------------------------------------------------------------------------------------------


def find_order(hint: Any) -> Expected:
    return Expected(reference_code=hint.reference_code, amount=Money("12.34", "MYR"))


def on_settled(decision: Any) -> None:
    Shipped.objects.create(reference=decision.expected.reference_code)
    if decision.expected.reference_code == "FAILS":
        raise ShopError


SETTINGS = {
    "TENANT_ID": 42,
    "USERNAME": "shop",
    "PASSWORD": "example-Password-01",
    "SECRET_KEY": SECRET,
    "BASE_URL": "http://127.0.0.1:9",
    "CALLBACK_URL": URL,
    "FIND_ORDER": find_order,
    "ON_SETTLED": on_settled,
}


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    database = connections.settings["shop"]
    database["ATOMIC_REQUESTS"] = True
    with override_settings(COMMERCEPAY=SETTINGS):
        yield
    database["ATOMIC_REQUESTS"] = False


@pytest.mark.parametrize("is_async", [False, True])
def test_the_view_under_atomic_requests(atomic_requests: None, is_async: bool) -> None:
    """The callback view stores a callback also when the handler fails, with ATOMIC_REQUESTS; sync and async."""

    def post(body: bytes, signature: str) -> int:
        given = {"content_type": "application/json", "headers": {"cap-signature": signature}}
        if not is_async:
            return Client(raise_request_exception=False).post("/commercepay/callback", body, **given).status_code

        async def posted() -> int:
            response = await AsyncClient(raise_request_exception=False).post("/async/callback", body, **given)
            await sync_to_async(connections.close_all)()  # those of the thread in which the view called the inbox
            return response.status_code

        return asyncio.run(posted())

    assert [post(*genuine()), post(*genuine("FAILS")), post(*FORGED)] == [200, 500, 401]
    assert (shipped(), states()) == (["INV-1"], ["handled", "stored", "rejected"])


def command(name: str, **options: Any) -> str:
    printed = StringIO()
    with override_settings(COMMERCEPAY=SETTINGS):
        call_command(name, stdout=printed, **options)
    return printed.getvalue()


def test_process_and_purge_commands() -> None:
    """What is stored is processed, and later deleted."""
    make().receive(*genuine())
    assert (command("commercepay_process"), shipped()) == ("processed: 1\n", ["INV-1"])
    assert (command("commercepay_purge"), command("commercepay_purge", days=-1)) == ("deleted: 0\n", "deleted: 1\n")


def test_watch_survives_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --watch a failure of the database is logged, and the next round has a new connection."""
    make().receive(*genuine())
    connections["shop"].connection.close()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if shipped():
            raise KeyboardInterrupt

    monkeypatch.setattr("commercepay.integrations.django.management.commands.commercepay_process.time.sleep", sleep)
    assert command("commercepay_process", watch=True) == "processed: 1\n"
    assert shipped() == ["INV-1"]


def test_reconcile_needs_open_payments() -> None:
    """Without OPEN_PAYMENTS the command names the setting."""
    with pytest.raises(CommandError, match="OPEN_PAYMENTS is missing"):
        command("commercepay_reconcile")


class Shop(TestCase):
    """A user's test, in the transaction that TestCase rolls back."""

    databases = {"shop"}  # noqa: RUF012  # Django's

    def test_callback(self) -> None:
        with override_settings(COMMERCEPAY=SETTINGS):
            body, signature = genuine()
            headers = {"cap-signature": signature}
            response = self.client.post("/commercepay/callback", body, content_type="application/json", headers=headers)
        assert (response.status_code, shipped()) == (200, ["INV-1"])


def test_the_migrations_are_complete() -> None:
    """The models have no changes that the migrations lack."""
    call_command("makemigrations", "commercepay", check=True, dry_run=True, verbosity=0, skip_checks=True)


def test_sqlalchemy_is_not_needed() -> None:
    """The app and its inbox import neither SQLAlchemy nor Alembic."""
    code = (
        "import sys\nfrom integrations import django_project\nfrom commercepay.integrations.django import inbox, views\n"
        "assert not {'sqlalchemy', 'alembic'} & set(sys.modules)"
    )
    run = python(code)
    assert (run.returncode, run.stderr) == (0, "")
