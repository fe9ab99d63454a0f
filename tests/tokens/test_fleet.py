"""Many processes with one token store: how often Authenticate is called, and that every call is answered."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from facade.gateway import AUTHENTICATE, Reply, enveloped
from tokens.redis_server import PROGRAM, RedisServer

from commercepay import tokens


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_one_authenticate(gateway: Any, fleet: Any, url: str, asynchronous: bool) -> None:
    """8 processes of 8 threads (or tasks) start cold, and meet the expiry together: one Authenticate each time."""
    gateway.always[AUTHENTICATE] = lambda seen: (time.sleep(0.3), gateway.authenticate(seen))[1]
    processes = fleet(url, asynchronous=asynchronous)
    for logins, forward in ((1, 0), (1, 86_400 - 400), (2, 86_400 - 300)):
        results = processes.round(forward)
        assert [error for error, _ in results] == [None] * 64
        assert gateway.authenticates == logins


def test_the_lock_holder_is_killed(gateway: Any, fleet: Any, url: str) -> None:
    """A process that is killed during its Authenticate delays the others by the lock's lifetime: then one of them logs in."""
    lock_seconds = 1.5
    bounds = {"TOKEN_STORE_LOGIN": 1.2, "TOKEN_STORE_LOCK": lock_seconds}
    held = threading.Event()
    gateway.queue(AUTHENTICATE, Reply(enveloped({}), hold=held))
    first, others = fleet(url, processes=1, threads=1, **bounds), fleet(url, **bounds)
    first.start_round()
    until(lambda: gateway.authenticates == 1)
    others.start_round()
    os.kill(first.pids[0], signal.SIGKILL)
    results = others.results()
    held.set()
    assert [error for error, _ in results] == [None] * 64
    assert gateway.authenticates == 2
    assert max(seconds for _, seconds in results) < lock_seconds + 2.5  # the pauses, and a slow machine


if PROGRAM:

    @pytest.mark.parametrize(
        ("stop", "asynchronous"),
        [(RedisServer.kill, False), (RedisServer.suspend, True)],
        ids=["killed, sync", "suspended, async"],
    )
    def test_redis_stops(gateway: Any, fleet: Any, tmp_path: Path, stop: Any, asynchronous: bool) -> None:
        """Redis dies, or responds no more, while a process logs in: every call is answered within its deadline."""
        held = threading.Event()
        gateway.always[AUTHENTICATE] = lambda seen: (held.wait(20), gateway.authenticate(seen))[1]
        with RedisServer(tmp_path) as server:
            processes = fleet(server.url, asynchronous=asynchronous, timeout=20, TIMEOUT=tokens.TIMEOUT)
            processes.start_round()
            until(lambda: gateway.authenticates == 1)
            stop(server)
            held.set()
            results = processes.results()
            assert [error for error, _ in results] == [None] * 64
            assert max(seconds for _, seconds in results) < 20
            assert gateway.authenticates <= 1 + 8
