"""The system check: `manage.py check` and `runserver` name every problem of `settings.COMMERCEPAY`."""

from __future__ import annotations

from commercepay.errors import ConfigurationError
from commercepay.integrations.django import _configuration, views
from commercepay.integrations.django._border import CheckMessage, Error, Resolver404, Warning, resolve  # noqa: A004  # its name in Django

_HINT = "See the docstring of commercepay.integrations.django."


def check(**_: object) -> list[CheckMessage]:
    try:
        endpoint = _configuration.current().endpoint
    except ConfigurationError as error:
        return [Error(problem, hint=_HINT, id="commercepay.E001") for problem in error.problems]
    try:
        view = resolve(endpoint.path).func
    except Resolver404:
        view = None
    if view is views.callback:
        return [
            Error(problem, hint="Include commercepay.integrations.django.aurls instead.", id="commercepay.E002")
            for problem in endpoint.sync_problems()
        ]
    if view is views.acallback:
        return []
    return [
        Warning(
            f"CALLBACK_URL leads to {endpoint.path!r}, where the callback endpoint is not",
            hint="If no proxy maps that path to another, include commercepay.integrations.django.urls in your URLs.",
            id="commercepay.W001",
        )
    ]
