"""Every way of responding badly (`modes.py`), through every way of calling.

    python tests/faults/matrix.py [--kind framed] [--every-byte]

Checked for each: the class of the error, that nothing foreign is in it, how long it took, how much memory it took, how many
POSTs the server counted, that no connection stays in use, and that the next call works. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import inspect
import pickle
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx

sys.path.append(str(Path(__file__).parents[1]))

from commercepay_api.api.payment_gateway import initial_session, query
from commercepay_api.models import SessionRequest
from commercepay_api.wire import UnreadableResponse
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import ON_THE_WIRE, QUERY, SESSION
from faults.modes import Mode, Outcome, modes
from faults.server import PATH_AFTER, Server

from commercepay import AsyncCommercePay, CommercePay, CommercePayError
from commercepay._protocol import defaults
from commercepay._protocol.transport import Transport
from commercepay.errors import BY_CODE

T = TypeVar("T")

TIMEOUT = 1.0
SLACK = 0.5
MEMORY = 48.0
"""MiB. Twelve times the limit of a response: raw, decoded, JSON, text, and the server's copies."""

BODY = ON_THE_WIRE | {"timestamp": 1621851652617}


class Way(NamedTuple):
    """One way of calling."""

    name: str
    call: Callable[[Any], Any]
    asynchronous: bool
    is_post: bool = True
    level: str = "facade"
    """ "facade", "request", or "raw"."""
    own: str = ""
    """What of the application's sends the calls: "http_client" or "transport"."""
    logs_in: bool = False
    """Whether it is the login that is responded to badly."""

    def must_be(self, mode: Mode) -> set[str]:
        """The names of the classes that the outcome may have."""
        outcome = mode.requested if self.level == "request" and mode.requested else mode.outcome
        safe = not self.is_post or self.logs_in or mode.tls
        lost = {"APIConnectionError"} if safe else {"OutcomeUnknown"}
        unreadable = {"InvalidResponse"} if safe else {"UnreadableOutcome"}
        if self.own and not safe:
            lost = unreadable = lost | unreadable
        classes = {
            Outcome.OK: {"ok"},
            Outcome.UNREACHED: {"OutcomeUnknown"} if self.own and not safe else {"APIConnectionError"},
            Outcome.LOST: lost,
            Outcome.LATE: {"APITimeoutError"} if safe else lost,
            Outcome.STOPPED: unreadable,
            Outcome.UNREADABLE: unreadable,
            Outcome.REFUSED: REFUSALS,
            Outcome.TOKEN_REFUSED: {"AuthenticationError"},
            Outcome.NOT_AUTHENTICATED: {"AuthenticationError"} if safe else unreadable,
        }[outcome]
        if mode.when == "accept" and outcome is Outcome.LOST:  # noticed before the request was written, or after
            return {*lost, "APIConnectionError"}
        if self.logs_in and mode.recovers:  # a refused login is not repeated
            return {"AuthenticationError"}
        decided_by_the_body = outcome in BY_THE_BODY
        return {"ok", "UnreadableResponse"} if self.level == "raw" and decided_by_the_body else classes

    def requests(self, mode: Mode) -> set[int]:
        """How many requests the server may have counted."""
        if self.logs_in or mode.tls or not self.is_post or mode.when == "accept":  # then connections are counted
            return set(range(20))
        return {mode.requests}


BY_THE_BODY = {Outcome.UNREADABLE, Outcome.REFUSED, Outcome.TOKEN_REFUSED, Outcome.NOT_AUTHENTICATED}
REFUSALS = {"APIError", "AuthenticationError", "ValidationFailed", *(kind.__name__ for kind in BY_CODE.values())}


def ways() -> list[Way]:
    found = [
        Way(f"{name}{' async' * asynchronous}", call, asynchronous, **options)
        for name, call, options in (
            ("create", lambda cp: cp.sessions.create(**OPENING), {}),
            ("query", lambda cp: cp.payments.query(session_number="S-1"), {"is_post": False}),
            ("POST", lambda cp: cp.request("POST", SESSION, json={"referenceCode": "INV-1"}), {"level": "request"}),
            ("GET", lambda cp: cp.request("GET", QUERY), {"level": "request", "is_post": False}),
            ("raw POST", lambda cp: _raw(cp, initial_session, body=SessionRequest.from_dict(BODY)), {"level": "raw"}),
            (
                "raw GET",
                lambda cp: _raw(cp, query, session_number="S-1", timestamp=1),
                {"level": "raw", "is_post": False},
            ),
            ("login", lambda cp: cp.sessions.create(**OPENING), {"logs_in": True}),
        )
        for asynchronous in (False, True)
    ]
    own = found[0]
    return [
        *found,
        own._replace(name="http_client", own="http_client"),
        own._replace(name="transport async", own="transport", asynchronous=True),
    ]


def _raw(cp: Any, operation: Any, **arguments: Any) -> Any:
    call = operation.asyncio_detailed if isinstance(cp, AsyncCommercePay) else operation.sync_detailed
    return call(client=cp.api, **arguments)


class Result(NamedTuple):
    mode: Mode
    way: Way
    outcome: str
    seconds: float
    requests: int
    deviations: list[str]
    memory: float = 0.0


def settled(result: Result) -> Result:
    """The result of a second attempt, if the first one deviated after its timeout: the machine may have been busy."""
    late = result.deviations and result.seconds > 0.9 * TIMEOUT
    return attempt(result.mode, result.way) if late else result


def attempt(mode: Mode, way: Way) -> Result:
    """Make one call, and look at all that it left."""
    server = Server(mode.script, when=mode.when, on_login=way.logs_in, recovers=mode.recovers)
    try:
        played = _play(server, mode, way)
        outcome, seconds, deviations = asyncio.run(played) if way.asynchronous else _without_a_loop(played)
    except Exception as error:  # noqa: BLE001  # reported
        outcome, seconds, deviations = "broken", 0.0, [f"{type(error).__name__}: {error}"[:300]]
    finally:
        server.close()
    if not _is_one_of(outcome, allowed := way.must_be(mode)):
        deviations.append(f"{outcome}, not {' or '.join(sorted(allowed))}")
    if server.requests not in way.requests(mode):
        deviations.append(f"{server.requests} requests")
    if seconds > TIMEOUT + SLACK:
        deviations.append(f"{seconds:.1f} s")
    return Result(mode, way, outcome, seconds, server.requests, deviations)


async def _play(server: Server, mode: Mode, way: Way) -> tuple[str, float, list[str]]:
    """Call; the outcome, its seconds, and deviations. For a sync client this never waits for anything."""
    own: dict[str, Any] = {}
    if way.own:
        limits = httpx.Limits(
            max_keepalive_connections=0
        )  # or httpx takes a second response for that to the next request
        own[way.own] = httpx.AsyncHTTPTransport(limits=limits) if way.asynchronous else httpx.Client(limits=limits)
    cls: Any = AsyncCommercePay if way.asynchronous else CommercePay
    cp = cls(base_url=f"http{'s' * mode.tls}://127.0.0.1:{server.port}", timeout=TIMEOUT, **own, **CREDENTIALS)
    http: Any = cp.api.get_async_httpx_client if way.asynchronous else cp.api.get_httpx_client
    deviations: list[str] = []

    async def done(made: Any) -> Any:
        return await made if inspect.isawaitable(made) else made

    async def another_call() -> None:
        result = await done(cp.request("GET", PATH_AFTER, timeout=20.0))
        if result != {"ok": True}:
            deviations.append(f"another call got {str(result)[:60]}")

    try:
        if not (mode.tls or way.logs_in):
            await another_call()  # which logs in
        elif not way.own:
            http()  # loads the certificates
        server.arm()
        began = time.monotonic()
        try:
            await done(way.call(cp))
            outcome = "ok"
        except Exception as error:  # noqa: BLE001  # which one it is, is tested
            outcome = type(error).__name__
            deviations += _wrong_with(error, during_login=way.logs_in or mode.tls)
        seconds = time.monotonic() - began
        server.armed = False
        if not (mode.tls or mode.when == "refused"):
            await another_call()
        if not way.own:
            deviations += [f"in use: {number}"] if (number := in_use(http()._transport)) else []
    finally:
        await cp.aclose() if way.asynchronous else cp.close()
        if isinstance(own.get("http_client"), httpx.Client):
            own["http_client"].close()
    return outcome, seconds, deviations


def in_use(transport: Any) -> int:
    """The number of connections that requests use."""
    free: int = transport._free.qsize() if isinstance(transport, Transport) else transport._free._value
    return defaults.MAX_CONNECTIONS - free


def _without_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("a sync call waited in a coroutine")


def _is_one_of(outcome: str, allowed: set[str]) -> bool:
    return outcome in allowed or (outcome == "APITimeoutError" and "APIConnectionError" in allowed)


def _wrong_with(error: Exception, *, during_login: bool) -> list[str]:
    wrong: list[str] = []
    chained: BaseException | None = error
    while chained is not None:
        if not isinstance(chained, CommercePayError | UnreadableResponse):
            wrong.append(f"{type(chained).__name__} in it")
        chained = chained.__cause__ or chained.__context__
    if getattr(error, "reference_code", "INV-1") != "INV-1":
        wrong.append("no reference code")
    if getattr(error, "during_login", during_login) != during_login:
        wrong.append("during_login")
    text = str(pickle.loads(pickle.dumps(error)))
    if text != str(error) or len(text) > 4_000 or not text.replace("\n", "").isprintable():
        wrong.append(f"a text of {len(text)} characters: {text[:80]!r}")
    return wrong


# --- the whole matrix --------------------------------------------------------------------------------------------------


def in_turn(cases: Iterable[tuple[Mode, Way]]) -> Iterator[Result]:
    """One by one, so that memory can be measured."""
    for case in cases:
        gc.collect()
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        result = settled(attempt(*case))
        result = result._replace(memory=_memory("VmHWM") - before)
        if result.memory > MEMORY:
            result.deviations.append(f"{result.memory:.0f} MiB")
        yield result


def _memory(name: str) -> float:
    """MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", help="only the modes of this kind")
    parser.add_argument("--every-byte", action="store_true", help="also cut and stall the response at every byte")
    options = parser.parse_args()
    defaults.BACKOFF_FIRST = defaults.RENEWAL_PAUSE = 0.02
    defaults.SECONDS_FOR_A_POST = TIMEOUT / 4  # a busy machine must not keep a POST from being sent
    sys.setswitchinterval(0.0005)  # server and client are threads of one process
    chosen = [mode for mode in modes(options.every_byte) if options.kind in (None, mode.kind)]
    columns = ways()
    cases = [
        (mode, way) for mode in chosen for way in columns if not (way.name == "http_client" and mode.kind in UNBOUNDED)
    ]
    measured = [case for case in cases if case[0].kind in MEASURED]
    results = list(in_turn(measured))
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda case: attempt(*case), [case for case in cases if case[0].kind not in MEASURED]))
    results += map(settled, together)
    report(results, columns)
    return int(any(result.deviations for result in results))


MEASURED = ("flooded", "compressed", "large")
UNBOUNDED = ("dripped", "flooded")
"""What an `http_client` of the application's does not bound, as documented."""


def report(results: Sequence[Result], columns: Sequence[Way]) -> None:
    names = sorted({result.outcome for result in results} - {"ok"})
    short = {"ok": "ok"} | {name: "".join(filter(str.isupper, name)) for name in names}
    print("  ".join(f"{short[name]} = {name}" for name in names), end="\n\n")
    print("Columns: " + ", ".join(f"{number}. {way.name}" for number, way in enumerate(columns, 1)), end="\n\n")
    heads = " ".join(f"{number:>4}" for number in range(1, len(columns) + 1))
    print(f"{'mode':<52} {heads}  POSTs  slowest   memory")
    rows: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        rows[f"{result.mode.kind}: {result.mode.name}"].append(result)
    for name, row in rows.items():
        cells = {result.way.name: short[result.outcome] + "!" * bool(result.deviations) for result in row}
        line = " ".join(f"{cells.get(way.name, '-'):>4}" for way in columns)
        posts = sorted({result.requests for result in row if result.way.is_post and not result.way.logs_in})
        memory = max(result.memory for result in row)
        print(
            f"{ascii(name)[1:-1]:<52.52} {line}"
            f"  {','.join(map(str, posts)):>5} {max(result.seconds for result in row):>6.2f} s"
            + (f" {memory:>4.0f} MiB" if memory else "")
        )
    wrong = [result for result in results if result.deviations]
    slowest = max(result.seconds for result in results)
    print(
        f"\n{len(rows)} modes, {len(results)} calls: slowest {slowest:.2f} s of {TIMEOUT:g} s,"
        f" most memory {max(result.memory for result in results):.0f} MiB, {len(wrong)} deviations"
    )
    for result in wrong:
        print(f"  {result.mode.kind}: {result.mode.name}, {result.way.name}: {'; '.join(result.deviations)}")


if __name__ == "__main__":
    sys.exit(main())
