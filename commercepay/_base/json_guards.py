"""Telling JSON's shapes apart in a way that type checkers follow: `isinstance` alone leaves the members' types unknown."""

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
    """Any mapping, without importing `collections.abc` to ask."""
    return isinstance(value, dict) or (hasattr(value, "keys") and hasattr(value, "__getitem__"))
