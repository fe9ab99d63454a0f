"""Some ways of responding badly, which once got through. `nox -s faults` tries all, through every way of calling."""

from __future__ import annotations

import pytest
from faults.matrix import attempt, settled, ways
from faults.modes import modes

SOME = (
    "a second response at once",
    "code of 4,000 digits",
    "code and 1,000 problems",
    "bomb: nested gzip",
    "307 'about:blank'",
    "many 1xx",
)


@pytest.mark.parametrize("mode", [mode for mode in modes() if mode.name in SOME], ids=lambda mode: mode.name)
def test_a_bad_response(mode: object) -> None:
    """Each call raises the right error in time, sends one POST, and leaves the client usable; no response is used twice."""
    found = [settled(attempt(mode, way)) for way in ways() if way.name in ("create", "query async", "raw GET")]
    assert [result.deviations for result in found] == [[]] * 3
