"""The code in docs/inbox.md runs."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from commercepay import Money, PaymentStatus
from commercepay.testing import sandbox, sign_callback

GUIDE = Path(__file__).parents[2] / "docs" / "inbox.md"


def test_the_guide_runs(side: Any) -> None:
    """Every Python block, in order, in one namespace, against a sandbox: an order is bought, and paid once."""
    asynchronous = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[side.kind.split("/")[0]]
    with side.engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE orders (reference_code text, minor integer, currency text, state text, seen integer)")
        )
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    with sandbox() as gateway, gateway.client() as cp:
        secret = gateway.credentials.secret_key

        def signed(reference: str = "INV-1", **change: Any) -> SimpleNamespace:
            given = {"amount": Money("12.34", "MYR"), "reference_code": reference} | change
            body, header = sign_callback("https://shop.example.my/callback", secret, **given)
            return SimpleNamespace(body=body, headers={"Cap-Signature": header})

        request = signed()
        known: dict[str, Any] = {
            "DATABASE_URL": side.engine.url,
            "ASYNC_DATABASE_URL": side.url.set(drivername=asynchronous),
            "BODY": request.body,
            "SIGNATURE": request.headers["Cap-Signature"],
            "cp": cp,
        }
        for number, block in enumerate(blocks):
            exec(compile(block, f"docs/inbox.md, block {number}", "exec"), known)
            if number == 0:  # an order is bought; the endpoint takes a forgery, the callback, and its repetition
                assert known["buy"]("INV-1", Money("12.34", "MYR")).startswith(gateway.url)
                forged = SimpleNamespace(body=request.body, headers={})
                assert [known["callback_endpoint"](each) for each in (forged, request, request)] == [401, 200, 200]
            if number == 2:
                assert str(known["receipt"].state) == "duplicate"
        with pytest.raises(NoResultFound):
            known["callback_endpoint"](signed("INV-UNKNOWN"))
        pending = signed(status=PaymentStatus.PENDING)
        known["inbox"].receive(pending.body, pending.headers["Cap-Signature"], known["on_callback_orm"])
    with side.engine.connect() as connection:
        assert tuple(connection.execute(text("SELECT state, seen FROM orders")).one()) == ("paid", 1)
    known["engine"].dispose()
