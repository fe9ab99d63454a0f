"""`commercepay._protocol.retries`: the pause that a Retry-After header asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from commercepay._protocol import retries
from commercepay._protocol.envelope import Response


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", "+0800", "-0330"])
def test_a_date_in_any_zone(zone: str) -> None:
    """A date is read in its time zone; an unknown zone (-0000) is read as UTC."""
    offset = {"+0800": 8.0, "-0330": -3.5}.get(zone, 0.0)
    moment = datetime.now(UTC) + timedelta(seconds=30, hours=offset)
    date = format_datetime(moment).replace("+0000", zone)
    asked = retries.pause(0, Response(status_code=429, headers={"retry-after": date}, body=b""))
    assert asked is not None
    assert 20 < asked <= 30
