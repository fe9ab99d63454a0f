"""The types of the calls' keyword arguments, for arguments that are kept in a dict: `cp.sessions.create(**params)`.

The documentation of the calls says what each parameter means. A test holds both together.
"""

# No `from __future__ import annotations` here: it would hide `Required` from `__required_keys__`, which the checks use.

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Required, TypedDict

from commercepay._base.token_store import AsyncTokenStore, TokenStore
from commercepay.callbacks import Callback, ReceivedCallback
from commercepay.models import Customer, PlatformCharge, Recurrence, SubMerchant
from commercepay.money import Money

if TYPE_CHECKING:
    from commercepay._protocol.http_library import httpx

__all__ = [
    "AsyncClientOptions",
    "CallOptions",
    "ChannelsParams",
    "ClientOptions",
    "ClientParams",
    "ConfirmParams",
    "PaymentParams",
    "QueryParams",
    "SessionParams",
    "WaitParams",
]

Environment = Literal["staging", "production", "sandbox"]


class ClientParams(TypedDict, total=False):
    """Keyword arguments of `CommercePay` and `AsyncCommercePay`, apart from those of the HTTP library."""

    tenant_id: int | None
    username: str | None
    password: str | None
    secret_key: str | None
    environment: Environment
    base_url: str | None
    timeout: float
    connect_timeout: float
    max_retries: int
    max_response_bytes: int
    retired_secret_keys: Sequence[str]
    token_store: TokenStore | AsyncTokenStore | str | None


class ClientOptions(ClientParams, total=False):
    """All keyword arguments of `CommercePay`."""

    http_client: "httpx.Client | None"
    transport: "httpx.BaseTransport | None"


class AsyncClientOptions(ClientParams, total=False):
    """All keyword arguments of `AsyncCommercePay`."""

    http_client: "httpx.AsyncClient | None"
    transport: "httpx.AsyncBaseTransport | None"


class CallOptions(TypedDict, total=False):
    """Options of a single call. The client's are used for one that is left out or None, as everywhere below."""

    timeout: float | None
    max_retries: int | None


class ChannelsParams(CallOptions, total=False):
    """Keyword arguments of `channels.list`."""

    country: Required[str]


class OpeningParams(CallOptions, total=False):
    """What opening a session and starting a payment have in common."""

    amount: Required[Money]
    reference_code: Required[str]
    ip_address: Required[str]
    return_url: Required[str]
    callback_url: Required[str]
    description: str | None
    user_agent: str | None
    customer: Customer | None
    save_payment: bool | None
    local_citizen: bool | None
    sub_merchant: SubMerchant | None
    recurring: Recurrence | None
    channel_group_id: int | None
    hidden_channels: Sequence[int] | None
    platform_charge: PlatformCharge | None
    timestamp: datetime | None


class SessionParams(OpeningParams, total=False):
    """Keyword arguments of `sessions.create`."""

    expires_in: timedelta | None


class PaymentParams(OpeningParams, total=False):
    """Keyword arguments of `payments.create`."""

    channel_id: int | None
    provider_channel_id: str | None


class QueryParams(CallOptions, total=False):
    """Keyword arguments of `payments.query`: one of the two numbers."""

    session_number: str | None
    transaction_number: str | None


class ConfirmParams(QueryParams, total=False):
    """Keyword arguments of `payments.confirm`: what points to the payment."""

    callback: ReceivedCallback | Callback | None
    return_params: Mapping[str, object] | str | None


class WaitParams(TypedDict, total=False):
    """Keyword arguments of `payments.wait`, apart from `cancel`: one of the two numbers, and how long."""

    timeout: Required[float]
    session_number: str | None
    transaction_number: str | None
