"""For FastAPI: a router with the callback endpoint, dependencies for the client and the return, and a lifespan.

    pay = FastAPIIntegration(callback_url="https://shop.example.my/commercepay/callback", on_callback=on_callback)
    app = FastAPI(lifespan=pay.lifespan)
    app.include_router(pay.router)

    @app.post("/buy")
    async def buy(cp: Annotated[AsyncCommercePay, Depends(pay.get_client)]):
        session = await cp.sessions.create(callback_url=pay.callback_url, ...)

    @app.get("/return")
    async def back(returned: Annotated[Returned, Depends(pay.returned)]):
        ...

Needs `pip install 'commercepay[fastapi]'`.
"""

from __future__ import annotations

from commercepay._base.extras import missing
from commercepay.client import AsyncCommercePay
from commercepay.integrations._endpoint import Returned

try:
    from fastapi import APIRouter
except ModuleNotFoundError as _error:
    raise missing("commercepay[fastapi]", _error) from _error

from commercepay.integrations.starlette import StarletteIntegration

__all__ = ["FastAPIIntegration", "Returned"]


class FastAPIIntegration(StarletteIntegration):
    """CommercePay in a FastAPI application. Arguments: see `StarletteIntegration`."""

    @property
    def router(self) -> APIRouter:
        """The callback endpoint, for `app.include_router`. It is not in the application's OpenAPI document."""
        router = APIRouter()
        for path in self._paths:
            router.add_route(path, self.receive, methods=["POST"], include_in_schema=False)
        return router

    async def get_client(self) -> AsyncCommercePay:
        """A dependency: `Annotated[AsyncCommercePay, Depends(pay.get_client)]`."""
        return self.client
