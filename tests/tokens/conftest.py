"""A gateway on loopback, and the stores: a folder, and a Redis where `redis-server` is installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from facade.conftest import CREDENTIALS, cp, driver, gateway
from tokens.redis_server import PROGRAM, RedisServer

__all__ = ["cp", "driver", "gateway"]

KINDS = ["file", *(["redis"] if PROGRAM else [])]
collect_ignore = ["fleet.py", "memory.py", "redis_server.py"]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty token store."""
    if request.param == "file":
        return f"file:{tmp_path}/tokens"
    server: RedisServer = request.getfixturevalue("redis_server")
    from redis import Redis

    with Redis.from_url(server.url) as client:
        client.flushall()
    return server.url


class Fleet:
    """Processes that share a token store; see fleet.py."""

    def __init__(self, gateway_url: str, url: str, timeout: float, **options: Any) -> None:
        client = CREDENTIALS | {"base_url": gateway_url, "token_store": url, "max_retries": 0, "timeout": timeout}
        script = Path(__file__).with_name("fleet.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(options | {"client": client})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pids: list[int] = self._read()

    def start_round(self, forward: float = 0.0) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{forward}\n")
        self._process.stdin.flush()

    def results(self) -> list[tuple[str | None, float]]:
        """The error and the seconds of each call of the round."""
        return self._read()

    def round(self, forward: float = 0.0) -> list[tuple[str | None, float]]:
        self.start_round(forward)
        return self.results()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(20)


@pytest.fixture
def fleet(gateway: Any) -> Iterator[Callable[..., Fleet]]:
    """Start processes, which are stopped when the test ends."""
    fleets: list[Fleet] = []

    def start(
        url: str,
        *,
        processes: int = 8,
        threads: int = 8,
        asynchronous: bool = False,
        timeout: float = 60,
        **limits: float,
    ) -> Fleet:
        # An operation of the store may take long if the machine is busy, unless a test is about that limit.
        limits = {"TIMEOUT": 10.0, "TOKEN_STORE_SHARE": 1.0} | limits
        options = {"processes": processes, "threads": threads, "asynchronous": asynchronous, "limits": limits}
        fleets.append(Fleet(gateway.url, url, timeout, **options))
        return fleets[-1]

    yield start
    for each in fleets:
        each.end()
