"""The base of the small immutable values that the package hands out and takes.

The standard `dataclasses` module would serve, but importing it costs more than all the rest of `commercepay.callbacks`,
which has to load fast in a serverless hook. This is the part of it that the package needs. Type checkers read
the classes as frozen, keyword-only dataclasses.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

    _T = TypeVar("_T")
else:

    def dataclass_transform(**_options: Any) -> Callable[[_T], _T]:
        return lambda cls: cls


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=True)
class Record:
    """An immutable record: built by keyword, compared, hashed, shown and pickled by its fields.

    The fields are the class's annotations; an attribute of the same name is the default. Names listed in `_aside` are
    carried along but neither compared nor shown (a raw body, say).
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
    _aside: ClassVar[tuple[str, ...]] = ()
    _named: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        own = [name for name in cls.__annotations__ if not name.startswith("_")]
        cls._defaults = cls._defaults | {name: cls.__dict__[name] for name in own if name in cls.__dict__}
        cls._fields = (*cls._fields, *own)
        cls._named = frozenset(cls._fields)

    if not TYPE_CHECKING:

        def __init__(self, **given: Any) -> None:
            state = self.__dict__
            state.update(self._defaults)
            state.update(given)
            if state.keys() != self._named:
                from commercepay._base.suggestions import did_you_mean

                unknown = sorted(set(given) - set(self._fields))
                missing = [name for name in self._fields if name not in state]
                raise TypeError(
                    f"{type(self).__name__}(): "
                    + "; ".join(
                        [f"unknown argument {name!r}{did_you_mean(name, self._fields)}" for name in unknown]
                        + [f"missing argument {name!r}" for name in missing]
                    )
                )

    def _compared(self) -> tuple[Any, ...]:
        return tuple(self.__dict__[name] for name in self._fields if name not in self._aside)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash((type(self), self._compared()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._fields if name not in self._aside)
        return f"{type(self).__name__}({shown})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} can't be deleted")

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
