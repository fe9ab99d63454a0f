"""The ASGI application: the gateway's endpoints, the payment page, the control API and the dashboard."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web import html, payment_page
from commercepay.sandbox.web.gateway_endpoints import GatewayEndpoints

PREFIX: Final = "/_sandbox/api"


def build(core: SandboxCore) -> ASGIApp:
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
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(roots):
            await gateway(scope, receive, send)
        elif path in ("/_sandbox", "/_sandbox/") or path.startswith(f"{PREFIX}/"):
            await (await _control_api())(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


async def _control_api() -> ASGIApp:
    """The control API and the dashboard, loaded when they are first used: FastAPI takes longer to load than the rest."""
    # In a thread, so that the gateway's endpoints continue to respond.
    module = await asyncio.to_thread(importlib.import_module, "commercepay.sandbox.web.control_api")
    api: ASGIApp = module.api
    return api
