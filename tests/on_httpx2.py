"""Copy the project into a folder, with httpx2 in place of httpx, and render the raw client there.

    python tests/on_httpx2.py FOLDER

The package and the rendered package import the HTTP library in one module each (`http_library.py`), so these are all the
changes to them. In the tests, examples and benches, each import of the library is changed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["bench", "commercepay", "docs", "examples", "generated", "openapi", "tests"]
LIBRARY = re.compile(r"^( *)import (httpx|httpcore)$", re.MULTILINE)
REQUIREMENT = '"httpx>=0.27,<1"'


def copy(target: Path) -> None:
    """Copy the project. The folder must not exist."""
    caches = shutil.ignore_patterns("__pycache__", ".*")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, target / folder, ignore=caches)
    for file in (*ROOT.glob("*.md"), *ROOT.glob("*.py"), ROOT / "LICENSE", ROOT / "pyproject.toml"):
        shutil.copy(file, target)


def switch(target: Path) -> list[str]:
    """Replace httpx with httpx2. Returns the modules that were changed."""
    changed: list[str] = []
    for module in sorted(target.rglob("*.py")):
        name = module.relative_to(target).as_posix()
        text = module.read_text("utf-8")
        if not name.startswith("generated/") and (new := LIBRARY.sub(r"\1import \g<2>2 as \2", text)) != text:
            module.write_text(new, "utf-8")
            changed.append(name)
    project = target / "pyproject.toml"
    text = project.read_text("utf-8")
    if text.count(REQUIREMENT) != 1:
        raise SystemExit(f"pyproject.toml has {REQUIREMENT} {text.count(REQUIREMENT)} times, not once")
    project.write_text(text.replace(REQUIREMENT, '"httpx2>=2.16,<3"'), "utf-8")
    return changed


def main(target: Path) -> None:
    copy(target)
    changed = switch(target)
    package = [name for name in changed if name.startswith(("commercepay/", "openapi/"))]
    expected = ["commercepay/_protocol/http_library.py", "openapi/package/http_library.py"]
    if package != expected:
        raise SystemExit(
            f"the HTTP library is imported in {', '.join(package)}, and not only in {' and '.join(expected)}"
        )
    subprocess.run([sys.executable, "openapi/build.py"], cwd=target, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
