"""Try the patches of the templates against the generator that is installed: `nox -s upgrade-generator`.

For each patch that no longer applies: what it replaces, and what the template has in that place now. If all apply, the client
is built, and the files that would change are listed. Nothing in the project is changed.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.resources
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import build

from commercepay._generator.render import TEMPLATES, BuildError, differences, files, load_patch


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


def main() -> int:
    """Print what moved. The exit status is 0 if every patch applies and the client can be built."""
    pinned, installed = build.pins()["openapi-python-client"], importlib.metadata.version("openapi-python-client")
    print(f"openapi-python-client {installed} ({pinned} is pinned)")
    found = list(moved(Path(str(importlib.resources.files("openapi_python_client"))) / "templates"))
    if found:
        print(*found, sep="\n\n")
        return 1
    try:
        with tempfile.TemporaryDirectory() as scratch:
            build.build(Path(scratch) / "package")
            changes = differences(files(Path(scratch) / "package"), files(build.PACKAGE))
    except BuildError as error:
        print(f"every patch applies, but the build failed: {error}")
        return 1
    print("every patch applies, and the client", "changes:" if changes else "stays the same")
    print(*changes, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
