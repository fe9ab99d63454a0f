"""Records are immutable and compared by content, and work as standard dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from ecosystem.records import EXAMPLES, SECRET, Example, each
from facade.test_imports import HEAVY, loaded_by

import commercepay
from commercepay import Callback, Expected, Money, OpenPayment, Payment, Session, models
from commercepay._base.record import Argument, Record

SHORTCUTS: dict[Any, str] = {Money: "amount", Expected: "reference_code", OpenPayment: "reference_code"}
"""The classes with a parameter that is not a field, which is another way to write one."""
GENERIC = [example for example in EXAMPLES if example.cls.__init__ is Record.__init__]
replace: Any = getattr(copy, "replace", lambda value, **changes: value.__replace__(**changes))  # new in Python 3.13


@each(EXAMPLES)
def test_equality_and_hash(example: Example) -> None:
    """Two records with the same fields are equal and have the same hash; another value makes them different."""
    value, again, other = example.value, example.value, example.cls(**example.fields | example.change)
    assert value == again
    assert hash(value) == hash(again)
    assert value != other
    assert len({value, again, other}) == 2
    assert value != example.fields
    assert value != None  # noqa: E711  # the operator is what is tested


@each(EXAMPLES)
def test_immutable(example: Example) -> None:
    """A record can't be changed or given more attributes."""
    value = example.value
    for name in (*example.change, "further"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(value, name, 1)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(value, name)
    assert value == example.value


@each(EXAMPLES)
def test_copies(example: Example) -> None:
    """A record survives pickle and both kinds of copy, with the fields that are not compared."""
    value = example.value
    for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert repr(again) == repr(value)
        assert vars(again).keys() == vars(value).keys()
        if "error" not in example.fields:  # errors are compared by identity
            assert again == value
            assert vars(again) == vars(value)


@each([example for example in EXAMPLES if example.cls is not Money])
def test_repr(example: Example) -> None:
    """A record shows its class and its fields, but neither raw data nor secrets."""
    shown = ", ".join(f"{field.name}={vars(example.value)[field.name]!r}" for field in shown_fields(example.cls))
    assert repr(example.value) == f"{example.cls.__name__}({shown})"
    for hidden in ("raw=", "body=", "headers=", SECRET):
        assert hidden not in repr(example.value)


def shown_fields(cls: Any) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(cls) if field.repr]


@each(GENERIC)
def test_wrong_arguments(example: Example) -> None:
    """A record requires its fields without a default, by keyword, and no others; one error names every problem."""
    cls = example.cls
    with pytest.raises(TypeError, match="unknown argument 'nonsense'"):
        cls(**example.fields, nonsense=1)
    with pytest.raises(TypeError):
        cls("positional")
    required = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
    if required:
        with pytest.raises(TypeError, match=f"unknown argument 'nonsense'.*missing argument '{required[0]}'"):
            cls(nonsense=1)
    else:
        assert vars(cls()) == {field.name: field.default for field in dataclasses.fields(cls)}


def test_what_may_be_missing_is_none_by_default() -> None:
    """Every attribute of a result that can be None is None by default."""
    for cls in (
        Callback,
        *(getattr(models, name) for name in models.__all__ if issubclass(getattr(models, name), Record)),
    ):
        optional = {name for name, kind in cls._annotated.items() if kind.endswith("| None")}
        assert optional == {name for name, value in cls._defaults.items() if value is None}, cls


@each(EXAMPLES)
def test_dataclasses(example: Example) -> None:
    """`is_dataclass`, `fields`, `asdict` and both kinds of `replace` work as with a standard dataclass."""
    value = example.value
    assert dataclasses.is_dataclass(example.cls)
    names = [field.name for field in dataclasses.fields(value)]
    assert set(names) == set(vars(value))
    found = dataclasses.asdict(value)
    assert list(found) == names
    if "amount" in example.fields:
        assert found["amount"] == {"minor": 1234, "currency": "MYR"}
    for way in (dataclasses.replace, replace):
        assert way(value) == value
        assert way(value, **example.change) == example.cls(**example.fields | example.change)
        assert vars(way(value, **example.change)) == vars(value) | example.change
        with pytest.raises(TypeError):
            way(value, nonsense=1)


@each(EXAMPLES)
def test_signature(example: Example) -> None:
    """`inspect.signature` shows real parameters: the fields, by keyword, with annotations and defaults."""
    parameters = inspect.signature(example.cls).parameters
    if example.cls in SHORTCUTS:
        fields = {field.name for field in dataclasses.fields(example.cls)}
        assert set(parameters) == fields | {SHORTCUTS[example.cls]}
    else:
        assert list(parameters) == [field.name for field in dataclasses.fields(example.cls)]
        assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
        for field in dataclasses.fields(example.cls):
            default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
            assert (parameters[field.name].annotation, parameters[field.name].default) == (field.type, default)
    inspect.signature(example.cls).bind(**example.fields)


@each(EXAMPLES)
def test_match_by_position(example: Example) -> None:
    """The order of a positional pattern is that of the fields."""
    assert example.cls.__match_args__ == tuple(field.name for field in dataclasses.fields(example.cls))


def test_match() -> None:
    """A record matches patterns by keyword and by position, nested ones as well."""
    payment = next(example.value for example in EXAMPLES if example.cls is Payment)
    match payment:
        case Payment(reference_code="R", amount=Money(minor=minor)):
            assert minor == 1234
        case _:
            pytest.fail("no match by keyword")
    match payment:
        case Payment(status, Money(minor, "MYR"), "R"):  # type: ignore[misc]  # checkers see keyword-only fields
            assert (status.value, minor) == (99, 1234)
        case _:
            pytest.fail("no match by position")


@each(EXAMPLES)
def test_to_dict(example: Example) -> None:
    """`to_dict` gives JSON-ready data: money in minor units, no float, and nothing that the repr hides."""
    data = example.value.to_dict()
    assert data == example.data
    assert json.loads(json.dumps(data)) == data
    assert SECRET not in str(data)


@pytest.mark.parametrize("item", [1.5, b"x", object, {"a": 1}, {1}])
def test_what_has_no_json_form_is_its_repr(item: object) -> None:
    """An item of any type that was given to `reconcile` can be written as JSON, too."""
    result = commercepay.Reconciled(index=0, item=item, decision=None, error=None)
    assert result.to_dict()["item"] == repr(item)


def test_records_of_different_classes_differ() -> None:
    """Records of different classes are never equal, nor is a subclass's equal to its base's."""

    class A(Record):
        x: int

    class B(Record):
        x: int

    assert A(x=1) != B(x=1)  # compared before the subclass exists

    class C(A):
        y: int = 1

    assert A(x=1) != C(x=1)
    assert C(x=1) == C(x=1, y=1) != C(x=1, y=2)
    assert repr(C(x=1)) == "C(x=1, y=1)"
    assert [field.name for field in dataclasses.fields(C)] == ["x", "y"]


def test_raw_does_not_count() -> None:
    """`raw` is not compared."""
    session = next(example.value for example in EXAMPLES if example.cls is Session)
    assert session == dataclasses.replace(session, raw={"other": 1})


def test_only_arguments_are_arguments() -> None:
    """The classes that may be built from data are these five, and no result."""
    made = {example.cls.__name__ for example in EXAMPLES if issubclass(example.cls, Argument)}
    assert made == {"Money", "Customer", "SubMerchant", "Recurrence", "PlatformCharge"}


def test_comparing_loads_no_heavy_module() -> None:
    """Comparing, hashing and showing a record, and its `to_dict`, load neither `dataclasses` nor `inspect`."""
    found = loaded_by(
        "from commercepay import Money, SubMerchant",
        "a = SubMerchant(name='a')",
        "repr(a), hash(a), a == SubMerchant(), a.to_dict(), Money('1', 'MYR') == Money('2', 'MYR')",
    )
    assert {name.partition(".")[0] for name in found} & HEAVY == set()


def test_the_document() -> None:
    """The examples of docs/values.md run, one after the other."""
    text = (Path(__file__).parents[2] / "docs" / "values.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 4
    exec("\n".join(blocks), {})
