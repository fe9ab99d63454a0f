"""The modules that an import loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

HEAVY = {"httpx", "httpcore", "anyio", "attr", "attrs", "commercepay_api", "asyncio", "typing", "inspect", "decimal"}
HEAVY |= {"dataclasses", "datetime", "ssl", "socket", "email", "urllib", "logging", "pydantic", "starlette"}


def loaded_by(*statements: str) -> set[str]:
    """The modules that statements load in a new, isolated interpreter, without those of its start."""
    script = "; ".join(
        [
            "import sys",
            f"sys.path[:0] = {[path for path in sys.path if path]!r}",
            "before = set(sys.modules)",
            *statements,
            "after = set(sys.modules)",
            "import json; print(json.dumps(sorted(after - before)))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        capture_output=True,
        timeout=30,
        check=True,
        env={"PATH": os.environ.get("PATH", "")},
    )
    found: list[str] = json.loads(done.stdout)
    return set(found)


def test_the_package() -> None:
    """`import commercepay` loads two small modules of the package, and no other."""
    assert loaded_by("import commercepay") - {"__future__"} == {"commercepay", "commercepay._version"}


@pytest.mark.parametrize(
    "statement", ["import commercepay.callbacks", "from commercepay import Callback, CallbackError"]
)
def test_callbacks(statement: str) -> None:
    """Verifying callbacks loads neither httpx nor attrs nor the generated client, nor any other heavy module."""
    assert {name.partition(".")[0] for name in loaded_by(statement)} & HEAVY == set()


def test_rules() -> None:
    """The modules of level 1 load no HTTP library, when imported or used."""
    modules = ("signature", "money", "status", "errors", "models")
    found = loaded_by(
        *(f"import commercepay.{name}" for name in modules),
        "commercepay.signature.sign('https://x/', {'a': 1}, 'k')",
        "repr(commercepay.money.Money('1.00', 'MYR'))",
    )
    assert {name.partition(".")[0] for name in found} & HEAVY == set()


def test_verifying_loads_nothing_more() -> None:
    """Verifying a callback loads no further heavy module either."""
    body = b'{"amount":100,"currencyCode":"MYR","referenceCode":"R","status":1,"transactionNumber":"T"}'
    found = loaded_by(
        "from commercepay import callbacks, signature",
        f"body = {body!r}; url = 'https://shop.example.my/cb'",
        "import json as j",
        "print(callbacks.verify(body, signature.sign(url, j.loads(body), 'k'), url, 'k').amount, file=sys.stderr)",
    )
    assert {name.partition(".")[0] for name in found} & HEAVY == set()


def test_the_clients_are_loaded_on_demand() -> None:
    """A name of the package is loaded at its first use, with only the modules that it needs."""
    assert "httpx" not in loaded_by("from commercepay import Money, PaymentStatus, Customer, TransactionNotFound")
    assert "httpx" in loaded_by("from commercepay import CommercePay")


def test_a_client_is_ready_early() -> None:
    """A sync client is built and has its connections without asyncio, attrs or the generated models."""
    arguments = "tenant_id=1, username='u', password='p', secret_key='s'"
    found = loaded_by("from commercepay import CommercePay", f"CommercePay({arguments})._connections.sync().close()")
    assert {name.partition(".")[0] for name in found} & {"asyncio", "attr", "attrs"} == set()
    assert "commercepay_api.models" not in found


def test_no_edge_is_loaded() -> None:
    """The clients load no module of the levels 4 and 5: sandbox, command line, inbox, test helper."""
    found: Any = loaded_by("from commercepay import CommercePay, AsyncCommercePay")
    for edge in ("sandbox", "cli", "inbox", "testing", "demo"):
        assert not [name for name in found if f"{name}.".startswith(f"commercepay.{edge}.")]
