"""Run a command with a temporary PostgreSQL: python tests/inbox/postgresql.py [--fsync] COMMAND [ARGUMENT ...]

The server is Debian's (package `postgresql`), or whichever `initdb` is on the PATH. Its data and its Unix socket are in a
new directory that goes when the command ends; it listens nowhere else. The command finds its URL, for SQLAlchemy, in
COMMERCEPAY_TEST_POSTGRESQL. With --fsync, the server flushes each commit to the disk, which only benchmarks need. The exit
status is the command's, or 69 if there is no PostgreSQL or it does not start.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

VARIABLE = "COMMERCEPAY_TEST_POSTGRESQL"
UNAVAILABLE = 69
START_TIMEOUT = 30  # seconds for the server to start


def programs() -> Path:
    """The folder of PostgreSQL's programs: Debian's newest version, or the one on the PATH."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    fail("no PostgreSQL found: install the package 'postgresql'")


def fail(text: str) -> NoReturn:
    print(f"postgresql.py: {text}", file=sys.stderr)
    sys.exit(UNAVAILABLE)


def run(command: list[str], fsync: bool) -> int:
    directory = Path(tempfile.mkdtemp(prefix="commercepay-postgresql-"))
    try:
        user = _unprivileged(directory)
        return _run_with_server(command, programs(), directory, user, fsync)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _unprivileged(directory: Path) -> str | None:
    """The user to run PostgreSQL as, which refuses to run as root; None for the current user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(directory, user)
    return user


def _run_with_server(command: list[str], bin_: Path, directory: Path, user: str | None, fsync: bool) -> int:
    data = directory / "data"
    made = subprocess.run(
        [bin_ / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        user=user,
        cwd=directory,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if made.returncode:
        fail("initdb failed")
    settings = ["-c", f"fsync={fsync}", "-c", "max_connections=150"]
    log = directory / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            # Connections are possible only over a socket in this directory. The data need not survive a power failure.
            [bin_ / "postgres", "-D", data, "-k", directory, "-h", "", *settings],
            user=user,
            cwd=directory,
            stdout=output,
            stderr=output,
        )
    try:
        end = time.monotonic() + START_TIMEOUT
        ready = [str(bin_ / "pg_isready"), "-q", "-h", str(directory)]
        while subprocess.run(ready, check=False, cwd="/").returncode:
            if server.poll() is not None or time.monotonic() > end:
                fail(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.05)
        url = f"postgresql+psycopg://postgres@/postgres?host={directory}"
        return subprocess.run(command, env={**os.environ, VARIABLE: url}, check=False).returncode
    finally:
        server.send_signal(2)  # SIGINT: end the sessions, then stop
        server.wait(START_TIMEOUT)


if __name__ == "__main__":
    fsync = sys.argv[1:2] == ["--fsync"]
    if not (command := sys.argv[1 + fsync :]):
        sys.exit(__doc__)
    sys.exit(run(command, fsync))
