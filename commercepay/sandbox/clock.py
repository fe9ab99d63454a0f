"""The sandbox's time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The time of the machine, in milliseconds since the epoch. It can be set forward, not back."""

    def __init__(self) -> None:
        self.ahead: int = 0

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead

    def advance(self, seconds: float) -> None:
        if not 0 <= seconds <= 10**10:
            raise ValueError("the clock can only be set forward: seconds from 0 to 10000000000")
        self.ahead += round(seconds * 1000)


_LAST = 253_402_300_799_000  # the end of the year 9999: datetime has no later time


def iso(milliseconds: int) -> str:
    """A time as text in UTC; a time after the year 9999 as its last second."""
    inside = max(0, min(milliseconds, _LAST))
    return datetime.fromtimestamp(inside / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
