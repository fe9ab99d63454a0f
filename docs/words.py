"""Find retired words in the hand-written files: `python docs/words.py`, or `python docs/words.py FILE ...`.

`words.toml` has the words and what to say instead. The lint session runs this.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS = ROOT / "docs" / "words.toml"
NOT_CHECKED = ("generated/", "docs/words.", "tests/docs/test_words.py", "commercepay/inbox/migrations/versions/")
BETWEEN_WORDS = r"[\s#]+"  # a phrase can continue in the next line of a comment


def load(words: str) -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(phrase.replace(" ", BETWEEN_WORDS), re.IGNORECASE), instead)
        for phrase, instead in tomllib.loads(words).items()
    ]


def findings(name: str, text: str, words: list[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    """A line for each retired word in a text: the place, the word, and what to say instead."""
    for pattern, instead in words:
        for found in pattern.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{line}: {' '.join(found[0].split())!r}: say {instead}"


def hand_written() -> list[str]:
    """All files of the repository, except the generated ones and the list itself."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    return [name for name in listed if not name.startswith(NOT_CHECKED) and (ROOT / name).is_file()]


def main(names: list[str]) -> int:
    words = load(WORDS.read_text("utf-8"))
    found = [
        line
        for name in names or hand_written()
        for line in findings(name, (ROOT / name).read_bytes().decode("utf-8", "ignore"), words)
    ]
    print("\n".join(found) if found else "no retired words")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
