"""Calls over TLS: directly, and through proxies."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from facade.conftest import OPENING
from facade.gateway import Gateway

from commercepay import APIConnectionError, PaymentStatus

CERTIFICATE = Path(__file__).with_name("gateway.pem")
"""A key and its certificate, for gateway.example and 127.0.0.1, until the year 2126."""

PROXIES = {
    "http": [(b"CONNECT gateway.example:443 HTTP/1.1\r\n", b"HTTP/1.1 200 Connected\r\n\r\n")],
    "socks5": [
        (b"\x05", b"\x05\x02"),
        (b"\x01\x04user\x08password", b"\x01\x00"),
        (b"\x05", b"\x05\x00\x00\x01" + bytes(6)),
    ],
}
"""For each kind of proxy: how what it receives starts, and what it sends then."""


class Proxy:
    """A proxy that connects to one port on loopback, whatever it is asked for."""

    def __init__(self, kind: str, port: int) -> None:
        self.dialogue = PROXIES[kind]
        self.connections = 0
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{kind}://user:password@127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: Any, *args: Any) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            for expected, response in self.dialogue:
                assert client.recv(65536).startswith(expected)
                client.sendall(response)
            self._start(_copy, server, client)
            _copy(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def secure(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of the gateway, which uses TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    gateway._server.socket = context.wrap_socket(gateway._server.socket, server_side=True)
    return gateway._server.server_port


def call(driver: Any, gateway: Gateway, base_url: str) -> None:
    """Three calls with one client."""
    gateway.url = base_url
    cp = driver.client(base_url=base_url)
    assert driver.do(cp.sessions.create(**OPENING)).session_number == "S-INV-1"
    for _ in range(2):
        assert driver.do(cp.payments.query(session_number="S-1")).status is PaymentStatus.PAID
    driver.shut(cp)


def test_tls(driver: Any, gateway: Gateway, secure: int) -> None:
    """Calls go over TLS, to a host whose certificate is trusted and has its name."""
    call(driver, gateway, f"https://127.0.0.1:{secure}")
    with pytest.raises(APIConnectionError, match="was not reached") as caught:
        call(driver, gateway, f"https://localhost:{secure}")
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.detail


@pytest.mark.parametrize("kind", PROXIES)
def test_a_proxy(driver: Any, gateway: Gateway, secure: int, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """A proxy of the environment is used, with its password; the calls share one connection through it, which has TLS."""
    proxy = Proxy(kind, secure)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy.url)
    call(driver, gateway, "https://gateway.example")
    proxy.close()
    assert proxy.connections == 1


@pytest.mark.parametrize(
    ("kind", "refusal"), [("http", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), ("socks5", b"\x05\xff")]
)
def test_a_proxy_that_refuses(
    driver: Any, gateway: Gateway, secure: int, monkeypatch: pytest.MonkeyPatch, kind: str, refusal: bytes
) -> None:
    """A proxy that refuses the connection is a connection error, without its password; the POST was not sent."""
    proxy = Proxy(kind, secure)
    proxy.dialogue = [(PROXIES[kind][0][0], refusal)]
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("https_proxy", proxy.url)
    cp = driver.client(base_url="https://gateway.example", max_retries=0)
    with pytest.raises(APIConnectionError, match="ProxyError") as caught:
        driver.do(cp.sessions.create(**OPENING))
    driver.shut(cp)
    proxy.close()
    assert "password" not in repr(caught.value)
    assert gateway.seen == []
