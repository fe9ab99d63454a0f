"""A client with a token store: what is shared, and that a store that fails costs no call."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import AUTHENTICATE, QUERY, SESSION, Reply, enveloped, refused
from tokens.memory import AsyncMemory, Memory
from tokens.redis_server import PASSWORD

from commercepay import APITimeoutError, AsyncCommercePay, AuthenticationError, CommercePay, ConfigurationError, tokens
from commercepay._protocol import defaults
from commercepay._protocol.settings import settings_of
from commercepay._protocol.shared_token import SharedToken, key_of
from commercepay._protocol.token import Need, Tokens, seconds_of_use

QUERIED: dict[str, Any] = {"session_number": "S-1"}
SETTINGS = settings_of(CREDENTIALS)


def raise_error() -> None:
    raise RuntimeError("Hidden-1")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logging.getLogger("commercepay").addHandler(handler)
    yield text
    logging.getLogger("commercepay").removeHandler(handler)


def warnings_of(log: io.StringIO) -> list[str]:
    return [line for line in log.getvalue().splitlines() if "token store" in line]


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def tokens_of(client: Any) -> Any:
    return client.api._httpx_args["auth"]._tokens


# --- what is shared -------------------------------------------------------------------------------------------------------


def test_clients_share_a_token(driver: Any, gateway: Any, url: str, log: io.StringIO) -> None:
    """Clients of the same merchant use one token, sync and async; nothing is logged."""
    for _ in range(3):
        driver.do(driver.client(token_store=url).payments.query(**QUERIED))
    with CommercePay(base_url=gateway.url, token_store=url, **CREDENTIALS) as cp:
        cp.payments.query(**QUERIED)
    assert gateway.authenticates == 1
    assert warnings_of(log) == []


def test_a_refused_token_is_replaced_once(driver: Any, gateway: Any, url: str) -> None:
    """Three clients are refused with the same token: the first renews it, the others take the new one from the store."""
    clients = [driver.client(token_store=url) for _ in range(3)]
    for logins in (1, 2, 3):
        for cp in clients:
            assert driver.do(cp.payments.query(**QUERIED)).status.is_paid
        assert gateway.authenticates == logins
        gateway.revoke_all()


def test_a_token_of_no_use_is_not_taken_again(driver: Any, gateway: Any) -> None:
    """After a 401 that may be a proxy's, a POST is not repeated; the next call does not take the same token from the store."""
    cp = driver.client(token_store=Memory(), max_retries=0)
    gateway.queue(SESSION, Reply(b"", 401))
    with pytest.raises(Exception, match="401"):
        driver.do(cp.sessions.create(**OPENING))
    driver.do(cp.payments.query(**QUERIED))
    assert [seen.token for seen in gateway.requests(QUERY)] == ["Token-Example-2"]


def test_a_stored_token_that_is_refused_too(driver: Any, gateway: Any) -> None:
    """If the gateway refuses the token in memory and that in the store, a POST logs in, as without a store."""
    store = Memory()
    first, second = (driver.client(token_store=store) for _ in range(2))
    driver.do(first.payments.query(**QUERIED))
    gateway.revoke_all()
    driver.do(second.payments.query(**QUERIED))
    gateway.revoke_all()
    assert driver.do(first.sessions.create(**OPENING)).session_number
    assert gateway.authenticates == 3
    assert gateway.created == ["INV-1"]


@pytest.mark.parametrize(
    "other",
    [
        {"base_url": "https://other.example"},
        {"tenant_id": 43},
        {"username": "x"},
        {"password": "x"},
        {"secret_key": "x"},
    ],
)
def test_keys(other: dict[str, Any]) -> None:
    """Another environment, tenant, user, password or secret key has another entry."""
    key = key_of(settings_of(CREDENTIALS | other))
    assert key != key_of(SETTINGS)
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")


def test_a_wrong_password_finds_no_token(driver: Any, gateway: Any, url: str) -> None:
    """A client with a wrong password fails at once, although the store has a token of the right one."""
    driver.do(driver.client(token_store=url).payments.query(**QUERIED))
    wrong = driver.client(token_store=url, password="wrong")
    with pytest.raises(AuthenticationError):
        driver.do(wrong.payments.query(**QUERIED))


def test_what_is_stored(driver: Any, gateway: Any) -> None:
    """The store has the token and its end, under a key that shows nothing."""
    store = Memory()
    driver.do(driver.client(token_store=store).payments.query(**QUERIED))
    entry = json.loads(store.entries[key_of(settings_of(CREDENTIALS | {"base_url": gateway.url}))])
    assert entry == {"token": "Token-Example-1", "end": pytest.approx(time.time() + 86_100, abs=20)}


@pytest.mark.parametrize("lifetime", [1, 60, 120, 1000, 86_400])
def test_the_margin_for_clocks(lifetime: int) -> None:
    """A shared token is renewed a minute before it expires, or after half of its lifetime."""
    seconds = seconds_of_use(lifetime, 60.0)
    assert lifetime / 2 <= seconds <= max(lifetime - 60, lifetime / 2)


@pytest.mark.parametrize("difference", [-60, 60])
def test_clocks_differ(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch, difference: int) -> None:
    """A machine with a clock that is a minute fast or slow uses the same token, and no longer than it is valid."""
    store, real = Memory(), time.time
    driver.do(driver.client(token_store=store).payments.query(**QUERIED))
    monkeypatch.setattr(time, "time", lambda: real() + difference)
    other = driver.client(token_store=store)
    driver.do(other.payments.query(**QUERIED))
    assert gateway.authenticates == 1
    assert tokens_of(other)._token.renew_at - time.monotonic() <= 86_400 - 240


# --- waiting for another process --------------------------------------------------------------------------------------------


def test_waiting_is_bounded(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    """If another process holds the lock for too long, a call logs in itself, and stores the token."""
    monkeypatch.setattr(defaults, "TOKEN_STORE_WAIT", 0.2)
    store = Memory()
    cp = driver.client(token_store=store)
    store.locked.add(key_of(cp.settings))
    assert driver.do(cp.payments.query(**QUERIED)).status.is_paid
    assert len(store.entries) == 1
    assert ["lock was not free" in line for line in warnings_of(log)] == [True]


def test_a_renewal_between_load_and_lock(driver: Any, gateway: Any) -> None:
    """If another process renews the token just before this one takes the lock, its token is used."""
    renewed: dict[str, str] = {}
    store = Memory("lock", lambda: store.entries.update(renewed))
    driver.do(driver.client(token_store=store).payments.query(**QUERIED))
    renewed = dict(store.entries)
    store.entries.clear()
    driver.do(driver.client(token_store=store).payments.query(**QUERIED))
    assert gateway.authenticates == 1
    assert store.locked == set()


def test_waiting_leaves_time_for_a_post(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST does not wait for another process with the ten seconds that it needs itself."""
    monkeypatch.setattr(defaults, "TOKEN_STORE_WAIT_SHARE", 0.5)
    store = Memory()
    cp = driver.client(token_store=store, timeout=12)
    store.locked.add(key_of(cp.settings))
    assert driver.do(cp.sessions.create(**OPENING)).session_number


def test_a_slow_login(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that exceeds its limit under the lock is tried again without the lock, until the deadline of the call."""
    monkeypatch.setattr(defaults, "TOKEN_STORE_LOGIN", 0.1)
    gateway.queue(AUTHENTICATE, Reply(enveloped({}), delay=0.5))
    store = Memory()
    assert driver.do(driver.client(token_store=store, max_retries=0).payments.query(**QUERIED)).status.is_paid
    assert gateway.authenticates == 2
    assert store.locked == set()
    assert len(store.entries) == 1


def test_the_lock_outlives_the_login() -> None:
    """A login under the lock ends before the lock lapses, with time for storing the token, whatever the call's timeout."""
    store = Memory()
    deadlines: list[float] = []
    limits: list[float] = []
    take = store.lock
    store.lock = lambda key, seconds: (limits.append(seconds), take(key, seconds))[1]  # type: ignore[method-assign]

    def authenticate(deadline: float) -> tuple[str, object]:
        deadlines.append(deadline)
        return "t", 86_400

    Tokens(SharedToken(store, SETTINGS)).get(authenticate, Need(time.monotonic() + 86_400))
    assert deadlines[0] + tokens.TIMEOUT <= time.monotonic() + limits[0]
    assert limits[0] < defaults.TOKEN_STORE_WAIT


def test_a_login_that_is_slower_than_the_call(driver: Any, gateway: Any) -> None:
    """A login that does not end before the call's deadline is a timeout, and the lock is free."""
    gateway.queue(AUTHENTICATE, Reply(enveloped({}), delay=0.5))
    store = Memory()
    with pytest.raises(APITimeoutError):
        driver.do(driver.client(token_store=store, max_retries=0).payments.query(**QUERIED, timeout=0.2))
    until(lambda: store.locked == set())


def test_a_failed_login_frees_the_lock(driver: Any, gateway: Any) -> None:
    """When the gateway refuses the login, the lock is free before the call ends."""
    gateway.always[AUTHENTICATE] = Reply(refused(0, "Login failed!"), 401)
    store = Memory()
    with pytest.raises(AuthenticationError):
        driver.do(driver.client(token_store=store).payments.query(**QUERIED))
    assert store.operations == ["load", "lock", "load", "unlock"]


def test_an_interrupted_login_frees_the_lock() -> None:
    """After an interrupt during the login, the lock becomes free at once."""
    store = Memory()
    tokens = Tokens(SharedToken(store, SETTINGS))

    def interrupted(_: float) -> tuple[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokens.get(interrupted, Need(time.monotonic() + 20))
    until(lambda: store.locked == set())


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync store", "async store"])
def test_a_cancelled_login_frees_the_lock(gateway: Any, asynchronous: bool) -> None:
    """After a task is cancelled during its login, the lock becomes free at once."""
    held = threading.Event()
    gateway.queue(AUTHENTICATE, Reply(enveloped({}), hold=held))
    store = Memory()

    async def main() -> None:
        made: Any = AsyncMemory(store) if asynchronous else store
        async with AsyncCommercePay(base_url=gateway.url, token_store=made, **CREDENTIALS) as cp:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(cp.payments.query(**QUERIED), 0.3)
            while store.locked:  # noqa: ASYNC110  # a store's thread can't set an asyncio.Event
                await asyncio.sleep(0.002)
            held.set()

    asyncio.run(main())
    assert store.operations.count("unlock") == 1


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync store", "async store"])
def test_a_lock_that_comes_too_late_is_released(
    driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch, asynchronous: bool
) -> None:
    """A store that gives the lock after its limit of time gets it back."""
    monkeypatch.setattr(tokens, "TIMEOUT", 0.1)
    late = threading.Event()
    store = Memory("lock", lambda: late.wait(20))
    driver.do(driver.client(token_store=store).payments.query(**QUERIED))
    late.set()
    until(lambda: store.operations[-1] == "unlock")
    assert store.locked == set()


# --- a store that fails -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["load", "lock", "save", "unlock"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync store", "async store"])
@pytest.mark.parametrize("fault", ["raises", "hangs"])
def test_a_store_that_fails(
    driver: Any,
    gateway: Any,
    monkeypatch: pytest.MonkeyPatch,
    log: io.StringIO,
    operation: str,
    asynchronous: bool,
    fault: str,
) -> None:
    """It costs one warning, a bounded wait and a token of one's own, and is not used for a while; then it is used again."""
    monkeypatch.setattr(tokens, "TIMEOUT", 0.15)
    held = threading.Event()
    store = Memory(operation, raise_error if fault == "raises" else lambda: held.wait(20))
    given: Any = store
    if asynchronous and driver.asynchronous and fault == "raises":
        given = AsyncMemory(store)
    cp = driver.client(token_store=given)
    began = time.monotonic()
    driver.do(cp.sessions.create(**OPENING))
    assert time.monotonic() - began < 5
    assert len(warnings_of(log)) == 1
    assert ("RuntimeError" if fault == "raises" else "no response within 0.1") in log.getvalue()
    assert "Hidden-1" not in log.getvalue()

    used = store.operations.count("load")
    for logins in (2, 3):
        gateway.revoke_all()
        driver.do(cp.payments.query(**QUERIED))
        assert gateway.authenticates == logins
    assert store.operations.count("load") == used

    held.set()
    store.fails_at = ""
    store.locked.clear()
    tokens_of(cp)._shared._not_before = 0.0
    gateway.revoke_all()
    driver.do(cp.payments.query(**QUERIED))
    assert "Token-Example-4" in store.entries[key_of(cp.settings)]
    assert len(warnings_of(log)) == 1


@pytest.mark.parametrize("client", ["url", "client"])
def test_a_server_that_never_responds(
    driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch, log: io.StringIO, client: str
) -> None:
    """A Redis that accepts connections and never responds, also with a client of the user's own that has no timeout."""
    import redis

    monkeypatch.setattr(tokens, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/0"
        library: Any = redis.asyncio if driver.asynchronous else redis
        cls: Any = tokens.AsyncRedisStore if driver.asynchronous else tokens.RedisStore
        made = library.Redis.from_url(url)
        cp = driver.client(token_store=url if client == "url" else cls(made))
        began = time.monotonic()
        assert driver.do(cp.payments.query(**QUERIED)).status.is_paid
        assert time.monotonic() - began < 5
        assert len(warnings_of(log)) == 1
        assert PASSWORD not in log.getvalue()
        driver.do(made.aclose() if driver.asynchronous else made.close())


def test_a_call_with_little_time(driver: Any, gateway: Any, log: io.StringIO) -> None:
    """A call with a short timeout waits for a store that hangs for a part of it only."""
    late = threading.Event()
    cp = driver.client(token_store=Memory("load", lambda: late.wait(20)))
    assert driver.do(cp.payments.query(**QUERIED, timeout=1)).status.is_paid
    assert len(warnings_of(log)) == 1
    late.set()


RUBBISH = [
    "",
    "rubbish",
    "[" * 60_000,
    "[]",
    "{}",
    '{"token": "t"}',
    '{"token": 1, "end": 1}',
    '{"token": "", "end": 4000000000}',
    '{"token": "a b", "end": 4000000000}',
    '{"token": "t\\r\\nX: y", "end": 4000000000}',
    '{"token": "t", "end": "soon"}',
    '{"token": "t", "end": NaN}',
    '{"token": "t", "end": Infinity}',
    '{"token": "t", "end": 4000000000}',
    '{"token": "t", "end": 1' + "0" * 400 + "}",
    "x" * 70_000,
]


@pytest.mark.parametrize("value", RUBBISH, ids=lambda value: value[:30])
def test_rubbish_is_replaced(driver: Any, gateway: Any, log: io.StringIO, value: str) -> None:
    """An entry that can't be read costs one warning, and is replaced."""
    store = Memory()
    cp = driver.client(token_store=store)
    store.entries[key_of(cp.settings)] = value
    driver.do(cp.payments.query(**QUERIED))
    driver.do(driver.client(token_store=store).payments.query(**QUERIED))
    assert gateway.authenticates == 1
    assert ["is replaced" in line for line in warnings_of(log)] == [True]


def test_a_store_that_returns_something_else(driver: Any, gateway: Any, log: io.StringIO) -> None:
    """A store that returns bytes, or a lock that can't be called, costs no call."""
    store = Memory()
    store.load = lambda key: b"bytes"  # type: ignore[assignment, method-assign, return-value]
    store.lock = lambda key, seconds: True  # type: ignore[assignment, method-assign, return-value]
    assert driver.do(driver.client(token_store=store).payments.query(**QUERIED)).status.is_paid
    assert gateway.authenticates == 1


def test_no_more_threads(gateway: Any, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    """If no thread can be started for the store, the client has a token of its own."""

    def full(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with CommercePay(base_url=gateway.url, token_store=Memory(), **CREDENTIALS) as cp:
        monkeypatch.setattr(threading.Thread, "start", full)
        store = SharedToken(Memory(), SETTINGS)
        assert Tokens(store).get(lambda _: ("t", 60), Need(time.monotonic() + 20)).reveal() == "t"
        assert cp is not None
    assert len(warnings_of(log)) == 1


# --- arguments ----------------------------------------------------------------------------------------------------------


def test_a_sync_call_with_an_async_store(gateway: Any) -> None:
    """A raw sync function of an async client uses its async store, too."""
    from commercepay_api.api.payment_gateway import query

    store = Memory()

    async def main() -> None:
        async with AsyncCommercePay(base_url=gateway.url, token_store=AsyncMemory(store), **CREDENTIALS) as cp:
            ask = partial(query.sync_detailed, client=cp.api, session_number="S-1", timestamp=1621851652617)
            assert (await asyncio.to_thread(ask)).status_code == 200

    asyncio.run(main())
    assert store.operations == ["load", "lock", "load", "save", "unlock"]


@pytest.mark.parametrize(
    ("given", "phrase"),
    [
        (1, "token_store must be a URL, or a store with load, save and lock, not 1"),
        (object(), "not object"),
        ("", "token_store must be a non-empty str"),
        ("redis://cache\n", "token_store has a line end"),
        ("memcached://:Hidden-1@cache", "token_store can't be used: it must be redis://"),
        ("redis://:Hidden-1@cache:port", "token_store can't be used: RedisStore needs a URL"),
        ("file:tokens", "token_store can't be used: FileStore needs an absolute path"),
        ("file://server/tokens", "token_store can't be used: FileStore needs an absolute path"),
    ],
)
def test_wrong_stores(given: Any, phrase: str) -> None:
    """A store that can't be used is a ConfigurationError, which does not quote it."""
    for cls in (CommercePay, AsyncCommercePay):
        with pytest.raises(ConfigurationError, match=phrase) as caught:
            cls(token_store=given, **CREDENTIALS)
        assert "Hidden-1" not in str(caught.value)


def test_stores_that_can_not_be_called() -> None:
    """`CommercePay` refuses an async store, and both clients one that is only partly async."""
    store: Any = AsyncMemory(Memory())
    with pytest.raises(ConfigurationError, match="token_store is async"):
        CommercePay(token_store=store, **CREDENTIALS)
    store.lock = Memory().lock
    with pytest.raises(ConfigurationError, match="all of load, save and lock must be async"):
        AsyncCommercePay(token_store=store, **CREDENTIALS)


def test_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`COMMERCEPAY_TOKEN_STORE` names the store; an error names the variable, and no error or repr shows the value."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(f"COMMERCEPAY_{name.upper()}", str(value))
    monkeypatch.setenv("COMMERCEPAY_TOKEN_STORE", f"file:{tmp_path}/with%20blank")
    for cls in (CommercePay, AsyncCommercePay):
        cp = cls.from_env()
        assert repr(tokens_of(cp)._shared._store) == f"FileStore('{tmp_path}/with blank')"
    monkeypatch.setenv("COMMERCEPAY_TOKEN_STORE", "redis://:Hidden-1@cache:port")
    with pytest.raises(ConfigurationError, match="COMMERCEPAY_TOKEN_STORE can't be used") as caught:
        CommercePay.from_env()
    assert "Hidden-1" not in str(caught.value)
    monkeypatch.setenv("COMMERCEPAY_TOKEN_STORE", "redis://:Hidden-1@cache")
    with CommercePay.from_env() as cp:
        assert "Hidden-1" not in repr(cp.settings)
    monkeypatch.delenv("COMMERCEPAY_TOKEN_STORE")
    monkeypatch.setenv("COMMERCEPAY_TOKENSTORE", "redis://cache")
    with pytest.raises(
        ConfigurationError, match="COMMERCEPAY_TOKENSTORE is set, but the variable is COMMERCEPAY_TOKEN_STORE"
    ):
        CommercePay.from_env()


def test_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the error names the variable and the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"token_store can't be used: redis is missing: pip install"):
        CommercePay(token_store="redis://cache", **CREDENTIALS)
