"""The sandbox for tests: a gateway on loopback that starts in milliseconds, and signed callbacks without a server.

    from commercepay.testing import sandbox

    with sandbox() as sb, sb.client() as cp:
        session = cp.sessions.create(...)
        sb.pay(session.session_number)
        assert cp.payments.query(session_number=session.session_number).status.is_paid

With pytest, the fixture `commercepay_sandbox` is such a sandbox, fresh for each test. With the setting
`commercepay_description = my-endpoints.yaml` it has the endpoints of that description, too. The sandbox needs the extra
`commercepay[sandbox]`; `sign_callback` needs no extra.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Unpack

from commercepay import signature
from commercepay._base.extras import missing
from commercepay._base.secret import hidden
from commercepay._protocol.published import Credentials
from commercepay.callbacks import SIGNATURE_HEADER
from commercepay.money import Money
from commercepay.status import PaymentStatus

if TYPE_CHECKING:
    from commercepay_api import AuthenticatedClient

    from commercepay import AsyncCommercePay, CommercePay
    from commercepay.errors import APIError
    from commercepay.params import AsyncClientOptions, ClientOptions, ClientParams
    from commercepay.sandbox.deliveries import Variant
    from commercepay.sandbox.faults import Fault, Kind
    from commercepay.sandbox.model import CallbackRecord, Order, PaymentRecord, RequestRecord
    from commercepay.sandbox.registered import Responder, Result
    from commercepay.sandbox.web.server import Background

T = TypeVar("T")

__all__ = ["Credentials", "Sandbox", "SignedCallback", "sandbox", "sign_callback"]


class SignedCallback(NamedTuple):
    """A callback as the gateway would send it."""

    body: bytes
    signature: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", SIGNATURE_HEADER: self.signature}


def sign_callback(
    callback_url: str,
    secret_key: str,
    *,
    amount: Money,
    reference_code: str,
    status: PaymentStatus = PaymentStatus.PAID,
    transaction_number: str = "1000000000000001",
    session_number: str | None = None,
    channel_id: int | None = 2,
    provider_transaction_number: str | None = None,
) -> SignedCallback:
    """A valid callback for a unit test, without any server.

    Args:
        callback_url: the URL that the payment was opened with.
        secret_key: the merchant's secret key in the test.
        amount: the amount of the payment.
        reference_code: the merchant's own reference.
        status: the status of the payment.
        transaction_number: the gateway's number of the payment.
        session_number: of the hosted session, if there is one.
        channel_id: how it was paid.
        provider_transaction_number: the bank's or wallet's number.
    """
    from commercepay.sandbox.deliveries import body

    secret_key = hidden(secret_key)
    members = {
        "amount": amount.minor,
        "channelId": channel_id,
        "currencyCode": amount.currency,
        "paymentSessionNumber": session_number,
        "providerTransactionNumber": provider_transaction_number,
        "referenceCode": reference_code,
        "status": status.value,
        "transactionNumber": transaction_number,
    }
    return SignedCallback(body(members), signature.sign(callback_url, members, secret_key))


@contextlib.contextmanager
def sandbox(
    *,
    state_file: Path | None = None,
    port: int = 0,
    callbacks_anywhere: bool = False,
    strict_tenant: bool = False,
    lock_out: bool = False,
    report_surcharge: bool = False,
    description: Path | str | None = None,
) -> Generator[Sandbox]:
    """A running sandbox, on a free port of the loopback interface, for the time of a `with`.

    Args:
        state_file: an SQLite file that keeps all data; in memory unless given.
        port: a fixed port.
        callbacks_anywhere: send callbacks to other machines too.
        strict_tenant: require the tenant header on every call, and refuse one that is not the token's tenant.
        lock_out: lock a user for a while after repeated wrong passwords.
        report_surcharge: report the amount of a payment with the channel's surcharge.
        description: an OpenAPI document with further endpoints, which this sandbox then has (see docs/your-endpoints.md).

    Raises:
        ArgumentError: names everything in the description that can't be used.
    """
    try:
        from commercepay.sandbox.description import load
        from commercepay.sandbox.model import Switches
        from commercepay.sandbox.sandbox import SandboxCore
        from commercepay.sandbox.web.server import Background
    except ModuleNotFoundError as error:
        raise missing("commercepay[sandbox]", error) from error
    switches = Switches(
        callbacks_anywhere=callbacks_anywhere,
        strict_tenant=strict_tenant,
        lock_out=lock_out,
        report_surcharge=report_surcharge,
    )
    described = load(None if description is None else Path(description))
    core = SandboxCore(file=state_file, switches=switches, description=described)
    try:
        background = Background(core, port=port)
    except OSError:  # the port is taken
        core.store.close()
        raise
    try:
        yield Sandbox(background)
    finally:
        background.stop()


class Sandbox:
    """A running sandbox, seen from a test.

    Attributes:
        url: its base URL.
        credentials: of the merchant that the clients here act for.
        other_credentials: of a second merchant.
        faults: what goes wrong on demand: `faults.add("drop_after", endpoint="InitialSession")`.
        clock: its time: `clock.advance(seconds)`.
    """

    def __init__(self, background: Background) -> None:
        self._background = background
        self._core = background.core
        self.url: str = background.url
        first, second = (
            Credentials(tenant_id=one.id, username=one.username, password=one.password, secret_key=one.secret_key)
            for one in list(self._core.tenants.values())[:2]
        )
        self.credentials: Credentials = first
        self.other_credentials: Credentials = second
        self.faults: _Faults = _Faults(background)
        self.clock: _Clock = _Clock(background)

    def __repr__(self) -> str:
        return f"<sandbox at {self.url}>"

    # --- clients -----------------------------------------------------------------------------------------------------

    def client(self, **options: Unpack[ClientOptions]) -> CommercePay:
        """A client of this sandbox; `options` are those of `CommercePay`."""
        from commercepay import CommercePay

        given: ClientOptions = {**self._settings(), **options}
        return CommercePay(**given)

    def async_client(self, **options: Unpack[AsyncClientOptions]) -> AsyncCommercePay:
        """An async client of this sandbox; `options` are those of `AsyncCommercePay`."""
        from commercepay import AsyncCommercePay

        given: AsyncClientOptions = {**self._settings(), **options}
        return AsyncCommercePay(**given)

    def raw(self, **options: Unpack[ClientOptions]) -> AuthenticatedClient:
        """The generated client, signed and with a token, for the generated functions."""
        return self.client(**options).api

    def _settings(self) -> ClientParams:
        one = self.credentials
        return {
            "tenant_id": one.tenant_id,
            "username": one.username,
            "password": one.password,
            "secret_key": one.secret_key,
            "base_url": self.url,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The `COMMERCEPAY_*` variables with which a program uses this sandbox."""
        return environment(self.url, self.credentials)

    # --- the customer ------------------------------------------------------------------------------------------------
    # `number` is a session number, or for a payment without a session its transaction number.

    def pay(self, number: str, *, channel_id: int | None = None) -> PaymentRecord:
        """The customer pays, through the requested channel unless another is given. Returns the payment after that."""
        return self._settle(number, PaymentStatus.PAID, channel_id)

    def fail(
        self, number: str, status: PaymentStatus = PaymentStatus.FAILED, *, channel_id: int | None = None
    ) -> PaymentRecord:
        """The customer's attempt fails."""
        return self._settle(number, status, channel_id)

    def cancel(self, number: str, status: PaymentStatus = PaymentStatus.CANCELLED_BY_USER) -> PaymentRecord:
        """The customer cancels the attempt."""
        return self._settle(number, status, None)

    def expire(self, number: str) -> Order:
        """The session expires at once."""
        return self._do(self._core.gateway.expire, number)

    def move(self, transaction_number: str, status: PaymentStatus) -> PaymentRecord:
        """A payment goes to another status: captured, refunded, voided."""
        return self._do(self._core.gateway.move, transaction_number, status)

    def _settle(self, number: str, status: PaymentStatus, channel_id: int | None) -> PaymentRecord:
        return self._do(self._core.gateway.settle, number, status, channel_id=channel_id, note="by the test")

    def _do(self, action: Callable[..., T], *args: Any, **options: Any) -> T:
        def run() -> T:
            self._core.gateway.tick()
            try:
                return action(*args, **options)
            finally:
                self._core.store.commit()

        return self._background.call(run)

    # --- your endpoints ----------------------------------------------------------------------------------------------

    def respond(self, endpoint: str, response: Result | APIError | Responder, *, times: int | None = None) -> None:
        """Register the response of an endpoint. Requests without the right token, signature and members are still refused.

        Args:
            endpoint: its `operationId`.
            response: the result, without its envelope; or a refusal, such as `APIError("Too late", code=3001)`; or a function,
                which takes the members of the request, and returns one of these or raises a refusal.
            times: for how many of the next requests; None for no limit. The newest registered response is taken first.

        Raises:
            ValueError: the description has no such endpoint, or the result does not match the description.
        """
        self._background.call(self._core.registered.add, endpoint, response, times)

    # --- what happened -----------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests to the gateway so far, oldest first, their secrets masked."""
        return self._background.call(lambda: list(self._core.requests))

    @property
    def orders(self) -> list[Order]:
        """All sessions, and all payments without a session, oldest first."""
        return self._background.call(
            lambda: [type(one).from_json(one.to_json()) for one in self._core.store.orders.values()]
        )

    @property
    def callbacks(self) -> list[CallbackRecord]:
        """The callbacks so far, oldest first, with their deliveries. Waits until those that are due are delivered."""
        self.settle()
        return self._background.call(
            lambda: [type(one).from_json(one.to_json()) for one in self._core.store.callbacks.values()]
        )

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until no callback is due or being sent. (A callback that waits for its next attempt is not due.)"""
        until = time.monotonic() + timeout
        while self._background.call(lambda: self._core.deliveries.busy):
            if time.monotonic() > until:
                raise TimeoutError(f"callbacks were still being sent after {timeout:g} seconds")
            time.sleep(0.005)

    def resend(self, callback_id: int, variant: Variant | None = None) -> None:
        """Send a callback again, at once."""
        self._do(self._core.deliveries.resend, callback_id, variant)

    def revoke_tokens(self) -> None:
        """Revoke all access tokens."""
        self._background.call(self._core.gateway.revoke_tokens)

    def reset(self) -> None:
        """Remove everything: orders, callbacks, requests, faults, registered responses, tokens. The clock shows the present."""
        self._background.wait(self._core.reset())


class _Faults:
    """What goes wrong on demand."""

    def __init__(self, background: Background) -> None:
        self._background = background

    def add(
        self,
        kind: Kind,
        *,
        endpoint: str | None = None,
        times: int | None = 1,
        share: float = 1.0,
        seconds: float = 0.0,
        status: int | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        processed: bool = False,
        amount: int | None = None,
    ) -> Fault:
        """Add a fault.

        Args:
            kind: what goes wrong; `commercepay.sandbox.faults.KINDS` describes each.
            endpoint: such as `Query`; all endpoints unless given.
            times: for how many of the next requests; None for no limit.
            share: for which share of them; 0.5 is every other one.
            seconds: how long `latency` and `callback_late` last.
            status: the HTTP status of `status`, the payment status of `unknown_status`.
            body: the body of the response.
            headers: additional headers of the response.
            processed: whether the request is processed first.
            amount: of `callback_other_amount`, in minor units.
        """
        from commercepay.sandbox.faults import Fault

        fault = Fault(
            kind=kind,
            endpoint=endpoint,
            times=times,
            share=share,
            seconds=seconds,
            status=status,
            body=body,
            headers=dict(headers or {}),
            processed=processed,
            amount=amount,
        )
        return self._background.call(self._background.core.faults.add, fault)

    def clear(self) -> None:
        """Remove all faults."""
        self._background.call(self._background.core.faults.clear)


class _Clock:
    """The sandbox's time."""

    def __init__(self, background: Background) -> None:
        self._background = background

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self._background.core.clock.now()

    def advance(self, seconds: float) -> None:
        """Set the clock forward: tokens and sessions expire, and callbacks that become due are sent."""
        self._background.call(self._background.core.advance, seconds)


def environment(url: str, credentials: Credentials) -> dict[str, str]:
    """The `COMMERCEPAY_*` variables for `CommercePay.from_env()`."""
    return {
        "COMMERCEPAY_TENANT_ID": str(credentials.tenant_id),
        "COMMERCEPAY_USERNAME": credentials.username,
        "COMMERCEPAY_PASSWORD": credentials.password,
        "COMMERCEPAY_SECRET_KEY": credentials.secret_key,
        "COMMERCEPAY_BASE_URL": url,
    }


if sys.modules.get("pytest") is not None:  # as its plugin (see the entry point); other runners do without
    import pytest

    def pytest_addoption(parser: pytest.Parser) -> None:
        text = "an OpenAPI document with further endpoints for the fixture commercepay_sandbox"
        parser.addini("commercepay_description", text, type="string", default="")

    @pytest.fixture
    def commercepay_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox]:
        """A new CommercePay gateway on loopback, only for this test: see `commercepay.testing.Sandbox`."""
        name: str = request.config.getini("commercepay_description")
        with sandbox(description=request.config.rootpath / name if name else None) as running:
            yield running
