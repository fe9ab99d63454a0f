"""One sandbox: its parts put together, and what can be done to it from outside."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

from commercepay.sandbox import description
from commercepay.sandbox.clock import Clock
from commercepay.sandbox.deliveries import Deliveries
from commercepay.sandbox.faults import Faults
from commercepay.sandbox.model import TENANTS, Tenant
from commercepay.sandbox.request_log import Masking, Records
from commercepay.sandbox.rules import Gateway
from commercepay.sandbox.store import State


class World:
    """The state, the time, the rules, and what is to go wrong. Everything in it belongs to one event loop."""

    def __init__(
        self, *, file: Path | None = None, callbacks_anywhere: bool = False, tenants: Iterable[Tenant] = TENANTS
    ) -> None:
        self.tenants = {tenant.id: tenant for tenant in tenants}
        self.description = description.load()
        self.clock = Clock()
        self.faults = Faults()
        self.state = State(file)
        secrets = [secret for one in self.tenants.values() for secret in (one.secret_key, one.password)]
        self.masking = Masking(self.description.secret_members, secrets)
        self.requests = Records(self.masking)
        self.deliveries = Deliveries(self.state, self.clock, self.faults, self.tenants, anywhere=callbacks_anywhere)
        self.gateway = self._gateway()
        self._last_request = 0
        self._wake = asyncio.Event()

    def _gateway(self) -> Gateway:
        return Gateway(self.state, self.clock, self.tenants, self.deliveries.announce)

    @property
    def tenant(self) -> Tenant:
        """The one whose credentials the sandbox prints."""
        return next(iter(self.tenants.values()))

    def next_request_id(self) -> int:
        self._last_request += 1
        return self._last_request

    def advance(self, seconds: float) -> None:
        """Set the clock forward: what expires or is due by then does so at once."""
        self.clock.advance(seconds)
        self.gateway.tick()
        self.state.touch()
        self.state.commit()
        self._wake.set()

    async def reset(self) -> None:
        """As if it were just started with an empty state."""
        self.state.reset()  # first, so that nothing is due while the deliveries under way are given up
        await self.deliveries.close()
        self.clock.ahead = 0
        self.faults.clear()
        self.requests.clear()
        self.gateway = self._gateway()

    async def run(self) -> None:
        """Send callbacks that are due and let orders expire, until cancelled."""
        self.deliveries.wake = self._wake.set
        while True:
            self._wake.clear()
            self.gateway.tick()
            self.state.commit()
            self.deliveries.start_due()
            due = [at for at in (self.gateway.next_expiry, self.deliveries.next_due) if at is not None]
            pause = max(0.0, (min(due) - self.clock.now()) / 1000) if due else None
            with contextlib.suppress(TimeoutError):
                # At most an hour, since the time of an order may lie beyond what the event loop takes for a delay.
                # (`wait_for` of Python 3.11 may swallow a cancellation; `timeout` does not.)
                async with asyncio.timeout(None if pause is None else min(pause, 3600)):
                    await self._wake.wait()

    async def close(self) -> None:
        await self.deliveries.close()
        self.state.close()
