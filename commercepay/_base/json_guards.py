"""Type guards for JSON values: after a bare `isinstance`, type checkers do not know the types of the members."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple)


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a mapping. Does not import `collections.abc`."""
    return isinstance(value, dict) or (hasattr(value, "keys") and hasattr(value, "__getitem__"))
