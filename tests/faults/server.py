"""A server on raw sockets that logs a client in, and then does to each request what a script says."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from facade.gateway import AUTHENTICATE, OPENED, PAID, SESSION, enveloped

PATH_AFTER = "/after"
"""Requests to this path are always served well: by them a test sees whether other calls work."""


class Drip(NamedTuple):
    """Send one byte at a time."""

    data: bytes
    gap: float = 0.3


class Flood(NamedTuple):
    """Send the same again and again, until the client leaves."""

    data: bytes


class Stall:
    """Send nothing more, and keep the connection open."""


class Reset:
    """Close the connection with a reset."""


class KeepAlive:
    """Serve the next request on this connection. Without it, a script ends with closing the connection."""


STALL, RESET, KEEP_ALIVE = Stall(), Reset(), KeepAlive()

Step = bytes | Drip | Flood | Stall | Reset | KeepAlive
Script = Callable[[bytes], Iterable[Step]]
"""What the server does, out of the body that would be right."""


def http(body: bytes = b"", status: str = "200 OK", *headers: str, framing: str | None = None) -> bytes:
    """A response. `framing` is in place of the Content-Length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}" if framing is None else framing]
    return "\r\n".join([*filter(None, lines), "", ""]).encode("latin-1") + body


class Server:
    """One server for one call.

    Args:
        script: for each request that is not the login or to `PATH_AFTER`; with `on_login`, for the login.
        when: "response", "head" (the body of the request is not read), "accept" (nothing is read), or "refused" (connections).
        recovers: whether only the first request gets the script.
    """

    def __init__(self, script: Script, *, when: str, on_login: bool, recovers: bool) -> None:
        self._script, self._when, self._on_login, self._recovers = script, when, on_login, recovers
        self.requests = 0
        """Requests that got, or would have got, the script; those that were not read, too."""
        self.logins = 0
        self.armed = on_login
        """Whether the script is played. Before and after that, every request is served well."""
        self._closed = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def arm(self) -> None:
        self.armed = True
        if self._when == "refused":
            self._refuse()

    def _refuse(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        self._closed.set()
        self._refuse()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with suppress(OSError), connection:
            while self._one(connection):
                pass
        self._open.discard(connection)

    def _one(self, connection: socket.socket) -> bool:
        """Serve one request; whether the connection stays open."""
        if self._when == "accept" and self.armed:
            self.requests += 1
            return self._play(connection, b"")
        received = b""
        while b"\r\n\r\n" not in received:
            if not (piece := connection.recv(65536)):
                return False
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].partition(b"?")[0].decode()
        is_login = path == AUTHENTICATE
        faulty = is_login == self._on_login and path != PATH_AFTER and self.armed
        if faulty and self._recovers and self.requests:
            self.requests += 1
            faulty = False
        if not (faulty and self._when == "head"):
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            while len(body) < length:
                body += connection.recv(65536)
        good = _RESULTS.get(path, {"ok": True})
        if is_login:
            self.logins += 1
            good = {"accessToken": f"Token-Example-{self.logins}", "expireInSeconds": 86400}
        content = json.dumps(enveloped(good)).encode()
        if faulty:
            self.requests += 1
            return self._play(connection, content)
        new_each_time = self._when in ("accept", "refused")
        connection.sendall(http(content, "200 OK", *(["Connection: close"] if new_each_time else [])))
        return not new_each_time

    def _play(self, connection: socket.socket, good: bytes) -> bool:
        for step in self._script(good):
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, Drip):
                for at in range(len(step.data)):
                    connection.sendall(step.data[at : at + 1])
                    if self._closed.wait(step.gap):
                        return False
            elif isinstance(step, Flood):
                ends = time.monotonic() + 20
                while not self._closed.is_set() and time.monotonic() < ends:
                    connection.sendall(step.data)
            elif isinstance(step, Stall):
                while connection.recv(65536):
                    pass
            elif isinstance(step, Reset):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                return True
        return False


_RESULTS: dict[str, dict[str, object]] = {SESSION: OPENED, SESSION.replace("InitialSession", "Query"): PAID}
