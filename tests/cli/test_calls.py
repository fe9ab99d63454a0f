"""`commercepay channels`, `payment` and `request`, against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from facade.conftest import OPENING

from commercepay.cli import _calls, main
from commercepay.client import CommercePay
from commercepay.testing import Sandbox

CHANNELS = "/api/services/app/Channel/GetTenantChannelsByCountry"


@pytest.fixture
def run(sb: Sandbox) -> Callable[..., Result]:
    def invoke(*arguments: str, given: str | None = None, **variables: str) -> Result:
        done = CliRunner().invoke(main, arguments, input=given, env=sb.environment | variables)
        assert not {sb.credentials.password, sb.credentials.secret_key} & set(done.output.split())
        return done

    return invoke


@pytest.fixture
def number(sb: Sandbox) -> str:
    with sb.client() as cp:
        return cp.sessions.create(**OPENING | {"callback_url": f"{sb.url}/_sandbox/inbox"}).session_number


def test_channels(run: Callable[..., Result]) -> None:
    """The channels are listed with their numbers and names."""
    assert "    2  FPX" in run("channels").stdout.splitlines()
    assert [one["id"] for one in json.loads(run("channels", "--json").stdout)["channels"]] == [2, 4, 18, 22]
    assert run("channels", "--country", "SG").stdout == "no channels\n"


def test_query(run: Callable[..., Result], number: str) -> None:
    """The status of a payment is shown."""
    done = run("payment", "query", "--session-number", number)
    assert (done.exit_code, done.stdout) == (0, "INV-1: MYR 12.34, PENDING\n")
    found = json.loads(run("payment", "query", "--session-number", number, "--json").stdout)["payment"]
    assert (found["status"], found["amount"]) == (0, {"minor": 1234, "currency": "MYR"})


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["payment", "query", "--session-number", "S-0"], 4, "Transaction Not Found"),
        (["payment", "query", "--session-number", "S-0", "--transaction-number", "T-0"], 2, "give --session-number or"),
        (["payment", "query", "--json"], 2, "give --session-number or"),
        (["payment", "wait", "--timeout", "5"], 2, "give --session-number or"),
        (["payment", "wait", "--session-number", "S-0", "--timeout", "0"], 2, "Invalid value for '--timeout'"),
        (["channels", "--country", "x"], 2, "country"),
        (["request", "PUT", "/x"], 2, "Invalid value for '{GET|POST}'"),
        (["request", "GET", "x"], 2, "path must start with"),
        (["request", "GET", "/x", "--data", "nowhere.json"], 2, "No such file"),
    ],
)
def test_errors(run: Callable[..., Result], arguments: list[str], status: int, text: str) -> None:
    """Wrong arguments and refusals have their exit status, and nothing is on stdout."""
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert text in done.stderr


def test_a_wrong_variable(run: Callable[..., Result]) -> None:
    """A wrong variable is status 2, wrong credentials are status 5, and no connection is status 6."""
    assert run("channels", COMMERCEPAY_ENVIRONMENT="stagging").exit_code == 2
    own = {"COMMERCEPAY_ENVIRONMENT": "", "COMMERCEPAY_PASSWORD": "wrong"}
    assert run("channels", **own).exit_code == 5
    assert run("channels", COMMERCEPAY_BASE_URL="http://127.0.0.1:9").exit_code == 6


def test_wait(run: Callable[..., Result], sb: Sandbox, number: str) -> None:
    """The end of a payment is shown, alone if that is asked for."""
    sb.pay(number)
    done = run("payment", "wait", "--session-number", number, "--quiet", "--json")
    assert (done.exit_code, done.stderr, json.loads(done.stdout)["payment"]["status"]) == (0, "", 1)


@pytest.mark.parametrize("quiet", [False, True])
def test_wait_for_a_payment_that_stays_open(
    run: Callable[..., Result], number: str, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status and the time that is left are shown on stderr; after the timeout the exit status is 9."""
    monkeypatch.setattr(_calls, "SLICE", 0.4)
    done = run("payment", "wait", "--session-number", number, "--timeout", "1", *(["--quiet"] if quiet else []))
    assert (done.exit_code, done.stdout) == (9, "")
    assert ("PENDING, 1 seconds left" in done.stderr) == (not quiet)
    assert "The payment may still be paid" in done.stderr


def test_request(run: Callable[..., Result], sb: Sandbox) -> None:
    """A signed call is made with the members of a file, and its result is printed."""
    done = run("request", "GET", CHANNELS, "--data", "-", given='{"countryCode": "MY"}')
    assert [one["id"] for one in json.loads(done.stdout)] == [2, 4, 18, 22]
    assert sb.requests[-1].url.endswith("?countryCode=MY")


@pytest.mark.parametrize(
    ("arguments", "answer", "status", "sent"),
    [([], "n\n", 130, False), ([], "y\n", 0, True), (["--yes"], None, 0, True), (["--no-input"], None, 2, False)],
)
def test_a_post_to_production(
    run: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    answer: str | None,
    status: int,
    sent: bool,
) -> None:
    """A POST to production is asked about, unless `--yes` is given; with `--no-input` it is refused."""
    calls: list[Any] = []
    monkeypatch.setattr(CommercePay, "request", lambda _self, *call, **_members: calls.append(call))
    production = {
        "COMMERCEPAY_ENVIRONMENT": "production",
        "COMMERCEPAY_BASE_URL": "",
        "COMMERCEPAY_SECRET_KEY": "own-key",
    }
    done = run("request", "POST", "/x", *arguments, given=answer, **production)
    assert done.exit_code == status, done.output
    assert calls == ([("POST", "/x")] if sent else [])
