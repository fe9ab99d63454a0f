"""docs/changing-the-api.md fits the project as it is. `nox -s rehearse` makes the changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripts import load

REHEARSE = load("tests/rehearsal/rehearse.py")
CHANGES = REHEARSE.changes(REHEARSE.DOCUMENT.read_text("utf-8"))
EDITS = [pytest.param(edit, id=f"{title}: {edit.file}") for title, edits in CHANGES.items() for edit in edits]


@pytest.mark.parametrize("edit", EDITS)
def test_every_diff_applies(edit: Any) -> None:
    """The lines that a diff changes are in the file, as often as the diff says."""
    assert (REHEARSE.ROOT / edit.file).read_text("utf-8").count(edit.old) == edit.times


def test_the_table_is_compared_with_the_diffs() -> None:
    """A number in the table that differs from the number of files in the diffs is an error."""
    wrong = REHEARSE.DOCUMENT.read_text("utf-8").replace(
        "| [a status](#a-status) | 2 |", "| [a status](#a-status) | 3 |"
    )
    with pytest.raises(REHEARSE.Rehearsal, match="'a status': 3"):
        REHEARSE.changes(wrong)


def test_lines_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    """A diff of lines that the file does not have is an error with the file and the lines."""
    (tmp_path / "x.py").write_text("b = 1\n")
    with pytest.raises(REHEARSE.Rehearsal, match=r"x\.py has these lines 0 times"):
        REHEARSE.apply(tmp_path, [REHEARSE.Edit("x.py", "a = 1\n", "a = 2\n", 1)])


def test_edits_are_read_in_order() -> None:
    """Diffs belong to the file that was named last; context stays, and a diff may apply several times."""
    text = "`a.py`: one.\n\n```diff\n x\n+y\n```\n\n```diff 2 times\n-x\n```\n\n`b.py`: two.\n\n```diff\n-x\n+z\n```\n"
    assert list(REHEARSE.edits(text)) == [
        ("a.py", "x\n", "x\ny\n", 1),
        ("a.py", "x\n", "", 2),
        ("b.py", "x\n", "z\n", 1),
    ]
