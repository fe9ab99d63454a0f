"""The requests of the calls: the parameters are checked, and made into the generated models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from commercepay_api import models, types
from commercepay_api.api.channel import get_tenant_channels_by_country
from commercepay_api.api.payment_gateway import initial_session, query, request_payment
from commercepay_api.api.token_auth import authenticate
from commercepay_api.limits import PAYMENT_DETAILS_USER_AGENT_MAX_LENGTH as USER_AGENT_MAX_LENGTH

from commercepay import params
from commercepay._base.text import cut_to_utf16
from commercepay._calls import checks as check
from commercepay._protocol.settings import Settings
from commercepay.models import Customer, PlatformCharge, Recurrence, SubMerchant
from commercepay.money import Money

Body = TypeVar("Body", models.SessionRequest, models.PaymentRequest)
Request = Callable[[], dict[str, Any]]
"""Builds a request, for each attempt."""

T = TypeVar("T")
S = TypeVar("S")


def session_request(settings: Settings, given: params.SessionParams) -> Request:
    """The request of InitialSession.

    Raises:
        ArgumentError: names everything that is wrong.
    """
    check.refuse("sessions.create", _opening_problems(settings, given, params.SessionParams))
    body = _body(models.SessionRequest, given)
    if (expires_in := given.get("expires_in")) is not None:
        body.expired_in_minutes = int(expires_in.total_seconds()) // 60
    return lambda: initial_session.request(body=body)


def payment_request(settings: Settings, given: params.PaymentParams) -> Request:
    """The request of RequestPayment.

    Raises:
        ArgumentError: names everything that is wrong.
    """
    check.refuse("payments.create", _opening_problems(settings, given, params.PaymentParams))
    body = _body(models.PaymentRequest, given)
    body.channel_id = _set(given.get("channel_id"))
    body.provider_channel_id = _set(given.get("provider_channel_id"))
    return lambda: request_payment.request(body=body)


def query_request(given: params.QueryParams) -> Request:
    """The request of Query.

    Raises:
        ArgumentError: names everything that is wrong.
    """
    problems = check.problems(given, params.QueryParams)
    session, transaction = given.get("session_number"), given.get("transaction_number")
    if (session is None) == (transaction is None):
        problems.append("give either session_number or transaction_number")
    check.refuse("payments.query", problems)
    timestamp = check.milliseconds()
    return lambda: query.request(
        session_number=_set(session), transaction_number=_set(transaction), timestamp=timestamp
    )


def channels_request(given: params.ChannelsParams) -> Request:
    """The request of GetTenantChannelsByCountry.

    Raises:
        ArgumentError: names everything that is wrong.
    """
    check.refuse("channels.list", check.problems(given, params.ChannelsParams))
    return lambda: get_tenant_channels_by_country.request(country_code=given["country"])


def authenticate_request(settings: Settings) -> Request:
    """The request of Authenticate."""
    body = models.AuthenticateRequest(user_name_or_email_address=settings.username, password=settings.password.reveal())
    return lambda: authenticate.request(body=body)


def _opening_problems(settings: Settings, given: params.OpeningParams, declared: type) -> list[str]:
    problems = check.problems(given, declared)
    problems += check.environment_problems(settings, {name: given.get(name) for name in ("callback_url", "return_url")})
    unchecked: Mapping[str, object] = given
    amount = unchecked.get("amount")
    for name, field in (("recurring", "maximum_amount"), ("platform_charge", "amount")):
        money = getattr(unchecked.get(name), field, None)
        if isinstance(money, Money) and isinstance(amount, Money) and money.currency != amount.currency:
            problems.append(f"{name}.{field} is in {money.currency}, the payment in {amount.currency}")
    return problems


def _body(model: type[Body], given: params.OpeningParams) -> Body:
    """The members that InitialSession and RequestPayment have in common; what is None is left out."""
    amount = given["amount"]
    user_agent = given.get("user_agent")
    return model(
        amount=amount.minor,
        currency_code=amount.currency,
        reference_code=given["reference_code"],
        timestamp=check.milliseconds(given.get("timestamp")),
        ip_address=given["ip_address"],
        return_url=given["return_url"],
        callback_url=given["callback_url"],
        description=_set(given.get("description")),
        # The application does not choose how long it is, so it is cut and not refused.
        user_agent=_set(user_agent and cut_to_utf16(user_agent, USER_AGENT_MAX_LENGTH)),
        customer=_made(_customer, given.get("customer")),
        save_payment=_set(given.get("save_payment")),
        local_citizen=_set(given.get("local_citizen")),
        sub_merchant=_made(_sub_merchant, given.get("sub_merchant")),
        recurring_payment_info=_made(_recurring, given.get("recurring")),
        request_payment_extra_info=_extra_info(given),
        platform_charge=_made(_platform_charge, given.get("platform_charge")),
    )


def _customer(customer: Customer) -> models.Customer:
    return models.Customer(
        name=_set(customer.name),
        email=_set(customer.email),
        mobile_no=_set(customer.mobile_number),
        username=_set(customer.username),
        identification_number=_set(customer.identification_number),
        identification_type=_made(models.IdentificationType, customer.identification_type),
    )


def _sub_merchant(sub_merchant: SubMerchant) -> models.SubMerchant:
    return models.SubMerchant(unique_id=_set(sub_merchant.unique_id), name=_set(sub_merchant.name))


def _recurring(plan: Recurrence) -> models.RecurringPaymentInfo:
    return models.RecurringPaymentInfo(
        id=_set(plan.id),
        mode=_made(models.RecurringMode, plan.mode),
        number_of_payments=_set(plan.number_of_payments),
        effective_date=_made(_day, plan.effective_date),
        expiry_date=_made(_day, plan.expiry_date),
        maximum_payment_amount=_minor(plan.maximum_amount),
        is_fixed_amount=_set(plan.is_fixed_amount),
    )


def _day(day: date) -> str:
    return day.strftime("%d%m%Y")


def _platform_charge(charge: PlatformCharge) -> models.PlatformCharge:
    return models.PlatformCharge(partner_id=_set(charge.partner_id), amount=_minor(charge.amount))


def _extra_info(given: params.OpeningParams) -> models.RequestPaymentExtraInfo | types.Unset:
    group, hidden = given.get("channel_group_id"), given.get("hidden_channels")
    if group is None and hidden is None:
        return types.UNSET
    return models.RequestPaymentExtraInfo(channel_group_id=_set(group), hidden_channel=_made(_numbers, hidden))


def _numbers(channels: Sequence[int]) -> list[int]:
    return [int(channel) for channel in channels]  # an IntEnum is no JSON


def _set(value: T | None) -> T | types.Unset:
    return types.UNSET if value is None else value


def _made(make: Callable[[S], T], value: S | None) -> T | types.Unset:
    return types.UNSET if value is None else make(value)


def _minor(money: Money | None) -> int | types.Unset:
    return types.UNSET if money is None else money.minor
