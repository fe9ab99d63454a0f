"""A Django project for the tests. Django is configured once per process; each test overrides `COMMERCEPAY`."""

from __future__ import annotations

from collections.abc import Callable

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_GET

if not settings.configured:
    settings.configure(
        SECRET_KEY="django's own",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["commercepay.integrations.django"],
        # Django's defaults that reject a POST of another site.
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    django.setup()

from commercepay.integrations import django as commercepay  # after the settings


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
