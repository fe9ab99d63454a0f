"""The time of an import and of a client that is ready: whole processes, compared with bare Python and other SDKs."""

from __future__ import annotations

from compare import Seconds, process, table, take_turns

BARE = "bare Python"
STATEMENTS = {
    BARE: "pass",
    "import commercepay": "import commercepay",
    "import commercepay.callbacks": "import commercepay.callbacks",
    "from commercepay import CommercePay": "from commercepay import CommercePay",
    "import httpx": "import httpx",
    "import stripe": "import stripe",
    "import openai": "import openai",
}

# httpx imports rich for its command line where it is installed, which takes longer than httpx.
WITHOUT_RICH = "import sys; sys.modules['rich'] = None; "
READY = {
    "httpx.Client()": "import httpx; httpx.Client()",
    "CommercePay(...)": (
        "from commercepay import CommercePay;"
        "CommercePay(tenant_id=1, username='u', password='p', secret_key='s')._connections.sync().close()"
    ),
    "stripe.StripeClient(...)": "import stripe; stripe.StripeClient('sk_test_1')",
}


def main(rounds: int = 25) -> None:
    """Print the medians of imports, minus that of bare Python."""
    medians = take_turns({name: process(statement) for name, statement in STATEMENTS.items()}, rounds)
    over = {name: Seconds(wall - medians[BARE].wall, cpu - medians[BARE].cpu) for name, (wall, cpu) in medians.items()}
    del over[BARE]
    table("Importing, over bare Python", over, "import httpx", "ms")


def ready(rounds: int = 25) -> None:
    """Print the medians of a process that imports, builds a client and reads the certificates for TLS."""
    samples = {name: process(WITHOUT_RICH + statement) for name, statement in READY.items()}
    table("A client that is ready", take_turns(samples, rounds), "httpx.Client()", "ms")
