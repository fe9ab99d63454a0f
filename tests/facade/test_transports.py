"""HTTP clients of the application, derived clients, other hosts, redirects."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from commercepay_api.api.payment_gateway import query, request_payment
from commercepay_api.models import PaymentRequest
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import (
    AUTHENTICATE,
    ON_THE_WIRE,
    QUERY,
    SECRET_KEY,
    SESSION,
    Gateway,
    Reply,
    enveloped,
    refused,
    signature_of,
)

from commercepay import (
    APIConnectionError,
    ArgumentError,
    AsyncCommercePay,
    AuthenticationError,
    ClientClosed,
    CommercePay,
    ConfigurationError,
    InvalidResponse,
    UnreadableOutcome,
    UnsignableData,
)

QUERIED: dict[str, Any] = {"session_number": "S-1"}


@pytest.fixture
def foreign() -> Any:
    """Another host (another port is another origin), which must not get the credentials."""
    other = Gateway()
    other.strict = False
    yield other
    other.close()


def own_client(driver: Any, **options: Any) -> Any:
    return (httpx.AsyncClient if driver.asynchronous else httpx.Client)(**options)


def close(driver: Any, client: Any) -> None:
    driver.do(client.aclose() if driver.asynchronous else client.close())


def hook_for(driver: Any, act: Any) -> Any:
    async def ahook(item: Any) -> None:
        act(item)

    return ahook if driver.asynchronous else act


def test_own_client_is_used_and_left_alone(driver: Any, gateway: Any, foreign: Any) -> None:
    """The application's `httpx` client is used with its hooks, is not changed or closed, and sends no credentials elsewhere."""
    requests: list[str] = []
    responses: list[int] = []
    own = own_client(
        driver,
        headers={"X-Own": "private"},
        params={"own": "1"},
        cookies={"own": "c"},
        auth=("basic", "auth"),
        base_url=foreign.url,
        event_hooks={
            "request": [hook_for(driver, lambda request: requests.append(request.url.path))],
            "response": [hook_for(driver, lambda response: responses.append(response.status_code))],
        },
    )
    before = (dict(own.headers), str(own.base_url), str(own.params), dict(own.cookies), own.timeout, own.auth)
    cp = driver.client(http_client=own)
    driver.do(cp.sessions.create(**OPENING))
    driver.do(cp.payments.query(**QUERIED))

    assert requests == [AUTHENTICATE, SESSION, QUERY]
    assert responses == [200, 200, 200]
    for seen in gateway.seen:
        assert "x-own" not in seen.headers
        assert "cookie" not in seen.headers
        assert "own=" not in seen.target
    driver.shut(cp)
    assert not own.is_closed
    assert before == (dict(own.headers), str(own.base_url), str(own.params), dict(own.cookies), own.timeout, own.auth)
    driver.do(own.get("/elsewhere"))
    assert foreign.seen[-1].headers.keys().isdisjoint({"cap-signature", "abp-tenantid"})
    assert foreign.seen[-1].headers["authorization"].startswith("Basic ")
    close(driver, own)


def test_own_clients_mounts(driver: Any) -> None:
    """The mounts of the application's client are used."""
    mounted: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        mounted.append(request.url.path)
        return httpx.Response(200, json=enveloped({"accessToken": "t", "expireInSeconds": 60}))

    own = own_client(driver, mounts={"https://payments.commerce.asia": httpx.MockTransport(respond)})
    driver.do(driver.client(http_client=own, base_url=None, environment="production").request("GET", "/x"))
    assert mounted == [AUTHENTICATE, "/x"]
    close(driver, own)


def test_a_closed_own_client(driver: Any, gateway: Any) -> None:
    """A call with the application's client after it was closed raises ClientClosed."""
    own = own_client(driver)
    cp = driver.client(http_client=own)
    close(driver, own)
    with pytest.raises(ClientClosed):
        driver.do(cp.sessions.create(**OPENING))
    assert gateway.seen == []


def test_own_transport(driver: Any, gateway: Any) -> None:
    """The application's transport sends the calls."""
    seen: list[str] = []
    base: Any = httpx.AsyncHTTPTransport if driver.asynchronous else httpx.HTTPTransport

    class Noting(base):  # type: ignore[misc]
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.url.path)
            return super().handle_request(request)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.url.path)
            return await super().handle_async_request(request)

    driver.do(driver.client(transport=Noting()).payments.query(**QUERIED))
    assert seen == [AUTHENTICATE, QUERY]


def test_of_the_wrong_colour(driver: Any) -> None:
    """An async client or transport for a sync client, or the other way round, or both at once, is one error."""
    wrong_client = (httpx.Client if driver.asynchronous else httpx.AsyncClient)()
    wrong_transport = (httpx.HTTPTransport if driver.asynchronous else httpx.AsyncHTTPTransport)()
    with pytest.raises(ConfigurationError) as caught:
        driver.client(http_client=wrong_client, transport=wrong_transport)
    assert len(caught.value.problems) == 3
    for wrong in ({"http_client": object()}, {"transport": "http"}):
        with pytest.raises(ConfigurationError):
            driver.client(**wrong)


def test_closed_while_idle(driver: Any, gateway: Any, cp: Any) -> None:
    """A POST goes over a new connection if the gateway has closed the idle one, also if no event loop ran meanwhile."""
    driver.do(cp.payments.query(session_number="S-1"))
    gateway.disconnect()
    driver.do(cp.sessions.create(**OPENING))
    assert gateway.count(SESSION) == 1


def test_another_http_library(driver: Any) -> None:
    """A client or transport of httpx2 where the package uses httpx, or the other way round: the error names both."""
    other = {"httpx": "httpx2", "httpx2": "httpx"}[httpx.__name__]
    theirs = type("Client", (), {"__module__": f"{other}._client"})
    given = type("Own", (theirs,), {"__module__": "shop.http"})()
    for name in ("http_client", "transport"):
        with pytest.raises(ConfigurationError, match=f"an object of {other}, .*Build it with {httpx.__name__}, "):
            driver.client(**{name: given})


def test_other_origins(driver: Any, gateway: Any, foreign: Any, cp: Any) -> None:
    """A request to another origin through the generated client's connections is refused, and nothing is sent."""
    http = driver.http(cp.api)
    for url in (foreign.url + "/x", foreign.url.replace("127.0.0.1", "localhost") + QUERY):
        with pytest.raises(ArgumentError, match="nothing was sent"):
            driver.do(http.post(url, json={"a": 1}))
    assert foreign.seen == gateway.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "https://gateway.example.evil.test/base/x",
        "https://gateway.example:8443/base/x",
        "http://gateway.example/base/x",
        "https://gateway.example@evil.test/base/x",
        "https://evil.test/https://gateway.example/base/x",
        "https://gateway.example/",
        "https://gateway.example/basement/x",
        "https://gateway.example/base/../x",
        "https://gateway.example/base/%2e%2e/x",
        "https://gateway.example/base/.%252e/x",
        "https://gateway.example/base/..%2fx",
        "https://gateway.example/base/..%5cx",
        "https://gateway.example/base/a%2f%2e%2e%2f%2e%2e%2fx",
        "https://gateway.example/base/%3f%2f..%2f..%2fx",
    ],
)
def test_below_the_base_url(driver: Any, url: str) -> None:
    """What is not below the base URL is refused: other hosts, ports and schemes, and dot segments in any encoding."""
    seen: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=enveloped({"accessToken": "t", "expireInSeconds": 60}))

    cp = driver.client(base_url="https://gateway.example/base", transport=httpx.MockTransport(respond))
    with pytest.raises(ArgumentError, match="base URL"):
        driver.do(driver.http(cp.api).get(url))
    path = url.partition("/base")[2]
    if ".." in unquote(unquote(path)):
        with pytest.raises(ArgumentError, match="path"):
            driver.do(cp.request("POST", path, json={}))
    assert seen == []
    driver.do(driver.http(cp.api).get("https://GATEWAY.example:443/base/x"))
    assert seen[-1].headers["cap-signature"] == signature_of("https://gateway.example/base/x", {})


@pytest.mark.parametrize(
    ("own", "status", "location"),
    [
        *((False, status, "/elsewhere") for status in (301, 302, 303, 307, 308)),
        *((False, 307, location) for location in ("localhost:8080/x", "about:blank", "https://xn--zzzz--", "//")),
        *((own, 307, "foreign") for own in (False, True)),
    ],
)
def test_redirects(driver: Any, gateway: Any, foreign: Any, own: bool, status: int, location: str) -> None:
    """A redirect is not followed, not even by an HTTP client that does so or if the raw client asks. The error names it."""
    where = foreign.url if location == "foreign" else location
    options = {"http_client": own_client(driver, follow_redirects=True)} if own else {}
    cp = driver.client(max_retries=0, **options)
    gateway.always = dict.fromkeys((SESSION, QUERY), Reply(b"", status, {"Location": where}))
    with pytest.raises(UnreadableOutcome, match=re.escape(where)) as caught:
        driver.do(cp.sessions.create(**OPENING))
    assert (caught.value.reference_code, caught.value.status_code) == ("INV-1", status)
    with pytest.raises(InvalidResponse, match=re.escape(where)):
        driver.do(driver.http(cp.api).get(QUERY, follow_redirects=True))
    assert foreign.seen == []
    assert gateway.count("/elsewhere") == 0
    for client in options.values():
        close(driver, client)


def test_requests_by_hand(driver: Any, gateway: Any, cp: Any) -> None:
    """A request that is built with the generated client's `httpx` client is signed as well."""
    http = driver.http(cp.api)
    response = driver.do(http.post(SESSION, json={"referenceCode": "BY-HAND", "amount": 1, "x": None}))
    assert response.status_code == 200
    assert gateway.created == ["BY-HAND"]
    driver.do(http.get("/any", params={"a": "b"}))
    assert gateway.seen[-1].signature == signature_of(gateway.url + "/any", {"a": "b"})


def test_derived_clients(driver: Any, gateway: Any, cp: Any) -> None:
    """A client derived with other headers or another timeout is signed, shares the token, and renews it after a 401."""
    derived = cp.api.with_headers({"X-Trace": "abc"}).with_timeout(httpx.Timeout(3))

    def ask() -> Any:
        return driver.raw(query, derived, session_number="S-1", timestamp=1621851652617)

    assert ask().status_code == 200
    driver.do(cp.payments.query(**QUERIED))
    assert gateway.authenticates == 1
    gateway.revoke_all()
    assert ask().status_code == 200
    assert gateway.authenticates == 2
    assert [seen.headers.get("x-trace") for seen in gateway.requests(QUERY)] == ["abc", None, "abc", "abc"]
    assert driver.http(derived).timeout == httpx.Timeout(3)
    assert driver.http(cp.api).timeout == httpx.Timeout(30)
    close(driver, driver.http(derived))


def test_raw_functions_renew(driver: Any, gateway: Any, cp: Any) -> None:
    """A raw generated function renews the token after a 401, and raises AuthenticationError if the new one is refused."""
    driver.do(cp.payments.query(**QUERIED))
    gateway.revoke_all()
    response = driver.raw(query, cp.api, session_number="S-1", timestamp=1621851652617)
    assert response.parsed.result.reference_code == "INV-1"
    assert gateway.authenticates == 2
    gateway.revoke_all()
    gateway.always[AUTHENTICATE] = Reply(refused(0, "Login failed!"), 401)
    with pytest.raises(AuthenticationError):
        driver.raw(query, cp.api, session_number="S-1", timestamp=1621851652617)


def test_raw_functions_refuse_the_unsignable(driver: Any, gateway: Any, cp: Any) -> None:
    """Data that can't be signed is an error before anything is sent, also in raw functions."""
    body = PaymentRequest.from_dict(ON_THE_WIRE | {"Amount": 2, "timestamp": 1})
    with pytest.raises(UnsignableData, match="Amount"):
        driver.raw(request_payment, cp.api, body=body)
    assert gateway.seen == []


def test_cookies_are_not_kept(driver: Any, gateway: Any, cp: Any) -> None:
    """Cookies of the gateway are not sent back."""
    gateway.queue(QUERY, Reply(enveloped({"a": 1}), 200, {"Set-Cookie": "sid=1; Path=/"}))
    driver.do(cp.request("GET", QUERY))
    driver.do(cp.request("POST", "/x"))
    assert all("cookie" not in seen.headers for seen in gateway.seen)


def test_tls_is_verified() -> None:
    """Certificates are verified for every https base URL, in every spelling."""
    for base_url in (None, "https://payments.commerce.asia", "HTTPS://payments.commerce.asia", "https://127.0.0.1:1"):
        for cls in (CommercePay, AsyncCommercePay):
            cp: Any = cls(base_url=base_url, **CREDENTIALS)
            assert cp.api._verify_ssl is True
            assert cp.settings.base_url.startswith("https://")
        with CommercePay(base_url=base_url, **CREDENTIALS) as cp:
            tls = cp.api.get_httpx_client()._transport._pool._ssl_context
        assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_an_untrusted_certificate(driver: Any, at_once: None) -> None:
    """A server without a valid certificate is a connection error and gets no byte of a request."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")  # no TLS at all

        thread = threading.Thread(target=talk)
        thread.start()
        cp = driver.client(base_url=f"https://127.0.0.1:{server.getsockname()[1]}", max_retries=0)
        with pytest.raises(APIConnectionError):
            driver.do(cp.sessions.create(**OPENING))
        thread.join()
    assert received[0][:1] == b"\x16"  # a TLS handshake
    assert SECRET_KEY.encode() not in received[0]
    assert b"POST" not in received[0]
