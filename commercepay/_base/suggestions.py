"""What a misspelt name was probably meant to be."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PART_LEAST = 3
"""Characters: a shorter part of a name is not taken for the name."""


def meant(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known name that a name is a part of or resembles; case does not count.

    Args:
        name: what was given.
        known: the names that there are.
        likeness: from 0 to 1, how much a name has to resemble a known one.
    """
    wanted = name.casefold()
    by_folded = {one.casefold(): one for one in known}
    if wanted in by_folded:
        return by_folded[wanted]
    if len(wanted) >= _PART_LEAST:
        for folded, one in by_folded.items():
            if folded.startswith(wanted) or wanted in folded.split("_"):
                return one
    from difflib import get_close_matches  # not at the top: it is needed for an error only

    return next((by_folded[folded] for folded in get_close_matches(wanted, by_folded, 1, likeness)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: what was probably meant, or nothing."""
    suggestion = meant(name, known)
    return f"; did you mean {suggestion!r}?" if suggestion is not None else ""
