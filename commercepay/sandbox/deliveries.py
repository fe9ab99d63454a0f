"""Callbacks: what is sent, how it is signed, and when it is sent again.

Callbacks go to this machine only, unless `anywhere` allows more: a sandbox must not post test results to a live shop
when somebody copied its URL into a test.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable as Function
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from commercepay import signature
from commercepay._base import hosts
from commercepay.callbacks import SIGNATURE_HEADER
from commercepay.sandbox.clock import Clock
from commercepay.sandbox.faults import Fault, Faults
from commercepay.sandbox.model import CallbackRecord, Delivery, Order, PaymentRecord, Tenant
from commercepay.sandbox.store import Store

log: logging.Logger = logging.getLogger("commercepay.sandbox")

Variant = Literal["signed", "unsigned", "wrongly_signed", "other_amount"]
VARIANTS: Final[tuple[str, ...]] = get_args(Variant)

BACKOFF: Final = (1, 5, 30, 120, 600)
"""Seconds of the sandbox's time between attempts. The gateway is known to retry; its pauses are not known."""

TIMEOUT: Final = 10.0
"""Seconds in which a merchant has to respond."""

_RESPONSE_KEPT: Final = 300
"""Bytes of a merchant's response: enough to recognise it, and too few to read another service with."""


def members(order: Order, payment: PaymentRecord) -> dict[str, Any]:
    """The members of the callback for a payment."""
    return {
        "amount": payment.amount,
        "channelId": payment.channel_id,
        "currencyCode": order.currency,
        "paymentSessionNumber": order.session_number,
        "providerTransactionNumber": payment.provider_transaction_number,
        "referenceCode": order.reference_code,
        "status": payment.status.value,
        "transactionNumber": payment.transaction_number,
    }


def body(members: Mapping[str, Any]) -> bytes:
    """Compact, sorted, without nulls: a merchant can then verify the raw body as well as the sorted one."""
    kept = {name: members[name] for name in sorted(members, key=str.lower) if members[name] is not None}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def is_loopback(url: str) -> bool:
    """Whether a URL is on this machine, by its text: names other than `localhost` are not looked up."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and hosts.is_loopback(host)


@lru_cache(maxsize=1)
def _tls() -> Any:
    """One for all sandboxes: reading the certificate authorities takes longer than starting a sandbox."""
    from commercepay._protocol.http_library import httpx

    return httpx.create_ssl_context(trust_env=False)


class Deliveries:
    """Sends the callbacks that are due, records each response, and tries again until a 2xx."""

    def __init__(
        self, store: Store, clock: Clock, faults: Faults, tenants: Mapping[int, Tenant], *, anywhere: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._tenants = tenants
        self._anywhere = anywhere
        self._client: Any = None
        self._sending: dict[int, asyncio.Task[None]] = {}
        self.wake: Function[[], None] = lambda: None

    def announce(self, order: Order, payment: PaymentRecord) -> None:
        """Add the callback for a payment, if the order has a callback URL; `start_due` sends it."""
        if order.callback_url is None:
            return
        fired: dict[str, Fault] = {fault.kind: fault for fault in self._faults.for_callback()}
        callback = CallbackRecord(
            id=self._store.next_callback_id(),
            number=order.number,
            transaction_number=payment.transaction_number,
            tenant_id=order.tenant_id,
            url=order.callback_url,
            members=members(order, payment),
            created=self._clock.now(),
        )
        self._prepare(callback, fired)
        self._store.save(callback)
        if "callback_twice" in fired:
            again = CallbackRecord.from_json({**callback.to_json(), "id": callback.id + 1})
            self._store.save(again)
        self.wake()

    def _prepare(self, callback: CallbackRecord, fired: Mapping[str, Fault]) -> None:
        for variant in ("unsigned", "wrongly_signed", "other_amount"):
            if (fault := fired.get(f"callback_{variant}")) is not None:
                callback.variant, callback.amount = variant, fault.amount
        if not self._anywhere and not is_loopback(callback.url):
            callback.state = "blocked"
        elif "callback_never" in fired:
            callback.state = "withheld"
        elif "callback_out_of_order" in fired:
            callback.state = "held"
        else:
            late = fired["callback_late"].seconds if "callback_late" in fired else 0
            callback.due = callback.created + round(late * 1000)

    def resend(self, number: int, variant: str | None = None) -> CallbackRecord:
        """Send a callback again, at once, in whatever state it is.

        Raises:
            KeyError: there is no such callback.
            ValueError: the URL is on another machine, or there is no such variant.
        """
        callback = self._store.callbacks[number]
        if variant is not None and variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}")
        if not self._anywhere and not is_loopback(callback.url):
            raise ValueError("the callback URL is on another machine: start the sandbox with --callbacks-anywhere")
        callback.variant = variant or callback.variant
        callback.state, callback.due = "pending", self._clock.now()
        self._store.save(callback)
        self.wake()
        return callback

    @property
    def next_due(self) -> int | None:
        waiting = [one.due for one in self._waiting()]
        return min(waiting) if waiting else None

    @property
    def busy(self) -> bool:
        """Whether anything is being sent, or is due."""
        now = self._clock.now()
        return bool(self._sending) or any(one.due <= now for one in self._waiting())

    def _waiting(self) -> list[Any]:
        return [one for one in self._store.callbacks.values() if one.due is not None and one.id not in self._sending]

    def start_due(self) -> None:
        now = self._clock.now()
        for callback in self._waiting():
            if callback.due <= now:
                self._sending[callback.id] = asyncio.get_running_loop().create_task(self._send(callback))

    async def _send(self, callback: CallbackRecord) -> None:
        try:
            delivery = await self._deliver(callback)
            if self._store.callbacks.get(callback.id) is not callback:
                return  # the sandbox was reset in the meantime
            callback.deliveries.append(delivery)
            self._settle(callback, delivered=delivery.status is not None and 200 <= delivery.status < 300)
            self._store.save(callback)
            self._store.commit()
            outcome = delivery.error or f"HTTP {delivery.status}"
            log.info("callback %d of %s: %s, %s", callback.id, callback.transaction_number, outcome, callback.state)
        finally:
            self._sending.pop(callback.id, None)
            self.wake()

    def _settle(self, callback: CallbackRecord, *, delivered: bool) -> None:
        failures = 0
        for delivery in reversed(callback.deliveries):
            if delivery.status is not None and 200 <= delivery.status < 300:
                break
            failures += 1
        if delivered:
            callback.state, callback.due = "delivered", None
            for held in [one for one in self._store.callbacks.values() if one.state == "held"]:
                held.state, held.due = "pending", self._clock.now()
                self._store.save(held)
        elif failures > len(BACKOFF):
            callback.state, callback.due = "failed", None
        else:
            callback.state, callback.due = "pending", self._clock.now() + BACKOFF[failures - 1] * 1000

    async def _deliver(self, callback: CallbackRecord) -> Delivery:
        # Here, so that a sandbox starts faster if it sends no callback.
        from commercepay._protocol.http_library import httpx

        if self._client is None:
            # No proxy from the environment, no redirect: a callback goes to its URL and nowhere else.
            self._client = httpx.AsyncClient(verify=_tls(), timeout=TIMEOUT, trust_env=False, follow_redirects=False)
        content, signed = self._content(callback)
        delivery = Delivery(
            at=self._clock.now(), variant=callback.variant, body=content.decode(), signed=signed is not None
        )
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "commercepay-sandbox",
        }
        if signed is not None:
            headers[SIGNATURE_HEADER] = signed
        started = time.perf_counter()
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                self._client.stream("POST", callback.url, content=content, headers=headers) as response,
            ):
                delivery.status = response.status_code
                async for chunk in response.aiter_bytes():
                    delivery.response += chunk[:_RESPONSE_KEPT].decode(errors="replace")
                    if len(delivery.response) >= _RESPONSE_KEPT:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            delivery.error = f"{type(error).__name__}: {error}"[:300]
        delivery.response = delivery.response[:_RESPONSE_KEPT]
        delivery.milliseconds = round((time.perf_counter() - started) * 1000)
        return delivery

    def _content(self, callback: CallbackRecord) -> tuple[bytes, str | None]:
        sent = dict(callback.members)
        if callback.variant == "other_amount":
            sent["amount"] = sent["amount"] + 1 if callback.amount is None else callback.amount
        if callback.variant == "unsigned":
            return body(sent), None
        key = self._tenants[callback.tenant_id].secret_key
        if callback.variant == "wrongly_signed":
            key = f"not-{key}"
        return body(sent), signature.sign(callback.url, sent, key)

    async def close(self) -> None:
        for task in list(self._sending.values()):
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None
