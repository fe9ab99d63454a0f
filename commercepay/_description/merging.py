"""Check a merchant's description of further endpoints, and add it to the bundled description.

What the generator can't do well, and what is not known of the gateway, is refused with its place and what to write instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from commercepay._base.json_guards import is_array, is_object
from commercepay._base.record import Record
from commercepay._description.reading import Document, Pointer
from commercepay._description.schemas import NAME_IT, RENAME, SCHEMAS, Report, Schemas, same_in_python
from commercepay.errors import ArgumentError

ENVELOPE: Final = f"{SCHEMAS}Envelope"
_ANOTHER: Final = "choose another name"
_INSTEAD: Final = "or call the endpoint with `cp.request()`"
_INSTEAD_OF_TOP: Final = {
    "servers": "remove it: the client has the base URL",
    "security": "remove it: every endpoint is called with the token, the tenant and the signature",
    "webhooks": "remove it: callbacks are verified by `commercepay.callbacks`",
}
_INSTEAD_OF_COMPONENTS: Final = {
    "securitySchemes": _INSTEAD_OF_TOP["security"],
    **dict.fromkeys(
        ("parameters", "responses", "requestBodies", "examples", "headers", "pathItems"),
        "write it where it is used; only schemas can be named",
    ),
}
_INSTEAD_OF_METHODS: Final = {
    "parameters": "write the parameters in the operation",
    "servers": _INSTEAD_OF_TOP["servers"],
    **{
        method: f"how a {method.upper()} is signed is not known: only get and post can be described"
        for method in ("put", "patch", "delete", "head", "options", "trace")
    },
}
_INSTEAD_OF_IN: Final = {
    "path": f"how a path parameter is signed is not known: write the whole path, {_INSTEAD}",
    "header": "remove it: the client adds the headers",
    "cookie": "remove it: the client sends no cookies",
}
_CLASSES: Final = (
    *("Any", "AuthenticatedClient", "Client", "File", "FileTypes", "HTTPStatus", "Mapping", "Request", "RequestFiles"),
    *("Response", "Self", "T", "TypeVar", "Unset", "cast", "define", "field", "httpx"),
)
_FUNCTIONS: Final = (
    *("client", "body", "params", "headers", "cookies", "kwargs", "response", "request", "cast", "httpx", "errors"),
    *("sync", "sync_detailed", "asyncio", "asyncio_detailed"),
)


class Merged(Record):
    """The bundled description and a merchant's, as one.

    Attributes:
        document: all of it.
        paths: the paths with new operations, with only these.
        operations: for each new operation, its method, path and id.
    """

    document: dict[str, Any]
    paths: dict[str, Any]
    operations: tuple[tuple[str, str, str], ...]


@cache
def _bundled_text() -> str:
    return files("commercepay_api").joinpath("openapi.json").read_text(encoding="utf-8")


def bundled() -> dict[str, Any]:
    """The description that `commercepay_api` was generated from: a copy."""
    document: dict[str, Any] = json.loads(_bundled_text())
    return document


def merge(document: Document) -> Merged:
    """Add a merchant's description to the bundled one.

    Raises:
        ArgumentError: names everything that can't be used.
    """
    return _Merge(document).merged()


class _Merge(Report):
    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._given = document.content
        self._bundled = bundled()
        self._ids = {
            same_in_python(name): f"{name} of commercepay_api" for _, _, name in _operations(self._bundled["paths"])
        }
        self._names = {same_in_python(name): "a name in the generated code" for name in _CLASSES}
        self._names |= {same_in_python(name): f"{name} of commercepay_api" for name in _schemas_of(self._bundled)}
        self._envelopes: dict[str, Any] = {}

    def merged(self) -> Merged:
        version = self._given.get("openapi")
        if not isinstance(version, str) or not re.match(r"3\.[01](\.|$)", version):
            self.refuse(("openapi",) if "openapi" in self._given else (), 'write `openapi: "3.1.0"` (or 3.0.x)')
        self.only(self._given, (), ("openapi", "info", "tags", "paths", "components"), _INSTEAD_OF_TOP)
        components = self.object(self._given.get("components"), ("components",))
        self.only(components, ("components",), ("schemas",), _INSTEAD_OF_COMPONENTS)
        own = self.object(components.get("schemas"), ("components", "schemas"))
        schemas = Schemas(self, own, _schemas_of(self._bundled))
        converted: dict[str, Any] = {}
        for name, schema in own.items():
            self._schema_name(name, ("components", "schemas", name))
            converted[name] = schemas.component(schema, ("components", "schemas", name))
        paths = self._paths(schemas)
        if self.problems:
            raise ArgumentError(self.problems)
        document = self._bundled
        _schemas_of(document).update(converted | self._envelopes)
        for path, item in paths.items():
            document["paths"][path] = {**document["paths"].get(path, {}), **item}
        return Merged(document=document, paths=paths, operations=tuple(_operations(paths)))

    def _schema_name(self, name: str, pointer: Pointer) -> None:
        if not re.fullmatch("[A-Za-z][A-Za-z0-9]*", name):
            self.refuse(pointer, "the name of a schema must have letters and digits only, such as RefundRequest")
        self.distinct(name, pointer, self._names, _ANOTHER)

    # --- endpoints ---------------------------------------------------------------------------------------------------

    def _paths(self, schemas: Schemas) -> dict[str, Any]:
        paths = self.object(self._given.get("paths"), ("paths",))
        if not paths:
            self.refuse(("paths",) if "paths" in self._given else (), "there is no endpoint: write its path in `paths`")
        return {
            path: {
                method: self._operation(method, path, operation, schemas)
                for method, operation in self._path(path, item, paths).items()
            }
            for path, item in paths.items()
        }

    def _path(self, path: str, item: Any, paths: Iterable[str]) -> dict[str, Any]:
        """Check a path. Returns its operations."""
        pointer: Pointer = ("paths", path)
        if "{" in path:
            self.refuse(pointer, f"how a path parameter is signed is not known: write the whole path, {_INSTEAD}")
        elif not re.fullmatch(r"(/[\w.~-]+)+", path, re.ASCII) or re.search(r"/\.{1,2}(/|$)", path):
            self.refuse(
                pointer, "a path must be as in /api/services/app/PaymentGateway/Query: without query or last '/'"
            )
        for known in [*self._bundled["paths"], *paths]:
            if known != path and known.lower() == path.lower():
                self.refuse(pointer, f"{known} is the same path for the gateway; write it in the same way")
        operations = self.object(item, pointer)
        self.only(operations, pointer, ("get", "post"), _INSTEAD_OF_METHODS)
        for method in operations:
            if method in self._bundled["paths"].get(path, {}):
                self.refuse((*pointer, method), "it is an operation of commercepay_api already; remove it")
        if not {"get", "post"} & operations.keys():
            self.refuse(pointer, "there is no operation: write `get` or `post`")
        return {method: operations[method] for method in ("get", "post") if method in operations}

    def _operation(self, method: str, path: str, given: Any, schemas: Schemas) -> dict[str, Any]:
        pointer: Pointer = ("paths", path, method)
        given = self.object(given, pointer)
        allowed = ("operationId", "tags", "summary", "description", "deprecated", "externalDocs", "responses")
        self.only(given, pointer, (*allowed, "parameters", "requestBody"), _INSTEAD_OF_TOP)
        name = self._operation_id(path, given.get("operationId"), pointer)
        tags = given.get("tags", [])
        if not is_array(tags) or len(tags) > 1 or not all(re.fullmatch(r"[A-Za-z][\w -]*", str(tag)) for tag in tags):
            self.refuse((*pointer, "tags"), "write one tag, which names the module: letters, digits and blanks")
        operation: dict[str, Any] = {**given, "security": [{"bearer": [], "tenant": [], "signature": []}]}
        if method == "get":
            if "requestBody" in given:
                self.refuse((*pointer, "requestBody"), "a GET has no body; write `parameters`")
            operation["parameters"] = self._parameters(given.get("parameters", []), pointer, schemas)
        else:
            if given.get("parameters"):
                self.refuse((*pointer, "parameters"), "what is signed then is not known; write members of the body")
            operation["requestBody"] = self._body(given.get("requestBody"), pointer, schemas)
        operation["responses"] = self._responses(name, given.get("responses"), pointer, schemas)
        return operation

    def _operation_id(self, path: str, name: Any, pointer: Pointer) -> str:
        suggested = path.rpartition("/")[2]
        if name is None:
            self.refuse(pointer, f"operationId is missing: write a unique name, such as `operationId: {suggested}`")
            return suggested
        pointer = (*pointer, "operationId")
        if not isinstance(name, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9]*", name):
            self.refuse(pointer, f"it must have letters and digits only, such as {suggested}")
            return suggested
        self.distinct(name, pointer, self._ids, _ANOTHER)
        return name

    def _parameters(self, given: Any, operation: Pointer, schemas: Schemas) -> list[Any]:
        pointer = (*operation, "parameters")
        if not is_array(given):
            self.refuse(pointer, "it must be an array of parameters")
            return []
        seen = {same_in_python(name): "a name of the generated function" for name in _FUNCTIONS}
        return [self._parameter(one, (*pointer, index), schemas, seen) for index, one in enumerate(given)]

    def _parameter(self, given: Any, pointer: Pointer, schemas: Schemas, seen: dict[str, str]) -> dict[str, Any]:
        parameter = self.object(given, pointer)
        if "$ref" in parameter:
            self.refuse(pointer, "write the parameter here, without $ref")
            return parameter
        where, name = parameter.get("in"), parameter.get("name")
        if where != "query":
            self.refuse((*pointer, "in"), _INSTEAD_OF_IN.get(str(where), "write `in: query`"))
        allowed = ("name", "in", "required", "description", "schema", "example", "examples", "deprecated")
        self.only(parameter, pointer, allowed)
        if not isinstance(name, str) or not name:
            self.refuse(pointer, "the parameter has no name")
        else:
            self.distinct(name, (*pointer, "name"), seen, RENAME)
        schema = self.object(parameter.get("schema"), (*pointer, "schema"))
        if not schema:
            self.refuse(pointer, "schema is missing")
        elif not schemas.is_scalar(schema):
            self.refuse(
                (*pointer, "schema"),
                f"how a list or an object is signed in a query is not known: write a scalar type, {_INSTEAD}",
            )
        # The generator takes the text of the schema.
        described = {"description": parameter["description"]} if "description" in parameter else {}
        return {**parameter, "schema": described | schemas.inline(schema, (*pointer, "schema"))}

    def _body(self, given: Any, operation: Pointer, schemas: Schemas) -> dict[str, Any]:
        pointer = (*operation, "requestBody")
        if not is_object(given):
            self.refuse(operation, "requestBody is missing; a POST without members has a schema without properties")
            return {}
        self.only(given, pointer, ("content", "description", "required"))
        content = self._content(given, pointer)
        schema = content.get("schema")
        if not is_object(schema) or "$ref" not in schema:
            self.refuse((*pointer, "content"), f"a body must have a name; {NAME_IT}")
        elif not schemas.is_object_schema(schema):
            self.refuse((*pointer, "content"), "the schema of a body must be an object")
        return {
            **given,
            "required": True,
            "content": {"application/json": {**content, "schema": schemas.inline(schema, pointer)}},
        }

    def _content(self, given: dict[str, Any], pointer: Pointer) -> dict[str, Any]:
        content = self.object(given.get("content"), (*pointer, "content"))
        if list(content) != ["application/json"]:
            self.refuse((*pointer, "content"), "the gateway takes and sends JSON: write `application/json` only")
        json_content = self.object(content.get("application/json"), (*pointer, "content", "application/json"))
        self.only(json_content, (*pointer, "content", "application/json"), ("schema", "example", "examples"))
        return json_content

    def _responses(self, name: str, given: Any, operation: Pointer, schemas: Schemas) -> dict[str, Any]:
        pointer = (*operation, "responses")
        responses = self.object(given, pointer)
        for status in responses:
            if status != "200":
                self.refuse(
                    (*pointer, status), "describe 200 only: a failure has the gateway's envelope, which is added"
                )
        response = self.object(responses.get("200"), (*pointer, "200"))
        if not response:
            self.refuse(operation, "responses > 200 is missing: describe the result of a success there")
        pointer = (*pointer, "200")
        self.only(response, pointer, ("description", "content"))
        content = self._content(response, pointer) if "content" in response else {}
        schema, at = content.get("schema"), (*pointer, "content", "application/json", "schema")
        alternatives: list[Any] = [{"$ref": f"{SCHEMAS}Refusal"}]
        if is_object(schema):
            if schemas.is_envelope(schema):
                self.refuse(at, "describe the result alone: the envelope is added")
            alternatives.append(schemas.inline(schema, at))
        elif "content" in response:
            self.refuse(at, "schema is missing")
        envelope = f"{name[:1].upper()}{name[1:]}Envelope"
        self._schema_name(envelope, operation)
        self._envelopes[envelope] = {
            "description": f"The response of {name}.",
            "allOf": [
                {"$ref": ENVELOPE},
                {
                    "type": "object",
                    "properties": {
                        "result": {
                            "oneOf": [*alternatives, {"type": "null"}],
                            "description": "The result; or a failure; or null, if `error` has the failure.",
                        }
                    },
                },
            ],
        }
        schema_only = {"schema": {"$ref": f"{SCHEMAS}{envelope}"}}
        examples = {str(number): {"value": _enveloped(one)} for number, one in enumerate(_examples(content), 1)}
        text = response.get("description") or "The result, or a failure (see the body)."
        failure = "A failure (see the body)."
        return {
            "200": {"description": text, "content": {"application/json": {**schema_only, "examples": examples}}},
            "default": {"description": failure, "content": {"application/json": schema_only}},
        }


def _schemas_of(document: Mapping[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Method, path and id of each operation."""
    for path, item in paths.items():
        for method, operation in item.items():
            yield method, path, operation["operationId"]


def _examples(content: Mapping[str, Any]) -> Iterator[Any]:
    named = content.get("examples")
    for one in named.values() if is_object(named) else ():
        if is_object(one) and "value" in one:
            yield one["value"]
    if "example" in content:
        yield content["example"]


def _enveloped(result: Any) -> dict[str, Any]:
    rest = {"targetUrl": None, "success": True, "error": None, "unAuthorizedRequest": False, "__abp": True}
    return {"result": result, **rest}
