"""The ASGI application: the gateway's endpoints, the payment page, the dashboard and its JSON API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from commercepay.sandbox.sandbox import World
from commercepay.sandbox.web import control_api, payment_page
from commercepay.sandbox.web.gateway_endpoints import Front


def build(world: World) -> ASGIApp:
    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        running = asyncio.create_task(world.run())
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await world.close()

    async def home(_request: Request) -> Response:
        return RedirectResponse("/_sandbox/")

    rest = Starlette(
        routes=[*payment_page.routes(world), *control_api.routes(world), Route("/", home)], lifespan=lifespan
    )
    front = Front(world)
    # All below the roots of the description's paths: what is no endpoint there, the front answers as the gateway would.
    roots = tuple(f"{root}/" for root in world.description.roots)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(roots)
        await (front if ours else rest)(scope, receive, send)

    return app
