"""Build `generated/commercepay_api` from `openapi/commercepay.yaml`, byte for byte.

    python openapi/build.py           rebuild it in place
    python openapi/build.py --check   build it elsewhere and fail on any difference

The interpreter that runs this needs the pins of `openapi/requirements.txt`.

The generator's templates are not copied but patched: every `templates/**/*.toml` has strings of one stock template and their
replacements. A string that is missing, or that occurs another number of times, stops the build. So an upgrade of the
generator can't drop a patch without an error.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DESCRIPTION = HERE / "commercepay.yaml"
REQUIREMENTS = HERE / "requirements.txt"
TEMPLATES = HERE / "templates"
PACKAGE = HERE.parent / "generated" / "commercepay_api"

NOTICE = "Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate"
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


def limits(description: Any) -> str:
    """The module `limits`: a constant for each limit of a member."""
    lines = [
        '"""The limits that the description sets for members: one constant each, named schema, member, limit."""',
        "",
    ]
    for schema_name, name, member in members(description):
        for keyword in ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"):
            if keyword in member:
                words = re.sub("(?<=[a-z])(?=[A-Z])", "_", f"{schema_name}_{name}_{keyword}").upper()
                lines.append(f"{words} = {member[keyword]!r}")
    return "\n".join([*lines, ""])


def for_generator(node: Any) -> Any:
    """The description in a form that suits the generator. Its meaning stays the same.

    - An open enum (`anyOf` of an enum and its bare type) becomes the enum, because the patched enum class is open.
    - A security requirement with only the tenant is removed: "secured" then means that token and signature are needed.
    - The first of `examples` becomes `example`, because the generator writes only that into docstrings.
    """
    if isinstance(node, list):
        return [for_generator(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: for_generator(value) for key, value in node.items()}
    alternatives = node.get("anyOf")
    if isinstance(alternatives, list) and len(alternatives) == 2 and "enum" in alternatives[0]:
        del node["anyOf"]
        node = {**alternatives[0], **node}
    if node.get("security") == [{"tenant": []}]:
        del node["security"]
    if isinstance(node.get("examples"), list) and "properties" not in node and "allOf" not in node:
        example = node.pop("examples")[0]
        if example is not None:
            node["example"] = example
    return node


def check_pins() -> None:
    """Raise an error unless the pinned versions are installed: others would write other bytes."""
    wrong = [
        f"{name} {pinned} (here: {found})"
        for name, pinned in re.findall(r"^([\w.-]+)==(\S+)$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
        if (found := _version(name)) != pinned
    ]
    if wrong:
        raise BuildError(f"the build needs {', '.join(wrong)}; run: nox -s generate")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command[1:4])} failed:\n{done.stdout}{done.stderr}")


def build(target: Path) -> None:
    """Build the package into `target`, which must not exist."""
    check_pins()
    from ruamel.yaml import YAML  # the generator's own reader; here, so that the rest is importable without it

    description = YAML(typ="safe").load(DESCRIPTION.read_bytes())
    stock = Path(str(importlib.resources.files("openapi_python_client"))) / "templates"

    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
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
        package = work / "package"
        for helper in sorted((TEMPLATES / "package").glob("*.py")):
            shutil.copyfile(helper, package / helper.name)
        (package / "limits.py").write_text(limits(description), "utf-8", newline="\n")
        # ruff is called here, not by the generator, which only warns if ruff is not on the PATH.
        _run(*PYTHON, "-m", "ruff", "check", "--fix-only", "--extend-select=I", *RUFF_OPTIONS, "package", cwd=work)
        _run(*PYTHON, "-m", "ruff", "format", *RUFF_OPTIONS, "package", cwd=work)
        for module in sorted(package.rglob("*.py")):
            module.write_text(f"# {NOTICE}\n{module.read_text('utf-8')}", "utf-8", newline="\n")
        (package / "py.typed").write_text(f"# {NOTICE}\n", "utf-8", newline="\n")
        # JSON has no comments: the notice is the first member, on the first line.
        data = json.dumps({"x-generated": NOTICE, **description}, ensure_ascii=False, indent=1)
        (package / "openapi.json").write_text(data.replace("{\n ", "{", 1) + "\n", "utf-8", newline="\n")
        shutil.copytree(package, target)


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


def main(arguments: list[str]) -> int:
    """Rebuild or check. The exit status is 0 if the package now matches the description."""
    if arguments not in ([], ["--check"]):
        print("usage: python openapi/build.py [--check]", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as scratch:
            build(Path(scratch) / "package")
            built = files(Path(scratch) / "package")
    except BuildError as error:
        print(f"openapi/build.py: {error}", file=sys.stderr)
        return 1
    changes = differences(built, files(PACKAGE))
    if arguments == ["--check"]:
        for line in changes:
            print(line, file=sys.stderr)
        if changes:
            print("generated/commercepay_api does not match openapi/; run: nox -s generate", file=sys.stderr)
        return 1 if changes else 0
    for line in changes:
        path = PACKAGE / line.split(": ", 1)[1]
        if line.startswith("not generated"):
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(built[path.relative_to(PACKAGE).as_posix()])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
