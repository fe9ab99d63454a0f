"""What is in progress in one place, while threads and tasks wait for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class Progress:
    """Something that threads and tasks wait for."""

    def __init__(self) -> None:
        self.in_progress = [True]  # a list, because `clear` is one C call, which no signal handler can interrupt
        self._wake: list[Callable[[], object]] = []

    def notify(self) -> None:
        while self._wake:
            self._wake.pop()()

    def wait(self, seconds: float) -> None:
        """Wait in this thread. May return early."""
        gate = threading.Lock()  # not an Event or a Future: an interrupt inside of those can leave them locked
        gate.acquire()
        self._wake.append(gate.release)
        if self.in_progress:
            gate.acquire(timeout=seconds)

    async def wait_async(self, seconds: float) -> None:
        """Wait in this task. May return early."""
        import asyncio  # in the functions that use it: a sync program does not need it

        loop = asyncio.get_running_loop()
        gate: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the event loop of this waiter was closed
                loop.call_soon_threadsafe(_open, gate)

        self._wake.append(wake)
        if self.in_progress:
            await asyncio.wait([gate], timeout=seconds)


class Work(Progress):
    """A call of a function that may hang: in a thread, or if it is async as a task of the event loop.

    Whoever waits for it can stop to wait at any moment, by an interrupt too.
    """

    def __init__(self, function: Callable[[], Any], *, is_async: bool) -> None:
        super().__init__()
        self._function = function
        self._is_async = is_async
        self._result: Any = None
        self._failure: str | None = "cancelled"
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Call the function, if it is async in this loop; without a loop in a thread with one of its own."""
        try:
            if self._is_async and loop is not None:
                self._task = loop.create_task(self._arun())
            else:
                threading.Thread(target=self._run_in_loop if self._is_async else self._run, daemon=True).start()
        except RuntimeError:  # no more threads, or the interpreter ends
            self._end()

    def result(self) -> Any:
        """What the function returned.

        Raises:
            WorkFailed: it raised.
        """
        if self._failure is not None:
            raise WorkFailed(self._failure)
        return self._result

    def cancel(self) -> None:
        """Stop it, if that is possible: a thread can't be stopped."""
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        self._call()

    async def _arun(self) -> None:
        await self._acall()

    def _run_in_loop(self) -> None:
        import asyncio

        asyncio.run(self._arun())

    def _call(self) -> None:
        try:
            self._result = self._function()
            self._failure = None
        except Exception as error:  # noqa: BLE001  # a store may raise anything
            self._failure = type(error).__name__
        finally:
            self._end()

    async def _acall(self) -> None:
        try:
            self._result = await self._function()
            self._failure = None
        except Exception as error:  # noqa: BLE001  # a store may raise anything
            self._failure = type(error).__name__
        finally:
            self._end()

    def _end(self) -> None:
        self.in_progress.clear()
        self.notify()


class HeldLock(Work):
    """Takes a lock, holds it until `release`, and releases it: all in one thread or task, which an interrupt can't hit.

    The function returns the one that releases the lock, or None if the lock is not free.

    Attributes:
        releasing: the call that releases the lock, if it was free.
    """

    def __init__(self, function: Callable[[], Any], *, is_async: bool, seconds: float) -> None:
        super().__init__(function, is_async=is_async)
        self.releasing = Work(lambda: self._result(), is_async=is_async)
        self._held = Progress()
        self._seconds = seconds

    def release(self) -> None:
        """Release the lock, also if it is taken later."""
        self._held.in_progress.clear()
        self._held.notify()

    def cancel(self) -> None:
        """Not stopped: it may take the lock at this moment."""

    def _run(self) -> None:
        self._call()
        ends = time.monotonic() + self._seconds
        if self._result is not None:
            while self._held.in_progress and (left := ends - time.monotonic()) > 0:
                self._held.wait(left)
            self.releasing._call()

    async def _arun(self) -> None:
        await self._acall()
        ends = time.monotonic() + self._seconds
        if self._result is not None:
            try:
                while self._held.in_progress and (left := ends - time.monotonic()) > 0:
                    await self._held.wait_async(left)
            finally:
                await self.releasing._acall()


class WorkFailed(Exception):
    """The function raised, or did not return in time. The text has the type that was raised, whose own text may be secret."""


def _open(gate: asyncio.Future[None]) -> None:
    if not gate.done():
        gate.set_result(None)
