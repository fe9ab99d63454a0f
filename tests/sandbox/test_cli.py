"""`commercepay sandbox` from the command line."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from facade.conftest import OPENING
from sandbox.conftest import Command

from commercepay import CommercePay, TransactionNotFound
from commercepay.cli import main

SWITCHES = ("--strict-tenant", "--lock-out", "--report-surcharge")


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    one = Command(*SWITCHES)
    yield one
    one.end()


def test_the_printed_lines_lead_an_sdk_there(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the printed environment lines, `CommercePay.from_env()` needs nothing else. By default, it listens on loopback."""
    assert command.url.startswith("http://127.0.0.1:")
    for name, value in command.environment.items():
        monkeypatch.setenv(name, value)
    with CommercePay.from_env() as client:
        session = client.sessions.create(**OPENING | {"callback_url": "http://127.0.0.1:9/callback"})
    assert httpx.get(session.redirect_url, trust_env=False).status_code == 200
    (dashboard,) = re.findall(r"^  dashboard +(\S+)$", command.printed, re.MULTILINE)
    assert httpx.get(dashboard, timeout=30, trust_env=False).status_code == 200


def test_a_switch_reaches_the_gateway(command: Command) -> None:
    """With `--strict-tenant` a call without the tenant header is refused, though its token is right."""
    with httpx.Client(base_url=command.url, timeout=30, trust_env=False) as client:
        login = {"userNameOrEmailAddress": "sandbox-user", "password": "sandbox-password"}
        authenticated = client.post("/api/TokenAuth/Authenticate", json=login, headers={"Abp-TenantId": "1001"})
        token = {"Authorization": f"Bearer {authenticated.json()['result']['accessToken']}"}
        path = "/api/services/app/Channel/GetTenantChannelsByCountry?countryCode=MY"
        statuses = [client.get(path, headers=token | tenant).status_code for tenant in ({}, {"Abp-TenantId": "1001"})]
    assert statuses == [401, 200]


def test_ctrl_c_ends_it_at_once_and_quietly() -> None:
    """With an open connection it ends within seconds. It has logged each request with the reason of a refusal, no secret."""
    command = Command()
    headers = {"Authorization": "Bearer {some-token}", "Abp-TenantId": "1001"}
    with httpx.Client(base_url=command.url, timeout=30, trust_env=False) as client:
        client.post("/api/services/app/PaymentGateway/InitialSession", json={}, headers=headers)
        began = time.monotonic()
        errors = command.end()
        assert time.monotonic() - began < 5
    assert "POST /api/services/app/PaymentGateway/InitialSession 401 token refused: " in errors
    assert "some-token" not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_url_of_every_interface_works(host: str) -> None:
    """On every interface, it prints a URL for this machine, and responds for other host names as well."""
    command = Command("--host", host)
    try:
        with CommercePay(environment="sandbox", base_url=command.url) as client, pytest.raises(TransactionNotFound):
            client.payments.query(session_number="1")
        named = httpx.get(f"{command.url}/_sandbox/", headers={"Host": "sandbox:8400"}, timeout=30, trust_env=False)
        assert named.status_code == 200
    finally:
        command.end()


@pytest.mark.parametrize("mistake", ["a port that is taken", "a state file in no directory"])
def test_a_mistake_is_one_clear_line(command: Command, tmp_path: Path, mistake: str) -> None:
    """A port or a state file that can't be used is an error without a traceback."""
    port = command.url.rpartition(":")[2] if mistake.startswith("a port") else "0"
    state = tmp_path / "state.db" if mistake.startswith("a port") else tmp_path / "no" / "state.db"
    done = CliRunner().invoke(main, ["sandbox", "--port", port, "--state", str(state)])
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert (
        "Address already in use" if mistake.startswith("a port") else "can't be used as a state file"
    ) in done.output
