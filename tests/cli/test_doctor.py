"""`commercepay doctor` names what is wrong, in each way in which it can be."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner

from commercepay import doctor
from commercepay.cli import main
from commercepay.doctor import State, examine
from commercepay.testing import Sandbox

CERTIFICATE = Path(__file__).parents[1] / "facade" / "gateway.pem"
"""A key and its certificate, for gateway.example and 127.0.0.1."""

STEPS = ["variables", "name", "connection", "clock", "credentials", "tenant", "signature"]
Set = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def variables(sb: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Set:
    """The variables for the sandbox, and no others. The result sets one of them by the end of its name."""
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.startswith(("SSL_CERT", "COMMERCEPAY_")):
            monkeypatch.delenv(name)

    def change(name: str, value: str) -> None:
        monkeypatch.setenv(f"COMMERCEPAY_{name}", value)

    own = sb.credentials
    for name, value in {
        "TENANT_ID": str(own.tenant_id),
        "USERNAME": own.username,
        "PASSWORD": own.password,
        "SECRET_KEY": own.secret_key,
        "BASE_URL": sb.url,
    }.items():
        change(name, value)
    return change


def problem(**options: Any) -> doctor.Finding:
    """The only problem, which is the last finding."""
    *before, last = examine(**options)
    assert last.state is State.PROBLEM
    assert {finding.state for finding in before} <= {State.OK, State.WARNING}
    assert last.advice
    return last


def test_nothing_is_wrong(sb: Sandbox) -> None:
    """If nothing is wrong, each step is ok, and only a login and a query were sent."""
    findings = list(examine())
    assert [(one.step, one.state) for one in findings] == [(step, State.OK) for step in STEPS]
    assert [one.operation for one in sb.requests] == ["Authenticate", "Query"]
    shown = "\n".join(map(str, findings))
    assert not {sb.credentials.password, sb.credentials.secret_key} & set(shown.split())


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SECRET_KEY", "", "COMMERCEPAY_SECRET_KEY is missing"),
        ("SECRET_KEY", '"key"', "has quotes around it"),
        ("SECRET_KEY", "key ", "has blanks around it"),
        ("PASSWORD", "password\n", "has a line end"),
        ("USERNAME", " user", "has blanks around it"),
        ("TENANT_ID", "x42", "COMMERCEPAY_TENANT_ID must be a positive whole number"),
        ("ENVIRONMENT", "stagging", "did you mean 'staging'?"),
        ("ENVIRONMENT", "staging", "give only one of the two"),
        ("BASE_URL", "http://payments.example.com", "is plain http"),
        ("BASE_URL", "payments.example.com", "must be an absolute URL"),
        ("TENANTID", "42", "COMMERCEPAY_TENANTID"),
    ],
)
def test_a_wrong_variable(variables: Set, name: str, value: str, text: str) -> None:
    """A wrong variable is named."""
    variables(name, value)
    found = list(examine())
    assert {(one.step, one.state) for one in found} == {("variables", State.PROBLEM)}
    assert any(text in one.text for one in found)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SSL_CERT_FILE", "/nowhere.pem", "SSL_CERT_FILE is not a file"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE can't be read as certificates"),
        ("SSL_CERT_DIR", "/nowhere", "SSL_CERT_DIR is not a directory"),
        ("https_proxy", "http://proxy.example:port", "https_proxy is not the URL of a proxy"),
    ],
)
def test_a_wrong_variable_of_the_network(
    variables: Set, monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str
) -> None:
    """A variable for certificates or proxies that can't be used is named."""
    variables("BASE_URL", "https://gateway.example")
    monkeypatch.setenv(name, value)
    found = problem()
    assert (found.step, found.text[: len(text)]) == ("variables", text)


def test_production(variables: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    """Production is not called unless that is allowed."""
    monkeypatch.delenv("COMMERCEPAY_BASE_URL")
    variables("ENVIRONMENT", "production")
    variables("SECRET_KEY", "a key that is not published")
    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    assert problem().step == "environment"
    assert problem(production=True).step == "name"


def no_address(*_args: Any, **_options: Any) -> NoReturn:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_name_without_an_address(variables: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that DNS does not know is named."""
    variables("BASE_URL", "https://gatway.example")
    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    found = problem()
    assert (found.step, found.text) == ("name", "gatway.example has no address (Name or service not known)")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_closed_port(variables: Set) -> None:
    """A port on which nothing listens is named."""
    variables("BASE_URL", f"http://127.0.0.1:{closed_port()}")
    found = problem()
    assert (found.step, "does not accept a connection (Connection refused)" in found.text) == ("connection", True)


def test_a_proxy_that_is_not_reached(variables: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of the environment is shown without its password, and is what is connected to."""
    variables("BASE_URL", "https://gateway.example")
    monkeypatch.setenv("https_proxy", f"http://user:Hush-1@127.0.0.1:{closed_port()}")
    found = list(examine())
    assert [one.step for one in found] == ["variables", "proxy", "name", "connection"]
    assert "Hush-1" not in "".join(map(str, found))


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure() -> Iterator[int]:
    """The port of a server with TLS, which closes each connection after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with suppress(OSError), context.wrap_socket(connection, server_side=True) as wrapped:
                        wrapped.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_no_tls(variables: Set, sb: Sandbox) -> None:
    """A port without TLS is named."""
    variables("BASE_URL", sb.url.replace("http:", "https:"))
    found = problem()
    assert (found.step, found.text.startswith("no TLS on this port")) == ("TLS", True)


@pytest.mark.parametrize(
    ("host", "trusted", "text", "advice"),
    [
        ("127.0.0.1", False, "self-signed certificate", "needs SSL_CERT_FILE"),
        ("localhost", True, "Hostname mismatch", "Check the host for a typo"),
    ],
)
def test_a_certificate_that_is_not_accepted(
    variables: Set, secure: int, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, text: str, advice: str
) -> None:
    """A certificate of an unknown authority and one for another host have different findings."""
    variables("BASE_URL", f"https://{host}:{secure}")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    found = problem()
    assert found.step == "TLS"
    assert text in found.text
    assert advice in found.advice


def test_an_expired_certificate() -> None:
    """For an expired certificate, the clock is to be checked first."""
    error = ssl.SSLCertVerificationError()
    error.verify_code = 10
    assert doctor._certificate_advice(error).startswith("Check the clock of this machine")


@pytest.mark.parametrize(("days", "state"), [(14, State.OK), (1_000_000, State.WARNING)])
def test_a_certificate_that_ends(
    variables: Set, secure: int, monkeypatch: pytest.MonkeyPatch, days: int, state: State
) -> None:
    """A certificate that ends soon is a warning, and the examination continues."""
    variables("BASE_URL", f"https://127.0.0.1:{secure}")
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setattr(doctor, "CERTIFICATE_DAYS", days)
    *_, tls, last = examine()
    assert (tls.step, tls.state) == ("TLS", state)
    assert (last.step, last.state) == ("gateway", State.PROBLEM)


# --- the gateway ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "step", "advice"),
    [
        ("USERNAME", "somebody", "credentials", "Check user name, password and tenant id"),
        ("PASSWORD", "wrong", "credentials", "Check user name, password and tenant id"),
        ("TENANT_ID", "7", "credentials", "Check user name, password and tenant id"),
        ("SECRET_KEY", "wrong", "signature", "the secret key may belong to another tenant or environment"),
    ],
)
def test_wrong_credentials(variables: Set, name: str, value: str, step: str, advice: str) -> None:
    """Wrong credentials and a wrong key have different findings."""
    variables(name, value)
    found = problem()
    assert found.step == step
    assert advice in found.advice


def test_a_locked_user(variables: Set) -> None:
    """A user who is locked out is named."""
    from commercepay.testing import sandbox

    with sandbox(lock_out=True) as other:
        variables("BASE_URL", other.url)
        variables("PASSWORD", "wrong")
        for _ in range(5):
            list(examine())
        assert problem().advice.startswith("The user is locked")


@pytest.mark.parametrize(
    ("fault", "step", "text"),
    [
        ({"kind": "tokens_revoked"}, "tenant", "did not login"),
        ({"kind": "not_json"}, "gateway", "it is not JSON but text/html"),
        ({"kind": "drop_before"}, "gateway", "did not respond"),
        ({"kind": "status", "status": 503}, "gateway", "HTTP 503"),
    ],
)
def test_a_gateway_that_fails(sb: Sandbox, fault: dict[str, Any], step: str, text: str) -> None:
    """A token that is refused, another server, and no response have different findings."""
    sb.faults.add(**fault, endpoint="Query", times=9)
    found = problem()
    assert (found.step, text in found.text) == (step, True), found


def test_a_wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that differs from the server's is a warning."""
    for seconds, text in ((3600, "3600 seconds ahead of the server"), (-3600, "3600 seconds behind the server")):
        monkeypatch.setattr(doctor, "time", SimpleNamespace(time=lambda by=seconds: time.time() + by))
        (clock,) = (one for one in examine() if one.step == "clock")
        assert clock.state is State.WARNING
        assert text.removeprefix("3600") in clock.text


# --- the callback URL -------------------------------------------------------------------------------------------------


@pytest.fixture
def responding() -> Iterator[Callable[[int], str]]:
    """Start an endpoint that responds with a status; the result is its URL."""
    statuses = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(statuses[0])
            self.send_header("Location", "/other")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def respond(status: int) -> str:
        statuses[0] = status
        return f"http://127.0.0.1:{server.server_port}/callback"

    yield respond
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (200, "accepts what is not signed"),
        (302, "Give the URL that it redirects to"),
        (403, "CSRF"),
        (404, "Check the path"),
        (405, "Check the path"),
        (500, "See the log of your server"),
    ],
)
def test_a_wrong_response(responding: Callable[[int], str], status: int, advice: str) -> None:
    """An endpoint that does not respond with 400 or 401 to a request without a signature is a problem."""
    found = problem(callback_url=responding(status))
    assert found.step == "callback response"
    assert advice in found.advice


@pytest.mark.parametrize("status", [400, 401])
def test_a_right_response(responding: Callable[[int], str], status: int) -> None:
    """An endpoint that refuses a request without a signature is ok."""
    *_, last = examine(callback_url=responding(status))
    assert (last.step, last.state) == ("callback response", State.OK)


@pytest.mark.parametrize(
    ("url", "step", "text"),
    [
        ("shop.example.my/callback", "callback URL", "must be an absolute URL"),
        ("http://shop.example.my/callback", "callback URL", "is plain http"),
        ("http://127.0.0.1:{closed}/callback", "callback connection", "does not accept a connection"),
    ],
)
def test_a_wrong_callback_url(url: str, step: str, text: str) -> None:
    """A callback URL that can't work is named."""
    found = problem(callback_url=url.format(closed=closed_port()))
    assert (found.step, text in found.text) == (step, True)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command(variables: Set, responding: Callable[[int], str]) -> None:
    """The command prints the findings, as text or JSON; the exit status is 1 if there is a problem."""
    done = CliRunner().invoke(main, ["doctor", "--callback-url", responding(401)])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()] == ["ok"] * (len(STEPS) + 4)
    variables("SECRET_KEY", "wrong")
    done = CliRunner().invoke(main, ["doctor", "--json"])
    assert done.exit_code == 1
    findings = json.loads(done.stdout)["findings"]
    assert [one["step"] for one in findings] == STEPS
    assert findings[-1]["state"] == "problem"
