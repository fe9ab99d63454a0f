"""Planted secrets are searched for in every repr, log, traceback with locals, pickle and warning that a call can leave.

A secret is the password, the secret key, a retired key, an access token, or a signature that was sent or received.
"""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commercepay_api.api.payment_gateway import query
from facade.conftest import CREDENTIALS, OPENING, until
from facade.gateway import AUTHENTICATE, PASSWORD, QUERY, SECRET_KEY, SESSION, Gateway, Reply, enveloped, refused
from sqlalchemy import create_engine
from tokens.memory import Memory

from commercepay import AsyncCommercePay, CallbackError, CommercePay, CommercePayError, Money, Session, signature
from commercepay.callbacks import Verifier, verify
from commercepay.inbox import Inbox
from commercepay.testing import sandbox, sign_callback
from commercepay.tokens import AsyncRedisStore, RedisStore

RETIRED = "Retired-Key-Example"
REDIS_PASSWORD = "Redis-Password-Example"
URL = "https://shop.example.my/callback"
QUERIED: dict[str, Any] = {"session_number": "S-1"}


class SoftTimeLimitExceeded(Exception):
    """Raised by a signal handler, as Celery does."""


@pytest.fixture(autouse=True)
def log() -> Iterator[io.StringIO]:
    """What every logger, at DEBUG, writes during a test."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def texts_of(error: BaseException) -> Iterator[str]:
    """All that an error tracker, a terminal or a task queue can show of an error."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield from (str(found), repr(found), repr(vars(found)))
        if isinstance(found, CommercePayError):
            yield pickle.dumps(found).decode("latin-1")
        trace = found.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if "/tests/" not in frame.f_code.co_filename:  # a test passes secrets in its own frames
                yield from (f"{frame.f_code.co_qualname} {name} = {value!r}" for name, value in frame.f_locals.items())
            trace = trace.tb_next
        found = found.__cause__ or found.__context__
    yield "".join(traceback.format_exception(error))


def leaks(texts: Iterator[str] | list[str], gateway: Gateway | None = None, *more: str) -> list[str]:
    signatures = {seen.signature for seen in gateway.seen} - {""} if gateway is not None else set()
    secrets = {PASSWORD, SECRET_KEY, RETIRED, REDIS_PASSWORD, "Token-Example", *signatures, *more}
    return [text[:300] for text in texts for secret in secrets if secret in text]


def raised(act: Callable[[], object]) -> BaseException:
    """What an action raises, of whatever kind."""
    try:
        act()
    except BaseException as error:  # noqa: BLE001  # an interrupt is one of the cases
        return error
    raise AssertionError("nothing was raised")


REPLIES: dict[str, Reply] = {
    "drop": Reply(drop="after"),
    "cut": Reply(b'{"result', drop="within"),
    "HTML": Reply(b"<html>", 502),
    "empty": Reply(b""),
    "401": Reply(b"", 401),
    "redirect": Reply(b"", 302, {"Location": "about:blank"}),
    "gzip": Reply(b"junk", 200, {"Content-Encoding": "gzip"}),
    "huge": Reply(b"", 200, {"Content-Length": "99999999999"}),
    "refusal": Reply(refused(0, "Login failed!"), 401),
    "signature": Reply(enveloped({"code": 1, "message": "Invalid Signature."}), 400),
    "incomplete": Reply(enveloped({})),
}
TOKEN_WITH_A_LINE_END = Reply(enveloped({"accessToken": "Token-Example\n"}))
CALLS: dict[str, Callable[[Any], Any]] = {
    "sessions.create": lambda cp: cp.sessions.create(**OPENING),
    "payments.query": lambda cp: cp.payments.query(**QUERIED),
    "request": lambda cp: cp.request("GET", "/x"),
}


@pytest.mark.parametrize(
    ("path", "reply"),
    [(AUTHENTICATE, TOKEN_WITH_A_LINE_END)]
    + [(path, reply) for path in (AUTHENTICATE, SESSION, QUERY) for reply in REPLIES.values()],
)
def test_responses(driver: Any, gateway: Any, at_once: None, log: io.StringIO, path: str, reply: Reply) -> None:
    """Whatever is answered to a login, a POST or a GET, the error of each call and the log show no secret."""
    gateway.always[path] = reply
    for act in CALLS.values():
        cp = driver.client(max_retries=1, retired_secret_keys=[RETIRED])
        try:
            driver.do(act(cp))
        except CommercePayError as error:
            found = leaks(texts_of(error), gateway)
        else:
            found = []
        assert found == []
    assert "Authenticate" in log.getvalue()
    assert leaks([log.getvalue()], gateway) == []


@pytest.mark.parametrize("path", [AUTHENTICATE, SESSION, QUERY])
@pytest.mark.parametrize("interrupt", [SoftTimeLimitExceeded, KeyboardInterrupt])
def test_signals(gateway: Any, path: str, interrupt: type[BaseException]) -> None:
    """An exception of a signal handler in the middle of a call reaches the caller as it is, and its frames show no secret."""
    gate = threading.Event()
    gateway.always[path] = Reply(b"", hold=gate)
    arrived = gateway.reply

    def reply(seen: Any) -> Reply:
        if seen.path == path:
            signal.setitimer(signal.ITIMER_REAL, 0.02)
        return arrived(seen)

    def handler(*_: object) -> None:
        raise interrupt

    gateway.reply = reply
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with CommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            error = raised(lambda: CALLS["payments.query" if path == QUERY else "sessions.create"](cp))
            assert type(error) is interrupt
            assert leaks(texts_of(error), gateway) == []
            if path == SESSION:
                return
            raw = raised(lambda: query.sync_detailed(client=cp.api, session_number="S-1", timestamp=1))
            assert leaks(texts_of(raw), gateway) == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gate.set()


@pytest.mark.parametrize("path", [AUTHENTICATE, SESSION, QUERY])
@pytest.mark.parametrize("way", ["timeout", "cancel"])
@pytest.mark.parametrize("raw", [False, True])
def test_cancellations(gateway: Any, path: str, way: str, raw: bool) -> None:
    """`asyncio.timeout` and a cancelled task in the middle of a call show no secret, in a raw function neither."""
    gate = threading.Event()
    gateway.always[path] = Reply(b"", hold=gate)

    async def call(cp: AsyncCommercePay) -> None:
        if raw:
            await query.asyncio_detailed(client=cp.api, session_number="S-1", timestamp=1)
        await CALLS["payments.query" if path == QUERY else "sessions.create"](cp)

    async def main() -> BaseException:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            task = asyncio.create_task(call(cp))
            await until(lambda: gateway.count(path))
            try:
                if way == "timeout":
                    async with asyncio.timeout(0.01):
                        await task
                else:
                    task.cancel()
                    await task
            except BaseException as error:  # noqa: BLE001  # a cancellation is one of the cases
                return error
        raise AssertionError("nothing was raised")

    error = asyncio.run(main())
    gate.set()
    assert leaks(texts_of(error), gateway) == []


@pytest.mark.parametrize("operation", ["load", "lock", "save"])
@pytest.mark.parametrize("interrupt", [SoftTimeLimitExceeded, KeyboardInterrupt])
def test_signals_in_a_token_store(gateway: Any, operation: str, interrupt: type[BaseException]) -> None:
    """An exception of a signal handler during an operation of the token store shows no token in its frames."""
    gate = threading.Event()

    def hang() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        gate.wait(20)

    def handler(*_: object) -> None:
        raise interrupt

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with CommercePay(base_url=gateway.url, token_store=Memory(operation, hang), **CREDENTIALS) as cp:
            error = raised(lambda: CALLS["payments.query"](cp))
            assert type(error) is interrupt
            assert leaks(texts_of(error), gateway) == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gate.set()


def test_a_redis_that_is_down(driver: Any, gateway: Any, log: io.StringIO) -> None:
    """A token store that can't be reached, and a login that then fails, show no secret, the password of Redis neither."""
    gateway.always[AUTHENTICATE] = Reply(refused(0, "Login failed!"), 401)
    cp = driver.client(token_store=f"redis://:{REDIS_PASSWORD}@127.0.0.1:1/0")
    error = raised(lambda: driver.do(CALLS["payments.query"](cp)))
    assert leaks(texts_of(error), gateway) == []
    store = cp.api.connections.options["auth"]._tokens._shared
    assert leaks([log.getvalue(), repr(cp.settings), repr(vars(store)), repr(vars(store._store))], gateway) == []
    assert "failed (ConnectionError)" in log.getvalue()


def test_refused_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constructors, `from_env`, verifiers, inboxes and signing that refuse their arguments show no secret in their frames."""
    for name in ("TENANT_ID", "USERNAME", "PASSWORD", "SECRET_KEY"):
        monkeypatch.setenv(f"COMMERCEPAY_{name}", str(CREDENTIALS[name.lower()]))
    monkeypatch.setenv("COMMERCEPAY_TENANT_ID", "none")
    monkeypatch.setenv("COMMERCEPAY_TOKEN_STORE", f"redis://:{REDIS_PASSWORD}@cache:port/0")
    engine = create_engine("sqlite://")
    wrong: list[Callable[[], object]] = [
        lambda: CommercePay(**CREDENTIALS | {"tenant_id": 0, "retired_secret_keys": [RETIRED, ""]}),
        lambda: AsyncCommercePay(**CREDENTIALS, timeout=-1),
        lambda: CommercePay(**CREDENTIALS, unknown=1),
        lambda: CommercePay(**CREDENTIALS, base_url="https://x:99999/"),
        lambda: CommercePay(**CREDENTIALS, environment="sandbox"),
        lambda: CommercePay(**CREDENTIALS, token_store=f"redis://:{REDIS_PASSWORD}@cache:port/0"),
        lambda: AsyncCommercePay(**CREDENTIALS, token_store=f"{REDIS_PASSWORD}@cache"),
        lambda: RedisStore(f"redis://:{REDIS_PASSWORD}@cache:port/0"),
        lambda: AsyncRedisStore(f"{REDIS_PASSWORD}@cache"),
        CommercePay.from_env,
        lambda: CommercePay.from_env(password=PASSWORD),
        lambda: Verifier(secret_key=[SECRET_KEY, ""]),
        lambda: Verifier(secret_key=SECRET_KEY, callback_url="no URL"),
        lambda: Inbox(engine, secret_key=SECRET_KEY, callback_url="no URL"),
        lambda: Inbox(engine, secret_key=SECRET_KEY, name=""),
        lambda: signature.sign(URL, {"a": object()}, SECRET_KEY),
        lambda: signature.sign(URL, {}, SECRET_KEY.encode()),
        lambda: signature.matches(URL, {"a": 1, "A": 2}, SECRET_KEY, "0" * 64),
        lambda: signature.matches(5, {}, SECRET_KEY, "0" * 64),  # type: ignore[arg-type]  # an application's mistake
        lambda: verify(b"{}", "0" * 64, "no URL", SECRET_KEY),
    ]
    for act in wrong:
        error = raised(act)
        assert isinstance(error, CommercePayError), act
        assert leaks(texts_of(error)) == [], act
    engine.dispose()


@pytest.mark.parametrize(
    "make",
    [
        lambda: CommercePay(**CREDENTIALS | {"tenant_id": 0}),
        lambda: Verifier(secret_key=""),
        lambda: Inbox(create_engine("sqlite://"), secret_key=""),
        lambda: Money("1.234", "MYR"),
        Session,
    ],
    ids=["client", "verifier", "inbox", "money", "record"],
)
def test_refused_objects_have_a_repr(make: Callable[[], object]) -> None:
    """The repr of an object whose arguments were refused works: tools that show tracebacks call it."""
    error: BaseException | None = raised(make)
    assert error is not None
    assert any(" self = " in text for text in texts_of(error))


def test_rejected_callbacks() -> None:
    """Frames of a rejected callback show neither its signature nor the key, through each way to verify one."""
    signed = sign_callback(URL, SECRET_KEY, amount=OPENING["amount"], reference_code="INV-1")
    engine = create_engine("sqlite://")
    with CommercePay(**CREDENTIALS) as cp:
        inbox = Inbox(engine, verify=cp.callbacks.at(URL).verify)
        inbox.create_tables()
        ways: list[Callable[[bytes], object]] = [
            lambda body: verify(body, signed.signature, URL, [SECRET_KEY, RETIRED]),
            lambda body: cp.callbacks.verify(body, signed.signature, URL),
            lambda body: inbox.receive(body, signed.signature, lambda callback, connection: 1 / 0),
        ]
        for body in (b"{}", b"nonsense", b"\xff", signed.body + b" x", signed.body.replace(b"INV-1", b"INV-2")):
            for way in ways[:2]:
                error = raised(lambda way=way, body=body: way(body))  # type: ignore[misc]  # bound at once
                assert isinstance(error, CallbackError)
                assert leaks(texts_of(error), None, signed.signature) == []
            inbox.receive(body, signed.signature)
        error = raised(lambda: ways[2](signed.body))
        assert isinstance(error, ZeroDivisionError)
        assert leaks(texts_of(error), None, signed.signature) == []
    engine.dispose()


def test_warnings(gateway: Any) -> None:
    """A warning about a client that was not closed shows no secret."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cp = CommercePay(base_url=gateway.url, **CREDENTIALS)
        cp.payments.query(**QUERIED)
        connections = cp._connections
        del cp
        connections.close()
    assert caught
    assert leaks([str(one.message) for one in caught], gateway) == []


def test_files_of_the_sandbox(tmp_path: Path, log: io.StringIO) -> None:
    """The sandbox's state file, its log and its pages show no password, key, token or signature."""
    state = tmp_path / "state.db"
    with sandbox(state_file=state) as running, running.client() as cp:
        session = cp.sessions.create(**OPENING)
        running.pay(session.session_number)
        requests = running.requests
        secrets = [running.credentials.password, running.credentials.secret_key]
        auth: Any = cp.api._httpx_args["auth"]
        secrets.append(auth._tokens._token.reveal())
    texts = [repr(requests), log.getvalue(), *(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir())]
    assert leaks(texts, None, *secrets) == []
