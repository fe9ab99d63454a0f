"""Render a description into a package, byte for byte the same with the same versions.

The generator's templates are not copied but patched: every `templates/**/*.toml` has strings of one stock template and their
replacements. A string that is missing, or that occurs another number of times, stops the build. So an upgrade of the
generator can't drop a patch without an error.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from commercepay._base.json_guards import is_array, is_object

TEMPLATES = Path(__file__).resolve().parent / "templates"

PINS: Mapping[str, str] = {"openapi-python-client": "0.29.1", "ruff": "0.17.6"}
"""What writes the output: the versions in the extra `generate`, too."""

PYTHON = [sys.executable, "-P"]  # without the working directory on the path: the package has a `types.py`
RUFF_OPTIONS = [
    "--isolated",
    "--no-cache",
    "--quiet",
    "--config",
    "line-length=120",
    "--config",
    "target-version='py311'",
]


class BuildError(Exception):
    """The client can't be built, or does not match the description."""


def patched(stock: str, patch: dict[str, Any], name: str) -> str:
    """A stock template with the replacements of its patch. Each string must occur the number of times in the patch."""
    for change in patch["replace"]:
        times = change.get("times", 1)
        found = stock.count(change["old"])
        if found != times:
            raise BuildError(
                f"{name}: the template has the string {change['old']!r} {found} times, not {times}. The generator's "
                f"template has changed: compare it and change the patch. The reason of the patch: {change['why']}"
            )
        stock = stock.replace(change["old"], change["new"])
    return stock


def load_patch(path: Path, secret_members: list[str]) -> dict[str, Any]:
    """Read a patch. `@SECRET_MEMBERS@` in it is replaced by the members with `format: password` in the description."""
    return tomllib.loads(path.read_text("utf-8").replace("@SECRET_MEMBERS@", json.dumps(secret_members)))


def patched_templates(stock: Path, secret_members: list[str]) -> dict[str, str]:
    """The text of every patched template. Also checks that each patch stops the build if its string is missing."""
    templates: dict[str, str] = {}
    for path in sorted(TEMPLATES.rglob("*.toml")):
        name = path.relative_to(TEMPLATES).as_posix().removesuffix(".toml") + ".jinja"
        text = (stock / name).read_text("utf-8")
        patch = load_patch(path, secret_members)
        templates[name] = patched(text, patch, name)
        for change in patch["replace"]:
            try:
                patched(text.replace(change["old"], ""), patch, name)
            except BuildError:
                continue
            raise BuildError(f"{name}: without the string {change['old']!r} the build would not stop")
    return templates


def members(description: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every member that a schema declares: the schema's name, the member's name, and the member's schema."""
    for schema_name, schema in description["components"]["schemas"].items():
        for part in (schema, *schema.get("allOf", ())):
            for name, member in part.get("properties", {}).items():
                yield schema_name, name, member


def secret_members(description: Any) -> list[str]:
    """The names of all members with `format: password` in the description."""
    return sorted({name for _, name, member in members(description) if member.get("format") == "password"})


def for_generator(node: Any) -> Any:
    """The description in a form that suits the generator. Its meaning stays the same.

    - Codes (`oneOf` of constants with a title each) become an enum with names.
    - An open enum (`anyOf` of an enum and its bare type) becomes the enum, because the patched enum class is open.
    - A security requirement with only the tenant is removed: "secured" then means that token and signature are needed.
    - The first of `examples` becomes `example`, because the generator writes only that into docstrings.
    """
    if is_array(node):
        return [for_generator(item) for item in node]
    if not is_object(node):
        return node
    node = {key: for_generator(value) for key, value in node.items()}
    codes = node.get("oneOf")
    if is_array(codes) and all("const" in code for code in codes):
        del node["oneOf"]
        node["enum"] = [code["const"] for code in codes]
        node["x-enum-varnames"] = [code["title"] for code in codes]
    alternatives = node.get("anyOf")
    if is_array(alternatives) and len(alternatives) == 2 and "enum" in alternatives[0]:
        del node["anyOf"]
        node = {**alternatives[0], **node}
    if node.get("security") == [{"tenant": []}]:
        del node["security"]
    if is_array(node.get("examples")) and "properties" not in node and "allOf" not in node:
        example = node.pop("examples")[0]
        if example is not None:
            node["example"] = example
    return node


def check_pins(pins: Mapping[str, str], way_out: str) -> None:
    """Raise an error unless these versions are installed: others would write other bytes."""
    wrong = [f"{name} {pinned} (here: {found})" for name, pinned in pins.items() if (found := _version(name)) != pinned]
    if wrong:
        raise BuildError(f"this needs {', '.join(wrong)}; run: {way_out}")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command[1:4])} failed:\n{done.stdout}{done.stderr}")


def generate(description: Any, work: Path) -> Path:
    """Run the generator with the patched templates. Returns the package, in `work`; `finish` comes next."""
    stock = Path(str(importlib.resources.files("openapi_python_client"))) / "templates"
    for name, text in patched_templates(stock, secret_members(description)).items():
        path = work / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (work / "openapi.json").write_text(json.dumps(for_generator(description)), "utf-8")
    (work / "config.json").write_text('{"post_hooks": [], "package_name_override": "commercepay_api"}', "utf-8")
    _run(
        *(*PYTHON, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"),
        *("--path", str(work / "openapi.json"), "--config", str(work / "config.json")),
        *("--custom-template-path", str(work / "templates"), "--output-path", str(work / "package")),
        cwd=work,
    )
    return work / "package"


def finish(package: Path, notice: str) -> None:
    """Format the modules, put the notice into their first line, and mark the package as typed."""
    # ruff is called here, not by the generator, which only warns if ruff is not on the PATH.
    ruff = *PYTHON, "-m", "ruff"
    # PYI036 would change the `Any` of `__exit__` to `object`, which does not match the signature in httpx.
    rules = "--extend-select=I", "--ignore=PYI036"
    _run(*ruff, "check", "--fix-only", *rules, *RUFF_OPTIONS, package.name, cwd=package.parent)
    _run(*ruff, "format", *RUFF_OPTIONS, package.name, cwd=package.parent)
    for module in sorted(package.rglob("*.py")):
        module.write_text(f"# {notice}\n{module.read_text('utf-8')}", "utf-8", newline="\n")
    (package / "py.typed").write_text(f"# {notice}\n", "utf-8", newline="\n")


def files(root: Path) -> dict[str, bytes]:
    """Every file below `root` by its relative path, without Python's caches."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def differences(built: dict[str, bytes], committed: dict[str, bytes]) -> list[str]:
    """The differences of the committed package, one line per file."""
    return [
        *(f"missing: {name}" for name in sorted(built.keys() - committed.keys())),
        *(f"not generated: {name}" for name in sorted(committed.keys() - built.keys())),
        *(f"changed: {name}" for name in sorted(built.keys() & committed.keys()) if built[name] != committed[name]),
    ]
