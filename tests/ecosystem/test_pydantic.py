"""Pydantic and FastAPI serialize records, build arguments with their checks, and never build a result."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

import httpx
import pytest
from ecosystem.records import ARGUMENTS, EXAMPLES, MONEY_DATA, RESULTS, Example, each
from fastapi import Body, Depends, FastAPI
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError, create_model

from commercepay import ArgumentError, Money, Payment

BAD = [None, True, 1, 1.5, "", "x", [], {}, [{}], {"value": {}}, {"raw": {}, "body": "x"}]


def forgeries(example: Example) -> list[Any]:
    """JSON that an attacker could send in place of this result."""
    whole = jsonable_encoder({**example.fields, "body": "{}", "error": None})
    return [*BAD, example.data, [example.data], {"value": example.data}, whole, json.dumps(example.data)]


@each(EXAMPLES)
def test_serialized_as_by_to_dict(example: Example) -> None:
    """Alone, in a model and in a list, a record is serialized to the data that `to_dict` gives."""
    value = example.value
    record: Any = example.cls
    model: Any = create_model("Model", value=(record, ...), values=(list[record], ...))
    shown = model(value=value, values=[value])
    assert shown.value is value
    assert json.loads(shown.model_dump_json()) == {"value": example.data, "values": [example.data]}
    assert shown.model_dump(mode="json") == {"value": example.data, "values": [example.data]}


@each(RESULTS)
def test_no_result_is_built_from_data(example: Example) -> None:
    """Only an instance is accepted as a result: no JSON, dict or object with the same attributes."""
    adapter = TypeAdapter(example.cls)
    assert adapter.validate_python(example.value) == example.value
    for forged in [*forgeries(example), dict(example.fields)]:
        with pytest.raises(ValidationError, match="output only"):
            adapter.validate_python(forged)
        with pytest.raises(ValidationError, match="output only"):
            adapter.validate_python(forged, from_attributes=True, strict=False)
    for forged in forgeries(example):
        with pytest.raises(ValidationError, match="output only"):
            adapter.validate_json(json.dumps(forged))
    with pytest.raises(ValidationError, match="output only"):
        adapter.validate_strings(example.data)


@each(ARGUMENTS)
def test_arguments_are_built_by_their_constructor(example: Example) -> None:
    """JSON with the fields of an argument builds the argument; other JSON is an error."""
    adapter = TypeAdapter(example.cls)
    assert adapter.validate_json(json.dumps(example.data)) == example.value
    assert adapter.validate_python(example.data) == example.value
    assert adapter.validate_python(example.value) == example.value
    for bad in [*(bad for bad in BAD if bad != {}), {**example.data, "nonsense": 1}]:
        with pytest.raises(ValidationError):
            adapter.validate_python(bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"minor": 12.34, "currency": "MYR"},
        {"minor": 12.0, "currency": "MYR"},
        {"minor": "1234", "currency": "MYR"},
        {"minor": True, "currency": "MYR"},
        {"minor": 0, "currency": "MYR"},
        {"minor": -1, "currency": "MYR"},
        {"minor": None, "currency": "MYR"},
        {"minor": 1234, "currency": "rm"},
        {"minor": 1234},
        {"amount": "12.34", "currency": "MYR"},
        {"minor": 1234, "amount": "12.34", "currency": "MYR"},
        "12.34",
        1234,
        12.34,
    ],
    ids=json.dumps,
)
def test_money_is_checked(bad: object) -> None:
    """Money from JSON is an exact positive integer of minor units with a currency; nothing is converted."""
    for cls, data in ((Money, bad), (dict[str, Money], {"a": bad})):
        with pytest.raises(ValidationError):
            TypeAdapter(cls).validate_json(json.dumps(data))
        with pytest.raises(ValidationError):
            TypeAdapter(cls).validate_python(data)


def test_the_constructor_says_what_is_wrong() -> None:
    """The reason is the constructor's own text."""
    with pytest.raises(ValidationError, match="an amount must be positive") as caught:
        TypeAdapter(Money).validate_python({"minor": -1, "currency": "MYR"})
    assert isinstance(caught.value.errors()[0]["ctx"]["error"], ArgumentError)


# --- FastAPI ---------------------------------------------------------------------------------------------------------

Client = Callable[..., httpx.Response]

built: list[Any] = []


def _same(value: object, /) -> object:
    return value


def application() -> FastAPI:
    """For each record class an endpoint that returns it, and endpoints that take it from each part of a request."""
    app = FastAPI()
    for example in EXAMPLES:
        cls, name = example.cls, example.cls.__name__

        app.get(f"/{name}", response_model=cls)(partial(_same, example.value))
        app.get(f"/{name}/list", response_model=list[cls])(partial(_same, [example.value]))
        kinds = {
            "body": Annotated[cls, Body()],
            "embedded": Annotated[cls, Body(embed=True)],
            "list": list[cls],
            "model": create_model(f"{name}Model", value=(cls, ...)),
        }
        for path, kind in kinds.items():

            async def take(value: Any) -> None:
                built.append(value)

            take.__annotations__["value"] = kind
            app.post(f"/{name}/{path}")(take)
    return app


@contextlib.contextmanager
def requests_to(app: FastAPI) -> Iterator[Client]:
    """Requests to an application in this process."""
    with asyncio.Runner() as runner:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example.my")
        yield lambda method, path, **options: runner.run(http.request(method, path, **options))
        runner.run(http.aclose())


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with requests_to(application()) as client:
        yield client


@each(EXAMPLES)
def test_a_response(example: Example, client: Client) -> None:
    """An endpoint that returns a record responds with its data."""
    name = example.cls.__name__
    assert client("GET", f"/{name}").json() == example.data
    assert client("GET", f"/{name}/list").json() == [example.data]


@each(RESULTS)
def test_forged_requests(example: Example, client: Client) -> None:
    """An endpoint with a result as its parameter refuses every request, and is not called."""
    built.clear()
    name = example.cls.__name__
    for path in ("body", "embedded", "list", "model"):
        for forged in forgeries(example):
            if path == "list" and forged == []:
                continue
            response = client("POST", f"/{name}/{path}", json=forged)
            assert response.status_code == 422, (path, forged)
        for body in (b"", b"{", b'{"status":1}', b"null"):
            assert client("POST", f"/{name}/{path}", content=body).status_code == 422
    assert built == []


@each(ARGUMENTS)
def test_requests_with_arguments(example: Example, client: Client) -> None:
    """An endpoint with an argument as its parameter gets it; other data is a 422."""
    built.clear()
    name = example.cls.__name__
    assert client("POST", f"/{name}/body", json=example.data).status_code == 200
    assert client("POST", f"/{name}/model", json={"value": example.data}).status_code == 200
    assert [built[0], built[1].value] == [example.value] * 2
    for bad in [*(bad for bad in BAD if bad != {}), {**example.data, "nonsense": 1}]:
        assert client("POST", f"/{name}/body", json=bad).status_code == 422, bad
    assert len(built) == 2


def test_the_openapi_document(client: Client) -> None:
    """The document of an application with all of them names each class, with its fields; statuses are open."""
    document = client("GET", "/openapi.json").json()
    schemas = document["components"]["schemas"]
    for example in EXAMPLES:
        response = document["paths"][f"/{example.cls.__name__}"]["get"]["responses"]["200"]
        schema = schemas[response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        assert set(schema["properties"]) == set(example.data)
    assert schemas["PaymentStatus"]["type"] == "integer"
    assert "enum" not in schemas["PaymentStatus"]


def test_no_result_from_query_parameters() -> None:
    """FastAPI can't call a result's class with query parameters, as it does for `Depends()`."""
    app = FastAPI()

    async def endpoint(payment: Any) -> None:
        built.append(payment)

    endpoint.__annotations__["payment"] = Annotated[Payment, Depends()]
    app.get("/")(endpoint)
    built.clear()
    query = dict.fromkeys(inspect.signature(Payment).parameters, "1")
    body = {"amount": MONEY_DATA, "raw": {}}
    with requests_to(app) as request, pytest.raises(PydanticUserError):
        request("GET", "/", params=query, json=body)
    assert built == []


def test_a_model_with_a_result() -> None:
    """A model holds an instance as it is, and a standard dataclass with it is serialized as well."""

    class Order(BaseModel):
        payment: Payment

    @dataclasses.dataclass
    class Plain:
        payment: Payment

    payment = next(example for example in RESULTS if example.cls is Payment)
    plain = TypeAdapter(Plain)
    Order.model_rebuild(_types_namespace={"Payment": Payment})
    assert Order(payment=payment.value).payment.fact_key == payment.value.fact_key
    assert plain.dump_python(Plain(payment.value), mode="json") == {"payment": payment.data}
    with pytest.raises(ValidationError):
        plain.validate_python({"payment": payment.data})
