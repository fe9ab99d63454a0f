"""Flows: code that is written once for sync and async.

A flow is a generator. It yields the steps that do I/O, and is sent the result of each step, or thrown the exception that the
step raised. A driver performs the steps, in this thread or in this task.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, NamedTuple, TypeVar

Step = TypeVar("Step")
T = TypeVar("T")


class Pause(NamedTuple):
    """The step that waits."""

    seconds: float


def jittered(seconds: float, least: float = 0.5) -> float:
    """A random time up to `seconds`, and at least that share of it: many callers must not try again at the same moment."""
    return seconds * random.uniform(least, 1.0)  # noqa: S311  # not a secret


def drive(
    flow: Generator[Step | Pause, Any, T],
    perform: Callable[[Step], object],
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """Run a flow in this thread. It is closed at the end, also after an exception that it does not get."""
    raised: Exception | None = None
    result: object = None
    try:
        while True:
            # Outside of the `except` block, so that the error of the step is not the `__context__` of the flow's own error.
            step = flow.send(result) if raised is None else flow.throw(raised)
            raised = result = None
            try:
                result = sleep(step.seconds) if isinstance(step, Pause) else perform(step)
            except Exception as error:  # noqa: BLE001  # the flow decides what the error means
                raised = error
    except StopIteration as stop:
        returned: T = stop.value
        return returned
    finally:
        flow.close()


async def adrive(flow: Generator[Step | Pause, Any, T], perform: Callable[[Step], Awaitable[object]]) -> T:
    """Run a flow in this task. It is closed at the end, also after an exception that it does not get."""
    import asyncio  # here: a sync program does not need it

    raised: Exception | None = None
    result: object = None
    try:
        while True:
            step = flow.send(result) if raised is None else flow.throw(raised)
            raised = result = None
            try:
                result = await (asyncio.sleep(step.seconds) if isinstance(step, Pause) else perform(step))
            except Exception as error:  # noqa: BLE001  # the flow decides what the error means
                raised = error
    except StopIteration as stop:
        returned: T = stop.value
        return returned
    finally:
        flow.close()
