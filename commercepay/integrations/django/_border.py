"""The part of Django that is used here, with types. Django has no types: all that is untyped stays in this module."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from commercepay._base.extras import missing


class HttpRequest(Protocol):
    """Of `django.http.HttpRequest`, what is used here."""

    META: Mapping[str, Any]
    headers: Mapping[str, str]
    path: str
    scheme: str

    def read(self, size: int, /) -> bytes: ...


class CheckMessage(Protocol):
    id: str


class Match(Protocol):
    """Of `django.urls.ResolverMatch`, what is used here."""

    func: Callable[..., Any]


View = Callable[..., Any]


if TYPE_CHECKING:

    class AppConfig:
        """Of `django.apps.AppConfig`, what is used here."""

        name: str
        label: str
        verbose_name: str

        def ready(self) -> None: ...


def import_from(module: str, name: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise missing("commercepay[django]", error) from error


if not TYPE_CHECKING:
    AppConfig = import_from("django.apps", "AppConfig")
settings: Any = import_from("django.conf", "settings")
register: Callable[[Callable[..., list[CheckMessage]]], object] = import_from("django.core.checks", "register")
Error: Callable[..., CheckMessage] = import_from("django.core.checks", "Error")
Warning: Callable[..., CheckMessage] = import_from("django.core.checks", "Warning")  # noqa: A001  # its name in Django
setting_changed: Any = import_from("django.core.signals", "setting_changed")
Http404: type[Exception] = import_from("django.http", "Http404")
HttpResponse: Callable[..., object] = import_from("django.http", "HttpResponse")
Resolver404: type[Exception] = import_from("django.urls", "Resolver404")
re_path: Callable[..., object] = import_from("django.urls", "re_path")
get_script_prefix: Callable[[], str] = import_from("django.urls", "get_script_prefix")
resolve: Callable[[str], Match] = import_from("django.urls", "resolve")
import_string: Callable[[str], object] = import_from("django.utils.module_loading", "import_string")
csrf_exempt: Callable[[View], View] = import_from("django.views.decorators.csrf", "csrf_exempt")
require_POST: Callable[[View], View] = import_from("django.views.decorators.http", "require_POST")  # noqa: N816  # its name
sync_to_async: Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]] = import_from(
    "asgiref.sync", "sync_to_async"
)


async def in_thread(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """In the thread where Django keeps its database connections."""
    return await sync_to_async(function)(*args, **options)
