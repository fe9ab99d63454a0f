"""Optional libraries that are not installed."""

from __future__ import annotations


def missing(requirement: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error to raise instead, with the command that installs the library."""
    return ModuleNotFoundError(f"{error.name} is missing: pip install '{requirement}'", name=error.name)
