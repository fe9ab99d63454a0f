"""A merchant's description is checked, and added to the bundled one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from own_endpoints.conftest import EXAMPLE

from commercepay import ArgumentError
from commercepay._description.merging import bundled, merge
from commercepay._description.reading import Document, read
from commercepay.sandbox.description import Description

Write = Callable[..., Path]
PATH = "/api/services/app/Voucher/Create"


def problems(path: Path) -> list[str]:
    with pytest.raises(ArgumentError) as caught:
        merge(read(path, "x"))
    return list(caught.value.problems)


def test_it_is_added_to_the_bundled_description(write: Write) -> None:
    """The merged document has all of both, each new operation with the security and an envelope like the others."""
    merged = merge(read(write(), "x"))
    ours = bundled()
    assert {name: merged.document["paths"][name] for name in ours["paths"]} == ours["paths"]
    assert merged.document["paths"].keys() - ours["paths"].keys() == merged.paths.keys()
    schemas = merged.document["components"]["schemas"]
    assert {name: schemas[name] for name in ours["components"]["schemas"]} == ours["components"]["schemas"]
    envelopes = {f"{name}Envelope" for _, _, name in merged.operations}
    assert schemas.keys() - ours["components"]["schemas"].keys() == {
        "Voucher",
        "VoucherRequest",
        "VoucherState",
        *envelopes,
    }
    created = merged.paths[PATH]["post"]
    assert created["security"] == ours["paths"]["/api/services/app/PaymentGateway/InitialSession"]["post"]["security"]
    assert created["responses"].keys() == {"200", "default"}
    result = schemas["CreateVoucherEnvelope"]["allOf"][1]["properties"]["result"]
    assert [one.get("$ref", one.get("type")) for one in result["oneOf"]] == [
        "#/components/schemas/Refusal",
        "#/components/schemas/Voucher",
        "null",
    ]


def test_the_example_is_put_into_the_envelope(write: Write) -> None:
    """The example of a result becomes that of a response. A date in it stays text."""
    content = merge(read(write(), "x")).paths[PATH]["post"]["responses"]["200"]["content"]["application/json"]
    (example,) = content["examples"].values()
    assert example["value"]["result"] == {"voucherNumber": "R-1", "amount": 500, "state": "PENDING", "at": "2027-01-01"}
    assert example["value"]["__abp"] is True


def test_named_examples(write: Write) -> None:
    """The first of several named examples is the response of the sandbox."""
    example = "example: {voucherNumber: R-1, amount: 500, state: PENDING, at: 2027-01-01}"
    named = (
        "examples: {x: {summary: None}, one: {value: {voucherNumber: R-2, amount: 1, state: DONE}}, two: {value: {}}}"
    )
    content = merge(read(write((example, named)), "x")).paths[PATH]["post"]["responses"]["200"]["content"][
        "application/json"
    ]
    assert [one["value"]["result"].get("voucherNumber") for one in content["examples"].values()] == ["R-2", None]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_both_forms_of_null(write: Write, version: str) -> None:
    """`nullable` of OpenAPI 3.0 becomes the form of 3.1."""
    changes = [
        ("openapi: 3.1.0", f"openapi: {version}"),
        ("at: {type: [string, 'null'], format: date}", "at: {type: string, nullable: true}"),
        ("$ref: '#/components/schemas/Customer'", "$ref: '#/components/schemas/Customer', nullable: true"),
        ("amount: {type: integer}", "amount: {type: integer, minimum: 0, exclusiveMinimum: true}"),
    ]
    schemas = merge(read(write(*changes), "x")).document["components"]["schemas"]
    members = schemas["VoucherRequest"]["properties"]
    assert schemas["Voucher"]["properties"]["at"] == {"type": ["string", "null"]}
    assert members["customer"]["oneOf"] == [{"$ref": "#/components/schemas/Customer"}, {"type": "null"}]
    assert members["amount"] == {"type": "integer", "exclusiveMinimum": 0}


SCALARS = {
    "NO": "NO",
    "on": "on",
    "01012027": "01012027",
    "2027-01-01": "2027-01-01",
    "1_000": "1_000",
    "0x10": "0x10",
    ".inf": ".inf",
    "12": 12,
    "-1.5e3": -1500.0,
    "true": True,
    "null": None,
    "~": None,
    "": None,
    "'12'": "12",
}


@pytest.mark.parametrize("text", SCALARS)
def test_scalars(tmp_path: Path, text: str) -> None:
    """Plain scalars are those of JSON; all others are text, unlike in YAML 1.1."""
    path = tmp_path / "x.yaml"
    path.write_text(f"value: {text}\n")
    assert read(path, "x").content == {"value": SCALARS[text]}


def test_json_can_be_read(tmp_path: Path) -> None:
    """JSON is YAML. A byte order mark is no part of it."""
    path = tmp_path / "x.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": [1, {"200": None}]}, indent=2).encode())
    document = read(path, "x")
    assert document.content == {"a": [1, {"200": None}]}
    assert document.problem(("a", 1, "200", "gone"), "text") == "x.json:5: a > 1 > 200 > gone: text"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: [\n", "x.yaml:2: it is not YAML: "),
        (b"a: !!python/name:os.system x", "x.yaml:1: it is not YAML: could not determine a constructor"),
        (b"a: !!binary aGk=", "x.yaml:1: a: it must be a value that JSON has, not bytes"),
        (b"a: 1\nb: 2\na: 3\n", "x.yaml:3: a: it occurs twice; remove one"),
        (b"a: &x [*x]", "x.yaml: it can't be read: "),
        (b"- 1", "x.yaml:1: it must be an OpenAPI document"),
        (b"", "x.yaml:1: it must be an OpenAPI document"),
        (b"\xff", "x.yaml: it can't be read: "),
        (None, "x.yaml: it can't be read: "),
    ],
)
def test_what_can_not_be_read(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """A file that is missing, or is not a document that JSON could hold, is an error with the line."""
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArgumentError) as caught:
        read(path, "x")
    assert str(caught.value).startswith(problem)


POST = "post:\n      operationId: CreateVoucher\n"
NUMBER = "- {name: TransactionNumber, in: query, required: true, description: The number., schema: {type: string}}"
SCHEMA = "schema: {$ref: '#/components/schemas/Voucher'}"
MEMBER = "voucherNumber: {type: string}"
REFUSED: dict[str, tuple[str, str, str]] = {
    "version": ("openapi: 3.1.0", "swagger: '2.0'", 'write `openapi: "3.1.0"`'),
    "servers": ("paths:", "servers: []\npaths:", "3: servers: remove it: the client has the base URL"),
    "security": ("paths:", "security: []\npaths:", "security: remove it: every endpoint is called with the token"),
    "unknown member": ("paths:", "path: {}\npaths:", "path: it is not used here; did you mean 'paths'?"),
    "no paths": ("paths:", "x-paths:", "there is no endpoint"),
    "paths": ("paths:\n", "paths: []\nx-paths:\n", "paths: it must be an object"),
    "parameters": ("components:\n", "components:\n  parameters: {}\n", "only schemas can be named"),
    "existing path": (
        PATH,
        "/api/services/app/PaymentGateway/RequestPayment",
        "post: it is an operation of commercepay_api already",
    ),
    "path in another case": (PATH, "/api/TokenAuth/authenticate", "/api/TokenAuth/Authenticate is the same path"),
    "path parameter": (PATH, "/api/Voucher/{id}", "how a path parameter is signed is not known: write the whole path"),
    "path with query": (PATH, "/api/Voucher?x=1", "a path must be as in"),
    "dot segment": (PATH, "/api/../Voucher", "a path must be as in"),
    "method": (POST, f"put: {{}}\n    {POST}", "put: how a PUT is signed is not known"),
    "no operation": (f"    {POST}", "    x-y:\n", "there is no operation"),
    "no operationId": (
        "      operationId: CreateVoucher\n",
        "",
        "operationId is missing: write a unique name, such as",
    ),
    "operationId": ("operationId: CreateVoucher", "operationId: create-voucher", "letters and digits only"),
    "existing operationId": ("operationId: CreateVoucher", "operationId: query", "query and Query of commercepay_api"),
    "operationId twice": ("operationId: CreateVoucher", "operationId: listVouchers", "are the same name in Python"),
    "two tags": ("tags: [Voucher]", "tags: [A, B]", "write one tag"),
    "security of an operation": ("tags: [Voucher]", "security: []", "every endpoint is called with the token"),
    "body of a GET": (
        "operationId: ListVouchers",
        "operationId: ListVouchers\n      requestBody: {}",
        "a GET has no body",
    ),
    "parameters of a POST": ("tags: [Voucher]", "parameters: [{}]", "what is signed then is not known"),
    "parameters as an object": (
        "      parameters:\n",
        "      parameters: {}\n      x-p:\n",
        "must be an array of parameters",
    ),
    "array in a query": (
        NUMBER,
        NUMBER.replace("{type: string}", "{type: array, items: {type: string}}"),
        "in a query",
    ),
    "object in a query": (
        NUMBER,
        NUMBER.replace("{type: string}", "{$ref: '#/components/schemas/Voucher'}"),
        "in a query",
    ),
    "header": (NUMBER, NUMBER.replace("in: query", "in: header"), "in: remove it: the client adds the headers"),
    "path variable": (NUMBER, NUMBER.replace("in: query", "in: path"), "how a path parameter is signed is not known"),
    "cookie": (NUMBER, NUMBER.replace("in: query", "in: cookie"), "the client sends no cookies"),
    "no place": (NUMBER, NUMBER.replace("in: query, ", ""), "write `in: query`"),
    "no name": (NUMBER, NUMBER.replace("name: TransactionNumber, ", ""), "the parameter has no name"),
    "reserved name": (NUMBER, NUMBER.replace("TransactionNumber", "Client"), "a name of the generated function"),
    "name twice": (
        NUMBER,
        f"{NUMBER}\n        {NUMBER.replace('TransactionN', 'transaction_n')}",
        "same name in Python",
    ),
    "no schema": (NUMBER, NUMBER.replace(", schema: {type: string}", ""), "schema is missing"),
    "$ref to a parameter": (NUMBER, "- {$ref: '#/components/parameters/X'}", "write the parameter here, without $ref"),
    "style": (NUMBER, NUMBER.replace("in: query", "in: query, style: form"), "style: it is not used here"),
    "no body": (
        "      requestBody:\n        content:\n          application/json:\n"
        "            schema: {$ref: '#/components/schemas/VoucherRequest'}\n",
        "",
        "requestBody is missing",
    ),
    "inline body": (
        "schema: {$ref: '#/components/schemas/VoucherRequest'}",
        "schema: {type: object}",
        "must have a name; name it",
    ),
    "body of codes": ("schemas/VoucherRequest'}", "schemas/VoucherState'}", "the schema of a body must be an object"),
    "form": ("application/json", "multipart/form-data", "write `application/json` only"),
    "another status": (
        "'200':\n          description: The",
        "'400': {}\n        '200':\n          description: The",
        "200 only",
    ),
    "no response": ("'200':\n          description: The", "x-200:\n          description: The", "200 is missing"),
    "result without schema": (SCHEMA, "x-schema: {}", "schema is missing"),
    "envelope": (SCHEMA, "schema: {$ref: '#/components/schemas/QueryEnvelope'}", "describe the result alone"),
    "inline result": (SCHEMA, "schema: {type: object, properties: {a: {type: string}}}", "must have a name; name it"),
    "unknown schema": (SCHEMA, "schema: {$ref: '#/components/schemas/Vouchr'}", "no schema 'Vouchr' here or in the"),
    "schema elsewhere": (SCHEMA, "schema: {$ref: 'other.yaml#/Voucher'}", "there is no schema 'other.yaml#/Voucher'"),
    "existing schema": (
        "    VoucherState: {",
        "    customer: {type: string}\n    VoucherState: {",
        "Customer of commercepay_api",
    ),
    "schema twice": (
        "    VoucherState: {",
        "    VOUCHER: {type: string}\n    VoucherState: {",
        "are the same name in Python",
    ),
    "schema of an envelope": (
        "    VoucherState: {",
        "    CreateVoucherEnvelope: {type: string}\n    VoucherState: {",
        "CreateVoucherEnvelope and CreateVoucherEnvelope are the same name",
    ),
    "reserved schema": (
        "    VoucherState: {",
        "    response: {type: string}\n    VoucherState: {",
        "a name in the generated",
    ),
    "schema's name": (
        "    VoucherState: {",
        "    voucher.x: {type: string}\n    VoucherState: {",
        "letters and digits only",
    ),
    "inline object": (
        MEMBER,
        "voucherNumber: {type: object}",
        "voucherNumber: an object must have a name; name it: move",
    ),
    "inline object in an array": (
        MEMBER,
        "n: {type: array, items: {properties: {}}}",
        "items: an object must have a name",
    ),
    "a second name": (
        "    VoucherState: {",
        "    Alias: {$ref: '#/components/schemas/Voucher'}\n    VoucherState: {",
        "a second name of a schema",
    ),
    "inline codes": (
        MEMBER,
        "voucherNumber: {type: string, enum: [A]}",
        "codes must have a name; name it: move it to components > schemas",
    ),
    "map": (MEMBER, "voucherNumber: {additionalProperties: {type: string}}", "must have a name; name it"),
    "named map": (
        "    VoucherState: {",
        "    Map: {type: object, additionalProperties: {type: string}}\n    VoucherState: {",
        "write its members in `properties`",
    ),
    "reserved member": (
        MEMBER,
        "voucherNumber: {type: string}\n        d: {type: string}",
        "a name of the generated class",
    ),
    "member like its schema": (MEMBER, "voucher: {type: string}", "voucher and the schema Voucher are the same name"),
    "member twice": (MEMBER, f"{MEMBER}\n        voucher_number: {{type: string}}", "are the same name in Python"),
    "no type": (MEMBER, "voucherNumber: {description: x}", "write `type`, one of string, integer, number, boolean"),
    "wrong type": (MEMBER, "voucherNumber: {type: text}", "type: write `type`, one of"),
    "two types": (MEMBER, "voucherNumber: {type: [string, integer]}", "write one type, or one and 'null'"),
    "a union": (MEMBER, "voucherNumber: {oneOf: [{type: string}, {type: integer}]}", "would take the first that fits"),
    "default": (MEMBER, "voucherNumber: {type: string, default: A}", "default: it would be sent and signed"),
    "const": (MEMBER, "voucherNumber: {type: string, const: A}", "const: write `enum` with one value"),
    "title": (MEMBER, "voucherNumber: {type: string, title: A}", "title: it would rename the generated class"),
    "no items": (MEMBER, "voucherNumber: {type: array}", "items is missing"),
    "a float as an amount": ("amount: {type: integer}", "paidAmount: {type: number}", "an amount is never a float"),
    "examples": (MEMBER, "voucherNumber: {type: string, examples: A}", "examples: it must be an array"),
    "value of a keyword": (MEMBER, "voucherNumber: {type: string, maxLength: '5'}", "maxLength: it must be an integer"),
    "required": ("required: [voucherNumber", "required: [gone", "required: 'gone' is not in properties"),
    "required text": ("required: [voucherNumber, amount, state]", "required: x", "it must be an array of names"),
    "mixed codes": ("enum: [PENDING, DONE]", "enum: [PENDING, 1]", "codes must be all strings or all integers"),
    "null as a code": ("enum: [PENDING, DONE]", "enum: [PENDING, null]", "for null, write `oneOf`"),
    "codes that collide": ("enum: [PENDING, DONE]", "enum: [DONE, done]", "give each code a name in `x-enum-varnames`"),
    "a name of a code": ("enum: [PENDING, DONE]", "enum: [A, B], x-enum-varnames: [A, mro]", "in capitals, such as"),
    "too few names": ("enum: [PENDING, DONE]", "enum: [A, B], x-enum-varnames: [A]", "one name for each code"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(write: Write, case: str) -> None:
    """What the generator can't do well, and what is not known of the gateway, is refused with the place and the way out."""
    old, new, expected = REFUSED[case]
    found = problems(write((old, new)))
    assert any(expected in one for one in found), found
    assert all(one.startswith("my-endpoints.yaml:") for one in found)


def test_all_problems_are_named_at_once(write: Write) -> None:
    """One error names every problem, each with its line."""
    path = write(
        ("      operationId: CreateVoucher\n", ""), (MEMBER, "voucherNumber: {type: object}"), ("in: query", "in: path")
    )
    found = problems(path)
    lines = path.read_text().splitlines()
    assert len(found) == 3
    for one, part in zip(found, ("voucherNumber", "post:", "in: path"), strict=True):
        assert part in lines[int(one.split(":")[1]) - 1]


def test_what_is_allowed(write: Write) -> None:
    """Open codes, parts of objects, arrays of arrays, own keywords and further bundled schemas can be described."""
    rest: Any = """\
    Code:
      anyOf: [{type: integer, enum: [1, 2], x-enum-varnames: [ONE, TWO]}, {type: integer}]
      description: A code.
    Names: {type: array, items: {type: string}, x-evidence: A}
    Large:
      description: A voucher and more.
      allOf:
        - $ref: '#/components/schemas/Voucher'
        - properties:
            code: {$ref: '#/components/schemas/Code'}
            names: {allOf: [{$ref: '#/components/schemas/Names'}]}
            table: {type: array, items: {type: array, items: {type: integer}}}
            status: {anyOf: [{$ref: '#/components/schemas/PaymentStatus'}, {type: 'null'}]}
    VoucherState:"""
    merged = merge(read(write(("    VoucherState:", rest), (SCHEMA, SCHEMA.replace("Voucher", "Large"))), "x"))
    assert merged.document["components"]["schemas"]["Large"]["allOf"][1]["properties"]["names"]


def places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(child, (*place, key))


SCALAR = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.sampled_from(["", "null", "array"])
)
WORDS = st.sampled_from(
    ["type", "$ref", "properties", "items", "enum", "allOf", "oneOf", "anyOf", "required", "schema", "in"]
)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)
CONTENT = yaml.safe_load(EXAMPLE.replace("2027-01-01", "'2027-01-01'"))
PLACES = [place for place in places(CONTENT) if place]


@given(st.sampled_from(PLACES), JSON)
def test_anything_anywhere(place: tuple[Any, ...], value: Any) -> None:
    """With any JSON in any place, a description is merged or is an ArgumentError with places, and nothing else."""
    content = copy.deepcopy(CONTENT)
    parent = content
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    try:
        merged = merge(Document(name="x.yaml", content=content, lines={}))
    except ArgumentError as error:
        named = all(one.startswith("x.yaml:1: ") for one in error.problems)
        assert named  # either outcome is right
        return
    assert Description(merged.document).by_name
