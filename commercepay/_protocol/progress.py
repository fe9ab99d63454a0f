"""What is in progress in one place, while threads and tasks wait for it."""

from __future__ import annotations

import contextlib
import threading
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

    def __init__(self, function: Callable[[], Any], is_async: bool, loop: asyncio.AbstractEventLoop | None) -> None:
        super().__init__()
        self._function = function
        self._how = is_async, loop
        self._results: list[Any] = []
        self._failure: str | None = "cancelled"
        self._undone = False
        self._task: asyncio.Task[None] | None = None
        try:
            if not is_async or loop is None:
                threading.Thread(target=self._run_in_loop if is_async else self._run, daemon=True).start()
            elif not loop.is_closed():
                self._task = loop.create_task(self._arun())
            else:
                self._end()
        except RuntimeError:  # no more threads, or the interpreter ends
            self._end()

    def result(self) -> Any:
        """What the function returned.

        Raises:
            WorkFailed: it raised.
        """
        if self._failure is not None:
            raise WorkFailed(self._failure)
        return self._results[0]

    def undo(self) -> Work | None:
        """Call the function that this one returns or will return, if it returns one."""
        self._undone = True
        with contextlib.suppress(IndexError):
            undo = self._results.pop()
            return None if undo is None else Work(undo, *self._how)
        return None

    def cancel(self) -> None:
        """Stop it, if that is possible: a thread can't be stopped."""
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            self._succeeded(self._function())
        except Exception as error:  # noqa: BLE001  # the store may raise anything
            self._failure = type(error).__name__
        finally:
            self._end()

    def _run_in_loop(self) -> None:
        import asyncio

        asyncio.run(self._arun())

    async def _arun(self) -> None:
        try:
            self._succeeded(await self._function())
        except Exception as error:  # noqa: BLE001  # the store may raise anything
            self._failure = type(error).__name__
        finally:
            self._end()

    def _succeeded(self, result: Any) -> None:
        self._results.append(result)
        self._failure = None

    def _end(self) -> None:
        self.in_progress.clear()
        self.notify()
        if self._undone:
            self.undo()


class WorkFailed(Exception):
    """The function raised, or did not return in time.

    Args:
        reason: the name of the type that was raised (its text may hold a secret), or a sentence.
        is_early: whether the limit of time was shorter than usual.
    """

    def __init__(self, reason: str, *, is_early: bool = False) -> None:
        super().__init__(reason)
        self.is_early = is_early


def _open(gate: asyncio.Future[None]) -> None:
    if not gate.done():
        gate.set_result(None)
