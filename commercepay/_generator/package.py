"""`commercepay generate`: a package of the endpoints that a merchant describes.

The package has only what is new. It imports the client, the helpers and the bundled schemas' classes from `commercepay_api`,
so that its functions take `cp.api`, and its values are of the same classes.
"""

from __future__ import annotations

import json
import keyword
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import commercepay_api

from commercepay._base.json_guards import is_array, is_object
from commercepay._description.merging import Merged, merge
from commercepay._description.reading import Document, read
from commercepay._generator.render import PINS, BuildError, check_pins, differences, files, finish, generate

REQUIREMENT: Final = "commercepay[generate]"
MANIFEST: Final = "generated.json"
"""A file of the package: the names of all files of the package. Nothing else in the folder is changed."""


def run(description: Path, output: Path, *, check: bool = False) -> list[str]:
    """Generate the package of a description into a folder, whose name is the package's.

    Args:
        check: change nothing.

    Returns:
        How the folder differed from what was generated, one line per file.

    Raises:
        ArgumentError: names everything in the description that can't be used.
        BuildError: something is in the way, or the generator failed. Nothing was changed.
        ModuleNotFoundError: a library is missing; names the extra.
    """
    _refuse_foreign(output)
    built = build(description)
    changes = differences(built, files(output))
    if changes and not check:
        try:
            _replace(output, built)
        except OSError as error:
            raise BuildError(f"{output} can't be replaced, and was not changed: {error}") from error
    return changes


def build(description: Path) -> dict[str, bytes]:
    """The files of the package, by their path in it."""
    document = read(description, REQUIREMENT)
    merged = merge(document)
    check_pins(PINS, f"pip install '{REQUIREMENT}'")
    notice = f"Generated from {description.name} by `commercepay generate`; do not edit"
    with tempfile.TemporaryDirectory() as scratch:
        try:
            package = generate({**merged.document, "paths": merged.paths}, Path(scratch))
        except BuildError as error:
            raise BuildError(_explained(str(error), document, merged)) from None
        _check_complete(package, merged)
        _remove_bundled(package)
        (package / "__init__.py").write_text(f'"""The endpoints of {description.name}."""\n', "utf-8")
        finish(package, notice)
        built = files(package)
    manifest = {"x-generated": notice, "files": sorted([*built, MANIFEST])}
    return {**built, MANIFEST: (json.dumps(manifest, indent=1) + "\n").encode()}


def _explained(text: str, document: Document, merged: Merged) -> str:
    """The places of the operations that the generator left out, and its reasons. It names an operation by method and path."""
    left_out = [
        document.problem(("paths", path, method), f"the generator can't generate {name}")
        for method, path, name in merged.operations
        if f"{method.upper()} {path} " in text
    ]
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(_NOT_REASONS)]
    return "\n".join([*(left_out or [f"{document.name}: the generator failed"]), *(f"  {line}" for line in lines)])


_NOT_REASONS: Final = ("-P ", "Generating ", "Warning(s) encountered ", "If you ")


def _check_complete(package: Path, merged: Merged) -> None:
    generated = "".join(path.read_text("utf-8") for path in sorted((package / "api").rglob("*.py")))
    for method, path, name in merged.operations:
        if f'"method": "{method}",\n        "url": "{path}",' not in generated:
            raise BuildError(f"the generator left out {name} ({method.upper()} {path}) and gave no reason")


_IMPORT: Final = re.compile(r"^( *)from \.{2,3}([\w.]*) import (.+)$", re.MULTILINE)


def _remove_bundled(package: Path) -> None:
    """Remove the modules that `commercepay_api` has, and import from there instead."""
    bundled = Path(commercepay_api.__file__).parent
    removed = {"http_library"}  # which only the bundled package has
    for module in [*package.glob("*.py"), *(package / "models").glob("*.py")]:
        name = module.relative_to(package)
        if name.name != "__init__.py" and (bundled / name).is_file():
            module.unlink()
            removed.add(".".join(name.with_suffix("").parts))

    def elsewhere(found: re.Match[str]) -> str:
        indent, module, names = found.groups()
        if module and module not in removed:
            return found[0]
        return f"{indent}from commercepay_api{'.' if module else ''}{module} import {names}"

    for module in [*package.glob("api/*/*.py"), *package.glob("models/*.py")]:
        module.write_text(_IMPORT.sub(elsewhere, module.read_text("utf-8")), "utf-8")
    models = package / "models" / "__init__.py"
    text = models.read_text("utf-8")
    for module, name in re.findall(r"^from \.(\w+) import (\w+)$", text, re.MULTILINE):
        if f"models.{module}" in removed:
            text = text.replace(f"from .{module} import {name}\n", "").replace(f'    "{name}",\n', "")
    models.write_text(text, "utf-8")


def _refuse_foreign(output: Path) -> None:
    """Raise an error unless the folder can be replaced: it is missing, or has only what was generated before."""
    name = output.name
    if not name.isidentifier() or keyword.iskeyword(name) or name in ("commercepay", "commercepay_api"):
        raise BuildError(
            f"{output}: the folder becomes a package, so its name must be a name such as commercepay_extra"
        )
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise BuildError(f"{output} is not a folder; choose another output")
    if foreign := sorted(files(output).keys() - _generated(output)):
        raise BuildError(
            f"{output} has files that `commercepay generate` did not write: {', '.join(foreign[:10])}. Move them, or choose"
            " another output. Nothing was changed"
        )


def _generated(folder: Path) -> set[str]:
    """The files of a folder that were generated into it, by its manifest."""
    try:
        manifest: object = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return set()
    names: object = manifest.get("files") if is_object(manifest) else None
    return files(folder).keys() & {str(name) for name in names} if is_array(names) else set()


def _replace(output: Path, built: Mapping[str, bytes]) -> None:
    """Put the files into the folder, all or none: a complete new folder takes the place of the old one."""
    before = output.with_name(f".{output.name}.before")
    if before.is_dir() and not output.exists():  # an earlier run was killed between its two renames
        before.rename(output)
        _refuse_foreign(output)
    new = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        for name, content in built.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if not output.exists():
            new.rename(output)
            return
        output.rename(before)
        try:
            new.rename(output)
        except OSError:
            before.rename(output)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _remove(before)


def _remove(folder: Path) -> None:
    """Remove a package that was replaced. A file that somebody added meanwhile is kept, with its folder."""
    for name in _generated(folder):
        (folder / name).unlink()
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
