"""`cp.sessions`, `cp.payments` and `cp.channels`: the signatures of the calls, and their documentation.

The documentation of a call stands once, in a base class: `help` and editors show it for the sync and for the async method.
"""

# mypy: disable-error-code="empty-body"
# ruff: noqa: ASYNC109  # `timeout` is a parameter of the call in the sync client, too
# A method under `calls`, `acalls` or `implemented_by` is declared here, and has the body that the decorator names.

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any, Protocol, TypeVar, Unpack, cast

from commercepay._base.flow import adrive, drive
from commercepay._base.secret import clear_frames
from commercepay._calls import confirm_and_wait, operations
from commercepay._calls.reconcile import areconcile, check_options, query_and_decide, reconcile
from commercepay._protocol.connections import Connections
from commercepay._protocol.defaults import RECONCILE_CONCURRENCY
from commercepay._protocol.exchange import Flow, aperform, perform
from commercepay._protocol.settings import Settings
from commercepay.callbacks import Callback, ReceivedCallback, Verifier
from commercepay.decision import Decision, Expected
from commercepay.models import (
    Channel,
    Customer,
    Payment,
    PlatformCharge,
    Recurrence,
    Session,
    StartedPayment,
    SubMerchant,
)
from commercepay.money import Money
from commercepay.params import ConfirmParams, WaitParams
from commercepay.reconciliation import OpenPayment, Reconciled

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])


class Client(Protocol):
    """What the calls need of a client."""

    _connections: Connections
    settings: Settings
    callbacks: Verifier


class Resource:
    """A group of calls of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client


def run(client: Client, flow: Flow[T], sleep: Callable[[float], object] = time.sleep) -> T:
    """Carry a flow out in this thread."""
    try:
        return drive(flow, partial(perform, _connections(client)), sleep)
    except BaseException as error:
        clear_frames(error)
        raise


async def arun(client: Client, flow: Flow[T]) -> T:
    """Carry a flow out in this task."""
    try:
        return await adrive(flow, partial(aperform, _connections(client)))
    except BaseException as error:
        clear_frames(error)
        raise


def _connections(client: Client) -> Connections:
    connections = client._connections  # pyright: ignore[reportPrivateUsage]  # kept out of the application's sight
    connections.refuse_if_closed()
    return connections


def implemented_by(function: Callable[..., object]) -> Callable[[F], F]:
    """Give a method its body.

    Type checkers, editors and `help` read the signature of the method. At run time the function gets the keyword arguments as
    they were passed, misspelt and missing ones too: one error can then name everything that is wrong.
    """

    def decorate(declared: F) -> F:
        return cast("F", wraps(declared)(function))

    return decorate


def calls(operation: Callable[..., Flow[object]]) -> Callable[[F], F]:
    """`implemented_by` an operation, for a method of a sync resource."""

    def call(self: Resource, **given: object) -> object:
        client = _client(self)
        return run(client, operation(client.settings, given))

    return implemented_by(call)


def acalls(operation: Callable[..., Flow[object]]) -> Callable[[F], F]:
    """`implemented_by` an operation, for a method of an async resource."""

    async def call(self: Resource, **given: object) -> object:
        client = _client(self)
        return await arun(client, operation(client.settings, given))

    return implemented_by(call)


def _client(resource: Resource) -> Client:
    return resource._client  # pyright: ignore[reportPrivateUsage]  # for the bodies of its methods


class _Channels(Resource):
    def list(self, *args: Any, **params: Any) -> Any:
        """List the payment channels that the merchant can offer in a country (GetTenantChannelsByCountry).

        The request is signed like every other. The one integration that shows this call does not sign it; that the gateway
        accepts a signature there is an assumption.

        Args:
            country: two capital letters, ISO 3166-1 alpha-2, such as "MY".
            timeout: seconds for the whole call; the client's by default.
            max_retries: further attempts, after connection errors, timeouts, 429 and 5xx; the client's by default.

        Returns:
            The channels, in the gateway's order. Only the number is always there.

        Raises:
            ArgumentError: names everything that is wrong with the parameters; nothing was sent.
            APIError: the gateway refused.
            InvalidResponse: the response can't be read.
            APIConnectionError: no response, also after retries.
        """


class Channels(_Channels):
    """The payment channels that the merchant can offer."""

    @calls(operations.list_channels)
    def list(
        self, *, country: str, timeout: float | None = None, max_retries: int | None = None
    ) -> tuple[Channel, ...]: ...


class AsyncChannels(_Channels):
    """`Channels`, with `await`."""

    @acalls(operations.list_channels)
    async def list(
        self, *, country: str, timeout: float | None = None, max_retries: int | None = None
    ) -> tuple[Channel, ...]: ...


class _Sessions(Resource):
    def create(self, *args: Any, **params: Any) -> Any:
        """Open a session (InitialSession).

        Args:
            amount: what the customer pays.
            reference_code: your reference of the payment, unique, up to 50 characters. The gateway refuses one that was used.
            ip_address: the customer's IP address.
            return_url: where the customer's browser comes back to. What comes with it is not signed and proves nothing.
            callback_url: where the gateway posts the outcome. Keep it: callbacks are verified against exactly this URL.
            description: up to 100 characters; an emoji counts as two, here and below (an assumption: .NET counts UTF-16).
            user_agent: the customer's browser, up to 200 characters; a longer one is cut.
            customer: the person who pays.
            save_payment: `savePayment`; what it does is not published.
            local_citizen: `localCitizen`, for some channels.
            sub_merchant: the merchant that is paid, on a platform for several.
            recurring: a plan of recurring payments.
            channel_group_id: what the hosted page shows: `requestPaymentExtraInfo.channelGroupId`.
            hidden_channels: what the hosted page hides: `requestPaymentExtraInfo.hiddenChannel`.
            platform_charge: a platform's share; for authorised partners only.
            timestamp: when the request was made, with a time zone; now by default.
            expires_in: how long the customer can try, in whole minutes.
            timeout: seconds for the whole call; the client's by default.
            max_retries: further attempts, only if the connection was never made; the client's by default.

        Returns:
            The session; send the customer's browser to its `redirect_url`.

        Raises:
            ArgumentError: names everything that is wrong with the parameters; nothing was sent.
            DuplicateTransaction: the reference code was used before.
            APIError: the gateway refused for another reason.
            OutcomeUnknown: the request may have reached the gateway; see `OutcomeUnknown` for what to do.
            APIConnectionError: the gateway was not reached; calling again is safe.
        """


class Sessions(_Sessions):
    """Hosted payment sessions: the customer pays on the gateway's page, and can try again there until the session expires."""

    @calls(operations.create_session)
    def create(
        self,
        *,
        amount: Money,
        reference_code: str,
        ip_address: str,
        return_url: str,
        callback_url: str,
        description: str | None = None,
        user_agent: str | None = None,
        customer: Customer | None = None,
        save_payment: bool | None = None,
        local_citizen: bool | None = None,
        sub_merchant: SubMerchant | None = None,
        recurring: Recurrence | None = None,
        channel_group_id: int | None = None,
        hidden_channels: Sequence[int] | None = None,
        platform_charge: PlatformCharge | None = None,
        timestamp: datetime | None = None,
        expires_in: timedelta | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Session: ...


class AsyncSessions(_Sessions):
    """`Sessions`, with `await`."""

    @acalls(operations.create_session)
    async def create(
        self,
        *,
        amount: Money,
        reference_code: str,
        ip_address: str,
        return_url: str,
        callback_url: str,
        description: str | None = None,
        user_agent: str | None = None,
        customer: Customer | None = None,
        save_payment: bool | None = None,
        local_citizen: bool | None = None,
        sub_merchant: SubMerchant | None = None,
        recurring: Recurrence | None = None,
        channel_group_id: int | None = None,
        hidden_channels: Sequence[int] | None = None,
        platform_charge: PlatformCharge | None = None,
        timestamp: datetime | None = None,
        expires_in: timedelta | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Session: ...


class _Payments(Resource):
    def create(self, *args: Any, **params: Any) -> Any:
        """Start one payment (RequestPayment).

        Args:
            amount: what the customer pays.
            reference_code: your reference of the payment, unique, up to 50 characters. The gateway refuses one that was used.
            ip_address: the customer's IP address.
            return_url: where the customer's browser comes back to. What comes with it is not signed and proves nothing.
            callback_url: where the gateway posts the outcome. Keep it: callbacks are verified against exactly this URL.
            description: up to 100 characters; an emoji counts as two, here and below (an assumption: .NET counts UTF-16).
            user_agent: the customer's browser, up to 200 characters; a longer one is cut.
            customer: the person who pays.
            save_payment: `savePayment`; what it does is not published.
            local_citizen: `localCitizen`, for some channels.
            sub_merchant: the merchant that is paid, on a platform for several.
            recurring: a plan of recurring payments.
            channel_group_id: what the hosted page shows: `requestPaymentExtraInfo.channelGroupId`.
            hidden_channels: what the hosted page hides: `requestPaymentExtraInfo.hiddenChannel`.
            platform_charge: a platform's share; for authorised partners only.
            timestamp: when the request was made, with a time zone; now by default.
            channel_id: how it is paid. Left out, the customer chooses on the hosted page. `channels.list` has the numbers.
            provider_channel_id: a bank or wallet inside the channel.
            timeout: seconds for the whole call; the client's by default.
            max_retries: further attempts, only if the connection was never made; the client's by default.

        Returns:
            The started payment: send the customer's browser to its `redirect_url`, or the page of its `client_script` (see
            `StartedPayment`). Started is not paid.

        Raises:
            ArgumentError: names everything that is wrong with the parameters; nothing was sent.
            DuplicateTransaction: the reference code was used before.
            APIError: the gateway refused for another reason.
            OutcomeUnknown: the request may have reached the gateway; see `OutcomeUnknown` for what to do.
            APIConnectionError: the gateway was not reached; calling again is safe.
        """

    def query(self, *args: Any, **params: Any) -> Any:
        """Ask for the state of a payment (Query), by one of the two numbers.

        Args:
            session_number: the number that `sessions.create` returned.
            transaction_number: the number that `payments.create` returned, or that a callback names.
            timeout: seconds for the whole call; the client's by default.
            max_retries: further attempts, after connection errors, timeouts, 429 and 5xx; the client's by default.

        Returns:
            The payment. Check `payment.status.is_paid`, and compare its amount and reference with your record.

        Raises:
            ArgumentError: not exactly one number was given; nothing was sent.
            TransactionNotFound: the gateway has no such payment.
            APIError: the gateway refused for another reason.
            InvalidResponse: the response can't be read, or is about another payment.
            APIConnectionError: no response, also after retries.
        """

    def confirm(self, *args: Any, **params: Any) -> Any:
        """Find out whether an order is paid: verify what points to its payment, ask the gateway, and decide.

        Give one of `callback`, `return_params`, `session_number` and `transaction_number`; a number from your record may go
        with `return_params`.

        Args:
            expected: the order in your record. Take it from there, never from the callback or the browser.
            callback: a callback as it arrived, which is verified first, or one that was verified.
            return_params: the query parameters that the customer's browser came back with, as a mapping or a query string. They
                are not signed, and only show which payment to query.
            session_number: the number that `sessions.create` returned.
            transaction_number: the number that `payments.create` returned, or that a callback names.
            timeout: seconds for the whole call; the client's by default.
            max_retries: further attempts, after connection errors, timeouts, 429 and 5xx; the client's by default.

        Returns:
            The decision. It is paid only if status, amount, currency and reference, as the gateway now reports them, all agree.

        Raises:
            CallbackError: the callback was rejected; nothing was sent.
            ArgumentError: nothing, or more than one thing, points to the payment; nothing was sent.
            TransactionNotFound, APIError, InvalidResponse, APIConnectionError: as for `query`.
        """

    def wait(self, *args: Any, **params: Any) -> Any:
        """Ask, with growing pauses, until the payment is over.

        By `session_number`, a failed or cancelled attempt is not the end: the customer can try again until the session
        expires (that Query then reports the attempt is an assumption). By `transaction_number` it is.

        The sync method blocks this thread, and takes `cancel`. The async one ends at once when its task is cancelled.

        Args:
            timeout: seconds to wait; a request that is in progress then gets a second or so more.
            session_number: the number that `sessions.create` returned.
            transaction_number: the number that `payments.create` returned, or that a callback names.
            cancel: an event that ends the waiting when it is set, after the request that is in progress.

        Returns:
            The payment, paid or otherwise at its end.

        Raises:
            StillOpen: the time is up, or `cancel` was set; `payment` is what the gateway reported last.
            ArgumentError: not exactly one number was given.
            TransactionNotFound, APIError: as for `query`. A connection error does not end the waiting.
        """

    def reconcile(self, *args: Any, **params: Any) -> Any:
        """Query many open payments, to find those with a lost callback.

        Results come in the order of the responses, not of the items (see `Reconciled.index`). Items are taken from the source
        only when there is room, so it can be a cursor over millions. To continue after an interruption, run it again over the
        payments that are still open in your record. Leaving the async iterator early cancels what is in progress.

        Args:
            items: the payments, each an `OpenPayment`; the async method takes an async iterable too.
            concurrency: requests in progress at once.
            rate: requests a second, at the most; None for no limit.

        Yields:
            A `Reconciled` for each item: a decision, or the error that there was instead.

        Raises:
            ArgumentError: the concurrency or the rate is impossible.
            AuthenticationError, ClientClosed: they are true of every item, and end the reconciliation.
        """


def _confirm(self: Payments, expected: Expected, **given: Unpack[ConfirmParams]) -> Decision:
    client = _client(self)
    return run(client, confirm_and_wait.confirm(client.settings, expected, given, client.callbacks.verify))


async def _aconfirm(self: AsyncPayments, expected: Expected, **given: Unpack[ConfirmParams]) -> Decision:
    client = _client(self)
    return await arun(client, confirm_and_wait.confirm(client.settings, expected, given, client.callbacks.verify))


def _wait(self: Payments, *, cancel: threading.Event | None = None, **given: Unpack[WaitParams]) -> Payment:
    client = _client(self)
    if cancel is None:
        return run(client, confirm_and_wait.wait(client.settings, given))
    return run(client, confirm_and_wait.wait(client.settings, given, cancel.is_set), sleep=cancel.wait)


class Payments(_Payments):
    """Payments: starting one directly, and asking for the state of one."""

    @calls(operations.create_payment)
    def create(
        self,
        *,
        amount: Money,
        reference_code: str,
        ip_address: str,
        return_url: str,
        callback_url: str,
        description: str | None = None,
        user_agent: str | None = None,
        customer: Customer | None = None,
        save_payment: bool | None = None,
        local_citizen: bool | None = None,
        sub_merchant: SubMerchant | None = None,
        recurring: Recurrence | None = None,
        channel_group_id: int | None = None,
        hidden_channels: Sequence[int] | None = None,
        platform_charge: PlatformCharge | None = None,
        timestamp: datetime | None = None,
        channel_id: int | None = None,
        provider_channel_id: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> StartedPayment: ...

    @calls(operations.query_payment)
    def query(
        self,
        *,
        session_number: str | None = None,
        transaction_number: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Payment: ...

    @implemented_by(_confirm)
    def confirm(
        self,
        expected: Expected,
        *,
        callback: ReceivedCallback | Callback | None = None,
        return_params: Mapping[str, object] | str | None = None,
        session_number: str | None = None,
        transaction_number: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Decision: ...

    @implemented_by(_wait)
    def wait(
        self,
        *,
        timeout: float,
        session_number: str | None = None,
        transaction_number: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Payment: ...

    def reconcile(
        self, items: Iterable[OpenPayment], *, concurrency: int = RECONCILE_CONCURRENCY, rate: float | None = None
    ) -> Iterator[Reconciled]:
        check_options(concurrency, rate)
        return reconcile(
            items,
            lambda item: run(self._client, query_and_decide(self._client.settings, item)),
            concurrency=concurrency,
            rate=rate,
        )


class AsyncPayments(_Payments):
    """`Payments`, with `await`."""

    @acalls(operations.create_payment)
    async def create(
        self,
        *,
        amount: Money,
        reference_code: str,
        ip_address: str,
        return_url: str,
        callback_url: str,
        description: str | None = None,
        user_agent: str | None = None,
        customer: Customer | None = None,
        save_payment: bool | None = None,
        local_citizen: bool | None = None,
        sub_merchant: SubMerchant | None = None,
        recurring: Recurrence | None = None,
        channel_group_id: int | None = None,
        hidden_channels: Sequence[int] | None = None,
        platform_charge: PlatformCharge | None = None,
        timestamp: datetime | None = None,
        channel_id: int | None = None,
        provider_channel_id: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> StartedPayment: ...

    @acalls(operations.query_payment)
    async def query(
        self,
        *,
        session_number: str | None = None,
        transaction_number: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Payment: ...

    @implemented_by(_aconfirm)
    async def confirm(
        self,
        expected: Expected,
        *,
        callback: ReceivedCallback | Callback | None = None,
        return_params: Mapping[str, object] | str | None = None,
        session_number: str | None = None,
        transaction_number: str | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Decision: ...

    @acalls(confirm_and_wait.wait)
    async def wait(
        self,
        *,
        timeout: float,
        session_number: str | None = None,
        transaction_number: str | None = None,
    ) -> Payment: ...

    def reconcile(
        self,
        items: Iterable[OpenPayment] | AsyncIterable[OpenPayment],
        *,
        concurrency: int = RECONCILE_CONCURRENCY,
        rate: float | None = None,
    ) -> AsyncGenerator[Reconciled]:
        check_options(concurrency, rate)
        return areconcile(
            items,
            lambda item: arun(self._client, query_and_decide(self._client.settings, item)),
            concurrency=concurrency,
            rate=rate,
        )
