"""What the application passed, checked and made into the generated models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commercepay_api.models import Customer as CustomerModel
from commercepay_api.models import IdentificationType as IdentificationTypeModel
from commercepay_api.models import (
    PaymentRequest,
    RecurringPaymentInfo,
    RequestPaymentExtraInfo,
    SessionRequest,
)
from commercepay_api.models import PlatformCharge as PlatformChargeModel
from commercepay_api.models import RecurringMode as RecurringModeModel
from commercepay_api.models import SubMerchant as SubMerchantModel
from commercepay_api.types import UNSET

from commercepay import params
from commercepay._calls import checks as check
from commercepay._protocol.auth import Options
from commercepay._protocol.settings import Settings
from commercepay.errors import ArgumentError
from commercepay.models import Customer, Recurrence
from commercepay.money import Money

USER_AGENT_LONGEST = 200
"""Characters that the gateway takes; a longer one, which is not the application's to choose, is cut."""

SAME_NAME = (
    "reference_code",
    "ip_address",
    "return_url",
    "callback_url",
    "description",
    "save_payment",
    "local_citizen",
    "channel_id",
    "provider_channel_id",
)
"""Parameters that have the same name and form in the generated models."""

NUMBERS = ("session_number", "transaction_number")


def session_request(settings: Settings, given: Mapping[str, Any]) -> SessionRequest:
    """The body of InitialSession.

    Raises:
        ArgumentError: names everything that is wrong.
    """
    refuse("sessions.create", _opening_problems(settings, given, params.SessionParams))
    members = _members(given)
    if (expires_in := given.get("expires_in")) is not None:
        members["expired_in_minutes"] = int(expires_in.total_seconds()) // 60
    return SessionRequest(**members)


def payment_request(settings: Settings, given: Mapping[str, Any]) -> PaymentRequest:
    """The body of RequestPayment.

    Raises:
        ArgumentError: names everything that is wrong.
    """
    refuse("payments.create", _opening_problems(settings, given, params.PaymentParams))
    return PaymentRequest(**_members(given))


def query_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of Query.

    Raises:
        ArgumentError: names everything that is wrong.
    """
    problems = check.problems(given, params.QueryParams)
    numbers = {name: given[name] for name in NUMBERS if given.get(name) is not None}
    if len(numbers) != 1:
        problems.append("give either session_number or transaction_number")
    refuse("payments.query", problems)
    return numbers | {"timestamp": check.milliseconds()}


def number_of(given: Mapping[str, Any]) -> str:
    """The number that a call asks about, for errors: "session_number 'S-1'"."""
    return next((f"{name} {given[name]!r}" for name in NUMBERS if given.get(name) is not None), "no number")


def call_options(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a `Call` needs to know of its options: its own, and the retries that follow from them."""
    options = Options(given.get("timeout"), given.get("max_retries"))
    return {"options": options, "retries": settings.max_retries if options.max_retries is None else options.max_retries}


def refuse(call: str, problems: list[str]) -> None:
    """Refuse a call that has problems.

    Raises:
        ArgumentError: there are any; it names the call.
    """
    if problems:
        raise ArgumentError(problems, call=call)


def _opening_problems(settings: Settings, given: Mapping[str, Any], declared: type) -> list[str]:
    problems = check.problems(given, declared)
    problems += check.environment_problems(settings, {name: given.get(name) for name in ("callback_url", "return_url")})
    amount = given.get("amount")
    for name, field in (("recurring", "maximum_amount"), ("platform_charge", "amount")):
        money = getattr(given.get(name), field, None)
        if isinstance(money, Money) and isinstance(amount, Money) and money.currency != amount.currency:
            problems.append(f"{name}.{field} is in {money.currency}, the payment in {amount.currency}")
    return problems


def _members(given: Mapping[str, Any]) -> dict[str, Any]:
    """Members of InitialSession and RequestPayment, under their names in the generated models; None is left out."""
    amount: Money = given["amount"]
    members: dict[str, Any] = {name: given[name] for name in SAME_NAME if given.get(name) is not None}
    members["amount"] = amount.minor
    members["currency_code"] = amount.currency
    members["timestamp"] = check.milliseconds(given.get("timestamp"))
    if (user_agent := given.get("user_agent")) is not None:
        members["user_agent"] = user_agent[:USER_AGENT_LONGEST]
    if (customer := given.get("customer")) is not None:
        members["customer"] = _customer(customer)
    if (sub_merchant := given.get("sub_merchant")) is not None:
        members["sub_merchant"] = SubMerchantModel(unique_id=_set(sub_merchant.unique_id), name=_set(sub_merchant.name))
    if (recurring := given.get("recurring")) is not None:
        members["recurring_payment_info"] = _recurring(recurring)
    if (charge := given.get("platform_charge")) is not None:
        members["platform_charge"] = PlatformChargeModel(
            partner_id=_set(charge.partner_id), amount=_minor(charge.amount)
        )
    group, hidden = given.get("channel_group_id"), given.get("hidden_channels")
    if group is not None or hidden is not None:
        members["request_payment_extra_info"] = RequestPaymentExtraInfo(
            channel_group_id=_set(group), hidden_channel=UNSET if hidden is None else [int(number) for number in hidden]
        )
    return members


def _customer(customer: Customer) -> CustomerModel:
    kind = customer.identification_type
    return CustomerModel(
        name=_set(customer.name),
        email=_set(customer.email),
        mobile_no=_set(customer.mobile_number),
        username=_set(customer.username),
        identification_number=_set(customer.identification_number),
        identification_type=UNSET if kind is None else IdentificationTypeModel(kind.value),
    )


def _recurring(plan: Recurrence) -> RecurringPaymentInfo:
    return RecurringPaymentInfo(
        id=_set(plan.id),
        mode=UNSET if plan.mode is None else RecurringModeModel(plan.mode.value),
        number_of_payments=_set(plan.number_of_payments),
        effective_date=UNSET if plan.effective_date is None else plan.effective_date.strftime("%d%m%Y"),
        expiry_date=UNSET if plan.expiry_date is None else plan.expiry_date.strftime("%d%m%Y"),
        maximum_payment_amount=_minor(plan.maximum_amount),
        is_fixed_amount=_set(plan.is_fixed_amount),
    )


def _set(value: Any) -> Any:
    return UNSET if value is None else value


def _minor(money: Money | None) -> Any:
    return UNSET if money is None else money.minor
