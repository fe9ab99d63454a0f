"""What all commands have in common: exit statuses, JSON, input, and how they end."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from commercepay import errors
from commercepay.cli import main
from commercepay.cli._program import STATUSES, status_of

URL = "https://payments.commerce.asia/api/services/app/PaymentGateway/Query?SessionNumber=S1&Timestamp=1764000000000"
KEY = "example-Secret-Key-01"
COMMAND = [sys.executable, "-m", "commercepay"]
VERIFY = ["callback", "verify", "-", "--callback-url", "https://shop.example.my/cb", "--signature"]


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMMERCEPAY", "LC_", "LANG"))}
    return {**kept, **variables}


@pytest.fixture
def signature(tmp_path: Path) -> str:
    file = tmp_path / "signature.txt"
    file.write_text("0" * 64)
    return str(file)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ConfigurationError("x"), 2),
        (errors.CallbackError(errors.CallbackRejection.SIGNATURE_WRONG, "x", body=b""), 3),
        (errors.TransactionNotFound("x", code=2010), 4),
        (errors.AuthenticationError("x", code=0), 5),
        (errors.APITimeoutError("x"), 6),
        (errors.OutcomeUnknown("x", reference_code="INV-1"), 7),
        (errors.UnreadableOutcome("x", reference_code="INV-1"), 7),
        (errors.InvalidResponse("x"), 8),
        (errors.StillOpen("x", payment=None, last_error=None), 9),
        (errors.ClientClosed("x"), 1),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_status_for_each_class_of_error(
    error: errors.CommercePayError, status: int, as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each class of error has an exit status. With `--json` the error is JSON on stderr, and stdout is empty."""

    def fail(**_options: Any) -> None:
        raise error

    monkeypatch.setattr(main.commands["demo"], "callback", fail)
    monkeypatch.setattr(main.commands["demo"], "params", [click.Option(["--json"], is_flag=True)])
    done = CliRunner().invoke(main, ["demo", *(["--json"] if as_json else [])])
    assert (done.exit_code, status_of(error), done.stdout) == (status, status, "")
    if as_json:
        assert json.loads(done.stderr) == {"version": 1, "error": type(error).__name__, "message": str(error)}
    else:
        assert done.stderr == f"Error: {error}\n"
    assert {1, 130, 141}.isdisjoint(status for _, status in STATUSES)


@pytest.mark.parametrize(
    "arguments", [["explain"], ["explain", URL, "--data", "missing.json"], ["nonsense"], ["--nonsense"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    """Wrong arguments end with status 2; with `--json` the error is JSON."""
    done = CliRunner().invoke(main, [*arguments, "--no-input"])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    done = CliRunner().invoke(main, [*arguments, "--json"])
    if arguments != ["explain"]:  # without arguments it shows its help
        assert json.loads(done.stderr)["version"] == 1


@pytest.mark.parametrize("arguments", [["--help"], ["demo"], ["explain", URL]])
def test_a_closed_pipe(arguments: list[str]) -> None:
    """If the reader of the output has ended, the status is 141, and nothing is on stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c(signature: str) -> None:
    """Ctrl-C ends a command with status 130, without a traceback."""
    process = subprocess.Popen(
        [*COMMAND, *VERIFY, signature],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(COMMERCEPAY_SECRET_KEY=KEY),
        start_new_session=True,
    )
    with process:
        assert process.stdin is not None
        process.stdin.write(b"{" * 100_000)  # returns when the command reads
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in shown


def test_a_locale_without_the_characters(tmp_path: Path) -> None:
    """Characters that the locale lacks are written as escapes."""
    (tmp_path / "body.json").write_text('{"a":"\u5496"}', encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "explain", "http://127.0.0.1/x", "--data", str(tmp_path / "body.json"), "--whole"],
        capture_output=True,
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING="latin-1"),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'{"a":"\\u5496"}' in done.stdout


def on_a_terminal(arguments: list[str], typed: bytes) -> tuple[int, bytes]:
    """The status of a command on a terminal, and all that the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*COMMAND, *arguments], environment())
    shown = b""
    while True:
        assert select.select([terminal], [], [], 60)[0], shown
        try:
            piece = os.read(terminal, 1000)
        except OSError:  # Linux: the command has ended
            break
        if not piece:
            break
        shown += piece
        if shown.endswith(b"Secret key: "):
            os.write(terminal, typed)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_the_key_is_typed_unseen(signature: str) -> None:
    """On a terminal the secret key is asked for, and not shown."""
    status, shown = on_a_terminal(["explain", URL, "--signature", signature], f"{KEY}\n".encode())
    assert status == 1
    assert b"none of the known wrong readings" in shown
    assert KEY.encode() not in shown


def test_ctrl_c_at_the_question(signature: str) -> None:
    """Ctrl-C at a question ends the command with status 130."""
    status, shown = on_a_terminal(["explain", URL, "--signature", signature], b"\x03")
    assert status == 130
    assert b"Traceback" not in shown


def test_no_input(signature: str) -> None:
    """With `--no-input` on a terminal, and without a terminal, a missing key is an error that names the variable."""
    for arguments in (["--no-input"], []):
        done = subprocess.run(
            [*COMMAND, "explain", URL, "--signature", signature, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert b"no secret key: set the environment variable COMMERCEPAY_SECRET_KEY" in done.stderr
    status, shown = on_a_terminal(["explain", URL, "--signature", signature, "--no-input"], b"")
    assert status == 2
    assert b"COMMERCEPAY_SECRET_KEY" in shown


def commands(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found += commands(command, *before, name) if isinstance(command, click.Group) else [(*before, name)]
    return found


@pytest.mark.parametrize("command", commands(main), ids=" ".join)
def test_help(command: tuple[str, ...]) -> None:
    """Each command has a help, and no option takes a secret."""
    done = CliRunner().invoke(main, [*command, "--help"])
    assert done.exit_code == 0
    assert not {"--secret-key", "--key", "--password", "--token"} & set(done.output.split())


def test_help_is_light() -> None:
    """`commercepay --help` loads no HTTP library, no web framework and no generated model."""
    code = (
        "import sys; sys.argv = ['commercepay', '--help']\ntry:\n    import commercepay.cli; commercepay.cli.main()\n"
    )
    code += "finally:\n    print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    for module in ("httpx", "starlette", "uvicorn", "sqlalchemy", "commercepay_api", "attrs", "asyncio"):
        assert f"'{module}'".encode() not in done.stderr


def test_the_document() -> None:
    """docs/command-line.md lists each command and each exit status."""
    text = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z ]+?)(?: [A-Z]+)*` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(map(" ".join, commands(main)))
    statuses = set(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE)))
    assert statuses == {0, 1, 130, 141, *(status for _, status in STATUSES)}
