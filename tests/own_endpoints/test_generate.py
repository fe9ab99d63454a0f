"""`commercepay generate`: the package, `--check`, and what is in the way of the output."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from own_endpoints import hard

from commercepay._generator import package, render
from commercepay.cli import main
from commercepay.testing import sandbox

Write = Callable[..., Path]


def generate(description: Path, output: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["generate", str(description), "--output", str(output), *options])


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def quick(built: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The generator is not run again."""
    monkeypatch.setattr(package, "build", lambda description: built)
    return built


def test_only_what_is_new_is_in_it(built: dict[str, bytes]) -> None:
    """The package has the described operations and schemas, and imports all else from commercepay_api."""
    modules = {name for name in built if name.endswith(".py") and not name.endswith("__init__.py")}
    assert modules == {
        *(f"api/voucher/{name}.py" for name in ("create_voucher", "list_vouchers")),
        "api/default/cancel_voucher.py",
        *(f"models/{name}.py" for name in ("voucher", "voucher_request", "voucher_state")),
        *(f"models/{name}_envelope.py" for name in ("create_voucher", "list_vouchers", "cancel_voucher")),
    }
    assert b"from commercepay_api.models.customer import Customer" in built["models/voucher_request.py"]
    assert b"customer" not in built["models/__init__.py"].lower()
    assert {name for name in built if not name.endswith(".py")} == {"py.typed", "generated.json"}
    for name, data in built.items():
        assert b"do not edit" in data.splitlines()[1 if name == "generated.json" else 0], name


def test_secret_members_are_hidden(extra: Any) -> None:
    """A member with `format: password` is not in a repr."""
    body = extra("models").VoucherRequest(transaction_number="T-1", amount=5, pin="123456")
    assert "123456" not in repr(body)
    assert body.to_dict()["pin"] == "123456"


def test_an_unknown_code_is_kept(extra: Any) -> None:
    """A text that is none of the codes becomes an unknown code; another type is an error."""
    voucher = extra("models").Voucher.from_dict({"voucherNumber": "R-1", "amount": 5, "state": "NEW"})
    assert (voucher.state, voucher.state.is_known, voucher.state.name) == ("NEW", False, "UNKNOWN_NEW")
    assert extra("models").VoucherState("DONE").is_known
    with pytest.raises(ValueError, match="7"):
        extra("models").VoucherState(7)


def test_hard_names_and_every_kind_of_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that mean something in Python, and every kind of member, survive reading, sending and a call."""
    output = tmp_path / "hard_extra"
    assert generate(hard.write(tmp_path), output).exit_code == 0
    monkeypatch.syspath_prepend(str(tmp_path))
    post, models = import_module("hard_extra.api.import_.class_"), import_module("hard_extra.models")
    body = models.Everything.from_dict(hard.VALUE)
    assert body.to_dict() == hard.VALUE
    with sandbox(description=tmp_path / "hard.json") as sb, sb.client() as cp:
        sb.respond("class", lambda members: {**members, "a": "1"})
        assert cp.call(post.request(body=body)).to_dict() == {**hard.VALUE, "a": "1"}
        query = import_module("hard_extra.api.hard_tag_name.import_").request
        sb.respond("import", ["a"])
        assert cp.call(query(**dict(zip(inspect.signature(query).parameters, hard.ARGUMENTS, strict=True)))) == ["a"]
        for name, value in {"code": "self", "lists": [["self"], []], "number": 2}.items():
            sb.respond(name, value)
            assert cp.call(import_module(f"hard_extra.api.def_.{name}").request()) == value


def test_it_is_written_and_checked(write: Write, tmp_path: Path, quick: dict[str, bytes]) -> None:
    """The command writes the package into a folder that it creates; then `--check` finds no difference."""
    output = tmp_path / "shop" / "commercepay_extra"
    assert generate(write(), output).exit_code == 0
    assert content(output) == quick
    assert generate(write(), output, "--check").exit_code == 0
    assert [path.name for path in output.parent.iterdir()] == ["commercepay_extra"]


@pytest.mark.parametrize(
    ("name", "data", "difference"),
    [
        ("models/voucher.py", b"changed", "changed: models/voucher.py"),
        ("models/voucher.py", None, "missing: models/voucher.py"),
        ("models/old.py", b"of an earlier description", "not generated: models/old.py"),
    ],
)
def test_a_package_that_is_not_up_to_date(
    write: Write, tmp_path: Path, quick: dict[str, bytes], name: str, data: bytes | None, difference: str
) -> None:
    """`--check` names each difference, fails, and changes nothing. Without it, the package is replaced as a whole."""
    output = tmp_path / "commercepay_extra"
    generate(write(), output)
    manifest = json.loads(quick["generated.json"])
    (output / "generated.json").write_text(json.dumps(manifest | {"files": [*manifest["files"], "models/old.py"]}))
    (output / name).unlink() if data is None else (output / name).write_bytes(data)
    before = content(output)
    checked = generate(write(), output, "--check")
    assert checked.exit_code == 1
    assert difference in checked.output
    assert content(output) == before
    assert generate(write(), output).exit_code == 0
    assert content(output) == quick


@pytest.mark.parametrize("name", ["helpers.py", "models/helpers.py", "models/voucher.py"])
def test_a_foreign_file_is_in_the_way(write: Write, tmp_path: Path, quick: dict[str, bytes], name: str) -> None:
    """A file that was not generated is never removed or overwritten: the command names it and changes nothing."""
    output = tmp_path / "commercepay_extra"
    generate(write(), output)
    if name in quick:
        manifest = json.loads(quick["generated.json"])
        manifest["files"].remove(name)
        (output / "generated.json").write_text(json.dumps(manifest))
    (output / name).write_text("mine")
    before = content(output)
    refused = generate(write(("operationId: CreateVoucher", "operationId: MakeVoucher")), output)
    assert refused.exit_code == 1
    assert f"files that `commercepay generate` did not write: {name}." in refused.output
    assert content(output) == before


def test_a_cache_is_not_in_the_way(write: Write, tmp_path: Path, quick: dict[str, bytes]) -> None:
    """What Python caches in the package is removed with it."""
    output = tmp_path / "commercepay_extra"
    generate(write(), output)
    (output / "models" / "__pycache__").mkdir()
    (output / "models" / "__pycache__" / "voucher.pyc").write_bytes(b"")
    (output / "py.typed").unlink()
    assert generate(write(), output).exit_code == 0
    assert content(output) == quick


@pytest.mark.parametrize("name", ["my-endpoints", "class", "commercepay_api"])
def test_the_name_of_the_package(write: Write, tmp_path: Path, quick: dict[str, bytes], name: str) -> None:
    """The last part of the output must be a name that can be imported."""
    refused = generate(write(), tmp_path / name)
    assert refused.exit_code == 1
    assert "must be a name such as commercepay_extra" in refused.output


def test_a_file_or_a_link_as_output(write: Write, tmp_path: Path, quick: dict[str, bytes]) -> None:
    """A file and a symbolic link are not replaced."""
    (tmp_path / "one").write_text("mine")
    (tmp_path / "two").symlink_to(tmp_path)
    for name in ("one", "two"):
        assert "is not a folder" in generate(write(), tmp_path / name).output
    assert (tmp_path / "one").read_text() == "mine"


def failing_rename(monkeypatch: pytest.MonkeyPatch, at: int, error: type[BaseException]) -> None:
    """The n-th rename raises."""
    rename, count = Path.rename, iter(range(100))

    def counted(path: Path, target: Path) -> Path:
        if next(count) == at:
            raise error
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", counted)


@pytest.mark.parametrize("at", [0, 1])
def test_a_failure_leaves_the_last_package(
    write: Write, tmp_path: Path, quick: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """If a folder can't be renamed, the package is as it was, and nothing is left beside it."""
    output = tmp_path / "shop" / "commercepay_extra"
    generate(write(), output)
    (output / "py.typed").write_text("old")
    before = content(output)
    with monkeypatch.context() as patch:
        failing_rename(patch, at, OSError)
        assert "was not changed" in generate(write(), output).output
    assert content(output) == before
    assert [path.name for path in output.parent.iterdir()] == ["commercepay_extra"]


def test_a_killed_run_is_repaired(
    write: Write, tmp_path: Path, quick: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a run that was killed between its two renames, the next one ends with a complete package."""
    output = tmp_path / "shop" / "commercepay_extra"
    generate(write(), output)
    (output / "py.typed").write_text("old")
    with monkeypatch.context() as patch:
        failing_rename(patch, 1, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            package.run(write(), output)
    assert not output.exists()
    assert generate(write(), output).exit_code == 0
    assert content(output) == quick
    assert [path.name for path in output.parent.iterdir()] == ["commercepay_extra"]


def test_a_description_with_problems_writes_nothing(write: Write, tmp_path: Path) -> None:
    """The command names the problems, fails, and leaves the output alone."""
    output = tmp_path / "commercepay_extra"
    refused = generate(write(("      operationId: CreateVoucher\n", "")), output)
    assert refused.exit_code == 1
    assert (
        "my-endpoints.yaml:5: paths > /api/services/app/Voucher/Create > post: operationId is missing" in refused.output
    )
    assert not output.exists()


def test_a_warning_of_the_generator_is_a_failure(write: Write, tmp_path: Path) -> None:
    """If the generator leaves something out, the command fails and names the operation."""
    output = tmp_path / "commercepay_extra"
    clash = "allOf: [{properties: {a: {type: string}}}, {properties: {a: {type: integer}}}]"
    path = write(
        (
            "    VoucherRequest:\n      type: object",
            f"    VoucherRequest:\n      {clash}\n    Other:\n      type: object",
        )
    )
    refused = generate(path, output)
    assert refused.exit_code == 1
    for line, path, name in ((5, "Create", "CreateVoucher"), (33, "Cancel", "CancelVoucher")):
        place = f"my-endpoints.yaml:{line}: paths > /api/services/app/Voucher/{path} > post"
        assert f"{place}: the generator can't generate {name}\n" in refused.output
    assert "str can't be merged with int" in refused.output
    assert not output.exists()


def test_an_operation_that_is_left_out_in_silence(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator that leaves an operation out without a warning is detected, too."""
    run = render.generate

    def without_one(description: Any, work: Path) -> Path:
        made = run(description, work)
        (made / "api" / "voucher" / "create_voucher.py").unlink()
        return made

    monkeypatch.setattr(package, "generate", without_one)
    with pytest.raises(render.BuildError, match=r"left out CreateVoucher \(POST /api/services/app/Voucher/Create\)"):
        package.build(write())


def test_another_version_of_the_generator(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command runs the pinned generator only, and names the extra."""
    monkeypatch.setattr(package, "PINS", {"openapi-python-client": "0.1", "nothing-like-this": "1"})
    text = generate(write(), tmp_path / "commercepay_extra").output
    assert "this needs openapi-python-client 0.1 (here: 0.29.1), nothing-like-this 1 (here: none)" in text
    assert "pip install 'commercepay[generate]'" in text


def test_a_missing_library(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyYAML the command names the extra."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert "pip install 'commercepay[generate]'" in generate(write(), tmp_path / "commercepay_extra").output
