"""Strings with a hidden repr."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


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
