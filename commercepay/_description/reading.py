"""Read an OpenAPI document, in YAML 1.2 or JSON, and keep the line of each part."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from commercepay._base.extras import missing
from commercepay._base.json_guards import is_object
from commercepay._base.record import Record
from commercepay.errors import ArgumentError

Pointer = tuple[str | int, ...]
"""The place of a part: the names and numbers that lead to it, from the top."""


class Document(Record):
    """A document, as JSON would hold it.

    Attributes:
        name: of the file.
        content: the document; the keys of its objects are strings.
        lines: the line of each part.
    """

    name: str
    content: dict[str, Any]
    lines: dict[Pointer, int]

    def problem(self, pointer: Pointer, text: str) -> str:
        """A problem with its place: the file, the line, the names from the top, and the text."""
        line = next(
            (self.lines[pointer[:end]] for end in range(len(pointer), -1, -1) if pointer[:end] in self.lines), 1
        )
        place = " > ".join(map(str, pointer))
        return f"{self.name}:{line}: {place}: {text}" if place else f"{self.name}:{line}: {text}"


def read(path: Path, requirement: str) -> Document:
    """Read a document.

    Args:
        requirement: what to install if PyYAML is missing.

    Raises:
        ArgumentError: the file can't be read.
    """
    try:
        yaml: Any = import_module("yaml")
    except ModuleNotFoundError as error:
        raise missing(requirement, error) from error
    document = Document(name=path.name, content={}, lines={})
    problems: list[tuple[Pointer, str]] = []
    try:
        loader = _loader()(path.read_bytes().decode("utf-8-sig"))
        content = _content(loader, loader.get_single_node(), (), document.lines, problems)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise ArgumentError([f"{path.name}: it can't be read: {error}"]) from None
    except yaml.YAMLError as error:
        mark, why = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f":{mark.line + 1}" if mark is not None else ""
        raise ArgumentError([f"{path.name}{where}: it is not YAML: {why or error}"]) from None
    if not is_object(content):
        problems.append(((), "it must be an OpenAPI document: an object with `openapi`, `info` and `paths`"))
    if problems:
        raise ArgumentError(document.problem(*problem) for problem in problems)
    document.content.update(content)
    return document


def _content(
    loader: Any, node: Any, pointer: Pointer, lines: dict[Pointer, int], problems: list[tuple[Pointer, str]]
) -> Any:
    if node is None:
        return None
    lines.setdefault(pointer, node.start_mark.line + 1)
    if node.id == "mapping":
        members: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)  # as it is written: a status code stays text
            lines[*pointer, name] = key.start_mark.line + 1
            if name in members:
                problems.append(((*pointer, name), "it occurs twice; remove one"))
            members[name] = _content(loader, value, (*pointer, name), lines, problems)
        return members
    if node.id == "sequence":
        return [_content(loader, one, (*pointer, index), lines, problems) for index, one in enumerate(node.value)]
    value = loader.construct_object(node)
    if not isinstance(value, str | int | float | None):
        problems.append((pointer, f"it must be a value that JSON has, not {type(value).__name__}"))
    return value


_SCALARS: Final = {
    "tag:yaml.org,2002:null": ("~|null|", ["~", "n", ""]),
    "tag:yaml.org,2002:bool": ("true|false", ["t", "f"]),
    "tag:yaml.org,2002:int": ("-?(0|[1-9][0-9]*)", list("-0123456789")),
    "tag:yaml.org,2002:float": (r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", list("-0123456789")),
}
"""Which plain scalars are not text. As in YAML 1.2: NO, 01012027 and 2027-01-01 are text, unlike PyYAML's default."""


@cache
def _loader() -> Any:
    loader: Any = type("Loader", (import_module("yaml").SafeLoader,), {"yaml_implicit_resolvers": {}})
    for tag, (pattern, first) in _SCALARS.items():
        loader.add_implicit_resolver(tag, re.compile(f"(?:{pattern})$"), first)
    return loader
