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


def _from(module: str, name: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise missing("commercepay[django]", error) from error


if not TYPE_CHECKING:
    AppConfig = _from("django.apps", "AppConfig")
settings: Any = _from("django.conf", "settings")
register: Callable[[Callable[..., list[CheckMessage]]], object] = _from("django.core.checks", "register")
Error: Callable[..., CheckMessage] = _from("django.core.checks", "Error")
Warning: Callable[..., CheckMessage] = _from("django.core.checks", "Warning")  # noqa: A001  # its name in Django
setting_changed: Any = _from("django.core.signals", "setting_changed")
Http404: type[Exception] = _from("django.http", "Http404")
HttpResponse: Callable[..., object] = _from("django.http", "HttpResponse")
Resolver404: type[Exception] = _from("django.urls", "Resolver404")
re_path: Callable[..., object] = _from("django.urls", "re_path")
get_script_prefix: Callable[[], str] = _from("django.urls", "get_script_prefix")
resolve: Callable[[str], Match] = _from("django.urls", "resolve")
import_string: Callable[[str], object] = _from("django.utils.module_loading", "import_string")
csrf_exempt: Callable[[View], View] = _from("django.views.decorators.csrf", "csrf_exempt")
require_POST: Callable[[View], View] = _from("django.views.decorators.http", "require_POST")  # noqa: N816  # its name
sync_to_async: Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]] = _from("asgiref.sync", "sync_to_async")


async def in_thread(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """In the thread where Django keeps its database connections."""
    return await sync_to_async(function)(*args, **options)
