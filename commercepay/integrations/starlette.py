"""For Starlette: a callback route, the customer's return, and a client that lives as long as the application.

    pay = StarletteIntegration(callback_url="https://shop.example.my/commercepay/callback", on_callback=on_callback)
    app = Starlette(routes=[*pay.routes, ...], lifespan=pay.lifespan)

    async def buy(request):
        session = await pay.client.sessions.create(callback_url=pay.callback_url, ...)

Needs nothing but Starlette.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Unpack

from commercepay._base.extras import missing
from commercepay.callbacks import MAX_BODY, Verifier, signature_of
from commercepay.client import AsyncCommercePay
from commercepay.errors import ConfigurationError
from commercepay.integrations import _endpoint, _redirect
from commercepay.integrations._endpoint import FindOrder, MakeInbox, OnCallback, Returned
from commercepay.models import Session, StartedPayment
from commercepay.params import AsyncClientOptions

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
except ModuleNotFoundError as _error:
    raise missing("starlette", _error) from _error

__all__ = ["Returned", "StarletteIntegration"]


class StarletteIntegration:
    """CommercePay in a Starlette application.

    Args:
        callback_url: the public URL of the callback endpoint, with which payments are opened. The route has its path.
        on_callback: called with each verified `Callback`, and with the inbox's connection if there is an inbox. May be
            async; if it isn't, it runs in a thread. What it raises becomes a 500, and the gateway tries again.
        inbox: a function that makes the inbox, called once, when the first callback comes:
            `lambda verifier: AsyncInbox(engine, verify=verifier.verify, find_order=..., on_settled=...)`. An `Inbox` is used
            in threads. With `on_settled`, callbacks and returns are settled by it, and `on_callback` is not needed.
        find_order: given a `ReturnHint`, your record of the order as an `OpenPayment`, or None. Needed for `returned`, unless
            the inbox has one.
        callback_path: the path of the route, if a proxy or a mount makes it differ from the public one.
        former_callback_urls: callback URLs that payments were opened with before: their callbacks may still come.
        options: arguments of `AsyncCommercePay`; the rest comes from the `COMMERCEPAY_*` variables, when the client is first
            needed.

    Raises:
        ConfigurationError: names everything that is wrong.
    """

    def __init__(
        self,
        *,
        callback_url: str,
        on_callback: OnCallback | None = None,
        inbox: MakeInbox | None = None,
        find_order: FindOrder | None = None,
        callback_path: str | None = None,
        former_callback_urls: Sequence[str] = (),
        **options: Unpack[AsyncClientOptions],
    ) -> None:
        self._endpoint = _endpoint.Endpoint(
            callback_url=callback_url,
            former_callback_urls=former_callback_urls,
            on_callback=on_callback,
            inbox=inbox,
            find_order=find_order,
        )
        self._paths = self._endpoint.paths(callback_path)
        self._options = options
        self._client: AsyncCommercePay | None = None

    @property
    def callback_url(self) -> str:
        """As configured; open payments with it."""
        return self._endpoint.callback_url

    @property
    def client(self) -> AsyncCommercePay:
        """The application's client. Made when first asked for; it opens connections when it first calls.

        Raises:
            ConfigurationError: names everything that is missing or wrong.
        """
        if self._client is None:
            client = AsyncCommercePay.from_env(**self._options)
            if problems := self._endpoint.environment_problems(client.settings):
                raise ConfigurationError(problems)
            self._client = client
        return self._client

    @property
    def inbox(self) -> Any:
        """The inbox, for `settle` and `process_pending`. Made at the first call; None if there is none."""
        return self._endpoint.inbox(self.client.callbacks)

    @property
    def verifier(self) -> Verifier:
        """Verifies callbacks with the client's keys and this endpoint's URLs. For an inbox in a worker."""
        return self._endpoint.verifier(self.client.callbacks)

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncGenerator[None]:
        """The application's `lifespan`, or a part of yours: checks the client's settings, and closes it in the end.

        Raises:
            ConfigurationError: names everything that is missing or wrong, before the first request is taken.
        """
        async with self.client:
            try:
                yield
            finally:
                self._client = None  # an application can be started again

    @property
    def routes(self) -> list[Route]:
        """The callback route, with and without a slash at the end."""
        return [Route(path, self.receive, methods=["POST"], name="commercepay-callback") for path in self._paths]

    async def receive(self, request: Request) -> Response:
        """The callback endpoint."""
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)  # the client has disconnected
        if body is None:
            return Response(status_code=_endpoint.too_large())
        status = await self._endpoint.areceive(
            self.client.callbacks, body, signature_of(request.scope["headers"]), str(request.url), run_in_threadpool
        )
        return Response(status_code=status)

    def redirect(self, started: Session | StartedPayment) -> Response:
        """The response that sends the customer on to the payment: a redirect, or a page with the payment's `client_script`.

        The page has a `Content-Security-Policy` of its own, which the application must not replace.
        """
        body, status, headers = _redirect.redirect(started, self.client.settings)
        return Response(body, status, headers)

    async def returned(self, request: Request) -> Returned:
        """Ask the gateway about the order that this customer came back from. For the endpoint of your `return_url`.

        Raises:
            HTTPException: 404, if `find_order` returns None.
            ConfigurationError: there is no `find_order`.
        """
        query = str(request.scope["query_string"], "latin-1")
        found = await self._endpoint.areturned(self.client, query, run_in_threadpool)
        if found is None:
            raise HTTPException(404)
        return found


async def _read(request: Request) -> bytes | None:
    if _endpoint.announces_too_large(request.headers.get("content-length")):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)
