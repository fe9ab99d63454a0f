"""Try the patches of the templates against the generator that is installed: `nox -s upgrade-generator`.

For each patch that no longer applies: what it replaces, and what the template has in that place now. If all apply, the client
is built, and the files that would change are listed. Then every fault of upstream.md is tried. The project stays as it is.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.resources
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import build

from commercepay._generator.render import TEMPLATES, BuildError, differences, files, load_patch

UPSTREAM = Path(__file__).resolve().parent / "upstream.md"


def nearest(lines: list[str], text: str) -> list[str]:
    """The lines of the text that are most like these lines."""
    there = text.splitlines()
    windows = [there[start : start + len(lines)] for start in range(max(1, len(there) - len(lines) + 1))]
    return max(windows, key=lambda window: difflib.SequenceMatcher(None, "\n".join(window), "\n".join(lines)).ratio())


def moved(stock: Path) -> Iterator[str]:
    """A paragraph for each patch that no longer applies to the templates in this folder."""
    for path in sorted(TEMPLATES.rglob("*.toml")):
        name = path.relative_to(TEMPLATES).as_posix().removesuffix(".toml") + ".jinja"
        template = stock / name
        if not template.is_file():
            yield f"{name}: there is no such template any more"
            continue
        text = template.read_text("utf-8")
        for change in load_patch(path, ["password"])["replace"]:
            old, new, times = change["old"], change["new"], change.get("times", 1)
            if (found := text.count(old)) == times:
                text = text.replace(old, new)
                continue
            head = f"{name}: {' '.join(change['why'].split())}\n  "
            if new not in old and text.count(new) == times:
                yield f"{head}The template has the change already: delete the patch."
            elif found:
                yield f"{head}The lines occur {found} times, not {times}:\n{old}"
            else:
                lines = old.splitlines()
                names = ("the patch replaces", "the template has")
                shown = difflib.unified_diff(lines, nearest(lines, text), *names, n=1, lineterm="")
                yield f"{head}The lines have changed:\n" + "\n".join(shown)


class Fault(NamedTuple):
    """A section of upstream.md."""

    title: str
    program: str
    """It ends without an error as long as the generator has the fault."""
    edits: list[tuple[str, str, str]]
    """The patch: template, lines as they are, lines as they become."""


def faults(document: str) -> tuple[str, list[Fault]]:
    """The description of upstream.md, and its sections."""
    (description,) = re.findall(r"^```json\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    sections = re.split(r"^## (.*)\n", document, flags=re.MULTILINE)[1:]
    found = []
    for title, text in zip(sections[::2], sections[1::2], strict=True):
        (program,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        edits = [
            (
                template,
                "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] != "+"),
                "".join(line[1:] or "\n" for line in diff.splitlines(keepends=True) if line[0] != "-"),
            )
            for template, diff in re.findall(
                r"^`([\w/]+\.py\.jinja)`.*?^```diff\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
            )
        ]
        found.append(Fault(title, program, edits))
    return description, found


def has_fault(description: str, fault: Fault, stock: Path, *, patch: bool) -> bool:
    """Generate a client from the description, with or without the patch of the fault, and run the program of the fault."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        (work / "openapi.json").write_text(description, "utf-8")
        (work / "config.json").write_text('{"post_hooks": [], "package_name_override": "shop"}', "utf-8")
        (work / "templates").mkdir()
        for name, old, new in fault.edits if patch else ():
            text = (stock / name).read_text("utf-8")
            if old not in text:
                raise BuildError(f"upstream.md: {fault.title}: the patch does not apply to {name}")
            (work / "templates" / name).parent.mkdir(exist_ok=True)
            (work / "templates" / name).write_text(text.replace(old, new), "utf-8")
        command = [sys.executable, "-P", "-m", "openapi_python_client", "generate", "--meta", "none"]
        command += ["--path", "openapi.json", "--config", "config.json", "--output-path", "shop"]
        command += ["--custom-template-path", "templates"]
        subprocess.run(command, cwd=work, check=True, capture_output=True)
        done = subprocess.run([sys.executable, "-c", fault.program], cwd=work, check=False, capture_output=True)
        return done.returncode == 0


def fixed(stock: Path) -> Iterator[str]:
    """A line for each section of upstream.md that is no longer true."""
    description, found = faults(UPSTREAM.read_text("utf-8"))
    for fault in found:
        if not has_fault(description, fault, stock, patch=False):
            yield f"upstream.md: {fault.title}: the generator has fixed this: delete the section, and the patch"
        elif has_fault(description, fault, stock, patch=True):
            yield f"upstream.md: {fault.title}: the patch does not help"


def main() -> int:
    """Print what moved. The exit status is 0 if every patch applies, the client can be built, and upstream.md is true."""
    pinned, installed = build.pins()["openapi-python-client"], importlib.metadata.version("openapi-python-client")
    print(f"openapi-python-client {installed} ({pinned} is pinned)")
    stock = Path(str(importlib.resources.files("openapi_python_client"))) / "templates"
    found = list(moved(stock))
    if found:
        print(*found, sep="\n\n")
        return 1
    try:
        with tempfile.TemporaryDirectory() as scratch:
            build.build(Path(scratch) / "package")
            changes = differences(files(Path(scratch) / "package"), files(build.PACKAGE))
        found = list(fixed(stock))
    except BuildError as error:
        print(f"every patch applies, but: {error}")
        return 1
    print("every patch applies, and the client", "changes:" if changes else "stays the same")
    print(*changes, *(found or ["every fault of upstream.md is there, and its patch helps"]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
