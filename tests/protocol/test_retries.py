"""`commercepay._protocol.retries`: what is tried again, and the pause before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from commercepay import APIError, InvalidResponse
from commercepay._protocol import defaults, retries
from commercepay._protocol.envelope import Response


def response(status: int = 503, **headers: str) -> Response:
    return Response(
        status_code=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=b""
    )


@pytest.mark.parametrize("status", [200, 400, 428, 429, 430, 499, 500, 501, 599])
@pytest.mark.parametrize("code", ["unreadable", None, 0, 2010])
@pytest.mark.parametrize("authenticating", [False, True])
def test_what_is_tried_again(status: int, code: str | int | None, authenticating: bool) -> None:
    """A 429 is tried again; so is a 5xx that is unreadable or a refusal without a code, but not a refused login."""
    error = InvalidResponse("m") if isinstance(code, str) else APIError("m", code=code)
    passing = code == "unreadable" or (not code and not authenticating)
    expected = status == 429 or (status >= 500 and passing)
    assert retries.worth_another(response(status), error, authenticating=authenticating) == expected


NONSENSE = ("", "soon", "-1", "1.5", "\u0661\u0662", ",", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT")


@pytest.mark.parametrize("headers", [None, {}, *({"retry_after": text} for text in NONSENSE)])
def test_the_pause_doubles_up_to_a_limit(headers: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Retry-After that can be read, the pause doubles with each attempt, up to a limit."""
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    received = None if headers is None else response(**headers)
    pauses = [retries.pause(attempt, received) for attempt in (*range(40), 1500)]
    most = defaults.BACKOFF_MOST
    assert pauses == [*(min(defaults.BACKOFF_FIRST * 2**attempt, most) for attempt in range(40)), most]


def test_the_pause_is_random() -> None:
    """A pause is at least half of what it is at most, so that many clients don't try again at the same moment."""
    pauses = [retries.pause(10, None) or 0.0 for _ in range(500)]
    assert 0.5 <= min(pauses) / defaults.BACKOFF_MOST < 0.6
    assert 0.9 < max(pauses) / defaults.BACKOFF_MOST <= 1.0


@pytest.mark.parametrize(("header", "pause"), [("0", 0.0), (" 7 ", 7.0), ("60", 60.0), ("61", None), ("9" * 400, None)])
def test_seconds(header: str, pause: float | None) -> None:
    """A Retry-After in seconds is waited for exactly, unless it asks for more than the limit."""
    assert retries.pause(5, response(retry_after=header)) == pause


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", "+0800", "-0330"])
def test_a_date_in_any_zone(zone: str) -> None:
    """A date is read in its time zone; an unknown zone (-0000) is read as UTC."""
    offset = {"+0800": 8.0, "-0330": -3.5}.get(zone, 0.0)
    moment = datetime.now(UTC) + timedelta(seconds=30, hours=offset)
    asked = retries.pause(0, response(429, retry_after=format_datetime(moment).replace("+0000", zone)))
    assert asked is not None
    assert 20 < asked <= 30


def test_a_date_in_the_past() -> None:
    """A date in the past asks for no pause."""
    assert retries.pause(0, response(retry_after="Wed, 21 Oct 2015 07:28:00 GMT")) == 0.0


NEARLY_DATES = st.builds(
    "{}, {} {} {} {} {}".format,
    st.sampled_from(["Mon", "Wed", ""]),
    st.integers(-1, 10**20),
    st.sampled_from(["Jan", "Oct", "13", "x"]),
    st.integers(-1, 10**20),
    st.sampled_from(["07:28:00", "99:99:99", "7", ""]),
    st.sampled_from(["GMT", "-9999", "+99999999999", "XYZ", ""]),
)
# Text as httpx decodes it from bytes. For `st.text()`, Hypothesis first makes a table of all characters, for many seconds.
HEADER_TEXT = st.binary(max_size=20).map(lambda raw: httpx.Headers([(b"retry-after", raw)])["retry-after"])


@given(HEADER_TEXT | NEARLY_DATES)
@example("Wed, 21 Oct 2015 07:28:00 -9999")
@example("Wed, 21 Oct 2999 07:28:00 GMT")
def test_any_text(header: str) -> None:
    """No Retry-After causes an unexpected error."""
    pause = retries.pause(0, response(retry_after=header))
    assert pause is None or 0 <= pause <= defaults.RETRY_AFTER_MOST
