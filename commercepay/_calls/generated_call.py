"""`call()`: a request that a generated operation has built, with the errors, retries and deadline of the facade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from attrs import has
from commercepay_api import wire

from commercepay import params
from commercepay._base.json_guards import is_array
from commercepay._calls import checks as check
from commercepay._protocol import envelope
from commercepay._protocol.call import Call
from commercepay._protocol.exchange import Flow, exchange, unreadable
from commercepay._protocol.settings import Settings

T = TypeVar("T")


def generated_call(
    settings: Settings, request: wire.Request[T], safe: bool, reference: str | None, options: params.CallOptions
) -> Flow[T]:
    """The result of a generated operation, in its generated type."""
    problems = check.problems(options, params.CallOptions)
    if type(safe) is not bool:
        problems.append(f"safe must be a bool, not {type(safe).__name__}")
    if reference is not None and (problem := check.printable_text(reference)):
        problems.append(f"reference {problem}")
    if not isinstance(request, wire.Request):
        kind = type(request).__name__
        problems.append(f"request must be what a generated module's `request(...)` returns, not {kind}")
        check.refuse("call", problems)
    carried: wire.Signing = request["extensions"][wire.EXTENSION]
    data = carried["data"]
    problems += check.unsignable(settings, data)
    check.refuse("call", problems)
    reference_code = data.get("referenceCode") if reference is None else reference
    call = Call(
        name=carried["name"],
        request=lambda: {**request, "extensions": {**request["extensions"]}},  # each attempt adds to the extensions
        safe=safe or request["method"] == "get",
        reference_code=reference_code if isinstance(reference_code, str) else None,
        options=check.options_of(settings, options),
        settings=settings,
        is_documented=False,
    )
    response, result = yield from exchange(call)
    try:
        value = request.read(result)
    except wire.UNREADABLE as error:
        why = wire.reason_of(error)
    else:
        why = "; ".join(_type_problems(value, get_type_hints(request.read)["return"], ""))
        if not why:
            return value
    raise unreadable(call, envelope.invalid(response, why))


def _type_problems(value: object, declared: Any, place: str) -> Iterator[str]:
    """What is wrong with the types in a result: the generated models do not check numbers, strings and booleans."""
    kinds = get_args(declared) if get_origin(declared) in (Union, UnionType) else (declared,)
    if is_array(value):
        for items in (get_args(kind)[0] for kind in kinds if get_origin(kind) is list):
            for index, item in enumerate(value):
                yield from _type_problems(item, items, f"{place}[{index}]")
            return
    kind = type(value)
    if kind not in kinds and Any not in kinds and not (kind is int and float in kinds):
        expected = " or ".join(one.__name__ for one in kinds if one.__name__ not in ("Unset", "NoneType"))
        yield f"{place.lstrip('.') or 'the result'} must be {expected or 'null'}, not {kind.__name__}"
    elif has(kind):
        for name, member in _members(kind).items():
            yield from _type_problems(getattr(value, name), member, f"{place}.{name}")


@lru_cache(maxsize=256)
def _members(model: type) -> Mapping[str, Any]:
    return {name: kind for name, kind in get_type_hints(model).items() if name != "additional_properties"}
