"""`commercepay.testing`: it starts fast, is isolated, creates clients, and makes callbacks without a server."""

from __future__ import annotations

import subprocess
import threading
import time

import pytest
from facade.conftest import OPENING
from processes import python

from commercepay import APITimeoutError, Money, PaymentStatus
from commercepay.callbacks import verify
from commercepay.testing import Sandbox, sandbox, sign_callback


def test_a_sandbox_starts_in_under_200_milliseconds() -> None:
    """The time until the server accepts requests (the best of five, because the machine may be busy)."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        with sandbox():
            took.append(time.perf_counter() - began)
    assert min(took) < 0.2


def test_a_sandbox_ends_with_its_thread_and_port() -> None:
    """After the `with` nothing is running, and a call is an error."""
    with sandbox() as sb:
        assert any(sb.url in thread.name for thread in threading.enumerate())
    assert not any(sb.url in thread.name for thread in threading.enumerate())
    with pytest.raises(RuntimeError, match="not running"):
        _ = sb.requests


def test_a_sandbox_ends_while_a_request_waits() -> None:
    """The end does not wait for a request that is still being processed."""
    with sandbox() as sb, sb.client(max_retries=0) as client:
        sb.faults.add("latency", endpoint="Query", seconds=60)
        with pytest.raises(APITimeoutError):
            client.payments.query(session_number="1", timeout=0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 10


def test_a_port_that_is_taken_is_an_error(sb: Sandbox) -> None:
    """A port that is in use is an error at once, and leaves nothing open."""
    port = int(sb.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), sandbox(port=port):
        pass


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    """Each sandbox has its own port, orders and tokens."""
    with sandbox() as one, sandbox() as two, one.client() as client:
        client.sessions.create(**OPENING)
        assert (len(one.orders), len(two.orders)) == (1, 0)
        with two.client() as other:
            other.sessions.create(**OPENING)
        assert len(two.orders) == 1


@pytest.mark.parametrize("turn", [1, 2])
def test_the_fixture_is_fresh_for_each_test(commercepay_sandbox: Sandbox, turn: int) -> None:
    """The same reference code opens a session in every test."""
    with commercepay_sandbox.client() as client:
        assert client.sessions.create(**OPENING).session_number
    assert len(commercepay_sandbox.orders) == 1


def test_the_raw_client_is_ready(sb: Sandbox) -> None:
    """The generated functions work with `raw()`, and are signed."""
    from commercepay_api.api.payment_gateway import query

    with sb.client() as client:
        number = client.sessions.create(**OPENING).session_number
    with sb.raw() as raw:
        response = query.sync_detailed(client=raw, session_number=number, timestamp=1)
    assert response.status_code == 200
    assert f'"paymentSessionNumber":"{number}"'.encode() in response.content


def test_reset_makes_it_new(sb: Sandbox) -> None:
    """After a reset everything is as at the start, and clients continue to work."""
    with sb.client() as client:
        sb.pay(client.sessions.create(**OPENING).session_number)
        sb.faults.add("truncated", endpoint="InitialSession", times=None)
        sb.clock.advance(1000)
        sb.reset()
        assert (sb.orders, sb.callbacks, sb.requests) == ([], [], [])
        assert abs(sb.clock.now() - time.time() * 1000) < 5000
        assert client.sessions.create(**OPENING).session_number
        assert [one.verdict for one in sb.requests] == ["token refused", "accepted", "accepted"]


def test_revoked_tokens_are_renewed_by_the_client(sb: Sandbox) -> None:
    """After a revocation, the SDK calls Authenticate once more."""
    with sb.client() as client:
        number = client.sessions.create(**OPENING).session_number
        sb.revoke_tokens()
        assert client.payments.query(session_number=number).status.is_pending
    assert [one.operation for one in sb.requests].count("Authenticate") == 2


def test_nothing_here_shows_a_secret(sb: Sandbox) -> None:
    """Neither the sandbox nor its credentials show password or secret key."""
    shown = repr(sb) + repr(sb.credentials) + repr(sb._core.tenants) + str(sb.credentials)
    assert sb.credentials.password not in shown
    assert sb.credentials.secret_key not in shown


def test_sign_callback_makes_a_valid_callback() -> None:
    """A callback of `sign_callback` is verified and has the given values."""
    url = "https://shop.example.my/Callback?x=1"
    made = sign_callback(
        url,
        "any secret",
        amount=Money("9.90", "SGD"),
        reference_code="INV-é",
        status=PaymentStatus.INSUFFICIENT_FUNDS,
        session_number="S-1",
    )
    callback = verify(made.body, made.headers["cap-signature"], url, "any secret")
    assert (callback.status, callback.amount) == (PaymentStatus.INSUFFICIENT_FUNDS, Money("9.90", "SGD"))
    assert (callback.reference_code, callback.session_number, callback.channel_id) == ("INV-é", "S-1", 2)


def without(modules: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter without these modules."""
    return python(f"import sys\nfor name in {modules.split()!r}: sys.modules[name] = None\n{code}")


def test_sign_callback_needs_no_sandbox_library() -> None:
    """It works with only the requirements of the package, and without loading httpx."""
    done = without(
        "starlette uvicorn jinja2 jsonschema_rs click pytest",
        "from commercepay import Money\n"
        "from commercepay.testing import sign_callback\n"
        "made = sign_callback('https://a.example/c', 'k', amount=Money('1.00', 'MYR'), reference_code='1')\n"
        "assert len(made.signature) == 64\n",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["starlette", "uvicorn", "jsonschema_rs"])
def test_a_missing_library_names_the_extra(module: str) -> None:
    """If a library is missing, the error has the command that installs it."""
    done = without(module, "from commercepay.testing import sandbox\nwith sandbox(): pass")
    assert done.returncode == 1
    assert "pip install 'commercepay[sandbox]'" in done.stderr.splitlines()[-1]
    assert module in done.stderr.splitlines()[-1]


COMMANDS = """
import runpy
refused = 0
for name in ("sandbox", "demo"):
    sys.argv = ["commercepay", name]
    try:
        runpy.run_module("commercepay", run_name="__main__")
    except SystemExit as end:
        refused += bool(end.code)
        print(end.code if isinstance(end.code, str) else "", file=sys.stderr)
sys.exit(refused)
"""


@pytest.mark.parametrize(
    ("module", "extra", "refused"),
    [("fastapi", "sandbox", 1), ("click", "cli", 2), ("starlette", "sandbox", 2), ("jsonschema_rs", "sandbox", 2)],
)
def test_the_commands_name_the_extra_too(module: str, extra: str, refused: int) -> None:
    """`commercepay sandbox` and `demo` without their libraries write one clear line each. The demo needs no FastAPI."""
    done = without(module, COMMANDS)
    assert done.returncode == refused, done.stderr
    assert done.stderr.count(f"pip install 'commercepay[{extra}]'") == refused
    assert "Traceback" not in done.stderr
