"""Decide whether a request is sent again, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from commercepay._base.flow import jittered
from commercepay._protocol import defaults
from commercepay._protocol.envelope import Response
from commercepay.errors import APIError, InvalidResponse


def worth_another(response: Response, error: APIError | InvalidResponse, *, authenticating: bool) -> bool:
    """Whether a request that changes nothing should be sent again after this response, because the error may be temporary.

    A refusal with a code is final, with any HTTP status: ABP sends some of them with a 500. Code 0 is not final, because ABP
    also sends it for internal errors. A refused login is always final, so that a wrong password is not tried again.
    """
    if response.status_code == 429:
        return True
    if response.status_code < 500:
        return False
    return isinstance(error, InvalidResponse) or (not authenticating and not error.code)


def pause(attempt: int, response: Response | None) -> float | None:
    """Seconds before the next attempt (`attempt` counts from 0), or None if the gateway asks for a longer wait than allowed."""
    asked = _retry_after(response) if response is not None else None
    if asked is not None:
        return asked if asked <= defaults.RETRY_AFTER_MOST else None
    return jittered(min(defaults.BACKOFF_FIRST * 2 ** min(attempt, 30), defaults.BACKOFF_MOST))


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
