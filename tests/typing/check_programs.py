"""The errors of type checkers, and the texts of editors, for programs that use the package. `nox -s types` runs this file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent / "programs"
ROOT = PROGRAMS.parents[2]
PYTHON = sys.executable

Errors = set[tuple[str, int]]
"""Names of files, and lines in them."""


def output(*command: str | Path) -> str:
    done = subprocess.run([PYTHON, "-m", *command], capture_output=True, text=True, check=False, cwd=PROGRAMS)
    assert done.stderr == ""
    return done.stdout


def mypy() -> Errors:
    report = output("mypy", "--strict", "--output=json", "--cache-dir", ROOT / ".mypy_cache", ".")
    found = [json.loads(line) for line in report.splitlines()]
    return {(one["file"], one["line"]) for one in found}


def pyright() -> Errors:
    found = json.loads(output("pyright", "--pythonpath", PYTHON, "--outputjson"))["generalDiagnostics"]
    return {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_programs(checker: Callable[[], Errors]) -> None:
    """The lines with errors are exactly those with the comment `# wrong`."""
    marked = {
        (path.name, number)
        for path in PROGRAMS.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "# wrong: " in line
    }
    assert len(marked) > 25
    assert checker() == marked


class Editor:
    """An editor, with pyright's language server."""

    def __init__(self) -> None:
        command = [PYTHON, "-c", "from pyright.langserver import main; main('--stdio')"]
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        capabilities = {"workspace": {"configuration": True}}
        self.ask("initialize", processId=None, rootUri=PROGRAMS.as_uri(), capabilities=capabilities)
        self.send({"method": "initialized", "params": {}})

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.server.stdin
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.server.stdin.flush()

    def ask(self, method: str, **params: Any) -> Any:
        self.send({"id": method, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == method:
                return message["result"]
            if message.get("method") == "workspace/configuration":
                settings = [{"pythonPath": PYTHON}] * len(message["params"]["items"])
                self.send({"id": message["id"], "result": settings})

    def receive(self) -> dict[str, Any]:
        assert self.server.stdout
        length = 0
        while header := self.server.stdout.readline().strip():
            if header.startswith(b"Content-Length: "):
                length = int(header.split()[1])
        message: dict[str, Any] = json.loads(self.server.stdout.read(length))
        return message

    def hover(self, program: str) -> str:
        """What is shown over the last name of a program, which is in its last line."""
        document = {"uri": (PROGRAMS / "hover.py").as_uri()}
        self.send(
            {
                "method": "textDocument/didOpen",
                "params": {"textDocument": {**document, "languageId": "python", "version": 1, "text": program}},
            }
        )
        lines = program.splitlines()
        position = {"line": len(lines) - 1, "character": len(lines[-1].rstrip("()")) - 1}
        shown: str = self.ask("textDocument/hover", textDocument=document, position=position)["contents"]["value"]
        self.send({"method": "textDocument/didClose", "params": {"textDocument": document}})
        return shown


HOVERS = {
    "{name}()": ("tenant_id: int", "tenant_id: the merchant's tenant id"),
    "{name}.from_env": ("tenant_id: int", "COMMERCEPAY_TENANT_ID"),
    "{name}().sessions.create": ("amount: Money", "amount: what the customer pays", "DuplicateTransaction"),
    "{name}().payments.create": ("channel_id: int", "channel_id: how it is paid", "OutcomeUnknown"),
    "{name}().payments.query": ("session_number: str", "session_number: the number that"),
    "{name}().payments.confirm": ("expected: Expected", "expected: the order in your record"),
    "{name}().payments.wait": ("timeout: float", "timeout: seconds to wait"),
    "{name}().payments.reconcile": ("concurrency: int", "rate: requests a second"),
    "{name}().request": ("method: Literal", "json: the members of a POST"),
    "{name}().call": ("safe: bool", "reference: your reference for the call"),
}


@pytest.fixture(scope="module")
def editor() -> Any:
    editor = Editor()
    yield editor
    editor.server.kill()
    editor.server.communicate()


@pytest.mark.parametrize("name", ["CommercePay", "AsyncCommercePay"])
@pytest.mark.parametrize("expression", HOVERS)
def test_hover(editor: Editor, expression: str, name: str) -> None:
    """An editor shows the signature of a call, and describes each parameter."""
    shown = editor.hover(f"from commercepay import {name}\n\n{expression.format(name=name)}")
    text = shown.replace("&nbsp;", " ").replace("\\", "")
    for part in HOVERS[expression]:
        assert part in text
