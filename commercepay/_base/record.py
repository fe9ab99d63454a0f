"""The base of the small immutable objects that the package takes and returns: `Customer`, `Payment`, `Decision` and others.

Each works as a frozen, keyword-only dataclass does: with `dataclasses.asdict`, `fields` and `replace`, `copy.replace`, `match`
and `inspect.signature`. The standard decorator would serve, but importing `dataclasses` takes longer than all the rest of
`commercepay.callbacks`, which must load fast in a serverless function. What few programs need is made on first use.
"""

from __future__ import annotations

from enum import Enum

from commercepay._base.json_guards import is_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field
    from inspect import Signature
    from typing import Any, ClassVar, NoReturn, Self, TypeVar, dataclass_transform

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

    _T = TypeVar("_T")
else:

    def dataclass_transform(**_options: Any) -> Callable[[_T], _T]:
        return lambda cls: cls


class _OfClass:
    """An attribute that is computed from the class when it is asked for."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read

    def __get__(self, instance: object, owner: type) -> Any:
        return self._read(owner)


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=True)
class Record:
    """An immutable object: built by keyword; compared, hashed, shown, copied and pickled by its fields.

    The fields are the class's annotations; an attribute of the same name is the default. Fields listed in `_aside` (a raw
    body, say) are neither compared nor shown, and not in `to_dict`.

    Pydantic, and FastAPI with it, serializes instances as `to_dict` does, and never makes one from data: what the gateway
    reported must not come from an unsigned request. An `Argument` it does make, by the constructor.
    """

    _annotated: ClassVar[dict[str, Any]] = {}
    _defaults: ClassVar[dict[str, Any]] = {}
    _aside: ClassVar[tuple[str, ...]] = ()
    _shown: ClassVar[tuple[str, ...]] = ()
    _made: ClassVar[dict[type, Any]] = {}

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__ = _OfClass(lambda cls: cls._dataclass().__dataclass_fields__)
        __signature__ = _OfClass(lambda cls: cls._signature())

        def __init__(self, **given: Any) -> None:
            state = self.__dict__
            state.update(self._defaults)
            state.update(given)
            if state.keys() != self._annotated.keys():
                from commercepay._base.suggestions import did_you_mean

                unknown = sorted(set(given) - set(self._annotated))
                missing = [name for name in self._annotated if name not in state]
                state.update(dict.fromkeys(missing))  # tools that show a traceback call the repr of this object
                raise TypeError(
                    f"{type(self).__name__}(): "
                    + "; ".join(
                        [f"unknown argument {name!r}{did_you_mean(name, self._annotated)}" for name in unknown]
                        + [f"missing argument {name!r}" for name in missing]
                    )
                )

    def __init_subclass__(cls) -> None:
        own = {name: kind for name, kind in cls.__annotations__.items() if not name.startswith("_")}
        cls._annotated = cls._annotated | own
        cls._defaults = cls._defaults | {name: cls.__dict__[name] for name in own if name in cls.__dict__}
        cls._shown = tuple(name for name in cls._annotated if name not in cls._aside)
        methods = {name: Record.__dict__[name] for name in ("__eq__", "__hash__", "__repr__")}
        for name, value in {"__match_args__": tuple(cls._annotated), **methods}.items():
            if name not in cls.__dict__:
                setattr(cls, name, value)

    def __eq__(self, other: object) -> bool:
        self._write_methods()
        return self == other

    def __hash__(self) -> int:
        self._write_methods()
        return hash(self)

    def __repr__(self) -> str:
        self._write_methods()
        return repr(self)

    @classmethod
    def _write_methods(cls) -> None:
        """Compile the three methods with every field written out, as `dataclasses` does: twice as fast as a loop."""
        mine = "".join(f"self.{name}," for name in cls._shown)
        equal = " and ".join(f"self.{name} == other.{name}" for name in cls._shown)
        text = ", ".join(f"{name}={{self.{name}!r}}" for name in cls._shown)
        written: dict[str, Any] = {}
        exec(  # noqa: S102  # the text holds nothing but names from class bodies
            "def __eq__(self, other):\n"
            f" return {equal} if other.__class__ is self.__class__ else NotImplemented\n"
            f"def __hash__(self): return hash(({mine}))\n"
            f"def __repr__(self): return f'{cls.__name__}({text})'\n",
            written,
        )
        for name in ("__eq__", "__hash__", "__repr__"):
            if cls.__dict__[name] is Record.__dict__[name]:
                setattr(cls, name, written[name])

    @classmethod
    def _dataclass(cls) -> Any:
        """The standard dataclass with the same fields."""
        if cls not in cls._made:
            from dataclasses import MISSING, field, make_dataclass

            def as_field(name: str) -> Any:
                shown = name in cls._shown
                return field(default=cls._defaults.get(name, MISSING), compare=shown, repr=shown)

            fields = [(name, kind, as_field(name)) for name, kind in cls._annotated.items()]
            cls._made[cls] = make_dataclass(cls.__name__, fields, frozen=True, kw_only=True)
        return cls._made[cls]

    @classmethod
    def _signature(cls) -> Signature | None:
        if "__init__" in cls.__dict__:
            return None  # `inspect` finds the parameters there
        from inspect import signature

        return signature(cls._dataclass())

    def __replace__(self, /, **changes: Any) -> Self:
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} can't be deleted")

    def to_dict(self) -> dict[str, Any]:
        """The fields as data that `json.dumps` accepts.

        Money is `{"minor": 1234, "currency": "MYR"}`, an enumeration its value (a status is the gateway's number), a date
        ISO 8601, a `Decimal` a string, an error `{"type": ..., "message": ...}`. Fields that `repr` leaves out, such as `raw`
        and `body`, are left out here, too; read them as attributes.
        """
        return {name: json_ready(self.__dict__[name]) for name in self._shown}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from commercepay._base import pydantic_schemas

        return pydantic_schemas.of_result(cls, handler, json_ready)


class Argument(Record):
    """A record that an application passes: Pydantic makes one from data as well, by the constructor and its checks."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from commercepay._base import pydantic_schemas

        return pydantic_schemas.of_argument(cls, handler, json_ready)


def json_ready(value: object) -> Any:
    """A field's value as JSON-ready data; what has no such form is its `repr`."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if is_array(value):
        return [json_ready(item) for item in value]
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": str(value)}
    from datetime import date
    from decimal import Decimal

    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else repr(value)
