"""The part of Django's ORM that is used here, with types. It is loaded with the models only (see `_border`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from commercepay.integrations.django._border import import_from

models: Any = import_module("django.db.models")
migrations: Any = import_module("django.db.migrations")

if TYPE_CHECKING:

    class Model:
        """Of `django.db.models.Model`, what is used here."""

        objects: Any
        id: int

    class _Field:
        def __init__(self, *, null: bool = False) -> None: ...
        def get_prep_value(self, value: Any) -> Any: ...

    class TextField(_Field):
        """Of `django.db.models.TextField`, what is used here."""

    class DateTimeField(_Field):
        """Of `django.db.models.DateTimeField`, what is used here."""

    class Migration:
        """Of `django.db.migrations.Migration`, what is used here."""

else:
    Model = models.Model
    TextField = models.TextField
    DateTimeField = models.DateTimeField
    Migration = migrations.Migration

F: Callable[[str], Any] = import_from("django.db.models", "F")
connections: Any = import_from("django.db", "connections")
router: Any = import_from("django.db", "router")
atomic: Callable[..., AbstractContextManager[None]] = import_from("django.db.transaction", "atomic")
non_atomic_requests: Callable[..., Callable[[Any], Any]] = import_from("django.db.transaction", "non_atomic_requests")
close_old_connections: Callable[[], None] = import_from("django.db", "close_old_connections")
make_aware: Callable[[Any], Any] = import_from("django.utils.timezone", "make_aware")
make_naive: Callable[..., Any] = import_from("django.utils.timezone", "make_naive")
get_default_timezone: Callable[[], Any] = import_from("django.utils.timezone", "get_default_timezone")

if TYPE_CHECKING:

    class DatabaseError(Exception):
        """`django.db.DatabaseError`."""

    class IntegrityError(DatabaseError):
        """`django.db.IntegrityError`."""

    class InterfaceError(Exception):
        """`django.db.InterfaceError`."""

    class OperationalError(DatabaseError):
        """`django.db.OperationalError`."""

else:
    DatabaseError = import_from("django.db", "DatabaseError")
    IntegrityError = import_from("django.db", "IntegrityError")
    InterfaceError = import_from("django.db", "InterfaceError")
    OperationalError = import_from("django.db", "OperationalError")
