"""One sandbox: its parts, and the operations that concern several of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

from commercepay.sandbox.clock import Clock
from commercepay.sandbox.deliveries import Deliveries
from commercepay.sandbox.description import Description, load
from commercepay.sandbox.faults import Faults
from commercepay.sandbox.model import TENANTS, Switches, Tenant
from commercepay.sandbox.registered import Registered
from commercepay.sandbox.request_log import Masking, RequestLog
from commercepay.sandbox.rules import Gateway
from commercepay.sandbox.store import Store


class SandboxCore:
    """The store, the clock, the rules and the faults of one sandbox. All of it belongs to one event loop."""

    def __init__(
        self,
        *,
        file: Path | None = None,
        switches: Switches | None = None,
        tenants: Iterable[Tenant] = TENANTS,
        description: Description | None = None,
    ) -> None:
        self.switches: Switches = switches or Switches()
        self.tenants: dict[int, Tenant] = {tenant.id: tenant for tenant in tenants}
        self.description: Description = description or load()
        self.registered: Registered = Registered(self.description)
        self.clock: Clock = Clock()
        self.faults: Faults = Faults()
        self.store: Store = Store(file)
        secrets = [secret for one in self.tenants.values() for secret in (one.secret_key, one.password)]
        self.masking: Masking = Masking(self.description.secret_members, secrets)
        self.requests: RequestLog = RequestLog(self.masking)
        self.deliveries: Deliveries = Deliveries(
            self.store, self.clock, self.faults, self.tenants, anywhere=self.switches.callbacks_anywhere
        )
        self.gateway: Gateway = self._gateway()
        self._last_request = 0
        self._wake = asyncio.Event()

    def _gateway(self) -> Gateway:
        return Gateway(self.store, self.clock, self.tenants, self.switches, self.deliveries.announce)

    @property
    def tenant(self) -> Tenant:
        """The tenant with the credentials that the sandbox prints."""
        return next(iter(self.tenants.values()))

    def next_request_id(self) -> int:
        self._last_request += 1
        return self._last_request

    def advance(self, seconds: float) -> None:
        """Set the clock forward: what expires or becomes due by then does so at once."""
        self.clock.advance(seconds)
        self.gateway.tick()
        self.store.touch()
        self.store.commit()
        self._wake.set()

    async def reset(self) -> None:
        """Remove everything: the sandbox is then as it was at its start, with an empty store."""
        self.store.reset()  # first, so that nothing is due while running deliveries are cancelled
        await self.deliveries.close()
        self.clock.ahead = 0
        self.faults.clear()
        self.registered.clear()
        self.requests.clear()
        self.gateway = self._gateway()

    async def run(self) -> None:
        """Send callbacks that are due and let orders expire, until cancelled."""
        self.deliveries.wake = self._wake.set
        while True:
            self._wake.clear()
            self.gateway.tick()
            self.store.commit()
            self.deliveries.start_due()
            due = [at for at in (self.gateway.next_expiry, self.deliveries.next_due) if at is not None]
            pause = max(0.0, (min(due) - self.clock.now()) / 1000) if due else None
            with contextlib.suppress(TimeoutError):
                # At most an hour: an order may expire later than the longest delay that the event loop accepts.
                # (`wait_for` of Python 3.11 may swallow a cancellation; `timeout` does not.)
                async with asyncio.timeout(None if pause is None else min(pause, 3600)):
                    await self._wake.wait()

    async def close(self) -> None:
        await self.deliveries.close()
        self.store.close()
