"""A Redis of the tests: Debian's redis-server on a free port of loopback, without persistence."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

PROGRAM = shutil.which("redis-server")
PASSWORD = "Redis-Password-Example"


class RedisServer:
    """`url` has the password that the server asks for."""

    def __init__(self, folder: Path) -> None:
        assert PROGRAM is not None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "requirepass": PASSWORD}
        command = [PROGRAM, *(str(part) for name, value in options.items() for part in (f"--{name}", value))]
        self._process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self._process.poll() is None, "redis-server did not start"
                assert time.monotonic() < end
                time.sleep(0.005)

    def suspend(self) -> None:
        """From now on it accepts connections, and never responds."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
