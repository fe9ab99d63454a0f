"""`commercepay explain` and `commercepay callback`."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import mistakes
import pytest
from click.testing import CliRunner, Result

from commercepay import signature
from commercepay.callbacks import verify
from commercepay.cli import main

KEY = mistakes.SESSION.key
MEMBERS = ["--amount", "12.34", "--reference-code", "INV-1"]


def run(*arguments: str, key: str | None = KEY) -> Result:
    environment = {"COMMERCEPAY_SECRET_KEY": key}
    done = CliRunner().invoke(main, [*arguments, "--no-input"], env=environment)
    assert KEY not in done.output
    return done


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def refused(folder: Path, case: mistakes.Case, options: mistakes.Options) -> list[str]:
    """The options for a signature with these mistakes."""
    signed = mistakes.sign(case, options)
    assert signed is not None
    return ["--signature", written(folder, "signature.txt", f"{signed}\n")]


@pytest.mark.parametrize(
    "names",
    [
        ("case kept", "names in camelCase"),
        ("numbers as strings",),
        ("nulls kept",),
        ("unknown members signed", "sorted in reverse"),
    ],
)
def test_a_query_is_explained(tmp_path: Path, names: tuple[str, ...]) -> None:
    """The query string has the members, whose types and absent ones come from the description."""
    options = mistakes.combined(names, (1,) if names == ("nulls kept",) else (0,) * len(names))
    assert options is not None
    done = run("explain", mistakes.QUERY.url, *refused(tmp_path, mistakes.QUERY, options), "--json")
    assert done.exit_code == 0
    assert set(names) in [set(fit) for fit in json.loads(done.stdout)["fits"]]


def test_a_post_is_explained(tmp_path: Path) -> None:
    """The file has the body as it was sent, with unknown members."""
    case = mistakes.SESSION
    data = ["--data", written(tmp_path, "body.json", case.body or "")]
    done = run("explain", case.url, *data, *refused(tmp_path, case, {"data": "unknown"}))
    assert done.exit_code == 0
    assert "signed with: unknown members signed. Right is:" in done.stdout
    assert "(unknown: cartId, Basket)" in done.stdout


def test_nothing_fits(tmp_path: Path) -> None:
    """If no wrong reading gives the signature, the exit status is 1."""
    done = run("explain", mistakes.QUERY.url, "--signature", written(tmp_path, "signature.txt", "0" * 64))
    assert done.exit_code == 1
    assert "If they are equal, the secret key differs" in done.stdout


@pytest.mark.parametrize("whole", [False, True])
def test_the_steps(tmp_path: Path, whole: bool) -> None:
    """Without a signature, the steps are shown without a key; customers' data only with `--whole`."""
    case = mistakes.SESSION
    body = written(tmp_path, "body.json", case.body or "")
    done = run("explain", case.url, "--data", body, *(["--whole"] if whole else []), key=None)
    assert done.exit_code == 0
    assert (signature.string_to_sign(case.url, case.members) in done.stdout) == whole
    assert ("203.0.113.9" in done.stdout) == whole


@pytest.mark.parametrize(
    ("text", "problem"), [("[]", "is a JSON list"), ("{", "is not JSON"), ("NaN", "is a JSON float")]
)
def test_data_that_is_no_object(tmp_path: Path, text: str, problem: str) -> None:
    """Data that is no JSON object is named as such."""
    done = run("explain", "https://x.example/y", "--data", written(tmp_path, "body.json", text))
    assert done.exit_code == 2
    assert f"--data {problem}" in done.stderr


# --- callbacks --------------------------------------------------------------------------------------------------------


class Shop:
    """A callback endpoint on this machine, which verifies."""

    def __init__(self) -> None:
        self.had: list[str] = []
        self.status = 200
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop.had.append(str(verify(body, self.headers["cap-signature"], shop.url, KEY).amount))
                self.send_response(shop.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/callback"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def shop() -> Iterator[Shop]:
    one = Shop()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.mark.parametrize(("responds", "status"), [(200, 0), (204, 0), (302, 1), (500, 1)])
def test_send(shop: Shop, responds: int, status: int) -> None:
    """A signed callback is sent; the exit status is 0 for a 2xx."""
    shop.status = responds
    done = run("callback", "send", "--callback-url", shop.url, *MEMBERS, "--json")
    assert (done.exit_code, json.loads(done.stdout)["status"], shop.had) == (status, responds, ["MYR 12.34"])


def test_sign(shop: Shop, tmp_path: Path) -> None:
    """The files are for their owner alone; curl sends them; `verify` accepts them; the signature is not shown."""
    old = tmp_path / "callback.curl"
    old.write_text("old")
    old.chmod(0o666)
    done = run("callback", "sign", str(tmp_path), "--callback-url", shop.url, *MEMBERS, "--status", "9")
    assert done.exit_code == 0
    files = ["body.json", "headers.txt", "callback.curl"]
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in files] == [0o600] * 3
    signed = dict(line.split(": ") for line in (tmp_path / "headers.txt").read_text().splitlines())["cap-signature"]
    assert signed not in done.output
    sent = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-K", str(old)], timeout=60, check=False, capture_output=True
    )
    assert (sent.returncode, shop.had) == (0, ["MYR 12.34"])
    body, given = str(tmp_path / "body.json"), written(tmp_path, "signature.txt", signed)
    checked = run("callback", "verify", body, "--signature", given, "--callback-url", shop.url, "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["callback"]["status"] == 9
    checked = run("callback", "verify", body, "--signature", given, "--callback-url", shop.url)
    assert checked.stdout.startswith("verified: INV-1, MYR 12.34, AUTHORISED")


def test_a_callback_that_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is 3, and the error has the explanation."""
    monkeypatch.setattr("commercepay.explain.PAUSE", 0)
    case = mistakes.CALLBACK
    body = written(tmp_path, "body.json", case.body or "")
    options = [
        *refused(tmp_path, case, {"url": "other"}),
        "--callback-url",
        case.url,
        "--request-url",
        case.other_url or "",
    ]
    done = run("callback", "verify", body, *options)
    assert done.exit_code == 3
    assert f"it is right for the callback URL {case.other_url}" in done.stderr


URL = ["--callback-url", "http://127.0.0.1:9/callback"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["send", "--callback-url", "https://shop.example.my/callback", *MEMBERS], "must be on this machine"),
        (["send", "--callback-url", "http://[::1", *MEMBERS], "must be on this machine"),
        (["send", *URL, "--amount", "12.345", "--reference-code", "INV-1"], "Invalid value for --amount"),
        (["send", *URL, *MEMBERS, "--currency", "XXX1"], "Invalid value for --amount"),
        (["send", *URL, *MEMBERS, "--status", "payd"], "is no status"),
        (["sign", "/nowhere", *URL, *MEMBERS], "does not exist"),
        (["sign", ".", "--callback-url", 'http://127.0.0.1/"x', *MEMBERS], "must have no quote"),
        (["sign", ".", *MEMBERS], "Missing option '--callback-url'"),
        (["verify", "nowhere.json", *URL, "--signature", "-"], "No such file"),
    ],
)
def test_wrong_options(arguments: list[str], problem: str) -> None:
    """A wrong option is named, and nothing is sent or written."""
    done = run("callback", *arguments)
    assert done.exit_code == 2
    assert problem in done.stderr


def test_nobody_listens() -> None:
    """If there is no endpoint, the exit status is that of a connection error."""
    done: Any = run("callback", "send", *URL, *MEMBERS)
    assert done.exit_code == 6
    assert "127.0.0.1 did not respond" in done.stderr
