"""The part of Django's admin that is used here, with types. It is loaded with the admin only (see `_border`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from commercepay.integrations.django._border import import_from

if TYPE_CHECKING:

    class ModelAdmin:
        """Of `django.contrib.admin.ModelAdmin`, what is used here."""

        def message_user(self, request: object, message: str, level: str = ...) -> None: ...

else:
    ModelAdmin = import_from("django.contrib.admin", "ModelAdmin")
EmptyFieldListFilter: Any = import_from("django.contrib.admin", "EmptyFieldListFilter")
register: Callable[[object], Callable[[Any], Any]] = import_from("django.contrib.admin", "register")
action: Callable[..., Callable[[Any], Any]] = import_from("django.contrib.admin", "action")
display: Callable[..., Callable[[Any], Any]] = import_from("django.contrib.admin", "display")
format_html: Callable[..., object] = import_from("django.utils.html", "format_html")
