"""The one place that decides on another attempt."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from commercepay._protocol import defaults
from commercepay._protocol.envelope import Response
from commercepay.errors import APIError, InvalidResponse


def worth_another(answer: Response, error: APIError | InvalidResponse, *, authenticating: bool) -> bool:
    """Whether an answer to a request that changes nothing is a passing trouble.

    A refusal that the gateway decided on is final, whatever status it came with: ABP sends some of them with a 500. Its
    `code: 0` is the exception: it stands for an internal error as well. A refused login is final with any code, or
    a wrong password would be tried again and again.
    """
    if answer.status_code == 429:
        return True
    if answer.status_code < 500:
        return False
    return isinstance(error, InvalidResponse) or (not authenticating and not error.code)


def pause(attempt: int, answer: Response | None) -> float | None:
    """Seconds before the next attempt (`attempt` counts from 0), or None if the gateway asks for more than we wait."""
    asked = _retry_after(answer) if answer is not None else None
    if asked is not None:
        return asked if asked <= defaults.RETRY_AFTER_MOST else None
    return jittered(min(defaults.BACKOFF_FIRST * 2 ** min(attempt, 30), defaults.BACKOFF_MOST))


def jittered(seconds: float) -> float:
    """Half of it at least, and all of it at most: many who wait alike don't come back at once."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


def _retry_after(answer: Response) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
