"""The sync or the async client with one interface."""

from __future__ import annotations

import asyncio
from typing import Any

from commercepay.testing import Sandbox


class Sdk:
    """Calls to a sandbox, each with a new client: `sdk("payments.query", session_number="1")`."""

    def __init__(self, sb: Sandbox, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        self._sb = sb

    def __call__(self, call: str, *args: Any, client: dict[str, Any] | None = None, **arguments: Any) -> Any:
        resource, _, method = call.partition(".")
        options: Any = {"max_retries": 0, **(client or {})}
        if not self.asynchronous:
            with self._sb.client(**options) as cp:
                result = getattr(getattr(cp, resource), method)(*args, **arguments)
                return list(result) if method == "reconcile" else result

        async def run() -> Any:
            async with self._sb.async_client(**options) as cp:
                called = getattr(getattr(cp, resource), method)(*args, **arguments)
                return [one async for one in called] if method == "reconcile" else await called

        return asyncio.run(run())
