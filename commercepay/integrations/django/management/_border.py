"""Django's base of a management command, with types. It is loaded only for a command (see the other `_border`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from commercepay.integrations.django._border import import_from

if TYPE_CHECKING:

    class _Output(Protocol):
        def write(self, text: str) -> object: ...

    class BaseCommand:
        """Of `django.core.management.BaseCommand`, what is used here."""

        help: str
        requires_system_checks: tuple[str, ...]
        stdout: _Output

else:
    BaseCommand = import_from("django.core.management.base", "BaseCommand")
CommandError: Callable[[str], Exception] = import_from("django.core.management.base", "CommandError")
