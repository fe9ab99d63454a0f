"""The files and commands of docs/your-endpoints.md. As a program it generates the package of the guide."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

GUIDE = (Path(__file__).parents[2] / "docs" / "your-endpoints.md").read_text("utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL))
COMMANDS: list[str] = re.findall(r"<!-- run -->\n```console\n(.*?)\n```", GUIDE, re.DOTALL)
(TYPE_CHECK,) = re.findall(r"<!-- type check -->\n```console\n(.*?)\n```", GUIDE, re.DOTALL)


def write(folder: Path) -> None:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    python = [sys.executable, *([] if program == "python" else ["-m", program])]
    return subprocess.run([*python, *arguments], cwd=folder, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch))
        done = run(COMMANDS[0], Path(scratch))
    sys.exit(done.stderr if done.returncode else None)
