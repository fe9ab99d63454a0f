"""uvicorn, on loopback: in the foreground for the command line, or in a thread for tests."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web.app import build

T = TypeVar("T")

_Base: Any = AutoHTTPProtocol


class _DroppableProtocol(_Base):  # type: ignore[misc]  # uvicorn picks the class at run time: httptools, or else h11
    """uvicorn's protocol, which also lets the application drop the connection.

    ASGI has no message for that: when an application returns without a response, uvicorn sends a 500.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        protocol: Any = self
        _Base.connection_made(protocol, transport)
        app = protocol.app

        async def droppable(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), "commercepay.drop": transport.abort}
            await app(scope, receive, send)

        protocol.app = droppable


class Server(uvicorn.Server):
    """A server that stops at once: all that was acknowledged is committed, so there is nothing to wait for."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._ready()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 10  # ten of uvicorn's ticks are a second
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Stop accepting first, then close: asyncio loses a connection that was accepted just before the close.
        for server in self.servers:
            for listener in server.sockets:
                with contextlib.suppress(NotImplementedError):  # Windows accepts in another way
                    asyncio.get_running_loop().remove_reader(listener)
        await self._hang_up()
        await self.lifespan.shutdown()  # ends running callbacks, which may call this server
        await self._hang_up()
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()

    async def _hang_up(self) -> None:
        # A new connection needs a few turns of the event loop to appear in the list, and then to end.
        for _ in range(5):
            for connection in list(self.server_state.connections):
                transport: Any = connection.transport
                transport.abort()
            for task in list(self.server_state.tasks):
                task.cancel()
            await asyncio.sleep(0)

    def stop(self) -> None:
        """Stop the server. Can be called from any thread or signal handler."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.stop()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: connections are queued from now on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol given, asyncio sends small packets without delay; otherwise a response may take 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL under which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # every interface, loopback among them
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(core: SandboxCore, host: str = "127.0.0.1", ready: Callable[[], None] = lambda: None) -> Server:
    config = uvicorn.Config(
        build(core, host),
        http=_DroppableProtocol,
        loop="asyncio",  # uvloop, if installed, does not close while a connection is being aborted
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # The sandbox logs errors of requests; uvicorn would only add messages about the shutdown.
        log_level=logging.CRITICAL,
    )
    return Server(config, ready)


class Background:
    """A server in a thread."""

    def __init__(self, core: SandboxCore, host: str = "127.0.0.1", port: int = 0) -> None:
        self.core = core
        listener = listen(host, port)
        self.url: str = url_of(listener)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server = server(core, host, self._on_ready)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name=f"commercepay-sandbox {self.url}", daemon=True
        )
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the sandbox did not start within 10 seconds")

    def _on_ready(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    def call(self, function: Callable[..., T], *args: Any, **options: Any) -> T:
        """Run a function in the thread of the server, to which the core belongs."""

        async def run() -> T:
            return function(*args, **options)

        return self.wait(run())

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop is None or not self._thread.is_alive():
            coroutine.close()
            raise RuntimeError("the sandbox is not running")
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)
        except concurrent.futures.TimeoutError:
            raise RuntimeError("the sandbox did not respond within 30 seconds") from None

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(10)
        if self._thread.is_alive():
            raise RuntimeError("the sandbox did not stop within 10 seconds")
