"""Check the mutants that survived `mutmut run`. `nox -s mutation` runs this in the folder of the project.

A mutant may stay alive if equivalent.toml lists its change, or if it only rewords a text: no test pins a whole sentence of
an error, so a mutated string of two words or more is not counted. Any other one fails the session, and so does an entry of
the list that no mutant needs any more.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from pathlib import Path

from mutmut.__main__ import walk_mutatable_files
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
SENTENCE = re.compile(r"\w\W* \W*\w")
DETECTED = ("killed", "timeout")


def main() -> int:
    listed = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text(encoding="utf-8"))["equivalent"]
    equivalent = {change.strip() for entry in listed for change in entry["changes"]}
    needed: set[str] = set()
    counts: Counter[str] = Counter()
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for name, exit_code in data.exit_code_by_key.items():
            status = status_by_exit_code[exit_code]
            if status not in DETECTED and exit_code is not None:
                change = change_of(name)
                if change in equivalent:
                    needed.add(change)
                    status = "equivalent"
                elif rewords(change):
                    status = "reworded"
                else:
                    print(f"{status}: {name}\n{change}\n")
                    status = "unexpected"
            counts[status] += 1
    print(", ".join(f"{status} {count}" for status, count in sorted(counts.items())))
    unneeded = equivalent - needed if "not checked" not in counts else set()
    for change in unneeded:
        print(f"\nequivalent.toml lists a change that no living mutant has:\n{change}")
    return 1 if counts["unexpected"] or unneeded or not counts["killed"] else 0


def change_of(mutant: str) -> str:
    """The lines that a mutant removes and adds, in the form of equivalent.toml."""
    lines = [line for line in get_diff_for_mutant(mutant).splitlines() if line[:1] in ("-", "+")]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[:3] not in ("---", "+++"))


def rewords(change: str) -> bool:
    before, after = ([blanked(line[2:]) for line in change.splitlines() if line[0] == sign] for sign in "-+")
    return before == after


def blanked(line: str) -> str:
    """The line with each string of two words or more blanked."""
    return STRING.sub(lambda string: '""' if SENTENCE.search(string[0]) else string[0], line)


if __name__ == "__main__":
    sys.exit(main())
