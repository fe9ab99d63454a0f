"""The system check: `manage.py check` and `runserver` name every problem of `settings.COMMERCEPAY`.

The ids are documented in docs/frameworks.md. A message that is meant to be as it is goes into `SILENCED_SYSTEM_CHECKS`.
"""

from __future__ import annotations

import os

from commercepay.errors import ArgumentError
from commercepay.integrations.django import _configuration, views
from commercepay.integrations.django._border import (
    CheckMessage,
    Error,
    Resolver404,
    Warning,  # noqa: A004  # its name in Django
    get_script_prefix,
    resolve,
    settings,
)
from commercepay.integrations.django.inbox import DjangoInbox, alias

_DUMMY = "django.db.backends.dummy"  # of a `default` that is empty
_HINT = "See the docstring of commercepay.integrations.django."


def check(**_: object) -> list[CheckMessage]:
    try:
        current = _configuration.current()
    except _configuration.SettingsError as error:
        return [
            (Warning if id_ == "commercepay.W004" else Error)(problem, hint=_HINT, id=id_)
            for id_, problem in error.found
        ]
    return _inbox(current) + _route(current)


def _inbox(current: _configuration.Configuration) -> list[CheckMessage]:
    try:
        inbox = current.endpoint.inbox(current.client.callbacks)
    except ArgumentError as error:
        return [
            Error(f"INBOX can't be made: {problem}", hint=_HINT, id="commercepay.E006") for problem in error.problems
        ]
    except Exception as error:  # noqa: BLE001  # the merchant's function may do anything; its text may hold a password
        reason = error if isinstance(error, ImportError) else type(error).__name__
        return [
            Warning(
                f"INBOX could not be made: {reason}",
                hint="Let the function make engine and inbox only, without connecting to the database.",
                id="commercepay.W003",
            )
        ]
    if isinstance(inbox, DjangoInbox):
        return _database()
    engine = getattr(inbox, "engine", None)
    file = _sqlite_file(engine.dialect.name, engine.url.database) if engine is not None else None
    return [
        Warning(
            f"INBOX is on the SQLite file of DATABASES[{alias!r}]: what a handler writes with the ORM waits for the inbox's"
            " transaction, and fails with 'database is locked'",
            hint="Let the handler write over the connection that it is given, and silence this; or use another file.",
            id="commercepay.W002",
        )
        for alias, database in settings.DATABASES.items()
        if file is not None and file == _sqlite_file(database["ENGINE"], database["NAME"])
    ]


def _database() -> list[CheckMessage]:
    using = alias()
    if using in settings.DATABASES and settings.DATABASES[using].get("ENGINE", _DUMMY) != _DUMMY:
        return []
    return [
        Error(
            f"the inbox uses the database {using!r}, which settings.DATABASES does not configure",
            hint="Let db_for_write of a router name another database for the app 'commercepay'.",
            id="commercepay.E007",
        )
    ]


def _sqlite_file(engine: str, name: str | os.PathLike[str] | None) -> str | None:
    if "sqlite" not in engine or not name or ":memory:" in str(name):
        return None
    return str(os.path.realpath(name))


def _route(current: _configuration.Configuration) -> list[CheckMessage]:
    path = current.endpoint.path
    prefix = (settings.FORCE_SCRIPT_NAME or get_script_prefix()).rstrip("/")
    try:
        view = resolve(path.removeprefix(prefix)).func
    except Resolver404:
        view = None
    if view is views.callback:
        return [
            Error(problem, hint="Include commercepay.integrations.django.aurls instead.", id="commercepay.E005")
            for problem in current.endpoint.sync_problems()
        ]
    if view is views.acallback:
        return []
    return [
        Warning(
            f"CALLBACK_URL has the path {path!r}, where the callback endpoint is not",
            hint="If no proxy maps that path to another, include commercepay.integrations.django.urls in your URLs.",
            id="commercepay.W001",
        )
    ]
