"""`commercepay sandbox` from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from commercepay import CommercePay, Money, TransactionNotFound


class Command:
    """The running command, and what it has printed."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "commercepay", "sandbox", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("COMMERCEPAY_")},
        )
        self.printed = ""

    def until(self, text: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if text in line:
                return self.printed
        raise AssertionError(
            f"it ended without {text!r}:\n{self.printed}{self.process.stderr and self.process.stderr.read()}"
        )

    def end(self) -> str:
        """Press Ctrl+C. Returns the text of standard error."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=20)
        return errors


@pytest.fixture
def command() -> Iterator[Command]:
    one = Command("--port", "0")
    yield one
    one.end()


def test_the_printed_lines_lead_an_sdk_there(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the printed environment lines, `CommercePay.from_env()` needs nothing else."""
    printed = command.until("COMMERCEPAY_BASE_URL")
    for line in printed.splitlines():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
    with CommercePay.from_env() as client:
        session = client.sessions.create(
            amount=Money("1.00", "MYR"),
            reference_code="INV-1",
            ip_address="203.0.113.9",
            return_url="https://shop.example.my/return",
            callback_url="http://127.0.0.1:9/callback",
        )
    assert httpx.get(session.redirect_url, trust_env=False).status_code == 200
    dashboard = next(line.split()[1] for line in printed.splitlines() if line.split()[:1] == ["dashboard"])
    assert httpx.get(dashboard, timeout=30, trust_env=False).status_code == 200


def test_requests_and_explanations_are_logged(command: Command) -> None:
    """Standard error has a line for each request, with the reason of a refusal, and no secret."""
    url = command.until("COMMERCEPAY_BASE_URL").rpartition("=")[2].strip()
    headers = {"Authorization": "Bearer {some-token}", "Abp-TenantId": "1001"}
    httpx.post(f"{url}/api/services/app/PaymentGateway/InitialSession", json={}, headers=headers, trust_env=False)
    errors = command.end()
    assert "POST /api/services/app/PaymentGateway/InitialSession 401 token refused: " in errors
    assert "some-token" not in errors


def test_ctrl_c_ends_it_at_once_and_quietly(command: Command) -> None:
    """With an open connection it ends within seconds, without a traceback."""
    url = command.until("COMMERCEPAY_BASE_URL").rpartition("=")[2].strip()
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        client.get("/_sandbox/api/state")
        began = time.monotonic()
        errors = command.end()
        assert time.monotonic() - began < 5
    assert "Traceback" not in errors


def test_it_listens_on_loopback_by_default(command: Command) -> None:
    """The printed URL is the loopback address."""
    assert command.until("COMMERCEPAY_BASE_URL").rpartition("=")[2].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_url_of_every_interface_works(host: str) -> None:
    """On every interface, it prints a URL for this machine, and responds for other host names as well."""
    command = Command("--host", host, "--port", "0")
    try:
        url = command.until("COMMERCEPAY_BASE_URL").rpartition("=")[2].strip()
        with CommercePay(environment="sandbox", base_url=url) as client, pytest.raises(TransactionNotFound):
            client.payments.query(session_number="1")
        assert (
            httpx.get(f"{url}/_sandbox/", headers={"Host": "sandbox:8400"}, timeout=30, trust_env=False).status_code
            == 200
        )
    finally:
        command.end()


def test_a_switch_reaches_the_gateway() -> None:
    """With `--strict-tenant` a call without the tenant header is refused, though its token is right."""
    command = Command("--port", "0", "--strict-tenant", "--lock-out", "--report-surcharge")
    url = command.until("COMMERCEPAY_BASE_URL").rpartition("=")[2].strip()
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        login = {"userNameOrEmailAddress": "sandbox-user", "password": "sandbox-password"}
        authenticated = client.post("/api/TokenAuth/Authenticate", json=login, headers={"Abp-TenantId": "1001"})
        token = {"Authorization": f"Bearer {authenticated.json()['result']['accessToken']}"}
        path = "/api/services/app/Channel/GetTenantChannelsByCountry?countryCode=MY"
        statuses = [client.get(path, headers=token | tenant).status_code for tenant in ({}, {"Abp-TenantId": "1001"})]
    command.end()
    assert statuses == [401, 200]


def test_a_port_that_is_taken_is_one_clear_line(command: Command) -> None:
    """A second sandbox on the same port is an error."""
    port = command.until("COMMERCEPAY_BASE_URL").rpartition(":")[2].strip()
    second = Command("--port", port)
    assert second.process.wait(20) == 1
    errors = second.end()
    assert "Address already in use" in errors
    assert "Traceback" not in errors


def test_a_state_file_in_no_directory_is_one_clear_line(tmp_path: Path) -> None:
    """A path that can't be opened is an error without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "commercepay", "sandbox", "--state", str(tmp_path / "no" / "state.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "can't be used as a state file" in done.stderr
    assert "Traceback" not in done.stderr
