"""A Django project for the tests. Django is configured once per process; each test overrides `COMMERCEPAY`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_GET


class Router:
    """Everything is in the database `shop`."""

    def db_for_read(self, model: object, **hints: object) -> str:
        return "shop"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == "shop"


def database() -> dict[str, Any]:
    """PostgreSQL where COMMERCEPAY_TEST_POSTGRESQL has its URL; else SQLite, with a file that a test names."""
    if server := os.environ.get("COMMERCEPAY_TEST_POSTGRESQL"):
        parts = urlsplit(server)
        host = parse_qs(parts.query)["host"][0]
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": parts.username, "HOST": host}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}


if not settings.configured:
    settings.configure(
        SECRET_KEY="django's own",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["commercepay.integrations.django"],
        DATABASES={"default": {}, "shop": database()},
        DATABASE_ROUTERS=[Router()],
        # Django's defaults that reject a POST of another site.
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    django.setup()

from commercepay.integrations import django as commercepay  # noqa: E402  # after the settings


def read_body(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that reads every body, as those that log requests do."""

    def middleware(request: HttpRequest) -> HttpResponse:
        assert request.body
        return get_response(request)

    return middleware


def respond(returned: commercepay.Returned) -> HttpResponse:
    return HttpResponse(str(returned.decision and returned.decision.outcome))


@require_GET
def back(request: HttpRequest) -> HttpResponse:
    return respond(commercepay.returned(request))


@require_GET
async def aback(request: HttpRequest) -> HttpResponse:
    return respond(await commercepay.areturned(request))


urlpatterns = [
    path("commercepay/", include("commercepay.integrations.django.urls")),
    path("async/", include("commercepay.integrations.django.aurls", namespace="async")),
    path("return", back),
    path("areturn", aback),
]
