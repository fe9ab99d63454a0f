"""The time to verify a callback, compared with other SDKs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import standardwebhooks
import stripe
from compare import table, take_turns, timed

from commercepay import signature
from commercepay.callbacks import verify

SECRET = "example-Secret-Key-01"
URL = "https://shop.example.my/commercepay/callback"
DATA = {
    "amount": 127200,
    "channelId": 4,
    "currencyCode": "MYR",
    "paymentSessionNumber": "2037D293E60AEB67B59251030",
    "providerTransactionNumber": None,
    "referenceCode": "INV-2026/0001",
    "status": 1,
    "transactionNumber": "2005671137F81FD81D89D8",
}
LOOPS = 200


def main(rounds: int = 60) -> None:
    """Verify the same data, in the envelope and with the signature of each SDK."""
    as_sent = json.dumps(DATA).encode()
    in_order = json.dumps({name: DATA[name] for name in sorted(DATA) if DATA[name] is not None}, separators=(",", ":"))
    ours = signature.sign(URL, DATA, SECRET)

    now = int(time.time())
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "data": {"object": DATA}}
    stripe_body = json.dumps(event)
    stripe_header = f"t={now},v1=" + hmac.new(b"whsec", f"{now}.{stripe_body}".encode(), hashlib.sha256).hexdigest()

    hook = standardwebhooks.Webhook(base64.b64encode(b"k" * 24).decode())
    webhook_body = json.dumps({"type": "payment.succeeded", "timestamp": "2026-01-01T00:00:00Z", "data": DATA})
    moment = datetime.now(UTC)
    webhook_headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": hook.sign("msg_1", moment, webhook_body),
    }
    calls: dict[str, Callable[[], object]] = {
        "stripe.Webhook.construct_event": lambda: stripe.Webhook.construct_event(
            stripe_body, stripe_header, "whsec", tolerance=10**6
        ),
        "standardwebhooks.Webhook.verify": lambda: hook.verify(webhook_body, webhook_headers),
        "commercepay.callbacks.verify": lambda: verify(as_sent, ours, URL, SECRET),
        "commercepay.callbacks.verify, sorted body": lambda: verify(in_order.encode(), ours, URL, SECRET),
    }
    medians = take_turns({name: timed(call, LOOPS) for name, call in calls.items()}, rounds)
    table("Verifying a callback", medians, "stripe.Webhook.construct_event")
