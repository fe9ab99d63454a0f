"""The records as the control API returns them and the dashboard shows them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from commercepay.sandbox.clock import iso
from commercepay.sandbox.deliveries import Variant
from commercepay.sandbox.faults import KINDS, Kind
from commercepay.sandbox.model import Order, PaymentRecord
from commercepay.sandbox.sandbox import SandboxCore

Time = Annotated[str, BeforeValidator(iso), Field(description="ISO 8601 in UTC, by the sandbox's clock.")]
Minor = Annotated[int, Field(description="Minor units.")]


class View(BaseModel):
    """What is shown of a record: the attributes of the same names."""

    model_config: ClassVar[ConfigDict] = ConfigDict(from_attributes=True)


class NewFault(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(from_attributes=True, strict=True, extra="forbid")

    kind: Kind = Field(description=" ".join(f"`{kind}`: {text}." for kind, text in KINDS.items()))
    endpoint: str | None = Field(default=None, description="Such as `Query`; null for all.")
    times: int | None = Field(default=1, description="For how many of the next requests; null for no limit.")
    share: float = Field(default=1.0, description="For which share of them; 0.5 is every other one.")
    seconds: float = 0.0
    status: int | None = None
    body: str | None = None
    headers: dict[str, str] = {}
    processed: bool = False
    amount: int | None = None


class FaultView(NewFault):
    """A fault that is active."""

    id: int
    fired: int = Field(description="How often it fired.")


class ClockView(View):
    now: Time
    clock_ahead_seconds: float


class StateView(ClockView):
    """The sandbox as a whole."""

    version: int = Field(description="Rises with every change.")
    sessions: int
    payments: int
    callbacks: int
    requests: int
    faults: list[FaultView]


class EventView(View):
    """One step of a payment."""

    at: Time
    status: int
    status_name: str
    note: str


class _OfOrder(View):
    session_number: str | None
    tenant_id: int
    reference_code: str
    amount: Minor
    currency: str
    amount_text: str


class _OfPayment(View):
    transaction_number: str
    status: int
    status_name: str
    channel_id: int | None
    provider_channel_id: str | None
    surcharge: Minor
    reported_amount: Minor = Field(validation_alias="amount")
    provider_transaction_number: str | None
    provider_error_message: str | None
    created: Time
    timeline: list[EventView]


class PaymentView(_OfPayment, _OfOrder):
    """One attempt to pay."""


class _OfSession(_OfOrder):
    number: str
    state: Literal["open", "closed", "expired"]
    created: Time
    expires: Time
    pay_path: str = Field(description="The path of the payment page.")
    request: dict[str, Any] = Field(description="The members that the session was opened with.")


class SessionView(_OfSession):
    """A session that InitialSession opened, with the attempts to pay it."""

    payments: list[PaymentView]


class DeliveryView(View):
    """One attempt to deliver a callback."""

    at: Time
    variant: Variant
    body: str
    signed: bool
    status: int | None
    response: str
    error: str | None
    milliseconds: int


class CallbackView(View):
    """A callback, with the attempts to deliver it."""

    id: int
    number: str = Field(description="The session number; without a session the transaction number.")
    transaction_number: str
    tenant_id: int
    url: str
    members: dict[str, Any]
    status: int
    status_name: str
    created: Time
    variant: Variant
    state: Literal["pending", "held", "delivered", "failed", "withheld", "blocked"]
    due: Time | None = Field(description="When the next attempt is made.")
    amount: int | None
    deliveries: list[DeliveryView]


class RequestView(View):
    """A request to the gateway's endpoints, with its secrets masked."""

    id: int
    at: Time
    method: str
    url: str
    headers: dict[str, str]
    body: str
    operation: str | None
    verdict: str
    explanation: dict[str, Any] | None = Field(
        description=(
            "`text`, and for a refused signature `readings`, `alternatives`, `right`, `yours` and `differ_at`."
        )
    )
    faults: list[str]
    status: int | None
    response: str
    milliseconds: float


def payment(order: Order, record: PaymentRecord) -> PaymentView:
    return PaymentView.model_construct(
        **dict(_OfOrder.model_validate(order)), **dict(_OfPayment.model_validate(record))
    )


def session(order: Order) -> SessionView:
    payments = [payment(order, one) for one in order.attempts]
    return SessionView.model_construct(**dict(_OfSession.model_validate(order)), payments=payments)


def faults(core: SandboxCore) -> list[FaultView]:
    return [FaultView.model_validate(fault) for fault in core.faults.active]


def state(core: SandboxCore) -> StateView:
    orders = core.store.orders.values()
    return StateView.model_validate(
        {
            "version": core.store.version,
            "now": core.clock.now(),
            "clock_ahead_seconds": core.clock.ahead / 1000,
            "sessions": sum(one.is_session for one in orders),
            "payments": sum(len(one.attempts) for one in orders),
            "callbacks": len(core.store.callbacks),
            "requests": len(core.requests),
            "faults": core.faults.active,
        }
    )
