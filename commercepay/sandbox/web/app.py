"""The ASGI application: the gateway's endpoints, the payment page, the control API and the dashboard."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commercepay._base.hosts import is_address, is_loopback, is_public, is_unspecified
from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web import html, payment_page
from commercepay.sandbox.web.gateway_endpoints import GatewayEndpoints

PREFIX: Final = "/_sandbox/api"


MAX_BODY: Final = 1024 * 1024
"""The longest body of a request, in bytes."""


def build(core: SandboxCore, host: str = "127.0.0.1") -> ASGIApp:
    """The application.

    Args:
        host: the host that the sandbox listens on.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[dict[str, SandboxCore]]:
        running = asyncio.create_task(core.run())
        try:
            yield {"core": core}  # which the control API finds as `request.state.core`
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await core.close()

    async def home(_request: Request) -> Response:
        return RedirectResponse("/_sandbox/")

    async def inbox(_request: Request) -> Response:
        """A callback URL for integrators who have no receiver yet: accepts everything."""
        return Response(status_code=200)

    pages = Starlette(
        routes=[
            *payment_page.routes(core),
            Route("/_sandbox/static/{name}", html.static, methods=["GET"]),
            Route("/_sandbox/inbox", inbox, methods=["POST"]),
            Route("/", home),
        ],
        lifespan=lifespan,
    )
    # Every address below the first segments of the description's paths is the gateway's, known endpoint or not.
    gateway, roots = GatewayEndpoints(core), tuple(f"{root}/" for root in core.description.roots)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await pages(scope, receive, send)
            return
        refusal, body = await _read(scope, receive, host)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        path, receive = scope["path"], _replay(body, receive)
        if path.startswith(roots):
            await gateway(scope, receive, send)
        elif path in ("/_sandbox", "/_sandbox/") or path.startswith(f"{PREFIX}/"):
            await (await _control_api())(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


async def _read(scope: Scope, receive: Receive, host: str) -> tuple[Response | None, bytes]:
    """The body of a request, or why the request is refused."""
    headers = Headers(scope=scope)
    named = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    if not is_served(named, host):
        # A page of another site can point its own name at this machine, and then read all responses (DNS rebinding).
        text = f"This sandbox does not serve the host {named[:80]!a}. Start it with --host if it should.\n"
        return PlainTextResponse(text, 421), b""
    length = headers.get("content-length", "0")
    too_large = not length.isdecimal() or int(length[:20]) > MAX_BODY
    chunks: list[bytes] = []
    while not too_large:
        message = await receive()
        chunks.append(message.get("body", b""))
        too_large = sum(map(len, chunks)) > MAX_BODY
        if not message.get("more_body"):
            return None, b"".join(chunks)
    return Response(status_code=413, headers={"connection": "close"}), b""


def is_served(named: str, host: str) -> bool:
    """Whether the sandbox serves a `Host`: a name of this machine, or the host that it listens on.

    If it listens on every interface, it also serves IP addresses, and names that are not public.
    """
    if not named or is_loopback(named) or named == host.lower():  # browsers always send one
        return True
    return is_unspecified(host) and (is_address(named) or not is_public(named))


def _replay(body: bytes, receive: Receive) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed


async def _control_api() -> ASGIApp:
    """The control API and the dashboard, loaded when they are first used: FastAPI takes longer to load than the rest."""
    # In a thread, so that the gateway's endpoints continue to respond.
    module = await asyncio.to_thread(importlib.import_module, "commercepay.sandbox.web.control_api")
    api: ASGIApp = module.api
    return api
