"""State files: after a clean end, after kill -9 under load, and with a second sandbox on the same file."""

from __future__ import annotations

import itertools
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from facade.conftest import OPENING
from sandbox.conftest import Caller, Command

from commercepay import CommercePay, CommercePayError
from commercepay.sandbox.store import StateFileError
from commercepay.testing import sandbox


def test_a_state_file_survives_the_sandbox(tmp_path: Path, caller_of: Callable[..., Caller]) -> None:
    """Sessions, attempts, callbacks and used reference codes exist after a restart."""
    file = tmp_path / "state.db"
    with sandbox(state_file=file) as sb:
        caller = caller_of(sb)
        number = caller.open(referenceCode="INV-1")
        sb.fail(number)
        sb.pay(number)
        unpaid = caller.open(referenceCode="INV-2")
        before = (sb.orders, sb.callbacks)
    with sandbox(state_file=file) as sb:
        caller = caller_of(sb)
        assert (sb.orders, sb.callbacks) == before
        assert caller.query(SessionNumber=number)["status"] == 1
        assert caller.post("InitialSession", caller.members(referenceCode="INV-1")).json()["error"]["code"] == 2009
        sb.clock.advance(3600)
        assert caller.query(SessionNumber=unpaid)["status"] == 10


def test_callbacks_that_were_due_are_sent_after_a_restart(
    tmp_path: Path, caller_of: Callable[..., Caller], receiver: Any
) -> None:
    """A pending callback is delivered after a restart."""
    receiver.responses = [503]
    with sandbox(state_file=tmp_path / "state.db") as sb:
        sb.pay(caller_of(sb).open(callbackUrl=receiver.url))
        assert sb.callbacks[0].state == "pending"
    with sandbox(state_file=tmp_path / "state.db") as sb:
        sb.clock.advance(2)
        (callback,) = sb.callbacks
        assert [one.status for one in callback.deliveries] == [503, 200]


def test_reset_empties_the_file(tmp_path: Path, caller_of: Callable[..., Caller]) -> None:
    """After a reset and a restart there is nothing."""
    with sandbox(state_file=tmp_path / "state.db") as sb:
        caller_of(sb).open()
        sb.reset()
    with sandbox(state_file=tmp_path / "state.db") as sb:
        assert sb.orders == []


def test_two_sandboxes_do_not_share_a_file(tmp_path: Path) -> None:
    """A second sandbox on the same file is an error."""
    with (
        sandbox(state_file=tmp_path / "state.db"),
        pytest.raises(StateFileError, match="another sandbox is using it"),
        sandbox(state_file=tmp_path / "state.db"),
    ):
        pass


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A file that is not a state file of this format is an error, and is not changed."""
    text, later = tmp_path / "notes.txt", tmp_path / "later.db"
    text.write_text("not a database, but more than a hundred bytes of text " * 10)
    db = sqlite3.connect(later)
    db.execute("PRAGMA user_version = 99")
    db.close()
    for file, why in ((text, "not a database"), (later, "format 99")):
        with pytest.raises(StateFileError, match=why), sandbox(state_file=file):
            pass
    assert text.read_text().startswith("not a database")


def load(url: str, prefix: str, acknowledged: dict[str, str], stop: threading.Event) -> None:
    """Open sessions and pay every other one until the server is killed. Record the acknowledged ones."""
    with (
        CommercePay(environment="sandbox", base_url=url, max_retries=0) as client,
        httpx.Client(base_url=url, trust_env=False, verify=False) as browser,
        suppress(CommercePayError, httpx.HTTPError),
    ):
        for number in itertools.count():
            own = {"reference_code": f"{prefix}-{number}", "callback_url": f"{url}/_sandbox/inbox"}
            session = client.sessions.create(**OPENING | own)
            acknowledged[session.session_number] = "pending"
            if number % 2:
                response = browser.post(f"/pay/{session.session_number}", data={"attempt": "1", "outcome": "1"})
                if response.status_code == 303:
                    acknowledged[session.session_number] = "paid"
            if stop.is_set():
                return


@pytest.mark.parametrize("kill_after", [40, 150])
def test_nothing_acknowledged_is_lost_by_a_kill(
    tmp_path: Path, eventually: Callable[..., Any], kill_after: int
) -> None:
    """After kill -9 while four clients open and pay sessions, everything that was acknowledged exists after a restart."""
    file = tmp_path / "state.db"
    command = Command("--state", str(file), stderr=subprocess.DEVNULL)
    acknowledged: dict[str, str] = {}
    stop = threading.Event()
    threads = [threading.Thread(target=load, args=(command.url, f"T{one}", acknowledged, stop)) for one in range(4)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(acknowledged) >= kill_after)
    finally:
        command.end(signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join(30)
    with sandbox(state_file=file) as sb, sb.client() as client:
        assert {one.number for one in sb.orders} >= acknowledged.keys()
        for number, state in acknowledged.items():
            if state == "paid":
                assert client.payments.query(session_number=number).status.is_paid
    assert "paid" in acknowledged.values()
