"""A merchant's site in each framework, with one interface, so that each test runs with all of them."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

import django.test
import httpx
from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import override_settings
from fastapi import Depends, FastAPI
from flask import Flask, request
from integrations import django_project
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from commercepay.callbacks import Verifier
from commercepay.integrations import django as commercepay_django
from commercepay.integrations.fastapi import FastAPIIntegration
from commercepay.integrations.flask import FlaskIntegration
from commercepay.integrations.starlette import Returned, StarletteIntegration

PUBLIC = "https://shop.example.my"


class SiteResponse(NamedTuple):
    status: int
    text: str


def outcome(returned: Returned) -> str:
    return str(returned.decision and returned.decision.outcome)


class Site:
    """A running site.

    Attributes:
        callback_url: what it was configured with; its path is where the endpoint is.
        is_async: whether handlers may be async.
    """

    is_async = False
    callback_path = "/commercepay/callback"
    return_path = "/return"

    def __init__(self, client_options: Mapping[str, Any], **options: Any) -> None:
        self.callback_url = PUBLIC + self.callback_path
        self.start(dict(client_options), options)

    def start(self, client_options: dict[str, Any], options: dict[str, Any]) -> None:
        raise NotImplementedError

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> SiteResponse:
        raise NotImplementedError

    def post(self, body: bytes, signature: str | None, **headers: str) -> int:
        """Post a callback, as the gateway does."""
        sent = {"Content-Type": "application/json", **headers}
        if signature is not None:
            sent["cap-signature"] = signature
        return self.send("POST", self.callback_path, body, sent).status

    def come_back(self, query: str) -> SiteResponse:
        """Request a page, as the customer's browser does."""
        return self.send("GET", f"{self.return_path}?{query}", b"", {})

    def read_body_first(self) -> None:
        """Let a part of the application read every body before the endpoint does, like one that logs requests."""
        raise NotImplementedError

    def close(self) -> None:
        """End the application."""

    @property
    def client(self) -> Any:
        raise NotImplementedError

    @property
    def verifier(self) -> Verifier:
        raise NotImplementedError

    def redirect(self, started: Any) -> Any:
        """The framework's response that sends the customer on to a payment."""
        raise NotImplementedError

    def call(self, function: Callable[[Any], Any]) -> Any:
        """Use the site's client, like the code of the site."""
        return function(self.client)


class _Asgi(Site):
    is_async = True
    app: Any
    pay: StarletteIntegration

    def start(self, client_options: dict[str, Any], options: dict[str, Any]) -> None:
        self.build({"callback_url": self.callback_url, **options, **client_options})
        self.runner = asyncio.Runner()
        self.lifespan = self.app.router.lifespan_context(self.app)
        self.runner.run(self.lifespan.__aenter__())

    def build(self, options: dict[str, Any]) -> None:
        raise NotImplementedError

    def send(self, method: str, path: str, body: Any, headers: Any) -> SiteResponse:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://internal:8000") as client:
                return await client.request(method, path, content=body, headers=headers)

        response = self.runner.run(run())
        return SiteResponse(response.status_code, response.text)

    def post_in_pieces(self, pieces: list[bytes], signature: str) -> int:
        """Without a Content-Length, as `Transfer-Encoding: chunked` has none."""

        async def source() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        return self.send("POST", self.callback_path, source(), {"cap-signature": signature}).status

    def post_with_two_headers(self, body: bytes, *signatures: str) -> int:
        """WSGI servers join headers of one name; ASGI servers pass each of them."""
        return self.send("POST", self.callback_path, body, [("cap-signature", one) for one in signatures]).status

    def close(self) -> None:
        self.runner.run(self.lifespan.__aexit__(None, None, None))
        self.runner.close()

    def read_body_first(self) -> None:
        async def dispatch(request: Request, call_next: Any) -> Any:
            assert await request.body()
            return await call_next(request)

        self.app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

    def redirect(self, started: Any) -> Any:
        return self.pay.redirect(started)

    @property
    def client(self) -> Any:
        return self.pay.client

    @property
    def verifier(self) -> Verifier:
        return self.pay.verifier

    def call(self, function: Callable[[Any], Any]) -> Any:
        async def run() -> Any:
            return await function(self.client)

        return self.runner.run(run())


class StarletteSite(_Asgi):
    def build(self, options: dict[str, Any]) -> None:
        self.pay = pay = StarletteIntegration(**options)

        async def back(request: Request) -> PlainTextResponse:
            return PlainTextResponse(outcome(await pay.returned(request)))

        self.app = Starlette(routes=[*pay.routes, Route("/return", back)], lifespan=pay.lifespan)


class FastAPISite(_Asgi):
    def build(self, options: dict[str, Any]) -> None:
        self.pay = pay = FastAPIIntegration(**options)
        self.app = app = FastAPI(lifespan=pay.lifespan)
        app.include_router(pay.router)

        async def back(returned: Returned = Depends(pay.returned)) -> PlainTextResponse:  # noqa: B008
            return PlainTextResponse(outcome(returned))

        app.add_api_route("/return", back)


def wsgi_environ(path: str, pieces: list[bytes], signature: str) -> dict[str, Any]:
    """A chunked request from a server that joins the chunks: it has no length, and the input ends after the body."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "internal",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_CAP_SIGNATURE": signature,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b"".join(pieces)),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def wsgi_status(app: Any, environ: dict[str, Any]) -> int:
    statuses: list[str] = []
    response = app(environ, lambda status, headers, error=None: statuses.append(status))
    list(response)
    getattr(response, "close", lambda: None)()
    return int(statuses[0].split()[0])


class FlaskSite(Site):
    def start(self, client_options: dict[str, Any], options: dict[str, Any]) -> None:
        self.app: Any = Flask("shop")
        self.app.config["COMMERCEPAY_FORMER_CALLBACK_URLS"] = options.pop("former_callback_urls", None)
        self.pay = pay = FlaskIntegration(**options)
        self.app.config["COMMERCEPAY_CALLBACK_URL"] = self.callback_url
        self.app.config.update({f"COMMERCEPAY_{name.upper()}": value for name, value in client_options.items()})
        pay.init_app(self.app)

        @self.app.get("/return")  # type: ignore[untyped-decorator]
        def back() -> str:
            return outcome(pay.returned())

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> SiteResponse:
        with self.app.test_client() as client:
            response = client.open(path, method=method, data=body, headers=headers)
            text = response.text
            response.close()
        return SiteResponse(response.status_code, text)

    def post_in_pieces(self, pieces: list[bytes], signature: str) -> int:
        return wsgi_status(self.app, wsgi_environ(self.callback_path, pieces, signature))

    def read_body_first(self) -> None:
        @self.app.before_request  # type: ignore[untyped-decorator]
        def read() -> None:
            assert request.get_data()

    def close(self) -> None:
        self.client.close()

    def redirect(self, started: Any) -> Any:
        with self.app.app_context():
            return self.pay.redirect(started)

    @property
    def client(self) -> Any:
        with self.app.app_context():
            return self.pay.client

    @property
    def verifier(self) -> Verifier:
        with self.app.app_context():
            return self.pay.verifier


class DjangoSite(Site):
    def start(self, client_options: dict[str, Any], options: dict[str, Any]) -> None:
        own = {name.upper(): value for name, value in (client_options | options).items()}
        self.override = override_settings(COMMERCEPAY={"CALLBACK_URL": self.callback_url, **own})
        self.override.enable()

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> SiteResponse:
        client = django.test.Client(raise_request_exception=False, enforce_csrf_checks=True)
        kind = headers.get("Content-Type", "application/octet-stream")
        response = client.generic(method, path, body, content_type=kind, headers=headers)
        return SiteResponse(response.status_code, response.content.decode())

    def post_in_pieces(self, pieces: list[bytes], signature: str) -> int:
        return wsgi_status(WSGIHandler(), wsgi_environ(self.callback_path, pieces, signature))

    def read_body_first(self) -> None:
        self.override.options["MIDDLEWARE"] = ["integrations.django_project.read_body"]
        self.override.disable()
        self.override.enable()

    def close(self) -> None:
        commercepay_django.close()
        self.override.disable()

    def redirect(self, started: Any) -> Any:
        return commercepay_django.redirect(started)

    @property
    def client(self) -> Any:
        return commercepay_django.client()

    @property
    def verifier(self) -> Verifier:
        return commercepay_django.verifier()


class AsyncDjangoSite(DjangoSite):
    is_async = True
    callback_path = "/async/callback"
    return_path = "/areturn"

    def start(self, client_options: dict[str, Any], options: dict[str, Any]) -> None:
        super().start(client_options, options)
        self.runner = asyncio.Runner()

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> SiteResponse:
        client = django.test.AsyncClient(raise_request_exception=False)
        kind = headers.get("Content-Type", "application/octet-stream")
        headers = {name: value for name, value in headers.items() if name != "Host"}  # this client adds one
        response = self.runner.run(client.generic(method, path, body, content_type=kind, headers=headers))
        return SiteResponse(response.status_code, response.content.decode())

    def close(self) -> None:
        self.runner.run(commercepay_django.aclose())
        self.runner.close()
        self.override.disable()

    @property
    def client(self) -> Any:
        return commercepay_django.aclient()

    def call(self, function: Callable[[Any], Any]) -> Any:
        async def run() -> Any:
            return await function(self.client)

        return self.runner.run(run())


SITES: dict[str, type[Site]] = {
    "starlette": StarletteSite,
    "fastapi": FastAPISite,
    "flask": FlaskSite,
    "django": DjangoSite,
    "django async": AsyncDjangoSite,
}

assert django_project.urlpatterns
