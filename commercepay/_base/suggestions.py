"""Suggestions for a misspelt name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PART_LEAST = 3
"""Characters. A shorter part of a name suggests nothing."""


def meant(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known name that a name is part of or similar to, in any case.

    Args:
        name: the name to look for.
        known: the known names.
        likeness: from 0 to 1, the least similarity.
    """
    wanted = name.casefold()
    by_folded = {one.casefold(): one for one in known}
    if wanted in by_folded:
        return by_folded[wanted]
    if len(wanted) >= _PART_LEAST:
        for folded, one in by_folded.items():
            if folded.startswith(wanted) or wanted in folded.split("_"):
                return one
    from difflib import get_close_matches  # here: only an error needs it

    return next((by_folded[folded] for folded in get_close_matches(wanted, by_folded, 1, likeness)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: a suggestion, or nothing."""
    suggestion = meant(name, known)
    return f"; did you mean {suggestion!r}?" if suggestion is not None else ""
