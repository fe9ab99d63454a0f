"""The README: its examples run, its links resolve, it is short."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from facade.conftest import OPENING

from commercepay import APIError, Money, PaymentStatus, UnknownOrder
from commercepay.testing import Sandbox, sign_callback

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
FACADE, CALLBACK, RAW = PYTHON
CREDENTIALS = 'tenant_id=42, username="shop", password="…", secret_key="…"'


def run(code: str, names: dict[str, Any]) -> None:
    exec(compile(code, "README.md", "exec"), names)


def test_readme_is_short() -> None:
    """The README has at most 150 lines."""
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize(
    "document",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda p: p.name,
)
def test_links_resolve(document: Path) -> None:
    """Every relative link and picture of a document is a file of the repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (document.parent / target.partition("#")[0]).exists(), f"{document.name}: {target}"


def test_facade_example(staging: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """The example of the facade opens a session and queries it."""
    assert CREDENTIALS in FACADE
    run(FACADE.replace(CREDENTIALS, "**credentials"), {"credentials": vars(staging.credentials)})
    redirect_url, asked = capsys.readouterr().out.splitlines()
    assert redirect_url.startswith(staging.url)
    assert asked == "PENDING False MYR 12.34 INV-1"


@pytest.mark.parametrize(
    ("change", "status", "marked"),
    [
        ({}, 200, ["INV-1"]),
        ({"amount": Money("1.00", "MYR")}, 200, []),
        ({"status": PaymentStatus.AUTHORISED}, 200, []),
        ({"secret_key": "another"}, 401, []),
    ],
    ids=["paid", "another amount", "authorised", "forged"],
)
@pytest.mark.parametrize("header", ["cap-signature", "Cap-Signature"])
def test_callback_example(change: dict[str, Any], status: int, marked: list[str], header: str) -> None:
    """The example of the callback marks an order as paid only if everything agrees, and responds to a forgery with 401."""
    assert on_callback(change, header) == (status, marked)


def test_callback_example_with_an_unknown_reference() -> None:
    """The example of the callback raises for a reference that is not stored, so that the gateway tries again."""
    with pytest.raises(UnknownOrder, match="INV-2"):
        on_callback({"reference_code": "INV-2"}, "cap-signature")


def on_callback(change: dict[str, Any], header: str) -> tuple[int, list[str]]:
    paid: list[str] = []
    names: dict[str, Any] = {
        "orders": {"INV-1": Money("12.34", "MYR")},
        "SECRET_KEY": "secret",
        "DATABASE_URL": "sqlite://",
        "mark_as_paid": lambda reference, connection: paid.append(reference),
    }
    run(CALLBACK, names)
    given = {"secret_key": "secret", "amount": Money("12.34", "MYR"), "reference_code": "INV-1"} | change
    signed = sign_callback("https://shop.example.my/callback", **given)
    try:
        return names["callback_endpoint"](signed.body, {header: signed.signature}), paid
    finally:
        names["inbox"].engine.dispose()


def test_raw_example(staging: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """The example of the raw client queries a payment; its request to an endpoint that does not exist is refused."""
    with staging.client() as cp:
        started = cp.payments.create(**OPENING)
    assert "2005671137" in RAW
    names: dict[str, Any] = {}
    run("from commercepay import CommercePay", names)
    with pytest.raises(APIError):
        run(RAW.replace("2005671137", started.transaction_number), names)
    assert capsys.readouterr().out == "200 0\n"
