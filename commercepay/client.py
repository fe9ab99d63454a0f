"""The clients: `CommercePay`, and `AsyncCommercePay` for asyncio. Both do the same through the same operations."""

# mypy: disable-error-code="empty-body"
# ruff: noqa: ASYNC109  # `timeout` is a parameter of the call in the sync client, too
# A method under `implemented_by` is declared here, and has its body elsewhere.

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, Self, TypeVar, Unpack

from commercepay import _calls
from commercepay._base.flow import adrive, drive
from commercepay._base.secret import clear_frames, hide
from commercepay._base.token_store import AsyncTokenStore, TokenStore
from commercepay._calls import operations
from commercepay._calls.custom_request import custom_request
from commercepay._calls.resources import (
    AsyncChannels,
    AsyncPayments,
    AsyncSessions,
    Channels,
    Payments,
    Sessions,
    arun,
    implemented_by,
    run,
)
from commercepay._protocol import defaults, logging
from commercepay._protocol.auth import TENANT_HEADER, GatewayAuth
from commercepay._protocol.call import Call
from commercepay._protocol.connections import Connections, transport_for
from commercepay._protocol.envelope import Response
from commercepay._protocol.exchange import aperform, last_response, perform
from commercepay._protocol.http_library import httpx
from commercepay._protocol.settings import Settings, from_environment, settings_of, warn_if_published
from commercepay._protocol.token import Tokens
from commercepay._protocol.transport import Limits
from commercepay._version import __version__
from commercepay.callbacks import Verifier
from commercepay.errors import ConfigurationError
from commercepay.params import CallOptions, Environment

if TYPE_CHECKING:
    from commercepay_api import wire

    from commercepay._protocol.raw_client import Api

__all__ = ["AsyncCommercePay", "CommercePay"]

T = TypeVar("T")
HttpClient = TypeVar("HttpClient")
Transport = TypeVar("Transport")
AnyClient = TypeVar("AnyClient", bound="_Client[Any, Any]")


def _set_up(self: _Client[Any, Any], *, http_client: Any = None, transport: Any = None, **params: Any) -> None:
    params = hide(params)
    settings = settings_of(params)
    is_async = isinstance(self, AsyncCommercePay)
    arguments = transport_for(settings, http_client, transport, is_async=is_async)
    shared = None
    if settings.token_store is not None:
        from commercepay._protocol.shared_token import shared_token  # here: most clients need none of it

        shared = shared_token(settings.token_store, settings, is_async=is_async)
    logging.set_up()

    # Closures over the connections, not methods: without a circle, an unclosed client is noticed at once.
    def authenticate(needed_by: Call, deadline: float) -> tuple[str, object]:
        return drive(operations.authenticate(settings, needed_by, deadline), partial(perform, connections))

    async def aauthenticate(needed_by: Call, deadline: float) -> tuple[str, object]:
        return await adrive(operations.authenticate(settings, needed_by, deadline), partial(aperform, connections))

    connections = Connections(
        {
            "base_url": settings.base_url,
            "timeout": settings.timeout,
            "limits": Limits(settings.connect_timeout, settings.max_response_bytes),
            "headers": {
                "User-Agent": f"commercepay-python/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # a compressed response could be far larger than its limit
                TENANT_HEADER: str(settings.tenant_id),
            },
            # Plain http is only for loopback; without TLS the certificates are not needed.
            "verify": not settings.base_url.startswith("http:"),
            "auth": GatewayAuth(settings, Tokens(shared), authenticate, aauthenticate),
            **arguments,
        }
    )
    connections.check_environment()
    warn_if_published(settings)
    self.settings = settings
    self._connections = connections  # pyright: ignore[reportPrivateUsage]  # this is the body of `__init__`
    keys = (settings.secret_key, *settings.retired_secret_keys)
    self.callbacks = Verifier(secret_key=[key.reveal() for key in keys])


def _from_env(cls: type[_Client[Any, Any]], **options: Any) -> _Client[Any, Any]:
    options = hide(options)
    try:
        arguments = from_environment(options)
    except ConfigurationError as error:
        clear_frames(error)  # they hold the environment
        raise
    return cls(**arguments)


class _Client(Generic[HttpClient, Transport]):
    """What both clients have in common: all but carrying a flow out."""

    _connections: Connections

    callbacks: Verifier
    """Verifies callbacks with this client's secret key, and with the retired ones."""

    settings: Settings
    """What the client was built from, checked; it shows no secret."""

    @implemented_by(_set_up)
    def __init__(
        self,
        *,
        tenant_id: int | None = None,
        username: str | None = None,
        password: str | None = None,
        secret_key: str | None = None,
        environment: Environment = "staging",
        base_url: str | None = None,
        timeout: float = defaults.TIMEOUT,
        connect_timeout: float = defaults.CONNECT_TIMEOUT,
        max_retries: int = defaults.MAX_RETRIES,
        max_response_bytes: int = defaults.MAX_RESPONSE_BYTES,
        retired_secret_keys: Sequence[str] = (),
        token_store: TokenStore | AsyncTokenStore | str | None = None,
        http_client: HttpClient | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Check the parameters and make a client; it connects when it first calls.

        Args:
            tenant_id: the merchant's tenant id.
            username: of the API user.
            password: of the API user.
            secret_key: the key of the message signature.
            environment: which gateway; each has separate credentials. `sandbox` is the local gateway of `commercepay sandbox`,
                on port 8400 of this machine unless `base_url` is given. Its published test credentials are used: leave out the
                first four arguments.
            base_url: another server. With `sandbox`, where the sandbox is; without `environment`, any server by https, or by
                http on loopback.
            timeout: seconds for a whole call: waiting for an access token, connecting, sending, reading, retries and pauses.
                A POST is only sent if at least 10 of them are left (nine tenths of a shorter timeout). Name resolution has
                no timeout, and a `http_client` or `transport` of yours may exceed it.
            connect_timeout: seconds for connecting, TLS included.
            max_retries: further attempts where another is safe: Query and Authenticate after connection errors, timeouts, 429
                and 5xx; a POST only if the connection was never made.
            max_response_bytes: bytes of a response's body, before and after decoding; a larger one is an error.
            retired_secret_keys: keys that callbacks may still be signed with, while a key is being rotated.
            token_store: where the processes of an application keep one access token together: a store of `commercepay.tokens`,
                or `redis://...`, or `file:` and the absolute path of a folder. Without one it is kept in memory. A store that
                fails costs no call. See docs/tokens.md.
            http_client: your `httpx.Client` (`httpx.AsyncClient` for `AsyncCommercePay`, which belongs to one event loop), for
                its pool, proxies and hooks. It is not closed, and only its cookie jar changes, which keeps what the gateway
                sets. Its hooks must not raise on a status; after a fork, opening new connections is up to you.
            transport: an `httpx` transport, instead of `http_client`. After a fork, new connections are up to you as well.

        Raises:
            ConfigurationError: names everything that is missing or wrong.
        """

    @classmethod
    @implemented_by(_from_env)
    def from_env(
        cls: type[AnyClient],  # not Self, which jedi takes for this base class
        *,
        tenant_id: int | None = None,
        username: str | None = None,
        password: str | None = None,
        secret_key: str | None = None,
        environment: Environment | None = None,
        base_url: str | None = None,
        timeout: float = defaults.TIMEOUT,
        connect_timeout: float = defaults.CONNECT_TIMEOUT,
        max_retries: int = defaults.MAX_RETRIES,
        max_response_bytes: int = defaults.MAX_RESPONSE_BYTES,
        retired_secret_keys: Sequence[str] = (),
        token_store: TokenStore | AsyncTokenStore | str | None = None,
        http_client: HttpClient | None = None,
        transport: Transport | None = None,
    ) -> AnyClient:
        """A client from the environment variables `COMMERCEPAY_TENANT_ID`, `COMMERCEPAY_USERNAME`, `COMMERCEPAY_PASSWORD`,
        `COMMERCEPAY_SECRET_KEY`, and if they are set `COMMERCEPAY_ENVIRONMENT` (else staging), `COMMERCEPAY_BASE_URL` and
        `COMMERCEPAY_TOKEN_STORE`.

        Args:
            tenant_id, username, password, secret_key, environment, base_url, token_store: override the variables.
            timeout, connect_timeout, max_retries, max_response_bytes, retired_secret_keys: see `CommercePay`.
            http_client, transport: see `CommercePay`.

        Raises:
            ConfigurationError: names every variable that is missing or wrong.
        """
        ...  # noqa: PIE790  # type checkers take a body that is empty but for this as declared

    def request(self, *args: Any, **options: Any) -> Any:
        """Call an endpoint that this package does not describe: signed, authenticated, and refusals raised.

        Args:
            method: "GET" or "POST"; how others are signed is not known.
            path: such as "/api/services/app/PaymentGateway/Anything".
            json: the members of a POST. Only members that the endpoint has: the gateway is assumed to leave others out of the
                signature.
            params: the parameters of a GET, with the types that they have for the gateway; None is left out.
            timeout: seconds for the whole call; the client's by default.
            max_retries: further attempts: of a GET after connection errors, timeouts, 429 and 5xx, of a POST only if the
                connection was never made; the client's by default.

        Returns:
            The result, as plain data; None for an empty one.

        Raises:
            ArgumentError: names everything that is wrong with the arguments; nothing was sent.
            APIError: the gateway refused.
            OutcomeUnknown: a POST may have reached the gateway.
            InvalidResponse: the response can't be read.
            APIConnectionError: no response.
        """

    def call(self, *args: Any, **options: Any) -> Any:
        """Send a request of a generated operation, such as those of your own endpoints (see docs/your-endpoints.md).

        The call has the errors, retries and deadline of this client. The types in the result are checked.

        Args:
            request: what the generated module's `request(...)` returns: `cp.call(refund.request(body=...))`.
            safe: whether the call changes nothing, so that it may be sent again after errors. A GET always is. Anything else is
                sent once unless this is True.
            reference: your reference for the call, such as the order, which the errors then have; by default the member
                `referenceCode`, if there is one.
            timeout: seconds for the whole call; the client's by default.
            max_retries: further attempts of a safe call, after connection errors, timeouts, 429 and 5xx. Another call is only
                repeated if the connection was never made. The client's by default.

        Returns:
            The result, without its envelope, in its generated type.

        Raises:
            ArgumentError: names everything that is wrong with the arguments; nothing was sent.
            APIError: the gateway refused.
            OutcomeUnknown: a call that is not safe may have reached the gateway.
            InvalidResponse: the response can't be read, or does not match the description.
            APIConnectionError: no response.
        """

    @cached_property
    def api(self) -> Api:
        """The generated client, for the functions of `commercepay_api`: their requests are signed and have the token."""
        from commercepay._protocol.raw_client import Api

        return Api.on(self._connections)

    @property
    def last_response(self) -> Response | None:
        """The last response to a call of this client in this thread or task: `status_code`, `headers`, `body`.

        Responses to Authenticate hold tokens, and are left out.
        """
        last = last_response.get()
        if last is None or last[0]() is not self._connections:
            return None
        response = last[1]
        return Response(status_code=response.status_code, headers=dict(response.headers.items()), body=response.body)

    def __repr__(self) -> str:
        settings = getattr(self, "settings", None)  # missing if the arguments were refused
        if settings is None:
            return f"<{type(self).__name__} without settings>"
        return f"{type(self).__name__}(tenant_id={settings.tenant_id}, base_url={settings.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} holds secrets and connections and is not pickled; build one where it is used"
        )

    def __del__(self) -> None:
        connections = getattr(self, "_connections", None)  # missing if the arguments were refused
        if connections is not None and not connections.closed and connections.is_open:
            warnings.warn(
                f"unclosed {self!r}: use it in a with block, or close it", ResourceWarning, source=self, stacklevel=2
            )


def _request(
    self: CommercePay,
    method: str,
    path: str,
    *,
    json: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    **options: Unpack[CallOptions],
) -> Any:
    flow = custom_request(self.settings, method, path, json, params, options)
    return run(self, flow)


def _call(
    self: CommercePay,
    request: wire.Request[T],
    *,
    safe: bool = False,
    reference: str | None = None,
    **options: Unpack[CallOptions],
) -> T:
    return run(self, _calls.generated_call.generated_call(self.settings, request, safe, reference, options))


class CommercePay(_Client[httpx.Client, httpx.BaseTransport]):
    """The CommercePay gateway, for one merchant in one environment. Safe to share between threads; survives a fork.

    with CommercePay(tenant_id=42, username="shop", password="...", secret_key="...") as cp:
        session = cp.sessions.create(amount=Money("12.34", "MYR"), reference_code="INV-1", ...)
    """

    @property
    def channels(self) -> Channels:
        """Payment channels: `list`."""
        return Channels(self)

    @property
    def sessions(self) -> Sessions:
        """Hosted payment sessions: `create`."""
        return Sessions(self)

    @property
    def payments(self) -> Payments:
        """Payments: `create`, `query`, `confirm`, `wait`, `reconcile`."""
        return Payments(self)

    @implemented_by(_request)
    def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Any: ...

    @implemented_by(_call)
    def call(
        self,
        request: wire.Request[T],
        *,
        safe: bool = False,
        reference: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> T: ...

    def close(self) -> None:
        """Close the connections. Calls in progress are completed; the client can't be used afterwards."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _arequest(
    self: AsyncCommercePay,
    method: str,
    path: str,
    *,
    json: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    **options: Unpack[CallOptions],
) -> Any:
    flow = custom_request(self.settings, method, path, json, params, options)
    return await arun(self, flow)


async def _acall(
    self: AsyncCommercePay,
    request: wire.Request[T],
    *,
    safe: bool = False,
    reference: str | None = None,
    **options: Unpack[CallOptions],
) -> T:
    return await arun(self, _calls.generated_call.generated_call(self.settings, request, safe, reference, options))


class AsyncCommercePay(_Client[httpx.AsyncClient, httpx.AsyncBaseTransport]):
    """`CommercePay` for asyncio: the same with `await`. Safe to share between tasks, and between event loops."""

    @property
    def channels(self) -> AsyncChannels:
        """Payment channels: `list`."""
        return AsyncChannels(self)

    @property
    def sessions(self) -> AsyncSessions:
        """Hosted payment sessions: `create`."""
        return AsyncSessions(self)

    @property
    def payments(self) -> AsyncPayments:
        """Payments: `create`, `query`, `confirm`, `wait`, `reconcile`."""
        return AsyncPayments(self)

    @implemented_by(_arequest)
    async def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Any: ...

    @implemented_by(_acall)
    async def call(
        self,
        request: wire.Request[T],
        *,
        safe: bool = False,
        reference: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> T: ...

    async def aclose(self) -> None:
        """Close the connections of every event loop. Calls in progress are completed; the client can't be used afterwards."""
        await self._connections.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
