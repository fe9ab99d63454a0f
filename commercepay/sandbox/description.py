"""The endpoints, their members and limits, read from the bundled description and from one that a merchant brings.

No endpoint and no member is named here: what is added to the description is bound and validated without an edit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, ValidationErrorKind

from commercepay._base.json_guards import is_array, is_object
from commercepay._description.merging import bundled, merge
from commercepay._description.reading import read
from commercepay.errors import ArgumentError

Problem = tuple[str, tuple[str, ...]]
"""An entry of ABP's `validationErrors`: a message, and the members concerned."""

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Model:
    """The model that an endpoint binds a request to: its members, at every depth, and their types."""

    def __init__(
        self,
        kind: str | None,
        members: Mapping[str, tuple[str, Model]],
        required: Collection[str],
        items: Model | None,
    ) -> None:
        self.kind = kind
        self.members = members
        self.required = required
        self.items = items

    def bind(self, value: Any, *, as_sent: bool = False) -> Any:
        """The known members, found without regard to case, in the sender's order. Null counts as left out.

        Args:
            as_sent: keep nulls and the sender's spelling, rather than use the description's.
        """
        if self.members and is_object(value):
            bound: dict[str, Any] = {}
            for name, item in value.items():
                known = self.members.get(name.lower())
                if known is not None and (item is not None or as_sent):
                    bound[name if as_sent else known[0]] = known[1].bind(item, as_sent=as_sent)
            return bound
        if self.items is not None and is_array(value):
            return [self.items.bind(item, as_sent=as_sent) for item in value]
        return value

    def typed(self, value: Any) -> Any:
        """The value with scalars converted to the members' types, as the framework does before it serializes them."""
        if self.members and is_object(value):
            return {
                name: known[1].typed(item) for name, item in value.items() if (known := self.members.get(name.lower()))
            }
        if self.items is not None and is_array(value):
            return [self.items.typed(item) for item in value]
        if self.kind == "integer":
            if isinstance(value, str) and _INTEGER.fullmatch(value):
                return int(value)
        elif self.kind == "number":
            if isinstance(value, str) and _NUMBER.fullmatch(value):
                return json.loads(value)
        elif self.kind == "string" and type(value) is int:
            return str(value)
        elif self.kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return value


class Operation:
    """One endpoint of the description."""

    def __init__(self, document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> None:
        self.path = path
        self.method: str = method.upper()
        self.name: str = operation["operationId"]
        self.in_query: bool = "requestBody" not in operation
        choices = [set(choice) for choice in operation.get("security", document.get("security", []))]
        schemes = document["components"]["securitySchemes"].items()
        token = {name for name, one in schemes if one["type"] == "http"}
        signature = {name for name, one in schemes if one.get("name") == "cap-signature"}
        self.needs_token: bool = any(choice & token for choice in choices)
        self.needs_signature: bool = bool(choices) and all(choice & signature for choice in choices)
        self.takes_signature: bool = any(choice & signature for choice in choices)
        schema = _query_schema(operation) if self.in_query else _body(operation["requestBody"])["schema"]
        self.model: Model = _model(document, schema)
        result = _result_schema(document, operation)
        self.example: Any = next(_examples(operation), None) or _example_of(document, result)
        self._result_validator = _validator(document, result)
        self._validator = _validator(document, schema)

    def is_valid(self, bound: Any) -> bool:
        """Whether a request has the members and types that the description asks for."""
        return self._validator.is_valid(_in_utf16(bound)) and not self._blank(bound)

    def problems(self, bound: Any) -> list[Problem]:
        """The validation errors as ABP reports them; empty if the request is valid."""
        errors = self._validator.iter_errors(_in_utf16(bound))
        found = [_problem(error.kind, error.message, error.instance_path) for error in errors]
        return list(dict.fromkeys([*(_missing(name, name) for name in self._blank(bound)), *found]))

    def result_problems(self, result: Any) -> list[str]:
        """What is wrong with a result, by the description; empty if it matches."""
        errors = self._result_validator.iter_errors(result)
        return [f"{'.'.join(map(str, error.instance_path)) or 'the result'}: {error.message}" for error in errors]

    def _blank(self, bound: Any) -> list[str]:
        """Required members that are blank: the framework refuses them like missing ones."""
        if not is_object(bound):
            return []
        return [one for one in self.model.required if isinstance(text := bound.get(one), str) and not text.strip()]


class Description:
    """All endpoints, by method and lower-cased path (ASP.NET looks paths up so)."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.operations: dict[tuple[str, str], Operation] = {}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if method in ("get", "post", "put", "delete", "patch"):
                    self.operations[method.upper(), path.lower()] = Operation(document, path, method, operation)
        self.by_name: dict[str, Operation] = {one.name.lower(): one for one in self.operations.values()}
        self.servers: tuple[str, ...] = tuple(str(server["url"]).rstrip("/") for server in document.get("servers", ()))
        self.secret_members: frozenset[str] = frozenset(_secret_members(document))

    def find(self, method: str, path: str) -> Operation | None:
        return self.operations.get((method, path.rstrip("/").lower()))

    @property
    def roots(self) -> list[str]:
        """The first segments of the endpoints' paths."""
        return sorted({"/" + operation.path.split("/")[1] for operation in self.operations.values()})

    def methods(self, path: str) -> list[str]:
        return [method for method, known in self.operations if known == path.rstrip("/").lower()]


def load(path: Path | None = None) -> Description:
    """The bundled description, or that and the one in a file.

    Raises:
        ArgumentError: names everything in the file that can't be used.
    """
    if path is None:
        return _bundled()
    document = read(path, "commercepay[sandbox]")
    merged = merge(document)
    try:
        description = Description(merged.document)
    except ValueError as error:  # of the validator, for a pattern that is no regular expression
        raise ArgumentError(f"{path.name}: {error}") from None
    problems = [
        document.problem(("paths", one), f"the sandbox serves {root} itself")
        for one in merged.paths
        if (root := "/" + one.split("/")[1]) in _PAGES
    ]
    for method, place, name in merged.operations:
        operation = description.by_name[name.lower()]
        if operation.example is not None:
            example = operation.example["result"] if "__abp" in operation.example else operation.example
            at = ("paths", place, method, "responses", "200")
            problems += [document.problem(at, f"the example: {one}") for one in operation.result_problems(example)]
    if problems:
        raise ArgumentError(problems)
    return description


_PAGES: Final = ("/pay", "/_sandbox")


@lru_cache(maxsize=1)
def _bundled() -> Description:
    return Description(bundled())


def _validator(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Draft202012Validator:
    # The references in the schema need "components" beside them. Values are masked in messages, as one of them may be a
    # password.
    return Draft202012Validator({**schema, "components": document["components"]}, mask="the value")


def _body(part: Mapping[str, Any]) -> Mapping[str, Any]:
    content: Mapping[str, Any] = part["content"]["application/json"]
    return content


def _query_schema(operation: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    return {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in parameters},
        "required": [one["name"] for one in parameters if one.get("required")],
    }


def _examples(operation: Mapping[str, Any]) -> Iterator[Any]:
    for status, response in operation["responses"].items():
        if str(status).startswith("2") and "content" in response:
            yield from (one["value"] for one in _body(response).get("examples", {}).values() if "value" in one)


def _result_schema(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the result in the envelope of a success."""
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    for part, _ in _parts(document, content.get("schema", {}), ()):
        alternatives = part.get("properties", {}).get("result", {}).get("oneOf", ())
        for one in alternatives:
            if one.get("$ref") != "#/components/schemas/Refusal" and (one != _NULL or len(alternatives) == 2):
                result: Mapping[str, Any] = one
                return result
    return {}


_NULL: Final = {"type": "null"}


def _example_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """The example of a schema, or what the examples of its members add up to; None if one is missing."""
    if schema == _NULL:
        return {"result": None, "__abp": True}
    members: dict[str, Any] = {}
    required: set[str] = set()
    for part, _ in _parts(document, schema, ()):
        if "example" in part or part.get("examples"):
            return part["example"] if "example" in part else part["examples"][0]
        if "items" in part:
            item = _example_of(document, part["items"])
            return None if item is None else [item]
        if "enum" in part:
            return part["enum"][0]
        required.update(part.get("required", ()))
        members |= {name: _example_of(document, one) for name, one in part.get("properties", {}).items()}
    given = {name: value for name, value in members.items() if value is not None}
    return given if required <= given.keys() and given else None


def _model(document: Mapping[str, Any], schema: Mapping[str, Any], within: tuple[str, ...] = ()) -> Model:
    """The members and types of a schema, including those of its references and parts."""
    kind: str | None = None
    members: dict[str, tuple[str, Model]] = {}
    required: dict[str, None] = {}  # in order, each once
    items: Model | None = None
    for part, path in _parts(document, schema, within):
        types = part.get("type", ())
        named = [one for one in ([types] if isinstance(types, str) else types) if one != "null"]
        kind = kind or (named[0] if len(named) == 1 else None)
        required.update(dict.fromkeys(part.get("required", ())))
        for name, member in part.get("properties", {}).items():
            members[name.lower()] = (name, _model(document, member, path))
        if "items" in part:
            items = _model(document, part["items"], path)
    return Model(kind, members, required, items)


def _parts(
    document: Mapping[str, Any], schema: Mapping[str, Any], within: tuple[str, ...]
) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
    yield schema, within
    reference = schema.get("$ref")
    if reference is not None and reference not in within:  # a schema that contains itself is followed once
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        yield from _parts(document, target, (*within, reference))
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, ()):
            yield from _parts(document, part, within)


def _secret_members(node: Any) -> Iterator[str]:
    """Names of the members that the description marks as secret."""
    if is_object(node):
        members: object = node.get("properties")  # an example may have any value there
        for name, member in members.items() if is_object(members) else ():
            if is_object(member) and member.get("format") == "password":
                yield name.lower()
        for child in node.values():
            yield from _secret_members(child)
    elif is_array(node):
        for child in node:
            yield from _secret_members(child)


def _problem(kind: Any, message: str, path: list[str | int]) -> Problem:
    """One problem, in the words of .NET's validation attributes if they have some for it."""
    place = ".".join(map(str, path))
    if isinstance(kind, ValidationErrorKind.Required):
        return _missing(kind.property, ".".join((*map(str, path), kind.property)))
    name = _pascal(str(path[-1])) if path else "request"
    if isinstance(kind, ValidationErrorKind.MaxLength):
        return f"The field {name} must be a string with a maximum length of {kind.limit}.", (place,)
    if isinstance(kind, ValidationErrorKind.Pattern):
        return f"The field {name} must match the regular expression '{kind.pattern}'.", (place,)
    return f"The field {name} is not valid: {message}.", (place,) if place else ()


def _missing(name: str, place: str) -> Problem:
    return f"The {_pascal(name)} field is required.", (place,)


def _in_utf16(value: Any) -> Any:
    """The value with each string as long as .NET counts it: in UTF-16 units, so an emoji is two characters."""
    if isinstance(value, str):
        return value if value.isascii() else _ASTRAL.sub("\ufffd\ufffd", value)
    if is_object(value):
        return {name: _in_utf16(item) for name, item in value.items()}
    return [_in_utf16(item) for item in value] if is_array(value) else value


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]
