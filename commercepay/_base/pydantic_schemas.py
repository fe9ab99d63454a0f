"""How Pydantic, and FastAPI with it, validates and serializes records. Loaded when Pydantic asks a record class for it."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    from commercepay._base.record import Record

JsonReady = Callable[[object], Any]


def of_result(cls: type[Record], handler: GetCoreSchemaHandler, json_ready: JsonReady) -> CoreSchema:
    """Instances pass; everything else is refused."""

    def instance(value: object) -> object:
        if isinstance(value, cls):
            return value
        raise ValueError(f"{cls.__name__} is output only: it is never made from the data of a request")

    members = core_schema.typed_dict_schema(_members(cls, handler, json_ready))
    return core_schema.no_info_before_validator_function(
        instance, core_schema.any_schema(), ref=_ref(cls), serialization=_serialization(members)
    )


def of_argument(cls: type[Record], handler: GetCoreSchemaHandler, json_ready: JsonReady) -> CoreSchema:
    """Instances pass; an object of the fields becomes one by the constructor."""

    def build(value: object, members: Callable[[object], dict[str, Any]]) -> object:
        return value if isinstance(value, cls) else cls(**members(value))

    members = core_schema.typed_dict_schema(_members(cls, handler, json_ready), extra_behavior="forbid")
    return core_schema.no_info_wrap_validator_function(
        build, members, ref=_ref(cls), serialization=_serialization(members)
    )


def _ref(cls: type[Record]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"


def _members(
    cls: type[Record], handler: GetCoreSchemaHandler, json_ready: JsonReady
) -> dict[str, core_schema.TypedDictField]:
    error = Annotated[Any, PlainSerializer(json_ready, return_type=dict[str, str])]
    # Names that are imported only for type checkers, and types that Pydantic can't serialize.
    names = {
        **vars(typing),
        "date": date,
        "Decimal": Decimal,
        "Any": Annotated[Any, PlainSerializer(json_ready, return_type=Any)],
        "Exception": error,
        "CommercePayError": error,
    }
    kinds = typing.get_type_hints(cls, localns=names, include_extras=True)
    return {
        field.name: core_schema.typed_dict_field(
            _exact(handler.generate_schema(kinds[field.name])), required=field.default is MISSING
        )
        for field in fields(cls)
        if field.repr
    }


def _exact(schema: CoreSchema) -> CoreSchema:
    """Without conversions to int or bool: neither "1234" nor 12.0 is a number of minor units."""
    if schema["type"] == "nullable":
        return core_schema.nullable_schema(_exact(schema["schema"]))
    if schema["type"] == "int":
        return core_schema.int_schema(strict=True)
    return core_schema.bool_schema(strict=True) if schema["type"] == "bool" else schema


def _serialization(members: core_schema.TypedDictSchema) -> core_schema.SerSchema:
    return core_schema.plain_serializer_function_ser_schema(
        lambda record: {name: getattr(record, name) for name in members["fields"]}, return_schema=members
    )
