"""The check for retired words finds them, and names the place and what to say instead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scripts import load

words = load("docs/words.py")
SCRIPT = words.__file__


@pytest.mark.parametrize(
    ("text", "line", "phrase"),
    [("x\nThe last WORD.\n", 2, "last WORD"), ("# the last\n    # word\n", 1, "last # word")],
    ids=["on one line", "over two lines of a comment"],
)
def test_a_phrase_is_found(text: str, line: int, phrase: str) -> None:
    """A phrase is found in any case and over a line end; the finding has the line, the phrase and what to say instead."""
    found = list(words.findings("a.py", text, words.load("'last word' = \"end\"")))
    assert found == [f"a.py:{line}: {phrase!r}: say end"]
    assert list(words.findings("a.py", "the last wording", words.load("'last word\\b' = \"end\""))) == []


def test_every_word_of_the_list_is_a_pattern_with_advice() -> None:
    """Every retired word is a regular expression that matches no empty text, and has something to say instead."""
    listed = words.load(words.WORDS.read_text("utf-8"))
    assert len(listed) >= 5
    assert all(instead.strip() and not pattern.search("") for pattern, instead in listed)


@pytest.mark.parametrize(("text", "status"), [("We reconcile.", 0), ("We sweep.", 1)], ids=["clean", "retired"])
def test_the_exit_status(tmp_path: Path, text: str, status: int) -> None:
    """A file with a retired word fails the check, a file without one passes."""
    file = tmp_path / "a.md"
    file.write_text(text)
    done = subprocess.run([sys.executable, str(SCRIPT), str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert (f"{file}:1: 'sweep': say reconcile" in done.stdout) == bool(status)
