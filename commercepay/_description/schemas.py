"""Check the schemas of a description, and write them in the form of the bundled one, which is OpenAPI 3.1."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from commercepay._base.json_guards import is_array, is_object
from commercepay._base.suggestions import did_you_mean
from commercepay._description.reading import Document, Pointer

SCHEMAS: Final = "#/components/schemas/"
RENAME: Final = "the generated code can't have both; call the endpoint with `cp.request()`"

_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object", "null")
_KEYWORDS: Final = (
    *("$ref", "type", "format", "description", "example", "examples", "deprecated", "nullable", "externalDocs"),
    *("properties", "required", "additionalProperties", "items", "enum", "allOf", "anyOf", "oneOf"),
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minItems", "maxItems", "uniqueItems"),
)
_Check = Callable[[Any], bool]
_VALUES: Final[Mapping[str, tuple[str, _Check]]] = {
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems"),
        ("an integer that is not negative", lambda value: type(value) is int and value >= 0),
    ),
    **dict.fromkeys(("minimum", "maximum"), ("a number", lambda value: type(value) in (int, float))),
    **dict.fromkeys(
        ("exclusiveMinimum", "exclusiveMaximum"),
        ("a number (or a boolean)", lambda value: type(value) in (int, float, bool)),
    ),
    "multipleOf": ("a number above 0", lambda value: type(value) in (int, float) and value > 0),
    **dict.fromkeys(("description", "summary", "pattern", "format"), ("a text", lambda value: isinstance(value, str))),
    **dict.fromkeys(("nullable", "deprecated", "uniqueItems"), ("true or false", lambda value: type(value) is bool)),
}
"""What the value of a keyword must be."""
_INSTEAD: Final = {
    "default": "it would be sent and signed where the caller gives nothing; write it into the description",
    "const": "write `enum` with one value, in a schema of its own",
    "title": "it would rename the generated class; remove it",
    "discriminator": "the generator ignores it; write one schema",
    "readOnly": "the generator ignores it; write a schema for the request and one for the result",
    "writeOnly": "the generator ignores it; write a schema for the request and one for the result",
}
NAME_IT: Final = f"name it: move it to components > schemas, and write $ref: '{SCHEMAS}NameOfIt'"
_ONE_SCHEMA: Final = (
    "of several schemas, the generated code would take the first that fits: write one. (For null, write"
    " `oneOf` with a $ref and `type: 'null'`.)"
)
_MEMBERS_OF_CLASSES: Final = (
    *("d", "cls", "cast", "src_dict", "field_dict", "to_dict", "from_dict"),
    *("additional_properties", "additional_keys"),
)

_CODE: Final = "[A-Z][A-Z0-9_]*"


def same_in_python(name: str) -> str:
    """A form that is equal for names that the generator could make equal, such as `refundId` and `refund_id`."""
    return re.sub("[^a-z0-9]", "", name.lower())


class Report:
    """Collects the problems of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[str] = []

    def refuse(self, pointer: Pointer, text: str) -> None:
        self.problems.append(self._document.problem(pointer, text))

    def object(self, value: Any, pointer: Pointer) -> dict[str, Any]:
        if value is not None and not is_object(value):
            self.refuse(pointer, "it must be an object")
        return value if is_object(value) else {}

    def only(
        self,
        given: Mapping[str, Any],
        pointer: Pointer,
        allowed: Iterable[str],
        instead: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse all other members: what is ignored in silence would be missing in the generated code."""
        for name, value in given.items():
            if name in _VALUES and not _VALUES[name][1](value):
                self.refuse((*pointer, name), f"it must be {_VALUES[name][0]}")
            if name not in allowed and not name.startswith("x-"):
                text = (instead or {}).get(name) or f"it is not used here{did_you_mean(name, allowed)}; remove it"
                self.refuse((*pointer, name), text)

    def distinct(self, name: str, pointer: Pointer, seen: dict[str, str], way_out: str) -> None:
        """Refuse a name that is the same in Python as one before."""
        if (other := seen.get(same_in_python(name))) is not None:
            self.refuse(pointer, f"{name} and {other} are the same name in Python: {way_out}")
        seen[same_in_python(name)] = name


class Schemas:
    """Checks and converts schemas.

    Args:
        own: the schemas of the document.
        bundled: those of the bundled description.
    """

    def __init__(self, report: Report, own: Mapping[str, Any], bundled: Mapping[str, Any]) -> None:
        self._report = report
        self._all = {**bundled, **own}

    def component(self, given: Any, pointer: Pointer) -> Any:
        """A named schema."""
        schema = self._report.object(given, pointer)
        alternatives = schema.get("anyOf")
        if is_array(alternatives) and len(alternatives) == 2 and all(is_object(one) for one in alternatives):
            codes, bare = alternatives
            if "enum" in codes and bare.keys() <= {"type", "description"} and bare.get("type") == codes.get("type"):
                self._enum(codes, (*pointer, "anyOf", 0))
                return schema  # an open enum
        if "enum" in schema:
            self._enum(schema, pointer)
            return schema
        if "$ref" in schema:
            self._report.refuse(
                pointer, "this is a second name of a schema; write the schema here, or use its first name"
            )
            return schema
        if is_array(parts := schema.get("allOf")):
            self._keywords(schema, pointer, ("allOf", "description", "example", "examples", "deprecated"))
            return {**schema, "allOf": [self._part(one, (*pointer, "allOf", index)) for index, one in enumerate(parts)]}
        return self._object(schema, pointer) if _is_object_schema(schema) else self.inline(schema, pointer)

    def inline(self, given: Any, pointer: Pointer) -> dict[str, Any]:
        """A schema inside another or inside an operation: a reference, a scalar or an array."""
        schema = self._report.object(given, pointer)
        self._keywords(schema, pointer, _KEYWORDS)
        if _is_object_schema(schema):
            self._report.refuse(pointer, f"an object must have a name; {NAME_IT}")
            return schema
        if "enum" in schema:
            self._report.refuse(pointer, f"codes must have a name; {NAME_IT}")
            return schema
        if (reference := self._reference(schema, pointer)) is not None:
            return reference
        kinds = self._kinds(schema, pointer)
        converted = {name: value for name, value in schema.items() if name not in ("nullable", "type", "format")}
        converted["type"] = kinds[0] if len(kinds) == 1 else kinds
        if schema.get("format") == "password" or kinds[0] != "string":  # other strings stay as they are sent
            converted |= {"format": schema["format"]} if "format" in schema else {}
        for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(schema.get(name), bool):  # as in OpenAPI 3.0
                exclusive = converted.pop(name)
                if exclusive and bound in converted:
                    converted[name] = converted.pop(bound)
        if kinds[0] == "array":
            if "items" not in schema:
                self._report.refuse(pointer, "items is missing: what does the array hold?")
            converted["items"] = self.inline(schema.get("items"), (*pointer, "items"))
        return converted

    def is_scalar(self, schema: Mapping[str, Any]) -> bool:
        schema = self._resolved(schema)
        return "enum" in schema or "anyOf" in schema or not {"array", "object"} & set(_types(schema.get("type")))

    def is_object_schema(self, schema: Mapping[str, Any]) -> bool:
        schema = self._resolved(schema)
        return "allOf" in schema or _is_object_schema(schema)

    def is_envelope(self, schema: Mapping[str, Any]) -> bool:
        """Whether a schema is the gateway's envelope with a result in it, and not the result."""
        schema = self._resolved(schema)
        inherited = schema.get("allOf")
        parts = [schema, *(self._resolved(one) for one in (inherited if is_array(inherited) else ()) if is_object(one))]
        members = [part.get("properties") for part in parts]
        return any({"__abp", "unAuthorizedRequest"} & one.keys() for one in members if is_object(one))

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        name = str(schema.get("$ref", "")).removeprefix(SCHEMAS)
        found: object = self._all.get(name)
        return found if is_object(found) else schema

    def _part(self, given: Any, pointer: Pointer) -> dict[str, Any]:
        return self.inline(given, pointer) if is_object(given) and "$ref" in given else self._object(given, pointer)

    def _keywords(self, schema: Mapping[str, Any], pointer: Pointer, allowed: Iterable[str]) -> None:
        self._report.only(schema, pointer, allowed, _INSTEAD)
        if not is_array(schema.get("examples", [])):
            self._report.refuse((*pointer, "examples"), "it must be an array")

    # --- parts -------------------------------------------------------------------------------------------------------

    def _object(self, schema: Any, pointer: Pointer) -> dict[str, Any]:
        schema = self._report.object(schema, pointer)
        allowed = ("type", "description", "properties", "required", "additionalProperties")
        self._keywords(schema, pointer, (*allowed, "example", "examples", "deprecated"))
        if not isinstance(schema.get("additionalProperties", True), bool):
            text = "how a map is named in Python is not known: write its members in `properties`"
            self._report.refuse((*pointer, "additionalProperties"), text)
        properties = self._report.object(schema.get("properties"), (*pointer, "properties"))
        required = schema.get("required", [])
        if not is_array(required):
            self._report.refuse((*pointer, "required"), "it must be an array of names")
        for name in required if is_array(required) else []:
            if not isinstance(name, str) or name not in properties:
                self._report.refuse((*pointer, "required"), f"{name!r} is not in properties")
        seen = dict.fromkeys(map(same_in_python, _MEMBERS_OF_CLASSES), "a name of the generated class")
        component = str(pointer[2])
        seen[same_in_python(component)] = f"the schema {component}"
        converted: dict[str, Any] = {}
        for name, member in properties.items():
            at = (*pointer, "properties", name)
            self._report.distinct(name, at, seen, RENAME)
            converted[name] = self.inline(member, at)
            if name.lower().endswith("amount") and "number" in _types(converted[name].get("type")):
                self._report.refuse(at, "an amount is never a float: write `type: integer`, in minor units")
        return {**schema, "type": "object", "properties": converted}

    def _reference(self, schema: Mapping[str, Any], pointer: Pointer) -> dict[str, Any] | None:
        """The converted schema, if it refers to a named one: `$ref`, one in `allOf`, or one or null in `oneOf`."""
        keyword = next((name for name in ("allOf", "oneOf", "anyOf") if name in schema), None)
        if "$ref" in schema:
            references, nullable = [schema["$ref"]], schema.get("nullable") is True
        elif keyword is not None:
            parts: list[Any] = schema[keyword] if is_array(schema[keyword]) else []
            references = [part.get("$ref") for part in parts if is_object(part) and part != {"type": "null"}]
            nullable = schema.get("nullable") is True or (keyword != "allOf" and len(references) < len(parts))
        else:
            return None
        name = str(references[0]).removeprefix(SCHEMAS) if len(references) == 1 and references[0] else None
        if name is None:
            self._report.refuse((*pointer, keyword or "$ref"), _ONE_SCHEMA)
        elif name not in self._all:
            text = f"there is no schema {name!r} here or in the bundled description{did_you_mean(name, self._all)}"
            self._report.refuse((*pointer, keyword or "$ref"), text)
        target = {"$ref": f"{SCHEMAS}{name}"}
        rest = {one: schema[one] for one in ("description", "example", "examples", "deprecated") if one in schema}
        if nullable:
            return {"oneOf": [target, {"type": "null"}], **rest}
        return {"allOf": [target], **rest} if rest else target

    def _kinds(self, schema: Mapping[str, Any], pointer: Pointer) -> list[str]:
        given = schema.get("type")
        kinds = _types(given)
        if not kinds or any(one not in _TYPES for one in kinds):
            self._report.refuse(
                (*pointer, "type") if given else pointer, f"write `type`, one of {', '.join(_TYPES[:4])}"
            )
            return ["string"]
        if len([one for one in kinds if one != "null"]) != 1:
            self._report.refuse((*pointer, "type"), "write one type, or one and 'null'")
        kinds.sort(key="null".__eq__)
        return [*kinds, "null"] if schema.get("nullable") is True and "null" not in kinds else kinds

    def _enum(self, schema: dict[str, Any], pointer: Pointer) -> None:
        self._keywords(schema, pointer, ("type", "enum", "description", "example", "examples", "deprecated"))
        values, names = schema.get("enum"), schema.get("x-enum-varnames")
        kind = {"string": str, "integer": int}.get(str(schema.get("type")))
        if kind is None or not is_array(values) or not values or not all(type(one) is kind for one in values):
            text = "codes must be all strings or all integers, with `type: string` or `type: integer`; for null, write"
            self._report.refuse(pointer, f"{text} `oneOf` with a $ref and `type: 'null'` where the codes are used")
            return
        if names is None:
            names = values if kind is str else []
        elif (
            not is_array(names) or len(names) != len(values) or not all(re.fullmatch(_CODE, str(one)) for one in names)
        ):
            text = "it must have one name for each code, in capitals, such as IN_PROGRESS"
            self._report.refuse((*pointer, "x-enum-varnames"), text)
            return
        seen: dict[str, str] = {}
        for name in map(str, names):
            self._report.distinct(name, (*pointer, "enum"), seen, "give each code a name in `x-enum-varnames`")


def _types(kind: object) -> list[str]:
    return [str(one) for one in kind] if is_array(kind) else [str(kind)] if kind is not None else []


def _is_object_schema(schema: Mapping[str, Any]) -> bool:
    additional = schema.get("additionalProperties")
    return "object" in _types(schema.get("type")) or "properties" in schema or is_object(additional)
