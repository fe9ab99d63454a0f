"""Build `generated/commercepay_api` from `openapi/commercepay.yaml`, byte for byte.

    python openapi/build.py           rebuild it in place
    python openapi/build.py --check   build it elsewhere and fail on any difference

The interpreter that runs this needs the pins of `openapi/requirements.txt`. `commercepay._generator` renders the package.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # `commercepay` need not be installed: hence E402 below

from commercepay._description.reading import read  # noqa: E402
from commercepay._generator.render import BuildError, check_pins, differences, files, finish, generate, members  # noqa: E402

DESCRIPTION = HERE / "commercepay.yaml"
REQUIREMENTS = HERE / "requirements.txt"
HELPERS = HERE / "package"
PACKAGE = HERE.parent / "generated" / "commercepay_api"

NOTICE = "Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate"


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


def pins() -> dict[str, str]:
    """The pinned versions, by the name of their distribution."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE))


def build(target: Path) -> None:
    """Build the package into `target`, which must not exist."""
    description = read(DESCRIPTION, "pyyaml").content
    with tempfile.TemporaryDirectory() as scratch:
        package = generate(description, Path(scratch))
        for helper in sorted(HELPERS.glob("*.py")):
            shutil.copyfile(helper, package / helper.name)
        (package / "limits.py").write_text(limits(description), "utf-8", newline="\n")
        finish(package, NOTICE)
        # JSON has no comments: the notice is the first member, on the first line.
        data = json.dumps({"x-generated": NOTICE, **description}, ensure_ascii=False, indent=1)
        (package / "openapi.json").write_text(data.replace("{\n ", "{", 1) + "\n", "utf-8", newline="\n")
        shutil.copytree(package, target)


def main(arguments: list[str]) -> int:
    """Rebuild or check. The exit status is 0 if the package now matches the description."""
    if arguments not in ([], ["--check"]):
        print("usage: python openapi/build.py [--check]", file=sys.stderr)
        return 2
    try:
        check_pins(pins(), "nox -s generate")
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
