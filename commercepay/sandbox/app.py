"""The ASGI application: the gateway's endpoints, the payment page, the dashboard and its JSON API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from commercepay.sandbox import api, pages
from commercepay.sandbox.front import Front
from commercepay.sandbox.world import World


def build(world: World) -> Starlette:
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

    front = Front(world)
    return Starlette(
        routes=[
            # The roots of the description's paths. What is no endpoint below them, the front answers as the gateway would.
            *(Mount(root, app=front) for root in world.description.roots),
            *pages.routes(world),
            *api.routes(world),
            Route("/", home),
        ],
        lifespan=lifespan,
    )
