"""The parameters of the calls: each list declared once, for the sync and the async client.

Facts about members and their limits: public integrations, unless said otherwise.
"""

# No `from __future__ import annotations` here: it would hide `Required` from `__required_keys__`, which the checks use.

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Required, TypedDict

from commercepay.callbacks import Callback, ReceivedCallback
from commercepay.models import Customer, PlatformCharge, Recurrence, SubMerchant
from commercepay.money import Money

__all__ = [
    "CallOptions",
    "ClientParams",
    "ConfirmParams",
    "PaymentParams",
    "QueryParams",
    "SessionParams",
    "WaitParams",
]


class ClientParams(TypedDict, total=False):
    """Parameters of `CommercePay` and `AsyncCommercePay`. The first four are required, except in the environment `sandbox`."""

    tenant_id: int
    """The merchant's tenant id."""

    username: str
    """Of the API user."""

    password: str
    """Of the API user."""

    secret_key: str
    """The key of the message signature."""

    environment: Literal["staging", "production", "sandbox"]
    """Which gateway, each with separate credentials; without it and `base_url`, staging. `sandbox` is the local gateway of
    `commercepay sandbox`, on port 8400 of this machine unless `base_url` is given; its published test credentials are used."""

    base_url: str | None
    """Another server than the environment's: with `sandbox`, where the sandbox is; without an environment, any server by
    https, or by http on loopback."""

    timeout: float
    """Seconds for connecting, for sending, and for each wait for a piece of the answer."""

    max_retries: int
    """Further attempts where another is safe: Query and Authenticate after connection errors, timeouts, 429 and 5xx; a POST
    only if the connection was never made."""

    retired_secret_keys: Sequence[str]
    """Keys that callbacks may still be signed with, while a key is being rotated."""


class CallOptions(TypedDict, total=False):
    """Options of a single call; the client's own are used where one is left out."""

    timeout: float
    """Seconds for connecting, for sending, and for each wait for a piece of the answer."""

    max_retries: int
    """Further attempts, where another attempt is safe."""


class OpeningParams(CallOptions, total=False):
    """What opening a session and starting a payment have in common."""

    amount: Required[Money]
    """What the customer pays."""

    reference_code: Required[str]
    """The merchant's own reference, unique, up to 50 characters. The gateway refuses one that was used."""

    ip_address: Required[str]
    """The customer's IP address."""

    return_url: Required[str]
    """Where the customer's browser comes back to. What comes with it is not signed and proves nothing."""

    callback_url: Required[str]
    """Where the gateway posts the outcome. Keep it: callbacks are verified against exactly this URL."""

    description: str
    """Up to 100 characters."""

    user_agent: str
    """The customer's, up to 200 characters; a longer one is cut."""

    customer: Customer
    """The person who pays."""

    save_payment: bool
    """`savePayment`; what it does is not published."""

    local_citizen: bool
    """`localCitizen`, for some channels."""

    sub_merchant: SubMerchant
    """The merchant behind the merchant, on a platform."""

    recurring: Recurrence
    """A plan of recurring payments."""

    channel_group_id: int
    """What the hosted page shows: `requestPaymentExtraInfo.channelGroupId`."""

    hidden_channels: Sequence[int]
    """What the hosted page hides: `requestPaymentExtraInfo.hiddenChannel`."""

    platform_charge: PlatformCharge
    """A platform's share; for authorised partners only."""

    timestamp: datetime
    """When the request was made, with a time zone; now, if left out."""


class SessionParams(OpeningParams, total=False):
    """Parameters of `sessions.create`."""

    expires_in: timedelta
    """How long the customer can try, in whole minutes."""


class PaymentParams(OpeningParams, total=False):
    """Parameters of `payments.create`."""

    channel_id: int
    """How it is paid. Left out, the customer chooses on the hosted page. The gateway publishes no list."""

    provider_channel_id: str
    """A bank or wallet inside the channel."""


class QueryParams(CallOptions, total=False):
    """Parameters of `payments.query`: one of the two numbers."""

    session_number: str
    """The number that `sessions.create` returned."""

    transaction_number: str
    """The number that `payments.create` returned, or that a callback names."""


class ConfirmParams(CallOptions, total=False):
    """Parameters of `payments.confirm`: what points to the payment. One of them; a number of your own may go with a return."""

    callback: ReceivedCallback | Callback
    """A callback as it arrived, which is verified first, or one that was verified."""

    return_params: Mapping[str, Any] | str
    """The query parameters that the customer's browser came back with. Not signed: they only say what to ask about."""

    session_number: str
    """The number that `sessions.create` returned."""

    transaction_number: str
    """The number that `payments.create` returned."""


class WaitParams(TypedDict, total=False):
    """Parameters of `payments.wait`: one of the two numbers, and how long."""

    session_number: str
    """The number that `sessions.create` returned."""

    transaction_number: str
    """The number that `payments.create` returned, or that a callback names."""

    timeout: Required[float]
    """Seconds to wait; a question that is under way then gets a second or so more."""
