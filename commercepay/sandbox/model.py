"""The records that a sandbox keeps. Times are milliseconds since the epoch, amounts minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from commercepay._protocol.published import SANDBOX_CREDENTIALS
from commercepay.errors import ArgumentError
from commercepay.money import Money
from commercepay.status import PaymentStatus

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A merchant of the sandbox. The secrets are test values, but a repr still hides them."""

    id: int
    name: str
    username: str
    password: str = field(repr=False)
    secret_key: str = field(repr=False)
    user_id: int = 1


TENANTS = tuple(
    Tenant(one.tenant_id, name, one.username, one.password, one.secret_key, user_id)
    for one, name, user_id in zip(SANDBOX_CREDENTIALS, ("Sandbox Shop", "Other Sandbox Shop"), (7, 8), strict=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Behaviour of the real gateway that is not published, to be chosen; and where callbacks go.

    Attributes:
        callbacks_anywhere: send callbacks to other machines too.
        strict_tenant: require the tenant header on every call, and refuse one that is not the token's tenant.
        lock_out: lock a user for a while after repeated wrong passwords.
        report_surcharge: report the amount of a payment with the channel's surcharge.
    """

    callbacks_anywhere: bool = False
    strict_tenant: bool = False
    lock_out: bool = False
    report_surcharge: bool = False


@dataclass(slots=True)
class Event:
    """One step in the life of a payment."""

    at: int
    status: int
    note: str

    @property
    def status_name(self) -> str:
        return PaymentStatus(self.status).name


@dataclass(slots=True)
class PaymentRecord:
    """One attempt to pay an order.

    Attributes:
        amount: the amount that Query and the callback report.
        surcharge: what the customer paid on top of the order's amount.
    """

    transaction_number: str
    created: int
    amount: int
    surcharge: int = 0
    status: PaymentStatus = PaymentStatus.PENDING
    channel_id: int | None = None
    provider_channel_id: str | None = None
    provider_transaction_number: str | None = None
    provider_error_message: str | None = None
    timeline: list[Event] = field(default_factory=list[Event])

    @property
    def status_name(self) -> str:
        return self.status.name

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        members: dict[str, Any] = {**data, "status": PaymentStatus(data["status"])}
        members["timeline"] = [Event(**step) for step in data["timeline"]]
        return cls(**members)


@dataclass(slots=True)
class Order:
    """What InitialSession or RequestPayment opened.

    Attributes:
        number: the session number, or without a session the transaction number.
        is_session: whether the customer can try again after a failed attempt.
        request: the members of the request, as bound to the endpoint's model.
        attempts: the payments, oldest first; never empty.
    """

    number: str
    is_session: bool
    tenant_id: int
    request: dict[str, Any]
    created: int
    expires: int
    expired: bool = False
    attempts: list[PaymentRecord] = field(default_factory=list[PaymentRecord])

    @property
    def session_number(self) -> str | None:
        return self.number if self.is_session else None

    @property
    def reference_code(self) -> str:
        return str(self.request["referenceCode"])

    @property
    def amount(self) -> int:
        return int(self.request["amount"])

    @property
    def currency(self) -> str:
        return str(self.request["currencyCode"])

    @property
    def amount_text(self) -> str:
        """As a person reads it: `MYR 12.34`."""
        try:
            return str(Money.from_minor(self.amount, self.currency))
        except ArgumentError:
            return f"{self.currency} {self.amount} (minor units)"

    @property
    def callback_url(self) -> str | None:
        return self.request.get("callbackUrl")

    @property
    def return_url(self) -> str:
        return str(self.request["returnUrl"])

    @property
    def pay_path(self) -> str:
        """The path of the payment page."""
        return f"/pay/{self.number}"

    @property
    def last(self) -> PaymentRecord:
        return self.attempts[-1]

    @property
    def state(self) -> str:
        """`open` (the customer can pay), `expired`, or `closed` (paid, or nothing more can be tried)."""
        if self.expired:
            return "expired"
        if self.last.status.is_pending or (self.is_session and self.last.status.is_closed_unpaid):
            return "open"
        return "closed"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        attempts = [PaymentRecord.from_json(one) for one in data["attempts"]]
        members: dict[str, Any] = {**data, "attempts": attempts}
        return cls(**members)


@dataclass(slots=True)
class Delivery:
    """One attempt to deliver a callback, and the merchant's response."""

    at: int
    variant: str
    body: str
    signed: bool
    status: int | None = None
    response: str = ""
    error: str | None = None
    milliseconds: int = 0


@dataclass(slots=True)
class CallbackRecord:
    """A callback, and the attempts to deliver it.

    Attributes:
        state: `pending`, `held` (until the next one is delivered), `delivered`, `failed`, `withheld` or `blocked`.
        variant: how it is sent: `signed`, `unsigned`, `wrongly_signed` or `other_amount`.
        due: when the next attempt is, None if there is none.
    """

    id: int
    number: str
    transaction_number: str
    tenant_id: int
    url: str
    members: dict[str, Any]
    created: int
    variant: str = "signed"
    state: str = "pending"
    due: int | None = None
    amount: int | None = None
    deliveries: list[Delivery] = field(default_factory=list[Delivery])

    @property
    def status(self) -> int:
        status: int = self.members["status"]
        return status

    @property
    def status_name(self) -> str:
        return PaymentStatus(self.status).name

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        members: dict[str, Any] = {**data, "deliveries": [Delivery(**one) for one in data["deliveries"]]}
        return cls(**members)


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request to the gateway's endpoints and its response, with secrets masked.

    Attributes:
        operation: the endpoint's name, such as `Query`; None for an address that is no endpoint.
        verdict: what the gateway decided, such as `accepted`, `signature refused` or `refused 2009`.
        explanation: the reason, which the real gateway does not give.
        faults: the faults that fired.
        status: the HTTP status of the response; None if there was no response.
    """

    id: int
    at: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    operation: str | None
    verdict: str
    explanation: Mapping[str, Any] | None
    faults: tuple[str, ...]
    status: int | None
    response: str
    milliseconds: float
