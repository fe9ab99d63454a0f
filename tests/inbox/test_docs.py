"""The code in docs/inbox.md runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

GUIDE = Path(__file__).parents[2] / "docs" / "inbox.md"


def test_the_guide_runs(side: Any, genuine: Callable[..., tuple[bytes, str]]) -> None:
    """All Python blocks run in order in one namespace, with a shop that has one open order, which is paid once."""
    asynchronous = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[side.kind.split("/")[0]]
    body, header = genuine()
    with side.engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE orders (reference_code text, minor integer, currency text, state text, seen integer)")
        )
        connection.execute(text("INSERT INTO orders VALUES ('INV-1', 1234, 'MYR', 'open', 0)"))
    known: dict[str, Any] = {
        "DATABASE_URL": side.url,
        "ASYNC_DATABASE_URL": side.url.set(drivername=asynchronous),
        "SECRET_KEY": "example-Secret-Key-01",
        "BODY": body,
        "SIGNATURE": header,
    }
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    request = SimpleNamespace(body=body, headers={"cap-signature": header})
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/inbox.md, block {number}", "exec"), known)
        if number == 0:  # the endpoint exists: send it a forgery, the callback, and its repetition
            forged = SimpleNamespace(body=body, headers={})
            assert [known["callback_endpoint"](each) for each in (forged, request, request)] == [401, 200, 200]
        if number == 2:
            assert str(known["receipt"].state) == "duplicate"
    known["inbox"].receive(*genuine(status=0), known["on_callback_orm"])
    with side.engine.connect() as connection:
        assert tuple(connection.execute(text("SELECT state, seen FROM orders")).one()) == ("paid", 1)
    known["engine"].dispose()
