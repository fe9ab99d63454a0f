"""The path of the callback endpoint: a POST to the callback URL is handled, in every form of its path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import httpx
import pytest
from django.core.checks import run_checks
from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import override_settings
from django.urls import include, path
from fastapi import FastAPI
from flask import Flask
from integrations.conftest import CREDENTIALS
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from commercepay import Money
from commercepay.integrations.fastapi import FastAPIIntegration
from commercepay.integrations.flask import FlaskIntegration
from commercepay.integrations.starlette import StarletteIntegration
from commercepay.testing import sign_callback

Post = Callable[[str, str], int]


def asgi(app: Any) -> Post:
    def request(method: str, url: str) -> int:
        async def ask() -> int:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
                return (await client.request(method, url, **signed(url))).status_code

        return asyncio.run(ask())

    return request


def wsgi(app: Any, prefix: str = "") -> Post:
    def as_servers_do(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
        return app(environ, start_response)

    def request(method: str, url: str) -> int:
        with httpx.Client(transport=httpx.WSGITransport(as_servers_do, script_name=prefix)) as client:
            return client.request(method, url.replace(f".my{prefix}", ".my"), **signed(url)).status_code

    return request


def signed(url: str) -> dict[str, Any]:
    body, signature = sign_callback(url, CREDENTIALS["secret_key"], amount=Money("1.00", "MYR"), reference_code="INV-1")
    return {"content": body, "headers": {"cap-signature": signature}}


@contextmanager
def site(framework: str, url: str, mounted: str, inner: str) -> Iterator[Post]:
    """An application that is mounted under a prefix, with the callback endpoint at `inner` within it."""
    if framework == "flask":
        app = Flask("shop")
        app.config.update({f"COMMERCEPAY_{name.upper()}": value for name, value in CREDENTIALS.items()})
        app.config |= {"COMMERCEPAY_CALLBACK_URL": url, "COMMERCEPAY_CALLBACK_PATH": inner if mounted else None}
        FlaskIntegration(app, on_callback=id)
        yield wsgi(DispatcherMiddleware(Flask("outer"), {mounted: app}) if mounted else app)
    elif framework == "django":
        urls: Any = ModuleType("urls")
        inner = inner.strip("/").removesuffix("callback")
        urls.urlpatterns = [path(inner, include("commercepay.integrations.django.urls"))]
        own = {name.upper(): value for name, value in CREDENTIALS.items()}
        commercepay = own | {"CALLBACK_URL": url, "ON_CALLBACK": id}
        with override_settings(ROOT_URLCONF=urls, COMMERCEPAY=commercepay, FORCE_SCRIPT_NAME=mounted or None):
            assert run_checks() == []
            yield wsgi(WSGIHandler(), mounted)
    else:
        kind: Any = FastAPIIntegration if framework == "fastapi" else StarletteIntegration
        pay = kind(callback_url=url, on_callback=id, callback_path=inner if mounted else None, **CREDENTIALS)
        if framework == "fastapi":
            app = FastAPI()
            app.include_router(pay.router)
        else:
            app = Starlette(routes=pay.routes)
        yield asgi(Starlette(routes=[Mount(mounted, app)]) if mounted else app)


@pytest.mark.parametrize("mounted", ["", "/shop"])
@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        ("/commercepay/callback", "/commercepay/callback"),
        ("/kedai%20saya/callback/", "/kedai saya/callback/"),
        ("/%E5%95%86%E5%BA%97/callback", "/商店/callback"),
        ("/a%2Fb+c,~(1)/callback", "/a/b+c,~(1)/callback"),
    ],
)
@pytest.mark.parametrize("framework", ["starlette", "fastapi", "flask", "django"])
def test_the_callback_url_is_routed(framework: str, encoded: str, decoded: str, mounted: str) -> None:
    """A POST to the callback URL is handled with and without a slash at the end and with encoded characters."""
    url = f"https://shop.example.my{mounted}{encoded}"
    with site(framework, url, mounted, decoded) as request:
        assert [request("POST", form) for form in (url, url.rstrip("/"), url.rstrip("/") + "/")] == [200] * 3
        assert [request("GET", form) for form in (url.rstrip("/"), url.rstrip("/") + "/")] == [405] * 2


@pytest.mark.parametrize("framework", ["starlette", "fastapi", "flask"])
@pytest.mark.parametrize("root", ["https://shop.example.my", "https://shop.example.my/"])
def test_a_callback_url_without_a_path(framework: str, root: str) -> None:
    """A callback URL without a path is the root of the site."""
    with site(framework, root, "", "/") as request:
        assert request("POST", root) == 200
