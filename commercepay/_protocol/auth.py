"""The one `httpx.Auth`: tenant, signature and token for every request to the gateway, whoever makes it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import httpx
from commercepay_api.wire import EXTENSION, Signing

from commercepay import signature
from commercepay._base.json_guards import is_object
from commercepay._protocol import defaults
from commercepay._protocol.envelope import Response, refuses_token
from commercepay._protocol.settings import Settings
from commercepay._protocol.token import Need, Tokens


class Options(NamedTuple):
    """What a call may have of its own; None is the client's."""

    timeout: float | None = None
    max_retries: int | None = None


NO_OPTIONS = Options()

OPTIONS_EXTENSION: Final = "commercepay.options"
"""The httpx request extension under which a call carries its `Options`."""

TENANT_HEADER = "Abp-TenantId"


class GatewayAuth(httpx.Auth):
    """Signs what is sent, adds the token, and renews a token that is refused.

    What goes elsewhere than below the gateway's base URL is let pass with neither token nor signature nor tenant.
    """

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        authenticate: Callable[[Options], tuple[str, object]],
        aauthenticate: Callable[[Options], Awaitable[tuple[str, object]]],
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._authenticate = authenticate
        self._aauthenticate = aauthenticate
        self._base = str(httpx.URL(settings.base_url)).rstrip("/") + "/"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        options: Options = request.extensions.get(OPTIONS_EXTENSION, NO_OPTIONS)
        flow = self._flow(request, options)
        try:
            step = next(flow)
            while True:
                if isinstance(step, Need):
                    step = flow.send(self._tokens.get(partial(self._authenticate, options), step))
                else:
                    response = yield step
                    if response.status_code == 401:
                        response.read()  # gives the connection back, which renewing may need
                    step = flow.send(response)
        except StopIteration:
            return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        options: Options = request.extensions.get(OPTIONS_EXTENSION, NO_OPTIONS)
        flow = self._flow(request, options)
        try:
            step = next(flow)
            while True:
                if isinstance(step, Need):
                    step = flow.send(await self._tokens.aget(partial(self._aauthenticate, options), step))
                else:
                    response = yield step
                    if response.status_code == 401:
                        await response.aread()
                    step = flow.send(response)
        except StopIteration:
            return

    def _flow(self, request: httpx.Request, options: Options) -> Generator[httpx.Request | Need, Any, None]:
        url = str(request.url)
        headers = request.headers
        if not url.startswith(self._base):
            headers.pop(TENANT_HEADER, None)
            yield request
            return
        carried: Signing | None = request.extensions.get(EXTENSION)
        if carried is not None and not carried["secured"]:
            headers.pop("Authorization", None)
            yield request
            return
        data = carried["data"] if carried is not None else _data_of(request)
        headers["cap-signature"] = signature.sign(url, data, self._settings.secret_key.reveal())
        seconds = self._settings.timeout if options.timeout is None else options.timeout
        need = Need(time.monotonic() + seconds, shared=options == NO_OPTIONS)
        token = self._tokens.fresh() or (yield need)
        # Where each login ends the token before it, another process may end this one at any time: a request that changes
        # nothing gets several new tokens.
        renewals = defaults.RENEWALS_MOST if request.method == "GET" else 1
        while True:
            headers["Authorization"] = f"Bearer {token.reveal()}"
            response = yield request
            if not renewals or response.status_code != 401 or not refuses_token(_answer(response)):
                return
            renewals -= 1
            token = yield need._replace(refused=token)


def _answer(response: httpx.Response) -> Response:
    return Response(status_code=response.status_code, headers=response.headers, body=response.content)


def _data_of(request: httpx.Request) -> Mapping[str, Any]:
    """What a request built by hand carries. Query parameters have lost their types by now: all are strings."""
    if request.method in ("GET", "HEAD", "DELETE"):
        return dict(request.url.params.multi_items())
    body: object = json.loads(request.content or b"{}")
    if not is_object(body):
        raise TypeError("only a JSON object can be signed")
    return body
