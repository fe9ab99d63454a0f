"""The `httpx.Auth` that every request to the gateway passes: it adds the signature and the token."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote

from commercepay_api.wire import EXTENSION, Signing

from commercepay import signature
from commercepay._base.json_guards import is_object
from commercepay._base.secret import clear_frames
from commercepay._protocol import defaults
from commercepay._protocol.call import Call, call_of
from commercepay._protocol.envelope import Response, is_refused_by_gateway, refuses_token
from commercepay._protocol.http_library import httpx
from commercepay._protocol.settings import Settings
from commercepay._protocol.token import Need, Token, Tokens
from commercepay.errors import ArgumentError

TENANT_HEADER = "Abp-TenantId"


class GatewayAuth(httpx.Auth):
    """Signs what is sent, adds the token, and renews a token that is refused.

    A request to anything that is not below the gateway's base URL is refused.
    """

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        authenticate: Callable[[Call, float], tuple[str, object]],
        aauthenticate: Callable[[Call, float], Awaitable[tuple[str, object]]],
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._authenticate = authenticate
        self._aauthenticate = aauthenticate
        self._base = str(httpx.URL(settings.base_url)).rstrip("/") + "/"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        call = call_of(request)
        flow = self._flow(request, call)
        try:
            step = next(flow)
            while True:
                if isinstance(step, Need):
                    step = flow.send(self._token(call, step))
                else:
                    response = yield step
                    if response.status_code == 401:
                        response.read()  # gives the connection back, which renewing may need
                    step = flow.send(response)
        except StopIteration:
            return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        call = call_of(request)
        flow = self._flow(request, call)
        try:
            step = next(flow)
            while True:
                if isinstance(step, Need):
                    step = flow.send(await self._atoken(call, step))
                else:
                    response = yield step
                    if response.status_code == 401:
                        await response.aread()
                    step = flow.send(response)
        except StopIteration:
            return

    def _token(self, call: Call, need: Need) -> Token:
        try:
            return self._tokens.get(partial(self._authenticate, call), need)
        except BaseException as error:
            clear_frames(error)  # those of the login hold the password
            raise

    async def _atoken(self, call: Call, need: Need) -> Token:
        try:
            return await self._tokens.aget(partial(self._aauthenticate, call), need)
        except BaseException as error:
            clear_frames(error)
            raise

    def _flow(self, request: httpx.Request, call: Call) -> Generator[httpx.Request | Need, Any, None]:
        url = str(request.url)
        headers = request.headers
        path = request.url.raw_path.partition(b"?")[0].decode("ascii", "replace")
        if not url.startswith(self._base) or has_dot_segments(path):
            raise ArgumentError(f"{url[:200]} is not below the base URL {self._base}: nothing was sent")
        carried: Signing | None = request.extensions.get(EXTENSION)
        if carried is not None and not carried["secured"]:
            headers.pop("Authorization", None)
            yield request
            return
        data = carried["data"] if carried is not None else _data_of(request)
        headers["cap-signature"] = signature.sign(url, data, self._settings.secret_key.reveal())
        need = Need(call.options.deadline, shared=not call.options.own, least_seconds=call.least_seconds)
        token = self._tokens.fresh() or (yield need)
        # Where each login ends the token before it, another process may end this one at any time: a request that changes
        # nothing gets several new tokens.
        renewals = defaults.RENEWALS_MOST if call.safe else 1
        may_be_old = True  # the first token that another process has stored: it is not counted
        while True:
            headers["Authorization"] = f"Bearer {token.reveal()}"
            response = yield request
            if response.status_code != 401:
                return
            received = _response(response)
            # A POST is repeated only if the gateway itself refused the token, and not if a proxy may have responded.
            if not renewals or not (refuses_token(received) if call.safe else is_refused_by_gateway(received)):
                self._tokens.drop(token)
                return
            token = yield need._replace(refused=token)
            if token.from_store and may_be_old:
                may_be_old = False
            else:
                renewals -= 1


def _response(response: httpx.Response) -> Response:
    return Response(status_code=response.status_code, headers=response.headers, body=response.content)


@lru_cache(maxsize=128)
def has_dot_segments(path: str) -> bool:
    """Whether a path, without query, has a `.` or `..` segment, percent-encoded any number of times, or with backslashes."""
    while (decoded := unquote(path)) != path:
        path = decoded
    return any(segment in (".", "..") for segment in path.replace("\\", "/").split("/"))


def _data_of(request: httpx.Request) -> Mapping[str, Any]:
    """What a request built by hand carries. Query parameters have lost their types by now: all are strings."""
    if request.method in ("GET", "HEAD", "DELETE"):
        return dict(request.url.params.multi_items())
    body: object = json.loads(request.content or b"{}")
    if not is_object(body):
        raise TypeError("only a JSON object can be signed")
    return body
