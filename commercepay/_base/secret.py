"""Secrets stay out of reprs, and out of the local variables that a traceback shows."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn, TypeVar

    T = TypeVar("T")


class Secret:
    """A password, secret key or token that no repr, log line, traceback or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret can't be pickled: create the client from its settings in each process")


class Hidden(str):
    """A str with a hidden repr. Error pages, logs of parameters and the rows of a database show values by their repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class HiddenBytes(bytes):
    """A key that was passed as bytes by mistake."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"


HiddenBytes.__name__ = "bytes"  # as errors name the type


def hidden(value: T) -> T:
    """A str or bytes, or a list or tuple of them, with a hidden repr; anything else as it is.

    A function that takes a secret rebinds its parameter to this first: the frame of a function that raises keeps its
    parameters, and error trackers show them.
    """
    shown: Any = value
    if isinstance(shown, str):
        shown = Hidden(shown)
    elif isinstance(shown, bytes):
        shown = HiddenBytes(shown)
    elif type(shown) in (list, tuple):
        shown = type(shown)([hidden(one) for one in shown])
    same_type: T = shown
    return same_type


SECRET_PARAMETERS = ("password", "secret_key", "retired_secret_keys", "token_store")


def hide(params: Mapping[str, Any]) -> dict[str, Any]:
    """A client's parameters, with the secrets among them `hidden`."""
    return {name: hidden(value) if name in SECRET_PARAMETERS else value for name, value in params.items()}


def clear_frames(error: BaseException) -> None:
    """Empty the local variables of the frames that an error has passed. Those of functions that still run are kept.

    They hold requests, with a password or a token in them. Error trackers and test runners show them.
    """

    from contextlib import suppress  # here: a callback that is verified does without it

    found: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        trace = None if found is None else found.__traceback__
        while trace is not None:
            with suppress(RuntimeError):  # the function still runs
                trace.tb_frame.clear()
            trace = trace.tb_next
        found = None if found is None else found.__cause__ or found.__context__


_LONGEST_CHAIN = 20
"""Errors that are each other's cause; a chain may be a circle."""
