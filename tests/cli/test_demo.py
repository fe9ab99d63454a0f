"""`commercepay demo`: a payment from end to end."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from commercepay import demo
from commercepay.cli import main


def test_the_demo_takes_a_payment() -> None:
    """The demo pays in its sandbox, prints every step, and succeeds."""
    done = CliRunner().invoke(main, ["demo"])
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.output.splitlines() if line.startswith("  ") and line[2] != " "] == [
        "sandbox",
        "authenticate",
        "session",
        "customer",
        "callback",
        "query",
    ]
    assert "signature verified: INV-1, MYR 12.34, PAID" in done.output
    assert "\nPaid: status 1 (paid), in " in done.output


def test_without_a_callback_the_demo_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer who does not pay leaves the demo without a callback: it ends within its timeout, with exit status 1."""
    monkeypatch.setattr(demo, "CALLBACK_TIMEOUT", 0.01)
    monkeypatch.setattr(demo, "_pay_as_a_customer", lambda redirect_url: "nowhere")
    lines: list[str] = []
    assert demo.run(lines.append) == 1
    assert lines[-1].split()[:2] == ["callback", "none"]
