"""Tokens: how often Authenticate is called."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from facade.conftest import CREDENTIALS, OPENING, until
from facade.gateway import AUTHENTICATE, PAID, QUERY, SESSION, Reply, Seen, enveloped, refused

from commercepay import (
    APIError,
    APITimeoutError,
    AsyncCommercePay,
    AuthenticationError,
    CommercePay,
    CommercePayError,
)
from commercepay._protocol import defaults
from commercepay._protocol.token import Need, Tokens, seconds_of_use

QUERIED: dict[str, Any] = {"session_number": "S-1"}
ABSENT = object()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def clocked(client: Any) -> Clock:
    """Give the tokens of a client a clock that only the test moves."""
    clock = Clock()
    client.api._httpx_args["auth"]._tokens._clock = clock
    return clock


def in_threads(number: int, act: Any) -> list[Any]:
    """Run the same function in many threads that start at once."""
    barrier = threading.Barrier(number)

    def one(index: int) -> Any:
        barrier.wait(20)
        return act(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def until_true(condition: Any) -> None:
    """Wait in this thread for another thread."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def in_time(**options: Any) -> Need:
    return Need(time.monotonic() + 20, **options)


def test_64_threads(gateway: Any) -> None:
    """64 threads with one client that has no token, and again at expiry: one Authenticate each time."""
    with CommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
        clock = clocked(cp)
        for logins in (1, 2):
            payments = in_threads(64, lambda _: cp.payments.query(**QUERIED))
            assert len(payments) == 64
            assert gateway.authenticates == logins
            clock.now += 86_400
    assert {seen.token for seen in gateway.requests(QUERY)} == {"Token-Example-1", "Token-Example-2"}


class Slow(httpx.AsyncBaseTransport):
    """A gateway in memory that lets all other tasks run before it responds."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        await asyncio.sleep(0.01)
        login = request.url.path == AUTHENTICATE
        return httpx.Response(200, json=enveloped({"accessToken": "t", "expireInSeconds": 86_400} if login else PAID))


def test_1000_tasks() -> None:
    """1,000 tasks with one client that has no token, and again at expiry: one Authenticate each time."""
    transport = Slow()

    async def main() -> None:
        async with AsyncCommercePay(transport=transport, **CREDENTIALS) as cp:
            clock = clocked(cp)
            for logins, tasks in ((1, 1000), (2, 100)):
                await asyncio.gather(*(cp.payments.query(**QUERIED) for _ in range(tasks)))
                assert transport.paths.count(AUTHENTICATE) == logins
                clock.now += 86_400
            assert transport.paths.count(QUERY) == 1100

    asyncio.run(main())


def test_threads_with_event_loops(gateway: Any) -> None:
    """One async client in several event loops and threads, one after another and at once: one Authenticate."""
    cp = AsyncCommercePay(base_url=gateway.url, **CREDENTIALS)
    done = threading.Barrier(4)

    async def several(index: int) -> None:
        await asyncio.gather(*(cp.payments.query(**QUERIED) for _ in range(5)))
        await asyncio.to_thread(done.wait, 20)
        if index == 0:
            await cp.aclose()  # of all loops, which still run
        await asyncio.to_thread(done.wait, 20)

    in_threads(4, lambda index: asyncio.run(several(index)))
    assert gateway.authenticates == 1
    assert gateway.count(QUERY) == 20


def test_ended_loops_are_forgotten(gateway: Any) -> None:
    """A client that is used in one `asyncio.run` after another does not keep the connections of ended loops."""

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=enveloped({"accessToken": "t", "expireInSeconds": 60}))

    cp = AsyncCommercePay(base_url=gateway.url, transport=httpx.MockTransport(respond), **CREDENTIALS)
    loops = []

    async def once() -> None:
        loops.append(asyncio.get_running_loop())  # kept alive here, as open connections would
        await cp.request("GET", "/x")

    for _ in range(5):
        asyncio.run(once())
    assert len(cp.api.connections._by_loop) == 1
    asyncio.run(cp.aclose())


@pytest.mark.parametrize(
    ("lifetime", "steps"),
    [
        (1000, [(0, 1), (899, 1), (2, 2), (899, 2), (2, 3)]),
        (86_400, [(0, 1), (86_400 - 301, 1), (2, 2)]),  # five minutes before it expires, not hours
        (1, [(0, 1), (1, 2), (1, 3)]),  # only for the call that requested it
        (ABSENT, [(0, 1), (200, 1), (86_400, 2)]),
    ],
)
def test_reuse(driver: Any, gateway: Any, cp: Any, lifetime: Any, steps: list[tuple[int, int]]) -> None:
    """A token is renewed shortly before it expires, without a 401; without a lifetime it is used for a while."""
    gateway.result["expireInSeconds"] = lifetime
    if lifetime is ABSENT:
        del gateway.result["expireInSeconds"]
    clock = clocked(cp)
    for passed, logins in steps:
        clock.now += passed
        driver.do(cp.payments.query(**QUERIED))
        assert gateway.authenticates == logins
    assert {seen.status for seen in gateway.seen} == {200}


@pytest.mark.parametrize("lifetime", [None, 0, -1, -(10**400), "86400", True, 1.5, 86400.0, [], 10**400])
def test_absurd_lifetimes(lifetime: Any) -> None:
    """A token with an unusable lifetime is used for a while, but not for ever."""
    assert 200 < seconds_of_use(lifetime) <= defaults.TOKEN_LIFETIME_MOST


@pytest.mark.parametrize("lifetime", [1, 2, 60, 86_400, 86_400 * 365])
def test_lifetimes_are_capped(lifetime: int) -> None:
    """A token is used for part of its lifetime, and never longer than a day, even if the gateway grants a year."""
    assert min(lifetime, 86_400) * 0.9 <= seconds_of_use(lifetime) < min(lifetime, defaults.TOKEN_LIFETIME_MOST)


def test_401_renews_once(driver: Any, gateway: Any, cp: Any) -> None:
    """After a 401 the token is renewed and the call is sent again, also a POST, because the gateway did not process it."""
    driver.do(cp.payments.query(**QUERIED))
    gateway.revoke_all()
    assert driver.do(cp.sessions.create(**OPENING)).session_number == "S-INV-1"
    assert gateway.authenticates == 2
    assert [seen.token for seen in gateway.requests(SESSION)] == ["Token-Example-1", "Token-Example-2"]
    assert gateway.created == ["INV-1"]


def test_a_second_401_is_the_end(driver: Any, gateway: Any, cp: Any) -> None:
    """If a new token is refused as well, it is an AuthenticationError after exactly one new attempt."""
    gateway.always[SESSION] = Reply(refused(0, "Not authenticated", unAuthorizedRequest=True), 401)
    with pytest.raises(AuthenticationError) as caught:
        driver.do(cp.sessions.create(**OPENING))
    assert caught.value.status_code == 401
    assert gateway.count(SESSION) == 2
    assert gateway.authenticates == 2


def test_a_401_drops_only_the_refused_token(gateway: Any) -> None:
    """A late 401, for a token that another thread has renewed, causes no Authenticate."""
    with CommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
        cp.payments.query(**QUERIED)
        late, arrived = threading.Event(), threading.Event()
        gateway.queue(QUERY, Reply(refused(0, "m", unAuthorizedRequest=True), 401, hold=late))
        wait = gateway.reply

        def noticed(seen: Seen) -> Reply:
            arrived.set()
            return wait(seen)

        gateway.reply = noticed
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(cp.payments.query, **QUERIED)
            assert arrived.wait(20)
            gateway.revoke_all()
            cp.payments.query(**QUERIED)  # is refused, and causes a renewal
            assert gateway.authenticates == 2
            late.set()
            assert slow.result(20).status.is_paid
        assert gateway.authenticates == 2


def test_many_401s_renew_once(gateway: Any) -> None:
    """If many threads are refused with the same token at once, one Authenticate renews it."""
    with CommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
        cp.payments.query(**QUERIED)
        gateway.revoke_all()
        in_threads(32, lambda _: cp.payments.query(**QUERIED))
        assert gateway.authenticates == 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 0, AuthenticationError),
        (500, 0, AuthenticationError),
        (400, 17, APIError),
        (200, None, APIError),
        (200, 0, APIError),
        (401, None, APIError),
    ],
)
def test_wrong_credentials(
    driver: Any, gateway: Any, at_once: None, status: int, code: int | None, kind: type[APIError]
) -> None:
    """Wrong credentials are tried once, with any HTTP status of the response; it is an AuthenticationError for those seen."""
    error = {"code": code, "message": "Login failed!"}
    body = enveloped(None, success=False, error=error, unAuthorizedRequest=status == 401)
    gateway.always[AUTHENTICATE] = Reply(body, status)
    with pytest.raises(kind, match="Login failed!") as caught:
        driver.do(driver.client(max_retries=5).sessions.create(**OPENING))
    assert ("user name" in str(caught.value)) >= (kind is AuthenticationError)
    assert caught.value.status_code == status
    assert gateway.authenticates == 1
    assert gateway.count(SESSION) == 0


def test_a_failing_login_with_many_waiting(gateway: Any) -> None:
    """When Authenticate fails, each waiting caller gets a copy of the error, and none tries again."""
    gate = threading.Event()
    gateway.always[AUTHENTICATE] = Reply(refused(0, "Login failed!"), 401, hold=gate)
    caught: list[CommercePayError] = []

    with CommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
        tokens = cp.api._httpx_args["auth"]._tokens

        def one(_: int) -> None:
            try:
                cp.payments.query(**QUERIED)
            except AuthenticationError as error:
                caught.append(error)

        def open_when_all_wait() -> None:
            until_true(lambda: tokens._renewal is not None and len(tokens._renewal._wake) == 31)
            gate.set()

        opener = threading.Thread(target=open_when_all_wait)
        opener.start()
        in_threads(32, one)
        opener.join()
    assert gateway.authenticates == 1
    assert len(caught) == 32
    assert len({id(error) for error in caught}) == 32
    assert {str(error) for error in caught} == {str(caught[0])}
    assert all(error.__context__ is None for error in caught)


def test_a_failed_login_is_not_remembered(driver: Any, gateway: Any, cp: Any) -> None:
    """After a failed login, the next call logs in again."""
    gateway.queue(AUTHENTICATE, Reply(refused(0, "Login failed!"), 401))
    with pytest.raises(AuthenticationError):
        driver.do(cp.payments.query(**QUERIED))
    assert driver.do(cp.payments.query(**QUERIED)).status.is_paid


def test_an_impatient_leader_does_not_fail_the_others() -> None:
    """When a login fails by the short timeout of one call, the waiting callers log in with their own timeouts."""
    tokens = Tokens()
    under_way, waiting = threading.Event(), threading.Event()

    def impatient(_: float) -> tuple[str, object]:
        under_way.set()
        waiting.wait(20)
        raise APITimeoutError("no response in time")

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(tokens.get, impatient, in_time(shared=False))
        assert under_way.wait(20)
        follower = pool.submit(tokens.get, lambda _: ("waiting", 60), in_time())
        waiting.set()
        assert isinstance(leader.exception(20), APITimeoutError)
        assert follower.result(20).reveal() == "waiting"


def test_own_options_hold_for_the_login(driver: Any, gateway: Any) -> None:
    """`max_retries` of a call also applies to its login."""
    gateway.queue(AUTHENTICATE, *[Reply(b"", 503)] * 5)
    cp = driver.client(base_url=gateway.url, max_retries=5)
    with pytest.raises(CommercePayError):
        driver.do(cp.payments.query(**QUERIED, max_retries=0))
    assert gateway.authenticates == 1


def test_a_cancelled_leader(gateway: Any) -> None:
    """If the task that authenticates is cancelled, one of the waiting tasks takes over; the others succeed."""
    gate = threading.Event()
    gateway.queue(AUTHENTICATE, Reply(enveloped({}), hold=gate))

    async def main() -> None:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            leader = asyncio.create_task(cp.payments.query(**QUERIED))
            await until(lambda: gateway.authenticates)
            others = [asyncio.create_task(cp.payments.query(**QUERIED)) for _ in range(20)]
            await asyncio.sleep(0)
            leader.cancel()
            payments = await asyncio.gather(*others)
            assert all(payment.status.is_paid for payment in payments)
            assert leader.cancelled()
            assert gateway.authenticates == 2
            gate.set()

    asyncio.run(main())


def test_a_cancelled_waiter(gateway: Any) -> None:
    """A task that stops waiting for the token does not affect the others."""
    gate = threading.Event()
    gateway.always[AUTHENTICATE] = lambda seen: (gate.wait(20), gateway.authenticate(seen))[1]

    async def main() -> None:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            tasks = [asyncio.create_task(cp.payments.query(**QUERIED)) for _ in range(3)]
            await until(lambda: gateway.authenticates)
            tasks[1].cancel()
            await asyncio.sleep(0)
            gate.set()
            await asyncio.gather(tasks[0], tasks[2])
            assert tasks[1].cancelled()
            assert gateway.authenticates == 1

    asyncio.run(main())


def test_an_interrupted_leader() -> None:
    """After a KeyboardInterrupt in the thread that authenticates, another thread takes over."""
    tokens = Tokens()

    def interrupted(_: float) -> tuple[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokens.get(interrupted, in_time())
    assert tokens.get(lambda _: ("t", 60), in_time()).reveal() == "t"


def test_an_exception_of_the_leader_alone() -> None:
    """Another exception, such as the time limit of a task queue, is raised only in the caller that authenticates."""
    tokens = Tokens()
    waits = threading.Event()

    def limited(_: float) -> tuple[str, object]:
        assert waits.wait(20)
        raise SoftTimeLimitExceeded

    with ThreadPoolExecutor(6) as pool:
        leader = pool.submit(tokens.get, limited, in_time())
        until_true(lambda: tokens._renewal is not None)
        others = [pool.submit(tokens.get, lambda _: ("t", 60), in_time()) for _ in range(5)]
        until_true(lambda: tokens._renewal is not None and len(tokens._renewal._wake) == 5)
        waits.set()
        assert isinstance(leader.exception(20), SoftTimeLimitExceeded)
        assert [other.result(20).reveal() for other in others] == ["t"] * 5


class SoftTimeLimitExceeded(Exception):
    """Like that of Celery, which is an Exception."""


def test_a_waiter_has_its_own_deadline() -> None:
    """A call does not wait for another caller's login beyond its own deadline, in a thread or a task."""
    tokens = Tokens()
    end = threading.Event()

    def slow(_: float) -> tuple[str, object]:
        assert end.wait(20)
        return "t", 60

    async def waiting() -> None:
        await tokens.aget(never, Need(time.monotonic() + 0.05))

    async def never(_: float) -> tuple[str, object]:
        raise AssertionError("the login is another caller's")

    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(tokens.get, slow, in_time())
        until_true(lambda: tokens._renewal is not None)
        with pytest.raises(APITimeoutError, match="another call"):
            tokens.get(lambda _: ("mine", 60), Need(time.monotonic() + 0.05))
        with pytest.raises(APITimeoutError, match="another call"):
            asyncio.run(waiting())
        end.set()
        assert leader.result(20).reveal() == "t"


def test_a_renewal_outlives_its_deadline() -> None:
    """A login that exceeds its deadline does not block others: one of them takes over."""
    tokens = Tokens()
    end = threading.Event()

    def endless(_: float) -> tuple[str, object]:
        assert end.wait(20)
        return "late", 60

    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(tokens.get, endless, Need(time.monotonic()))
        until_true(lambda: tokens._renewal is not None)
        assert tokens.get(lambda _: ("t", 60), in_time()).reveal() == "t"
        end.set()
        assert leader.result(20).reveal() == "late"


def test_an_abandoned_event_loop() -> None:
    """An event loop that is stopped during a renewal and never resumed blocks no other caller."""
    tokens = Tokens()

    async def authenticate(_: float) -> tuple[str, object]:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(3600)
        raise AssertionError("never resumed")

    loop = asyncio.new_event_loop()
    task = loop.create_task(tokens.aget(authenticate, in_time()))
    loop.run_forever()
    assert tokens.get(lambda _: ("t", 60), in_time()).reveal() == "t"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_a_sync_call_inside_the_event_loop_that_renews() -> None:
    """A sync call in an event loop does not wait for a renewal in the same, blocked loop."""
    tokens = Tokens()

    async def authenticate(_: float) -> tuple[str, object]:
        await asyncio.sleep(0.01)
        return "of the task", 60

    async def main() -> None:
        task = asyncio.create_task(tokens.aget(authenticate, in_time()))
        await asyncio.sleep(0)
        assert tokens.get(lambda _: ("of the call", 60), in_time()).reveal() == "of the call"
        assert (await task).reveal() == "of the task"

    asyncio.run(main())


def test_each_login_ends_the_token_before(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """If each login invalidates the other client's token, a query renews several times, and both clients succeed."""
    monkeypatch.setattr(defaults, "RENEWAL_PAUSE", 0.001)
    first, second = driver.client(), driver.client()
    log_in = gateway.authenticate

    def ends_the_others(seen: Seen) -> Reply:
        gateway.revoke_all()
        return log_in(seen)

    gateway.always[AUTHENTICATE] = ends_the_others
    for _ in range(5):
        for cp in (first, second):
            assert driver.do(cp.payments.query(**QUERIED)).status.is_paid
    gateway.queue(QUERY, *[Reply(refused(0, "m", unAuthorizedRequest=True), 401)] * 3)
    assert driver.do(first.payments.query(**QUERIED)).status.is_paid


def test_renewals_are_bounded(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query whose new tokens are all refused ends with an AuthenticationError after a few renewals."""
    monkeypatch.setattr(defaults, "RENEWAL_PAUSE", 0.001)
    gateway.always[QUERY] = Reply(refused(0, "m", unAuthorizedRequest=True), 401)
    with pytest.raises(AuthenticationError):
        driver.do(driver.client(max_retries=0).payments.query(**QUERIED))
    assert gateway.authenticates == 1 + defaults.RENEWALS_MOST


def test_renewals_are_paced(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewals after a 401 are at least a second apart; a call that has no time for the pause fails at once."""
    monkeypatch.setattr(defaults, "RENEWAL_PAUSE", 1.0)
    gateway.always[QUERY] = Reply(refused(0, "m", unAuthorizedRequest=True), 401)
    with pytest.raises(APITimeoutError, match="refus"):
        driver.do(driver.client(max_retries=0).payments.query(**QUERIED, timeout=0.9))
    assert gateway.authenticates == 2


@pytest.mark.parametrize("own", ["transport", "http_client"])
def test_a_pool_of_one_connection(driver: Any, gateway: Any, own: str) -> None:
    """With a single connection, a renewal after a 401 does not wait for that connection."""
    limits = httpx.Limits(max_connections=1)
    timeout = httpx.Timeout(5)
    if own == "transport":
        made: Any = (httpx.AsyncHTTPTransport if driver.asynchronous else httpx.HTTPTransport)(limits=limits)
    else:
        made = (httpx.AsyncClient if driver.asynchronous else httpx.Client)(limits=limits, timeout=timeout)
    cp = driver.client(**{own: made}, timeout=5, max_retries=0)
    driver.do(cp.payments.query(**QUERIED))
    gateway.revoke_all()
    assert driver.do(cp.payments.query(**QUERIED)).status.is_paid
    assert gateway.authenticates == 2
    if own == "http_client":
        driver.do(made.aclose() if driver.asynchronous else made.close())


def test_two_clients_share_nothing(driver: Any, gateway: Any) -> None:
    """Each client has a separate token."""
    for _ in range(2):
        driver.do(driver.client().payments.query(**QUERIED))
    assert gateway.authenticates == 2


def test_sync_functions_on_an_async_client(gateway: Any) -> None:
    """A raw sync function works with an async client, shares its token, and is closed with it."""
    from commercepay_api.api.payment_gateway import query

    async def main() -> None:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            await cp.payments.query(**QUERIED)
            response = await asyncio.to_thread(
                query.sync_detailed, client=cp.api, session_number="S-1", timestamp=1621851652617
            )
            assert response.status_code == 200

    asyncio.run(main())
    assert gateway.authenticates == 1
