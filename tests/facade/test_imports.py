"""The modules that an import loads."""

from __future__ import annotations

import sys

import httpx
import pytest
from processes import python

HEAVY = {"httpx", "httpcore", "anyio", "attr", "attrs", "commercepay_api", "asyncio", "typing", "inspect", "decimal"}
HEAVY |= {"dataclasses", "datetime", "ssl", "socket", "email", "urllib", "logging", "pydantic", "starlette"}


def loaded_by(*statements: str) -> set[str]:
    """The modules that statements load in a new, isolated interpreter, without those of its start."""
    script = [
        "import sys",
        f"sys.path[:0] = {[path for path in sys.path if path]!r}",
        "before = set(sys.modules)",
        *statements,
        "after = set(sys.modules)",
        "print(*after - before)",
    ]
    done = python("\n".join(script), options=("-I", "-S"))
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def roots(found: set[str]) -> set[str]:
    """The packages of modules."""
    return {name.partition(".")[0] for name in found}


def test_the_package() -> None:
    """`import commercepay` loads two small modules of the package, and no other."""
    assert loaded_by("import commercepay") - {"__future__"} == {"commercepay", "commercepay._version"}


BODY = b'{"amount":100,"currencyCode":"MYR","referenceCode":"R","status":1,"transactionNumber":"T"}'


@pytest.mark.parametrize(
    "statements",
    [
        ["from commercepay import Callback, CallbackError"],
        [
            "from commercepay import callbacks, signature",
            "import json as j",
            f"header = signature.sign('https://a.my/cb', j.loads({BODY!r}), 'k')",
            f"callbacks.verify({BODY!r}, header, 'https://a.my/cb', 'k').amount",
        ],
        [
            "from commercepay import errors, models, money, signature, status",
            "signature.sign('https://x/', {'a': 1}, 'k')",
            "repr(money.Money('1.00', 'MYR'))",
        ],
    ],
    ids=["names", "callbacks", "rules"],
)
def test_rules(statements: list[str]) -> None:
    """The modules of level 1 load no HTTP library, attrs, generated client or other heavy module, when imported or used."""
    assert roots(loaded_by(*statements)) & HEAVY == set()


def test_the_clients_are_loaded_on_demand() -> None:
    """A name of the package is loaded at its first use, with only the modules that it needs."""
    assert "httpx" not in loaded_by("from commercepay import Money, PaymentStatus, Customer, TransactionNotFound")
    assert httpx.__name__ in loaded_by("from commercepay import CommercePay")


def test_a_client_is_ready_early() -> None:
    """A sync client is built and has its connections without asyncio, attrs or the generated models."""
    arguments = "tenant_id=1, username='u', password='p', secret_key='s'"
    found = loaded_by("from commercepay import CommercePay", f"CommercePay({arguments})._connections.sync().close()")
    assert roots(found) & {"asyncio", "attr", "attrs"} == set()
    assert "commercepay_api.models" not in found


def test_no_edge_is_loaded() -> None:
    """The clients load no module of the levels 4 and 5: sandbox, command line, inbox, test helper."""
    found = loaded_by("from commercepay import CommercePay, AsyncCommercePay")
    for edge in ("sandbox", "cli", "inbox", "testing", "demo"):
        assert not [name for name in found if f"{name}.".startswith(f"commercepay.{edge}.")]
