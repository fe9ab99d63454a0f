"""The environment of a client: proxies, certificates, event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from commercepay_api.api.payment_gateway import query
from facade.conftest import CREDENTIALS, OPENING

from commercepay import (
    APIConnectionError,
    AsyncCommercePay,
    CommercePay,
    ConfigurationError,
    Money,
    OpenPayment,
    demo,
)
from commercepay.integrations._endpoint import Endpoint
from commercepay.testing import sandbox

BOTH = pytest.mark.parametrize("cls", [CommercePay, AsyncCommercePay])
QUERIED: dict[str, Any] = {"session_number": "S-1"}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the machine that runs the tests have no effect."""
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.startswith("SSL_CERT"):
            monkeypatch.delenv(name)


class Proxy:
    """A proxy on loopback, which refuses and records every request."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                received = connection.recv(65536)
                if received == b"end":
                    return
                self.seen.append(received)
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        with socket.create_connection(self._listener.getsockname()) as last:
            last.sendall(b"end")
        self._thread.join()
        self._listener.close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Set every proxy variable to this proxy."""
    running = Proxy()
    for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, running.url)
    yield running
    running.close()


def test_a_proxy_of_the_environment_is_used(driver: Any, proxy: Proxy) -> None:
    """A gateway on another host is called through the proxy of the environment; here a sandbox in another container."""
    cp = driver.client(
        environment="sandbox", base_url="http://sandbox:8400", **dict.fromkeys(CREDENTIALS), max_retries=0
    )
    with pytest.raises(Exception):  # noqa: B017, PT011  # what the proxy's response means is tested elsewhere
        driver.do(cp.payments.query(**QUERIED))
    assert proxy.seen[0].startswith(b"POST http://sandbox:8400/api/TokenAuth/Authenticate ")


def test_loopback_is_reached_directly(driver: Any, gateway: Any, proxy: Proxy) -> None:
    """No call to a gateway on loopback goes through a proxy: facade, `request`, generated function, derived client."""
    gateway.strict = False  # it expects signatures over its URL with 127.0.0.1
    for host in ("127.0.0.1", "localhost"):
        cp = driver.client(base_url=gateway.url.replace("127.0.0.1", host))
        driver.do(cp.payments.query(**QUERIED))
        driver.do(cp.request("POST", "/x"))
        derived = cp.api.with_headers({"X-Trace": "abc"})
        for api in (cp.api, derived):
            assert driver.raw(query, api, session_number="S-1", timestamp=1621851652617).status_code == 200
        http = driver.http(derived)
        driver.do(http.aclose() if driver.asynchronous else http.close())
    assert proxy.seen == []


def test_the_sandbox_is_reached_directly(proxy: Proxy) -> None:
    """The demo, with its customer and callbacks, and a test's sandbox send nothing to a proxy."""
    assert demo.run(write=lambda line: None) == 0
    with sandbox() as running, running.client() as cp:
        cp.sessions.create(**OPENING)
    assert proxy.seen == []


@BOTH
@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("SSL_CERT_FILE", "/nowhere/Hush-1.pem", "is not a file"),
        ("SSL_CERT_DIR", "/nowhere/Hush-1", "is not a directory"),
        ("ALL_PROXY", "socks5://u:Hush-1@127.0.0.1:7891", f"pip install '{httpx.__name__}[socks]'"),
        ("all_proxy", "socks://u:Hush-1@127.0.0.1:7891/", "not the URL of a proxy"),
        ("HTTPS_PROXY", "u:Hush/1@proxy.example:3128", "not the URL of a proxy"),
        ("https_proxy", "http://proxy.example:Hush", "not the URL of a proxy"),
    ],
)
def test_a_variable_that_httpx_can_not_use(
    cls: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, part: str
) -> None:
    """A wrong proxy or certificate variable is named when the client is built, its value unseen; loopback has no proxy."""
    monkeypatch.setitem(sys.modules, "socksio", None)  # as if it were not installed
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name} .*") as caught:
        cls(**CREDENTIALS)
    assert part in str(caught.value)
    assert "Hush" not in str(caught.value)
    cls(base_url="http://127.0.0.1:1", **CREDENTIALS)


@BOTH
def test_networks_in_no_proxy(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY may list networks, of IPv6 as well, as other programs take them."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,10.0.0.0/8,fd07:b51a:cc66:f0::/64")
    cls(**CREDENTIALS)


def test_a_variable_that_goes_wrong_later(driver: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variable that is unusable at the first connection causes the same error, and nothing is sent."""
    certificates = tmp_path / "ca.pem"
    certificates.write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    cp = driver.client(base_url="https://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"^SSL_CERT_FILE can't be read as certificates"):
        driver.do(cp.payments.query(**QUERIED))
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(APIConnectionError):
        driver.do(driver.client(base_url="https://127.0.0.1:1", max_retries=0).payments.query(**QUERIED))


def test_a_wrong_variable_ends_no_loop_and_no_page(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that goes wrong later is the error of each item of `reconcile`, and of a customer's return."""
    order = OpenPayment(session_number="S-1", reference_code="INV-1", amount=Money("12.34", "MYR"))
    endpoint = Endpoint(callback_url=OPENING["callback_url"], on_callback=print, find_order=lambda hint: order)
    cp = driver.client(base_url="https://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")

    async def items() -> list[Any]:
        return [one async for one in cp.payments.reconcile([order, order])]

    errors = [
        one.error for one in (driver.do(items()) if driver.asynchronous else cp.payments.reconcile([order, order]))
    ]
    returned = driver.do(
        endpoint.areturned(cp, "", asyncio.to_thread) if driver.asynchronous else endpoint.returned(cp, "")
    )
    assert [type(error) for error in [*errors, returned.error]] == [ConfigurationError] * 3


@BOTH
def test_a_file_of_tls_keys(
    cls: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """One warning names SSLKEYLOGFILE, by which TLS can be decrypted, unless there is no TLS."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    cls(base_url="http://127.0.0.1:1", **CREDENTIALS)
    assert caplog.text == ""
    with CommercePay(**CREDENTIALS) as cp:
        cp.api.get_httpx_client()
    assert caplog.text.count("SSLKEYLOGFILE is set") == 1
    cls(**CREDENTIALS)
    assert caplog.text.count("SSLKEYLOGFILE is set") == 2


@BOTH
@pytest.mark.parametrize("given", ["http_client", "transport", "mounts"])
def test_without_verification(cls: Any, caplog: pytest.LogCaptureFixture, given: str) -> None:
    """An HTTP client or transport with verify=False is refused for production, and causes a warning elsewhere."""
    client, transport = (
        (httpx.AsyncClient, httpx.AsyncHTTPTransport)
        if cls is AsyncCommercePay
        else (httpx.Client, httpx.HTTPTransport)
    )

    def own(verify: bool) -> dict[str, Any]:
        if given == "mounts":
            return {"http_client": client(mounts={"https://": transport(verify=verify)})}
        return {given: (client if given == "http_client" else transport)(verify=verify)}

    for environment in ("staging", "production"):
        cls(**CREDENTIALS, environment=environment, **own(True))
    cls(**CREDENTIALS, base_url="http://127.0.0.1:1", **own(False))
    assert caplog.text == ""
    cls(**CREDENTIALS, **own(False))
    assert "does not verify certificates" in caplog.text
    with pytest.raises(ConfigurationError, match="does not verify certificates"):
        cls(**CREDENTIALS, environment="production", **own(False))
    cls(**CREDENTIALS, environment="production", transport=httpx.MockTransport(print))  # of which nothing is known


# --- event loops ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_thread", [False, True])
def test_connections_end_with_their_loop(gateway: Any, in_thread: bool) -> None:
    """A client that is used in many event loops, one after the other, keeps no socket of an ended loop, without a warning."""
    cp = AsyncCommercePay(base_url=gateway.url, **CREDENTIALS)
    pools: list[Any] = []

    async def use() -> None:
        await cp.payments.query(**QUERIED)
        pools.append(cp.api.get_async_httpx_client())
        assert not pools[-1].is_closed

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            if in_thread:
                thread = threading.Thread(target=lambda: asyncio.run(use()))
                thread.start()
                thread.join()
            else:
                asyncio.run(use())
            assert pools[-1].is_closed
        assert len(pools) == 3
        assert not cp.api.connections.is_open
        gc.collect()


def test_connections_go_on_after_their_loop_closed_them(gateway: Any) -> None:
    """A loop that ends its async generators and continues gets new connections."""

    async def use() -> None:
        async with AsyncCommercePay(base_url=gateway.url, **CREDENTIALS) as cp:
            await cp.payments.query(**QUERIED)
            first = cp.api.get_async_httpx_client()
            await asyncio.get_running_loop().shutdown_asyncgens()
            assert first.is_closed
            with pytest.warns(ResourceWarning, match="after loop.shutdown_asyncgens"):
                await cp.payments.query(**QUERIED)

    asyncio.run(use())


def without_asyncio(make: Callable[[], Any]) -> None:
    """Await like another async library, without an event loop of asyncio."""
    step = make()
    for _ in range(1000):
        step.send(None)


@pytest.mark.parametrize("call", ["query", "create", "request", "wait", "reconcile", "raw", "aclose"])
def test_asyncio_only(gateway: Any, call: str) -> None:
    """Under another async library, every call raises an error that names asyncio, and nothing is sent."""
    cp = AsyncCommercePay(base_url=gateway.url, **CREDENTIALS)

    async def raw() -> None:
        await query.asyncio(client=cp.api, session_number="S-1", timestamp=1)

    calls: dict[str, Callable[[], Any]] = {
        "query": lambda: cp.payments.query(**QUERIED),
        "create": lambda: cp.sessions.create(**OPENING),
        "request": lambda: cp.request("POST", "/x"),
        "wait": lambda: cp.payments.wait(**QUERIED, timeout=1),
        "reconcile": lambda: anext(cp.payments.reconcile([])),
        "raw": raw,
        "aclose": cp.aclose,
    }
    with pytest.raises(ConfigurationError, match="asyncio only"):
        without_asyncio(calls[call])
    assert gateway.seen == []
