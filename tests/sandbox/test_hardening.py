"""What a page of another site, a caller without credentials, or another user of the machine must not be able to do."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from facade.conftest import OPENING
from sandbox.conftest import Receiver

from commercepay.sandbox.request_log import KEPT_BYTES
from commercepay.sandbox.store import StateFileError
from commercepay.sandbox.web.app import MAX_BODY, is_served
from commercepay.testing import Sandbox, sandbox

GATEWAY = "/api/services/app/PaymentGateway/InitialSession"
EVERY_INTERFACE = "0.0.0.0"


@pytest.mark.parametrize("path", ["/_sandbox/", "/_sandbox/api/state", "/_sandbox/inbox", "/pay/x", GATEWAY, "/"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8400", "[::2]", "a b"]
)
def test_another_host(sb: Sandbox, path: str, host: str) -> None:
    """A request that names another host is refused on every page: a name of an attacker's may point to this machine."""
    with httpx.Client(verify=False) as http:  # no TLS: starts faster
        for method in ("GET", "POST"):
            response = http.request(method, sb.url + path, headers={"Host": host})
            assert response.status_code in (400, 421)
            assert "credentials" not in response.text
    assert sb.requests == []


@pytest.mark.parametrize(
    ("named", "host", "served"),
    [
        ("localhost", "127.0.0.1", True),
        ("shop.localhost", "127.0.0.1", True),
        ("127.0.0.9", "127.0.0.1", True),
        ("::1", "127.0.0.1", True),
        ("192.168.1.2", "127.0.0.1", False),
        ("sandbox", "127.0.0.1", False),
        ("sandbox", EVERY_INTERFACE, True),
        ("192.168.1.2", EVERY_INTERFACE, True),
        ("sandbox.internal", EVERY_INTERFACE, True),
        ("evil.example", EVERY_INTERFACE, False),
        ("evil.example", "::", False),
        ("sandbox.example", "sandbox.example", True),
        ("evil.example", "sandbox.example", False),
    ],
)
def test_hosts(named: str, host: str, served: bool) -> None:
    """Loopback, the host of `--host`, and on every interface addresses and names that are not public are served."""
    assert is_served(named, host) is served


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "text/plain;application/json"])
def test_content_types(sb: Sandbox, kind: str) -> None:
    """The control API takes no content type that a page of another site can send without permission."""
    url = f"{sb.url}/_sandbox/api/reset"
    assert httpx.post(url, content=b"{}", headers={"Content-Type": kind}).status_code == 415
    form = {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(url, content=b"", headers=form).status_code == 403


@pytest.mark.parametrize("path", ["/_sandbox/api/faults", "/_sandbox/inbox", "/pay/x", GATEWAY])
@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies(sb: Sandbox, path: str, chunked: bool) -> None:
    """A body over the limit is refused before it is read whole, everywhere."""
    sent = 0

    def chunks() -> Any:
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield b"x" * MAX_BODY

    body: Any = chunks() if chunked else b"x" * (MAX_BODY + 1)
    try:
        assert httpx.post(sb.url + path, content=body).status_code == 413
    except httpx.TransportError:
        assert chunked  # the connection was closed while more was sent
    assert sent < 100
    assert sb.requests == []


def test_memory_of_requests(sb: Sandbox) -> None:
    """However many and large the requests of callers without credentials are, what is kept of them has a limit in bytes."""
    with httpx.Client(base_url=sb.url, headers={"Content-Type": "application/json"}) as http:
        for _ in range(60):
            http.post(GATEWAY, content=b'"' + b"x" * (MAX_BODY - 2) + b'"')
    log = sb._core.requests
    assert 1 <= len(log) < 30
    assert log._size <= KEPT_BYTES
    assert log._size == sum(one.size for one in log._logged)


def test_responses_to_callbacks(sb: Sandbox, receiver: Receiver) -> None:
    """Of the response to a callback a few hundred bytes are shown, and no more are read."""
    receiver.content = b"private " * 100_000
    with sb.client() as cp:
        session = cp.sessions.create(**OPENING | {"callback_url": receiver.url})
    sb.pay(session.session_number)
    (callback,) = sb.callbacks
    (delivery,) = callback.deliveries
    assert delivery.status == 200
    assert delivery.response == ("private " * 100)[:300]


@pytest.mark.parametrize("exists", [False, True])
def test_permissions_of_the_state_file(tmp_path: Path, exists: bool) -> None:
    """The state file, which holds customers' data, can be read by its owner only; so can the files beside it."""
    path = tmp_path / "state.db"
    if exists:
        path.touch(0o644)
    with sandbox(state_file=path) as running, running.client() as cp:
        cp.sessions.create(**OPENING)
        assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()] == [0o600] * len(
            list(tmp_path.iterdir())
        )


def test_a_corrupt_state_file(tmp_path: Path) -> None:
    """A file that is not a state file is named as that, and not as one that another sandbox uses."""
    path = tmp_path / "state.db"
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(StateFileError, match="not a database"), sandbox(state_file=path):
        raise AssertionError("it started")
