"""The clients: `CommercePay`, and `AsyncCommercePay` for asyncio. Both do the same through the same operations."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, TypeVar, Unpack

from commercepay import callbacks
from commercepay._base.flow import adrive, drive
from commercepay._calls import confirm_and_wait, custom_request, operations
from commercepay._calls.reconcile import areconcile, check_options, judge, reconcile
from commercepay._protocol import logging
from commercepay._protocol.auth import TENANT_HEADER, GatewayAuth
from commercepay._protocol.connections import Api, timeout_of, transport_for
from commercepay._protocol.defaults import RECONCILE_CONCURRENCY
from commercepay._protocol.envelope import Response
from commercepay._protocol.exchange import Flow, aperform, last_answer, perform
from commercepay._protocol.settings import Settings, from_environment, settings_of, warn_if_published
from commercepay._protocol.token import Tokens
from commercepay._version import __version__
from commercepay.callbacks import Callback
from commercepay.decision import Decision, Expected
from commercepay.models import Payment, Session, StartedPayment
from commercepay.params import (
    CallOptions,
    ClientParams,
    ConfirmParams,
    PaymentParams,
    QueryParams,
    SessionParams,
    WaitParams,
)
from commercepay.reconciliation import OpenPayment, Reconciled

if TYPE_CHECKING:
    import httpx

__all__ = ["AsyncCommercePay", "CommercePay"]

T = TypeVar("T")


class _Client:
    """What both clients have in common: all but carrying a flow out."""

    api: Api
    """The generated client, for `commercepay_api`'s functions: whatever is called with it is signed and has its token."""

    callbacks: Callbacks
    """Verifies callbacks with this client's secret key."""

    settings: Settings
    """What the client was built from, checked; it shows no secret."""

    def __init__(self, settings: Settings, transport: dict[str, Any]) -> None:
        logging.set_up()

        # Closures over the generated client, not methods: without a circle, an unclosed client is noticed at once.
        def authenticate() -> tuple[str, object]:
            return drive(operations.authenticate(settings), partial(perform, api))

        async def aauthenticate() -> tuple[str, object]:
            return await adrive(operations.authenticate(settings), partial(aperform, api))

        api = Api(
            base_url=settings.base_url,
            token="",  # the auth fills it in, request by request
            timeout=timeout_of(settings.timeout),
            headers={
                "User-Agent": f"commercepay-python/{__version__}",
                "Accept": "application/json",
                TENANT_HEADER: str(settings.tenant_id),
            },
            # Plain http is for loopback alone; without TLS there is no need to load the certificates.
            verify_ssl=not settings.base_url.startswith("http:"),
            httpx_args={"auth": GatewayAuth(settings, Tokens(), authenticate, aauthenticate)} | transport,
        )
        api.check_environment()
        warn_if_published(settings)
        self.settings = settings
        self.api = api
        self.callbacks = Callbacks(settings)

    @property
    def last_response(self) -> Response | None:
        """The last answer to a call of this client in this thread or task: `status_code`, `headers`, `body`.

        The answers to Authenticate, which hold tokens, are left out.
        """
        last = last_answer.get()
        if last is None or last[0]() is not self.api:
            return None
        answer = last[1]
        return Response(status_code=answer.status_code, headers=dict(answer.headers.items()), body=answer.body)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tenant_id={self.settings.tenant_id}, base_url={self.settings.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} holds secrets and connections and is not pickled; build one where it is used"
        )

    def __del__(self) -> None:
        api = getattr(self, "api", None)  # missing if the arguments were refused
        if api is not None and not api.connections.closed and api.connections.is_open:
            warnings.warn(
                f"unclosed {self!r}: use it in a with block, or close it", ResourceWarning, source=self, stacklevel=2
            )


class Callbacks:
    """Verifies callbacks with the client's secret key. `commercepay.callbacks.verify` does it without a client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, body: bytes, signature: str | None, callback_url: str) -> Callback:
        """Verify a callback and read it.

        Args:
            body: the request's body, byte for byte as it arrived.
            signature: the `cap-signature` header, or None if there was none.
            callback_url: the callback URL that the payment was opened with.

        Raises:
            CallbackError: anything is wrong with the body or the signature; `reason` says what.
            ArgumentError: the callback URL can't be right.
        """
        keys = (self._settings.secret_key, *self._settings.retired_secret_keys)
        return callbacks.verify(body, signature, callback_url, [key.reveal() for key in keys])


class CommercePay(_Client):
    """The CommercePay gateway, for one merchant in one environment. Safe to share between threads; survives a fork.

        with CommercePay(tenant_id=42, username="shop", password="...", secret_key="...") as cp:
            session = cp.sessions.create(amount=Money("12.34", "MYR"), reference_code="INV-1", ...)

    Args:
        params: `tenant_id`, `username`, `password`, `secret_key`, and more that may be left out; see
            `commercepay.params.ClientParams`.
        http_client: an `httpx.Client` of your own, for its pool, proxies and hooks. It is not closed, nor changed but for its
            cookie jar, which keeps what the gateway sets. Its hooks must not raise on a status, which says nothing here;
            after a fork, and with a `transport`, opening new connections is up to you.
        transport: an `httpx` transport, instead of `http_client`.

    Raises:
        ConfigurationError: names everything that is missing or wrong.
    """

    def __init__(
        self,
        *,
        http_client: httpx.Client | None = None,
        transport: httpx.BaseTransport | None = None,
        **params: Unpack[ClientParams],
    ) -> None:
        super().__init__(settings_of(params), transport_for(http_client, transport, is_async=False))

    @property
    def sessions(self) -> Sessions:
        """Hosted payment sessions: `create`."""
        return Sessions(self)

    @property
    def payments(self) -> Payments:
        """Payments: `create`, `query`, `confirm`, `wait`, `reconcile`."""
        return Payments(self)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A client from `COMMERCEPAY_TENANT_ID`, `_USERNAME`, `_PASSWORD`, `_SECRET_KEY`, and if set `_ENVIRONMENT` (staging,
        unless said otherwise) and `_BASE_URL`.

        Args:
            options: further arguments of the client, such as `timeout`; they win over the environment.

        Raises:
            ConfigurationError: names every variable that is missing or wrong.
        """
        return cls(**from_environment(options))

    def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Call an endpoint that this package does not describe: signed, authenticated, refusals raised.

        Args:
            method: "GET" or "POST"; how others are signed is not known.
            path: such as "/api/services/app/PaymentGateway/Anything".
            json: the members of a POST. Only members that the endpoint knows: the gateway is assumed to
                leave others out of the signature.
            params: the parameters of a GET, with the types that the gateway knows them by; None is left out.
            options: `timeout`, `max_retries`.

        Returns:
            The result, as plain data; None for an empty one.

        Raises:
            ArgumentError: nothing was sent.
            APIError: the gateway refused.
            OutcomeUnknown: a POST may have reached the gateway.
            InvalidResponse: the answer can't be read.
            APIConnectionError: no answer.
        """
        return _run(self, custom_request.undescribed(self.settings, method, path, json, params, options))

    def close(self) -> None:
        """Close the connections. The client can't be used afterwards."""
        self.api.connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Sessions:
    """Hosted payment sessions: the customer pays on the gateway's page, and can try again there until the session expires."""

    def __init__(self, client: CommercePay) -> None:
        self._client = client

    def create(self, **params: Unpack[SessionParams]) -> Session:
        """Open a session (InitialSession). Parameters: see `commercepay.params.SessionParams`.

        Returns:
            The session; send the customer's browser to its `redirect_url`.

        Raises:
            ArgumentError: names everything wrong with the parameters; nothing was sent.
            DuplicateTransaction: the reference code was used before.
            APIError: the gateway refused otherwise.
            OutcomeUnknown: the request may have reached the gateway; see there for what to do.
            APIConnectionError: the gateway was not reached; calling again is safe.
        """
        return _run(self._client, operations.create_session(self._client.settings, params))


class Payments:
    """Payments: starting one directly, and asking what became of one."""

    def __init__(self, client: CommercePay) -> None:
        self._client = client

    def create(self, **params: Unpack[PaymentParams]) -> StartedPayment:
        """Start one payment (RequestPayment). Parameters: see `commercepay.params.PaymentParams`.

        Returns:
            The started payment; send the customer's browser to its `redirect_url`. Started is not paid.

        Raises:
            ArgumentError: names everything wrong with the parameters; nothing was sent.
            DuplicateTransaction: the reference code was used before.
            APIError: the gateway refused otherwise.
            OutcomeUnknown: the request may have reached the gateway; see there for what to do.
            APIConnectionError: the gateway was not reached; calling again is safe.
        """
        return _run(self._client, operations.create_payment(self._client.settings, params))

    def query(self, **params: Unpack[QueryParams]) -> Payment:
        """Ask what became of a payment (Query), by `session_number` or `transaction_number`.

        Returns:
            The payment; `payment.status.is_paid` is the question to ask, and its amount and reference are to be compared.

        Raises:
            ArgumentError: not exactly one number was given; nothing was sent.
            TransactionNotFound: the gateway knows no such payment.
            APIError: the gateway refused otherwise.
            InvalidResponse: the answer can't be read, or is about another payment.
            APIConnectionError: no answer, also after retries.
        """
        return _run(self._client, operations.query_payment(self._client.settings, params))

    def confirm(self, expected: Expected, **params: Unpack[ConfirmParams]) -> Decision:
        """Make sure what became of an order: verify what points to its payment, ask the gateway, and decide.

        Args:
            expected: what your own record says of the order. Take it from there, never from the callback or the browser.
            params: one of `callback`, `return_params`, `session_number`, `transaction_number`; see
                `commercepay.params.ConfirmParams`.

        Returns:
            The decision. It is paid only if status, amount, currency and reference, as the gateway now says, all agree.

        Raises:
            CallbackError: the callback is not to be believed; nothing was sent.
            ArgumentError: nothing, or more than one thing, points to the payment; nothing was sent.
            TransactionNotFound, APIError, InvalidResponse, APIConnectionError: as for `query`.
        """
        return _run(
            self._client,
            confirm_and_wait.confirm(self._client.settings, expected, params, self._client.callbacks.verify),
        )

    def wait(self, *, cancel: threading.Event | None = None, **params: Unpack[WaitParams]) -> Payment:
        """Ask, with growing pauses, until the payment is over. Blocks this thread; setting `cancel` ends it
        after the question that is under way.

        By `session_number`, a failed or cancelled attempt is not the end: the customer can try again until the session
        expires (that Query then tells of the attempt is an assumption). By `transaction_number` it is.

        Args:
            cancel: an event that ends the waiting when it is set.
            params: `session_number` or `transaction_number`, and `timeout` in seconds.

        Returns:
            The payment, paid or otherwise at its end.

        Raises:
            StillOpen: the time is up, or `cancel` was set; `payment` is the last that was said.
            ArgumentError: not exactly one number was given.
            TransactionNotFound, APIError: as for `query`. Connection trouble is waited out.
        """
        if cancel is None:
            return _run(self._client, confirm_and_wait.wait(self._client.settings, params))
        return _run(
            self._client, confirm_and_wait.wait(self._client.settings, params, cancel.is_set), sleep=cancel.wait
        )

    def reconcile(
        self, items: Iterable[OpenPayment], *, concurrency: int = RECONCILE_CONCURRENCY, rate: float | None = None
    ) -> Iterator[Reconciled]:
        """Ask about many open payments, to find those whose callback got lost.

        Results come as the answers do, not in the order of the items (see `Reconciled.index`). Items are taken from the
        source only as there is room, so it can be a cursor over millions. To go on after an interruption, run it again over
        what your record still has as open.

        Args:
            items: the payments, each an `OpenPayment`.
            concurrency: questions under way at once.
            rate: questions a second, at the most.

        Yields:
            A `Reconciled` for each item: a decision, or the error that there was instead.

        Raises:
            ArgumentError: a concurrency or rate that can't be.
            AuthenticationError, ClientClosed: true of every item, so they end the reconciliation.
        """
        check_options(concurrency, rate)
        return reconcile(
            items,
            lambda item: _run(self._client, judge(self._client.settings, item)),
            concurrency=concurrency,
            rate=rate,
        )


def _run(client: CommercePay, flow: Flow[T], sleep: Callable[[float], object] = time.sleep) -> T:
    client.api.connections.refuse_if_closed()
    return drive(flow, partial(perform, client.api), sleep)


class AsyncCommercePay(_Client):
    """`CommercePay` for asyncio: the same with `await`. Safe to share between tasks, and between event loops.

    Args: as for `CommercePay`; `http_client` is an `httpx.AsyncClient`, which belongs to one event loop.

    Raises:
        ConfigurationError: names everything that is missing or wrong.
    """

    def __init__(
        self,
        *,
        http_client: httpx.AsyncClient | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        **params: Unpack[ClientParams],
    ) -> None:
        super().__init__(settings_of(params), transport_for(http_client, transport, is_async=True))

    @property
    def sessions(self) -> AsyncSessions:
        """Hosted payment sessions: `create`."""
        return AsyncSessions(self)

    @property
    def payments(self) -> AsyncPayments:
        """Payments: `create`, `query`, `confirm`, `wait`, `reconcile`."""
        return AsyncPayments(self)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """See `CommercePay.from_env`."""
        return cls(**from_environment(options))

    async def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """See `CommercePay.request`."""
        return await _arun(self, custom_request.undescribed(self.settings, method, path, json, params, options))

    async def aclose(self) -> None:
        """Close the connections of every event loop. The client can't be used afterwards."""
        await self.api.connections.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncSessions:
    """`Sessions`, with `await`."""

    def __init__(self, client: AsyncCommercePay) -> None:
        self._client = client

    async def create(self, **params: Unpack[SessionParams]) -> Session:
        """See `Sessions.create`."""
        return await _arun(self._client, operations.create_session(self._client.settings, params))


class AsyncPayments:
    """`Payments`, with `await`."""

    def __init__(self, client: AsyncCommercePay) -> None:
        self._client = client

    async def create(self, **params: Unpack[PaymentParams]) -> StartedPayment:
        """See `Payments.create`."""
        return await _arun(self._client, operations.create_payment(self._client.settings, params))

    async def query(self, **params: Unpack[QueryParams]) -> Payment:
        """See `Payments.query`."""
        return await _arun(self._client, operations.query_payment(self._client.settings, params))

    async def confirm(self, expected: Expected, **params: Unpack[ConfirmParams]) -> Decision:
        """See `Payments.confirm`."""
        flow = confirm_and_wait.confirm(self._client.settings, expected, params, self._client.callbacks.verify)
        return await _arun(self._client, flow)

    async def wait(self, **params: Unpack[WaitParams]) -> Payment:
        """See `Payments.wait`. Cancelling the task ends it at once."""
        return await _arun(self._client, confirm_and_wait.wait(self._client.settings, params))

    def reconcile(
        self,
        items: Iterable[OpenPayment] | AsyncIterable[OpenPayment],
        *,
        concurrency: int = RECONCILE_CONCURRENCY,
        rate: float | None = None,
    ) -> AsyncGenerator[Reconciled]:
        """See `Payments.reconcile`; the items may come from an async iterable. Leaving it early cancels what is under way."""
        check_options(concurrency, rate)
        return areconcile(
            items,
            lambda item: _arun(self._client, judge(self._client.settings, item)),
            concurrency=concurrency,
            rate=rate,
        )


async def _arun(client: AsyncCommercePay, flow: Flow[T]) -> T:
    client.api.connections.refuse_if_closed()
    return await adrive(flow, partial(aperform, client.api))
