"""Queries a second over loopback, by number of threads or tasks: bare httpx, and `payments.reconcile`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from calls import CREDENTIALS, QUERY, serving
from compare import table, take_turns, timed

from commercepay import AsyncCommercePay, CommercePay, Money, OpenPayment

OPTIONS: dict[str, Any] = {"headers": {"Authorization": "Bearer " + "t" * 600, "Abp-TenantId": "42"}}
PARAMS = {"SessionNumber": "S1", "Timestamp": 1621851652617}
ITEM = OpenPayment(session_number="S1", reference_code="INV-1", amount=Money.from_minor(1234, "MYR"))


def _in_threads(base: str, concurrency: int, queries: int) -> dict[str, Callable[[], None]]:
    http = httpx.Client(base_url=base, **OPTIONS)
    cp = CommercePay(base_url=base, **CREDENTIALS)

    def bare() -> None:
        with ThreadPoolExecutor(concurrency) as pool:
            for response in pool.map(lambda _: http.get(QUERY, params=PARAMS).json(), range(queries)):
                assert response["result"]["status"] == 1

    def reconcile() -> None:
        for result in cp.payments.reconcile([ITEM] * queries, concurrency=concurrency):
            assert result.decision is not None

    return {"bare httpx": bare, "payments.reconcile": reconcile}


def _in_tasks(runner: asyncio.Runner, base: str, concurrency: int, queries: int) -> dict[str, Callable[[], None]]:
    async def clients() -> tuple[httpx.AsyncClient, AsyncCommercePay]:
        return httpx.AsyncClient(base_url=base, **OPTIONS), AsyncCommercePay(base_url=base, **CREDENTIALS)

    http, cp = runner.run(clients())

    async def bare() -> None:
        numbers = iter(range(queries))

        async def worker() -> None:
            for _ in numbers:
                assert (await http.get(QUERY, params=PARAMS)).json()["result"]["status"] == 1

        await asyncio.gather(*[worker() for _ in range(concurrency)])

    async def reconcile() -> None:
        async for result in cp.payments.reconcile([ITEM] * queries, concurrency=concurrency):
            assert result.decision is not None

    return {"bare httpx": lambda: runner.run(bare()), "payments.reconcile": lambda: runner.run(reconcile())}


def main(rounds: int = 7, queries: int = 400) -> None:
    """Measure 8 and 64 threads, then 8 and 64 tasks; the candidates in turn."""
    with serving() as base, asyncio.Runner() as runner:
        for concurrency in (8, 64):
            _measure("threads", _in_threads(base, concurrency, queries), concurrency, rounds, queries)
        for concurrency in (8, 64):
            _measure("tasks", _in_tasks(runner, base, concurrency, queries), concurrency, rounds, queries)


def _measure(kind: str, candidates: dict[str, Callable[[], None]], concurrency: int, rounds: int, queries: int) -> None:
    for once in candidates.values():
        once()
    medians = take_turns({name: timed(call) for name, call in candidates.items()}, rounds)
    table(f"{queries} queries in {concurrency} {kind}", medians, "bare httpx", "ms")
    rates = {name: queries / taken.wall for name, taken in medians.items()}
    shown = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
    print(f"  a second: {shown}: {rates['payments.reconcile'] / rates['bare httpx']:.2f} times bare httpx")


if __name__ == "__main__":
    main()
