"""The code in docs/inbox.md runs."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from facade.conftest import OPENING
from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from commercepay import Money, PaymentStatus, ReturnHint, UnknownOrder
from commercepay.testing import sandbox, sign_callback

GUIDE = Path(__file__).parents[2] / "docs" / "inbox.md"


def test_the_guide_runs(side: Any) -> None:
    """Every Python block, in order, in one namespace, against a sandbox: an order is bought, and paid once."""
    asynchronous = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[side.kind.split("/")[0]]
    with side.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE orders"
                " (reference_code text, minor integer, currency text, session text, state text, seen integer)"
            )
        )
        connection.execute(text("CREATE TABLE jobs (id integer)"))
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
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
        for block in blocks:
            exec(compile(block, "docs/inbox.md", "exec"), known)
            if (
                "def callback_endpoint(" in block
            ):  # an order is bought; a forgery comes, the callback, and its repetition
                with side.engine.begin() as connection:
                    connection.execute(text("INSERT INTO orders VALUES ('INV-1', 1234, 'MYR', NULL, 'open', 0)"))
                forged = SimpleNamespace(body=request.body, headers={})
                assert [known["callback_endpoint"](each) for each in (forged, request, request)] == [401, 200, 200]
            if "asyncio.run" in block:
                assert str(known["receipt"].state) == "duplicate"
        with pytest.raises(UnknownOrder):
            known["callback_endpoint"](signed("INV-UNKNOWN"))
        with pytest.raises(NoResultFound):
            known["callback_endpoint_alone"](signed("INV-UNKNOWN"))
        assert known["callback_endpoint_alone"](request) == 200
        arrival = known["queued"].receive(request.body, request.headers["Cap-Signature"]).arrival_id
        assert known["job"](arrival) is None
        pending = signed(status=PaymentStatus.PENDING)
        session = cp.sessions.create(**OPENING | {"reference_code": "INV-1", "amount": Money("12.34", "MYR")})
        with side.engine.begin() as connection:
            assert connection.execute(text("SELECT id FROM jobs")).scalars().all() == [arrival]
            connection.execute(text("UPDATE orders SET session = :number"), {"number": session.session_number})
        gateway.pay(session.session_number)
        order = known["find_order"](ReturnHint(reference_code="INV-1"))
        known["after_the_return"](order)  # the gateway has another number for it: the order is paid again
        known["every_few_minutes"]([order])
        known["inbox"]._rules._on_settled = known["on_settled_orm"]
        known["inbox"].receive(pending.body, pending.headers["Cap-Signature"])
    with side.engine.connect() as connection:
        assert tuple(connection.execute(text("SELECT state, seen FROM orders")).one()) == ("refund", 1)
    known["engine"].dispose()
