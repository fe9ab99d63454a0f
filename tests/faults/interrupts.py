"""Interrupt calls: an exception is raised at a random moment, and no later call may be blocked.

python tests/faults/interrupts.py --interrupts 20000

So many logins are interrupted by a signal handler, and a tenth as many calls over the network: by a signal handler, and in four
threads with one client, by what task queues use there (`PyThreadState_SetAsyncExc`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from facade.conftest import CREDENTIALS
from facade.gateway import Gateway
from tokens.memory import Memory

from commercepay import CommercePay
from commercepay._protocol import defaults
from commercepay._protocol.settings import settings_of
from commercepay._protocol.shared_token import SharedToken
from commercepay._protocol.token import Need, Tokens


class Interrupted(Exception):
    """Raised by the signal handler, as Celery raises its soft time limit."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interrupts", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # an interrupt may hit asyncio before it awaits the login
    sys.unraisablehook = lambda _: None  # an interrupt may hit a finalizer, too
    for name, login, make in (
        ("sync", _login, Tokens),
        ("async", _login_in_a_loop, Tokens),
        ("with a token store", _login, _with_a_store),
    ):
        print(f"{name}: {aim(login, make, options.interrupts // (2 if make is Tokens else 20), options.seed)}")
    for name, interrupt in (("network", by_signals), ("network, threads", in_threads)):
        print(f"{name}: {over_the_network(interrupt, options.interrupts // 20, options.seed)}")


def aim(login: Callable[[Tokens, float], None], make: Callable[[], Tokens], interrupts: int, seed: int) -> str:
    """Interrupt logins at random moments; fails if one of them blocks a later call."""
    chance = random.Random(seed)
    landed, slowest = 0, 0.0
    longest = _duration(login, make)
    signal.signal(signal.SIGALRM, _raise)
    while landed < interrupts:
        tokens = make()
        waiter = threading.Thread(target=_token, args=(tokens,))
        if chance.random() < 0.1:  # another thread needs the same token
            waiter.start()
        try:
            login(tokens, chance.uniform(1e-6, longest))
        except Interrupted:
            landed += 1
        began = time.monotonic()
        _token(tokens)
        slowest = max(slowest, time.monotonic() - began)
        if waiter.ident is not None:
            waiter.join(10)
            assert not waiter.is_alive(), "an interrupted login blocks a thread that waits for it"
    assert slowest < 2, f"a later call waited {slowest:.1f} s"
    return f"{landed} interrupts, the slowest later call took {slowest * 1000:.0f} ms"


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _token(tokens: Tokens) -> None:
    assert tokens.get(lambda _: ("later", 60), Need(time.monotonic() + 5)).reveal()


def _with_a_store() -> Tokens:
    return Tokens(SharedToken(Memory(), settings_of(CREDENTIALS)))  # a lock that is not released stays held


def _login(tokens: Tokens, interrupt_after: float) -> None:
    try:
        signal.setitimer(signal.ITIMER_REAL, interrupt_after)
        tokens.get(lambda _: (str(sum(range(300))), 60), Need(time.monotonic() + 5))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _login_in_a_loop(tokens: Tokens, interrupt_after: float) -> None:
    """An interrupt may hit the event loop itself, which then never resumes the task."""

    async def authenticate(_: float) -> tuple[str, object]:
        await asyncio.sleep(0)
        return str(sum(range(300))), 60

    async def ask() -> None:
        await tokens.aget(authenticate, Need(time.monotonic() + 5))

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, _: loop.stop())
    asked = loop.create_task(ask())
    loop.call_later(0.05, loop.stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, interrupt_after)
        loop.run_until_complete(asked)
    except RuntimeError:  # the loop was stopped, because the interrupt hit it and not the task
        raise Interrupted from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        asked.cancel()
        began = time.monotonic()
        _token(tokens)  # while the task may still be suspended in its renewal
        assert time.monotonic() - began < 2
        # The interrupt may have hit asyncio's own clean-up, which then leaves the loop marked as running.
        asyncio._set_running_loop(None)
        with contextlib.suppress(RuntimeError):
            loop.close()


def over_the_network(
    interrupt: Callable[[Callable[[], object], int, random.Random], None], interrupts: int, seed: int
) -> str:
    """Interrupt calls; fails if a later call is blocked or gets another response, or if a connection stays in use or open."""
    defaults.MAX_CONNECTIONS = 5  # few, so that lost ones are missed
    gateway = Gateway()
    with CommercePay(base_url=gateway.url, timeout=10, max_retries=0, **CREDENTIALS) as cp:

        def call() -> None:
            number = f"S-{random.random()}"
            assert cp.payments.query(session_number=number).session_number == number, "the response to another call"

        call()
        interrupt(call, interrupts, random.Random(seed))
        began = time.monotonic()
        call()
        seconds = time.monotonic() - began
        transport: Any = cp.api.get_httpx_client()._transport
        assert transport._free.qsize() == defaults.MAX_CONNECTIONS, "connections are in use at rest"
    gc.collect()
    assert gateway.is_left(), "connections are open after the client was closed"
    gateway.close()
    assert seconds < 2, f"a later call waited {seconds:.1f} s"
    return f"{interrupts} interrupts, a later call took {seconds * 1000:.0f} ms"


def by_signals(call: Callable[[], object], interrupts: int, chance: random.Random) -> None:
    began = time.perf_counter()
    for _ in range(50):
        call()
    longest = (time.perf_counter() - began) / 50
    landed = 0
    while landed < interrupts:
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, longest))
                call()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted:
            landed += 1


def in_threads(call: Callable[[], object], interrupts: int, chance: random.Random) -> None:
    """Four threads call without a pause. One after the other is interrupted, and replaced by a new thread."""
    done = threading.Event()

    def work() -> None:
        with contextlib.suppress(Interrupted):
            while not done.is_set():
                call()

    def start() -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    raised: set[type[BaseException]] = set()
    threading.excepthook = lambda given: raised.add(given.exc_type)
    sys.setswitchinterval(1e-5)  # or a thread is only interrupted where it waits
    threads = [start() for _ in range(4)]
    for _ in range(interrupts):
        thread = threads.pop(chance.randrange(len(threads)))
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), _INTERRUPTED) == 1
        thread.join(20)
        assert not thread.is_alive(), "an interrupted call does not end"
        threads.append(start())
        time.sleep(chance.uniform(0, 0.001))
    done.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a call does not end"
    assert raised <= {Interrupted}, raised  # an interrupt may hit a thread outside of `work`


_INTERRUPTED = ctypes.py_object(Interrupted)


def _duration(login: Callable[[Tokens, float], None], make: Callable[[], Tokens]) -> float:
    began = time.perf_counter()
    for _ in range(100):
        with contextlib.suppress(Interrupted):  # on a slow machine, the loop's own limit of 0.05 s ends a login
            login(make(), 10)
    return (time.perf_counter() - began) / 50


if __name__ == "__main__":
    main()
