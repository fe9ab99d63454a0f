"""Compare the description with the one of another revision, as Markdown for the changelog: `nox -s api-diff -- REV`.

What breaks an application depends on the side. It sends requests: there, a change that allows less breaks it. It reads
responses and callbacks: there, a change that allows more breaks it. The bundled documents of the package are compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = "generated/commercepay_api/openapi.json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")

Json = Mapping[str, Any]
Side = Literal["sent", "read"]
"""What an application does with a value."""


@dataclass
class Shape:
    """What a schema allows, with the schemas that it is made of."""

    owner: str
    types: set[str] = field(default_factory=set)
    members: dict[str, tuple[str, Json]] = field(default_factory=dict)
    """By name: the owner of the member, and its schema."""
    required: set[str] = field(default_factory=set)
    items: Json | None = None
    codes: dict[Any, str] | None = None
    """The names of the known codes, by code."""
    open: bool = False
    """Whether other codes are allowed as well."""
    variants: dict[str, Json] = field(default_factory=dict)
    """The alternatives, by the name of their schema or by their type."""
    keywords: dict[str, Any] = field(default_factory=dict)


def shape(document: Json, schema: Json, owner: str) -> Shape:
    """What a schema allows.

    Args:
        owner: the name for a schema without one.
    """
    found = Shape("")
    _add(document, schema, found, owner)
    found.owner = found.owner or owner
    if "number" in found.types:
        found.types.add("integer")
    return found


def _add(document: Json, schema: Json, found: Shape, owner: str) -> None:
    if "$ref" in schema:
        owner = _name(schema)
        found.owner = found.owner or owner
        _add(document, document["components"]["schemas"][owner], found, owner)
    types = schema.get("type", ())
    found.types.update([types] if isinstance(types, str) else types)
    found.members |= {name: (owner, member) for name, member in schema.get("properties", {}).items()}
    found.required.update(schema.get("required", ()))
    found.items = schema.get("items", found.items)
    found.keywords |= {name: schema[name] for name in (*UPPER, *LOWER, "pattern", "format") if name in schema}
    if "enum" in schema:
        names = schema.get("x-enum-varnames", map(str, schema["enum"]))
        found.codes = dict(zip(schema["enum"], names, strict=True))
    for part in schema.get("allOf", ()):
        _add(document, part, found, owner)
    alternatives = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if alternatives and all("const" in one for one in alternatives):
        found.codes = {one["const"]: one.get("title", str(one["const"])) for one in alternatives}
        return
    if len(alternatives) == 2 and alternatives[1].keys() <= {"type", "description"} and _is_codes(alternatives[0]):
        _add(document, alternatives[0], found, owner)
        found.open = True
        return
    rest = [one for one in alternatives if one.get("type") != "null"]
    if len(rest) < len(alternatives):
        found.types.add("null")
    if len(rest) == 1:
        _add(document, rest[0], found, owner)
    elif rest:
        found.variants = {_name(one) or str(one.get("type")): one for one in rest}


def _is_codes(schema: Json) -> bool:
    return "enum" in schema or all("const" in one for one in schema.get("oneOf", [{}]))


def _name(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


class Comparison:
    """The differences between two documents."""

    def __init__(self, old: Json, new: Json) -> None:
        self.old = old
        self.new = new
        self.found: dict[tuple[bool, str], dict[str, None]] = {}
        """Where each difference applies, by whether it breaks and by its text."""
        self._servers()
        self._security_schemes()
        for group in ("paths", "webhooks"):
            self._operations(_operations(old, group), _operations(new, group), callback=group == "webhooks")

    def _note(self, text: str, *, breaks: bool, where: str = "") -> None:
        self.found.setdefault((breaks, text), {})[where] = None

    def _allows(self, more: bool, text: str, side: Side, where: str) -> None:
        """Note a change that allows more, or less."""
        self._note(text, breaks=more if side == "read" else not more, where=where)

    def _servers(self) -> None:
        before, after = ([server["url"] for server in one.get("servers", ())] for one in (self.old, self.new))
        for url in before:
            if url not in after:
                self._note(f"The server {url} was removed", breaks=True)
        for url in after:
            if url not in before:
                self._note(f"The server {url} is new", breaks=False)

    def _security_schemes(self) -> None:
        before, after = (one.get("components", {}).get("securitySchemes", {}) for one in (self.old, self.new))
        for name, scheme in before.items():
            parts = ("type", "scheme", "in", "name")
            if name in after and [scheme.get(part) for part in parts] != [after[name].get(part) for part in parts]:
                self._note(f"The security scheme `{name}` has changed", breaks=True)

    def _operations(self, old: Mapping[str, Any], new: Mapping[str, Any], *, callback: bool) -> None:
        kind = "callback" if callback else "operation"
        for name in old.keys() | new.keys():
            if name not in new:
                self._note(f"The {kind} {name} was removed", breaks=True)
            elif name not in old:
                self._note(f"The {kind} {name} is new", breaks=False)
            else:
                self._operation(name, old[name], new[name], callback=callback)

    def _operation(self, name: str, old: tuple[str, Json], new: tuple[str, Json], *, callback: bool) -> None:
        (old_place, before), (new_place, after) = old, new
        if old_place != new_place:
            self._note(f"{name} is now {new_place}, not {old_place}", breaks=True)
        self._security(name, before, after, callback=callback)
        request, response = f"request of {name}", f"response of {name}"
        sent: Side = "read" if callback else "sent"
        read: Side = "sent" if callback else "read"
        self._shapes(_parameters(before, name), _parameters(after, name), sent, request, frozenset())
        self._content(before.get("requestBody", {}), after.get("requestBody", {}), sent, request)
        for status in before["responses"].keys() & after["responses"].keys():
            self._content(before["responses"][status], after["responses"][status], read, response)
        for status in before["responses"].keys() - after["responses"].keys():
            self._allows(False, f"The status {status} was removed", read, response)
        for status in after["responses"].keys() - before["responses"].keys():
            known = "default" in before["responses"]  # which describes every status
            self._note(f"The status {status} is new", breaks=read == "read" and not known, where=response)

    def _security(self, name: str, old: Json, new: Json, *, callback: bool) -> None:
        before, after = (
            [frozenset(choice) for choice in operation.get("security", document.get("security", []))] or [frozenset()]
            for operation, document in ((old, self.old), (new, self.new))
        )
        if set(before) == set(after):
            return
        satisfied = all(any(choice <= given for choice in after) for given in before)
        text = " or ".join(" and ".join(sorted(choice)) or "nothing" for choice in after)
        self._note(f"{name} needs other security: {text}", breaks=callback or not satisfied)

    def _content(self, old: Json, new: Json, side: Side, where: str) -> None:
        before, after = old.get("content", {}), new.get("content", {})
        if side == "sent" and new.get("required") and not old.get("required"):
            self._note("The body is required", breaks=True, where=where)
        for kind in before.keys() - after.keys():
            self._note(f"`{kind}` was removed", breaks=True, where=where)
        for kind in after.keys() - before.keys():
            self._note(f"`{kind}` is new", breaks=side == "read" and bool(before), where=where)
        for kind in before.keys() & after.keys():
            schema = before[kind]["schema"]
            self._schemas(schema, after[kind]["schema"], _name(schema) or "body", side, where, frozenset())

    def _schemas(self, old: Json, new: Json, place: str, side: Side, where: str, within: frozenset[str]) -> None:
        before, after = shape(self.old, old, place), shape(self.new, new, place)
        self._types(f"`{place}`", before, after, side, where)
        if before.owner not in within:  # else it contains itself
            self._shapes(before, after, side, where, within | {before.owner})

    def _shapes(self, old: Shape, new: Shape, side: Side, where: str, within: frozenset[str]) -> None:
        place = f"`{old.owner}`"
        self._codes(place, old, new, side, where)
        self._keywords(place, old, new, side, where)
        for name in old.members.keys() - new.members.keys():
            self._note(f"{_place(old, name)} was removed", breaks=True, where=where)
        for name in new.members.keys() - old.members.keys():
            required = name in new.required
            text = f"{_place(new, name)} is new{' and required' if required else ''}"
            self._note(text, breaks=required and side == "sent", where=where)
        for name in old.members.keys() & new.members.keys():
            if (name in old.required) != (name in new.required):
                more = name in old.required
                text = "can be absent" if more else "is always present" if side == "read" else "is required"
                self._allows(more, f"{_place(new, name)} {text}", side, where)
            inner = _place(new, name).strip("`")
            self._schemas(old.members[name][1], new.members[name][1], inner, side, where, within)
        for name in old.variants.keys() - new.variants.keys():
            self._allows(False, f"{place} is never `{name}`", side, where)
        for name in new.variants.keys() - old.variants.keys():
            self._allows(True, f"{place} can be `{name}`", side, where)
        for name in old.variants.keys() & new.variants.keys():
            self._schemas(old.variants[name], new.variants[name], old.owner, side, where, within)
        if old.items is not None and new.items is not None:
            self._schemas(old.items, new.items, f"{old.owner}[]", side, where, within)

    def _types(self, place: str, old: Shape, new: Shape, side: Side, where: str) -> None:
        if not old.types or not new.types:  # of alternatives
            return
        if added := new.types - old.types:
            self._allows(True, f"{place} can be {_list(added)}", side, where)
        if removed := old.types - new.types:
            self._allows(False, f"{place} is never {_list(removed)}", side, where)

    def _codes(self, place: str, old: Shape, new: Shape, side: Side, where: str) -> None:
        if old.codes is None or new.codes is None:
            if old.codes is not new.codes:
                self._allows(
                    new.codes is None, f"{place} has {'no' if new.codes is None else 'only known'} codes", side, where
                )
            return
        if old.open != new.open:
            self._allows(
                new.open, f"{place} {'can have other codes' if new.open else 'has only known codes'}", side, where
            )
        for code, name in new.codes.items():
            if code not in old.codes:
                text = f"{place} has the code {code} {name}"
                self._note(text, breaks=side == "read" and not old.open, where=where)
        for code, name in old.codes.items():
            if code not in new.codes:  # an application may use its name
                self._note(f"{place} has no code {code} {name}", breaks=True, where=where)
            elif new.codes[code] != name:
                self._note(f"{place} names the code {code} {new.codes[code]}, not {name}", breaks=True, where=where)

    def _keywords(self, place: str, old: Shape, new: Shape, side: Side, where: str) -> None:
        for keyword in (*UPPER, *LOWER):
            before, after = old.keywords.get(keyword), new.keywords.get(keyword)
            if before == after:
                continue
            more = after is None or (before is not None and (after > before) == (keyword in UPPER))
            text = f"{place} has no {keyword}" if after is None else f"{place} has the {keyword} {after}"
            self._allows(more, f"{text} ({'none' if before is None else before} before)", side, where)
        for keyword in ("pattern", "format"):
            before, after = old.keywords.get(keyword), new.keywords.get(keyword)
            if before == after or {before, after} == {None, "password"}:  # which only marks a secret
                continue
            text = f"{place} has the {keyword} `{after}`" if after else f"{place} has no {keyword}"
            if before and after:
                self._note(text, breaks=True, where=where)
            else:
                self._allows(after is None, text, side, where)

    def markdown(self) -> str:
        """The differences as a part of a changelog."""
        sections = [
            f"### {title}\n\n" + "".join(f"- {line}\n" for line in sorted(self._lines(breaks)))
            for breaks, title in ((True, "Breaking"), (False, "Compatible"))
            if any(kind == breaks for kind, _ in self.found)
        ]
        return "\n".join(sections) or "The description allows what it allowed before.\n"

    def _lines(self, breaks: bool) -> Iterator[str]:
        for (kind, text), places in self.found.items():
            if kind == breaks:
                where = ", ".join(sorted(place for place in places if place))
                yield f"{text} ({where})." if where else f"{text}."


def _operations(document: Json, group: str) -> dict[str, tuple[str, Json]]:
    """By name: the method with the path, and the operation."""
    return {
        operation.get("operationId", f"{method.upper()} {path}"): (f"{method.upper()} {path}", operation)
        for path, item in document.get(group, {}).items()
        for method, operation in item.items()
        if method in METHODS
    }


def _parameters(operation: Json, name: str) -> Shape:
    """The parameters as an object, with the place of each in its name."""
    found = Shape(name, types={"object"})
    for one in operation.get("parameters", ()):
        key = f"{one['name']} (in the {one['in']})"
        found.members[key] = (name, one["schema"])
        if one.get("required"):
            found.required.add(key)
    return found


def _place(of: Shape, name: str) -> str:
    return f"`{of.members[name][0]}.{name}`"


def _list(types: Iterable[str]) -> str:
    return " or ".join(sorted(types))


def of_revision(revision: str) -> Json:
    """The bundled document of a revision.

    Raises:
        SystemExit: the repository has no such revision, or it has no bundled document.
    """
    shown = subprocess.run(
        ["git", "show", "--end-of-options", f"{revision}:{DOCUMENT}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode:
        raise SystemExit(f"api-diff: {shown.stderr.strip()}")
    document: Json = json.loads(shown.stdout)
    return document


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: nox -s api-diff -- REV    (a tag, a branch or a commit)", file=sys.stderr)
        return 2
    new = json.loads((ROOT / DOCUMENT).read_text("utf-8"))
    print(Comparison(of_revision(arguments[0]), new).markdown(), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
