"""Rehearse every kind of change of docs/changing-the-api.md in a copy of the project: `nox -s rehearse`.

The document is the input: its diffs are applied, and its table of files is compared with them. Each diff has the lines as they
are, with a few lines of context. They must occur in the file once, or as often as the diff says.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "changing-the-api.md"
DESCRIPTION = "openapi/commercepay.yaml"
CONSISTENCY = ["tests/facade/test_description.py", "tests/facade/test_public_names.py", "tests/rules/test_status.py"]
TESTS = ["description", "facade", "generated", "rules", "decision", "ecosystem", "typing", "docs"]
TESTS += [f"sandbox/test_{name}.py" for name in ("description", "faults", "gateway")]


class Edit(NamedTuple):
    """One diff: the file, the lines as they are and as they become, and how often they occur."""

    file: str
    old: str
    new: str
    times: int


class Rehearsal(Exception):
    """The document is wrong, or the project has a place that it does not list."""


def edits(section: str) -> Iterator[Edit]:
    """The diffs of a section. The file is the one named at the start of the last paragraph that names one."""
    file = ""
    for found in re.finditer(r"^`([\w/.]+)`:|^```diff(?: (\d+) times)?\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        if found[1]:
            file = found[1]
            continue
        lines = found[3].splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
        new = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
        yield Edit(file, old, new, int(found[2] or 1))


def changes(document: str) -> dict[str, list[Edit]]:
    """The edits of each kind of change.

    Raises:
        Rehearsal: the table has other changes, or other numbers of files.
    """
    sections = re.split(r"^## (.*)\n", document, flags=re.MULTILINE)
    found = {title: list(edits(text)) for title, text in zip(sections[1::2], sections[2::2], strict=True)}
    table = {
        title: int(files)
        for title, files in re.findall(r"^\| \[(.*?)\]\(.*?\) \| (\d+) \|$", sections[0], re.MULTILINE)
    }
    counted = {title.lower(): len({edit.file for edit in of}) for title, of in found.items()}
    if table != counted:
        raise Rehearsal(f"the table has {table}, the diffs change {counted}")
    return found


def apply(root: Path, of: Iterable[Edit]) -> None:
    """Apply diffs to a copy of the project.

    Raises:
        Rehearsal: the lines of a diff are not in the file, or occur another number of times.
    """
    for edit in of:
        path = root / edit.file
        text = path.read_text("utf-8")
        if (times := text.count(edit.old)) != edit.times:
            raise Rehearsal(f"{edit.file} has these lines {times} times, not {edit.times}:\n{edit.old}")
        path.write_text(text.replace(edit.old, edit.new), "utf-8")


def copy(target: Path) -> None:
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)  # the search for retired words lists files with it


def run(root: Path, *arguments: str) -> tuple[bool, str]:
    """Run Python in a copy, which it imports. Returns whether it succeeded, and the end of its output."""
    paths = os.pathsep.join([str(root), str(root / "generated")])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": paths, "MYPYPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, "\n".join((done.stdout + done.stderr).splitlines()[-40:])


def must(root: Path, *arguments: str) -> None:
    """Run Python in a copy.

    Raises:
        Rehearsal: it failed.
    """
    succeeded, output = run(root, *arguments)
    if not succeeded:
        raise Rehearsal(f"{' '.join(arguments)} failed:\n{output}")


def must_fail(root: Path, missing: Iterable[Edit]) -> None:
    """Run the tests that compare description and facade, in a copy where edits are missing.

    Raises:
        Rehearsal: they pass.
    """
    if run(root, "-m", "pytest", "-q", "-x", *CONSISTENCY)[0]:
        raise Rehearsal(f"no test finds that these files were not edited: {sorted({edit.file for edit in missing})}")


def rehearse(of: list[Edit]) -> None:
    """One kind of change: the description alone and the facade alone are found to be incomplete; both together pass."""
    described = [edit for edit in of if edit.file == DESCRIPTION]
    written = [edit for edit in of if edit.file != DESCRIPTION]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        copy(root)
        apply(root, described)
        must(root, "openapi/build.py")
        must_fail(root, written)
        apply(root, written)
        must(root, "-m", "pytest", "-q", *CONSISTENCY)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        copy(root)
        apply(root, written)
        must_fail(root, described)


def together(changed: Iterable[Edit], arguments: list[str]) -> None:
    """All changes in one copy."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        copy(root)
        apply(root, changed)
        must(root, "openapi/build.py")
        for command in (["ruff", "check", "-q", "."], ["ruff", "format", "-q", "--check", "."], ["mypy"]):
            must(root, "-m", *command)
        applied = "--ignore=tests/docs/test_changing_the_api.py"  # the diffs are applied, so they no longer apply
        must(root, "-m", "pytest", "-q", applied, *(f"tests/{name}" for name in TESTS), *arguments)


def main(arguments: list[str]) -> int:
    """Rehearse each change alone with the tests that compare both sides, and all changes together with more tests.

    The arguments go to the pytest of the latter.
    """
    try:
        found = changes(DOCUMENT.read_text("utf-8"))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for title, _ in zip(found, pool.map(rehearse, found.values()), strict=True):
                print(f"{title}: {len({edit.file for edit in found[title]})} files", flush=True)
        together([edit for of in found.values() for edit in of], arguments)
    except Rehearsal as error:
        print(error, file=sys.stderr)
        return 1
    print("all together: lint, types and tests pass")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
