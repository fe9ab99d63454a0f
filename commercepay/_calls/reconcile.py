"""Reconcile open payments, with limits for concurrency, rate and memory. An error for one item is a result, not the end.

There are two drivers, for threads and for tasks, which share the rest. An item is read from the source only when its query
can start, and a result is yielded at once, so a million items need no more memory than a few.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from commercepay._calls import checks as check
from commercepay._calls.operations import query_payment
from commercepay._protocol.connections import running_loop
from commercepay._protocol.exchange import Flow
from commercepay._protocol.settings import Settings
from commercepay.decision import Decision, decide
from commercepay.errors import ArgumentError, AuthenticationError, ClientClosed
from commercepay.reconciliation import OpenPayment, Reconciled

if TYPE_CHECKING:
    import asyncio

H = TypeVar("H", bound="Future[Any] | asyncio.Task[Any]")

ENDS_IT = (AuthenticationError, ClientClosed)
"""Errors that apply to every item. To continue would only try a wrong password again and again."""


def query_and_decide(settings: Settings, item: object) -> Flow[Decision]:
    """Query the payment of one item, and decide."""
    if not isinstance(item, OpenPayment):
        raise ArgumentError(f"an item must be an OpenPayment, not {type(item).__name__}")
    payment = yield from query_payment(settings, item.number)
    return decide(item.expected, payment)


class Pace:
    """When the next query may start: evenly, `rate` per second, without a burst after a pause."""

    def __init__(self, rate: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 0.0 if rate is None else 1 / rate
        self._clock = clock
        self._next = clock()

    def delay(self) -> float:
        """Seconds until the next query may start."""
        return max(0.0, self._next - self._clock())

    def start(self) -> None:
        self._next = max(self._next, self._clock()) + self._gap


def check_options(concurrency: object, rate: object) -> None:
    """Check the options of `payments.reconcile`.

    Raises:
        ArgumentError: names every problem.
    """
    problems = [f"concurrency {problem}" for problem in [check.integer(1, 1000)(concurrency)] if problem]
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1e6):
        problems.append("rate must be a positive number of requests per second, or None")
    check.refuse("payments.reconcile", problems)


class Window(Generic[H]):
    """The queries that are in progress. `H` is a driver's handle of one query: a future or a task."""

    def __init__(self, concurrency: int, rate: float | None) -> None:
        self.running: dict[H, tuple[int, Any]] = {}
        self._concurrency = concurrency
        self._pace = Pace(rate)
        self._exhausted = False

    @property
    def over(self) -> bool:
        return self._exhausted and not self.running

    @property
    def has_room(self) -> bool:
        return not self._exhausted and len(self.running) < self._concurrency and not self._pace.delay()

    @property
    def timeout(self) -> float | None:
        """Seconds to wait for a result: until the next query may start, or without a limit."""
        room = not self._exhausted and len(self.running) < self._concurrency
        return self._pace.delay() if room else None

    def start(self, following: tuple[int, Any] | None, ask: Callable[[Any], H]) -> None:
        if following is None:
            self._exhausted = True
        else:
            self._pace.start()
            self.running[ask(following[1])] = following

    def results(self, done: Iterable[H], error_of: Callable[[H], BaseException | None]) -> Iterator[Reconciled]:
        for handle in done:
            index, item = self.running.pop(handle)
            error = error_of(handle)
            if isinstance(error, ENDS_IT) or not (error is None or isinstance(error, Exception)):
                raise error
            decision = handle.result() if error is None else None
            yield Reconciled(index=index, item=item, decision=decision, error=error)


def reconcile(
    items: Iterable[Any], ask: Callable[[object], Decision], *, concurrency: int, rate: float | None
) -> Generator[Reconciled]:
    """Reconcile in threads. Closing the generator waits for the queries in progress, and starts no more."""
    source = enumerate(items)
    window: Window[Future[Decision]] = Window(concurrency, rate)
    finished: SimpleQueue[Future[Decision]] = SimpleQueue()

    def start(item: object) -> Future[Decision]:
        # `concurrent.futures.wait` would take longer, the more queries are in progress.
        future = pool.submit(ask, item)
        future.add_done_callback(finished.put)
        return future

    with ThreadPoolExecutor(concurrency, thread_name_prefix="commercepay-reconcile") as pool:
        try:
            while not window.over:
                while window.has_room:
                    window.start(next(source, None), start)
                if not window.running:
                    time.sleep(window.timeout or 0)
                    continue
                with suppress(Empty):
                    done = finished.get(timeout=window.timeout)
                    yield from window.results([done], lambda future: future.exception())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


async def areconcile(
    items: Iterable[Any] | AsyncIterable[Any],
    ask: Callable[[object], Coroutine[Any, Any, Decision]],
    *,
    concurrency: int,
    rate: float | None,
) -> AsyncGenerator[Reconciled]:
    """Reconcile in tasks. Closing the generator cancels the queries in progress."""
    import asyncio

    running_loop()  # under another async library, an error before anything is started
    source = _numbered(items)
    window: Window[asyncio.Task[Decision]] = Window(concurrency, rate)
    try:
        while not window.over:
            while window.has_room:
                window.start(await anext(source, None), lambda item: asyncio.create_task(ask(item)))
            if window.running:
                done, _ = await asyncio.wait(
                    window.running, timeout=window.timeout, return_when=asyncio.FIRST_COMPLETED
                )
                for result in window.results(done, lambda task: task.exception()):
                    yield result
            else:
                await asyncio.sleep(window.timeout or 0)
    finally:
        for task in window.running:
            task.cancel()
        await asyncio.gather(*window.running, return_exceptions=True)
        await source.aclose()


async def _numbered(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[tuple[int, Any]]:
    index = 0
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield index, item
            index += 1
    else:
        for item in items:
            yield index, item
            index += 1
