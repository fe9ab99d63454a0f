"""What each call does, written once for both clients: check, call the generated operation, read the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import httpx
from commercepay_api import wire
from commercepay_api.api.payment_gateway import initial_session, query, request_payment
from commercepay_api.api.token_auth import authenticate as authenticate_operation
from commercepay_api.models import (
    AuthenticateRequest,
    PaymentRequest,
    RecurringPaymentInfo,
    RequestPaymentExtraInfo,
    SessionRequest,
)
from commercepay_api.models import Customer as CustomerModel
from commercepay_api.models import IdentificationType as IdentificationTypeModel
from commercepay_api.models import PlatformCharge as PlatformChargeModel
from commercepay_api.models import RecurringMode as RecurringModeModel
from commercepay_api.models import SubMerchant as SubMerchantModel
from commercepay_api.types import UNSET
from commercepay_api.wire import EXTENSION, Signing, absolute_url

from commercepay import _arguments as check
from commercepay import _envelope, params, signature
from commercepay._envelope import Answer
from commercepay._flow import Call, Flow, exchange, unreadable
from commercepay._http import Api
from commercepay._json import is_array, is_mapping, is_object
from commercepay._settings import Settings
from commercepay.errors import APIError, ArgumentError, InvalidResponse
from commercepay.money import Money
from commercepay.status import PaymentStatus
from commercepay.values import Payment, Session, StartedPayment

T = TypeVar("T")


def create_session(settings: Settings, given: Mapping[str, Any]) -> Flow[Session]:
    checker = _checker("sessions.create", given, params.SessionParams)
    members = _opening_members(checker)
    expires_in = checker.take("expires_in", check.whole_minutes)
    timeout, max_retries = checker.options(settings.timeout, settings.max_retries)
    checker.finish()
    body = SessionRequest(
        **members, expired_in_minutes=UNSET if expires_in is None else int(expires_in.total_seconds()) // 60
    )
    call = Call(
        name="InitialSession",
        operation=initial_session,
        arguments={"body": body},
        safe=False,
        max_retries=max_retries,
        timeout=timeout,
        reference_code=body.reference_code,
    )
    reader = yield from _result(call)
    return reader.value(
        Session,
        redirect_url=reader.url("redirectUrl"),
        session_number=reader.text("sessionNumber", required=True),
        redirection_type=reader.integer("redirectionType"),
        reference_code=body.reference_code,
    )


def request_a_payment(settings: Settings, given: Mapping[str, Any]) -> Flow[StartedPayment]:
    checker = _checker("payments.request", given, params.PaymentParams)
    members = _opening_members(checker)
    channel_id = checker.take("channel_id", check.integer())
    provider_channel_id = checker.take("provider_channel_id", check.text())
    timeout, max_retries = checker.options(settings.timeout, settings.max_retries)
    checker.finish()
    body = PaymentRequest(**members, channel_id=_set(channel_id), provider_channel_id=_set(provider_channel_id))
    call = Call(
        name="RequestPayment",
        operation=request_payment,
        arguments={"body": body},
        safe=False,
        max_retries=max_retries,
        timeout=timeout,
        reference_code=body.reference_code,
    )
    reader = yield from _result(call)
    return reader.value(
        StartedPayment,
        redirect_url=reader.url("redirectUrl"),
        transaction_number=reader.text("transactionNumber", required=True),
        redirection_type=reader.integer("redirectionType"),
        reference_code=body.reference_code,
    )


def query_payment(settings: Settings, given: Mapping[str, Any]) -> Flow[Payment]:
    checker = _checker("payments.query", given, params.QueryParams)
    session_number = checker.take("session_number", check.text())
    transaction_number = checker.take("transaction_number", check.text())
    timeout, max_retries = checker.options(settings.timeout, settings.max_retries)
    if (session_number is None) == (transaction_number is None):
        checker.problems.append("payments.query takes either session_number or transaction_number")
    checker.finish()
    arguments: dict[str, Any] = {"timestamp": check.milliseconds()}
    if session_number is not None:
        arguments["session_number"] = session_number
    else:
        arguments["transaction_number"] = transaction_number
    call = Call(name="Query", operation=query, arguments=arguments, safe=True, max_retries=max_retries, timeout=timeout)
    reader = yield from _result(call)
    return reader.value(
        Payment,
        status=reader.status("status"),
        amount=reader.money("amount", "currencyCode"),
        reference_code=reader.text("referenceCode", required=True),
        transaction_number=reader.text("transactionNumber", asked=transaction_number),
        session_number=reader.text("paymentSessionNumber", asked=session_number),
        channel_id=reader.integer("channelId"),
        provider_transaction_number=reader.text("providerTransactionNumber"),
        provider_payment_method=reader.text("providerPaymentMethod"),
        provider_error_message=reader.text("providerErrorMessage"),
        created=reader.text("creationTime"),
        remark=reader.text("remark"),
    )


def authenticate(settings: Settings) -> Flow[tuple[str, object]]:
    """The token and its lifetime in seconds, as the gateway gave it (or whatever stood there instead)."""
    call = Call(
        name="Authenticate",
        operation=authenticate_operation,
        arguments={
            "body": AuthenticateRequest(
                user_name_or_email_address=settings.username, password=settings.password.reveal()
            )
        },
        safe=True,
        max_retries=settings.max_retries,
        authenticating=True,
    )
    try:
        reader = yield from _result(call)
        token = reader.token("accessToken")
        reader.finish()
    except (APIError, InvalidResponse) as error:
        # It may hold a token all the same, and an error's body is kept and pickled.
        error.body = _TOKEN.sub(rb'\1"***"', error.body)
        raise
    return token, reader.result.get("expireInSeconds")


_HEADER_VALUE = re.compile("[!-~]+")
_TOKEN = re.compile(rb'("\w*token"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.IGNORECASE)


def undescribed(
    settings: Settings,
    method: str,
    path: str,
    json: Mapping[str, Any] | None,
    query_params: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> Flow[Any]:
    """A signed request to an endpoint that the description lacks; the result as plain data."""
    checker = check.Checker("request", options, (), params.CallOptions.__annotations__)
    timeout, max_retries = checker.options(settings.timeout, settings.max_retries)
    if method not in ("GET", "POST"):
        checker.problems.append(f"method must be 'GET' or 'POST', not {method!r}; how others are signed is not known")
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//") or not _PATH.fullmatch(path):
        checker.problems.append("path must start with a single '/', as in '/api/services/app/PaymentGateway/Query'")
    elif "?" in path or "#" in path:
        checker.problems.append(
            "path must have no query or fragment; pass params={...}, which are signed with their types"
        )
    if method == "GET" and json is not None:
        checker.problems.append("a GET takes params, not json")
    if method == "POST" and query_params is not None:
        checker.problems.append("a POST takes json, not params: what is signed then is not known")
    given: object = query_params if json is None else json
    data: Mapping[str, Any] = {}
    if given is not None and not is_mapping(given):
        checker.problems.append(f"json and params must be mappings of members, not {type(given).__name__}")
    elif given is not None:
        data = given
        if method == "GET":
            data = {name: value for name, value in data.items() if value is not None}
            checker.problems += [
                f"params[{name!r}]: a query string holds no {type(value).__name__}"
                for name, value in data.items()
                if not isinstance(value, str | int | float)
            ]
        try:
            signature.message(settings.base_url, data)
        except ArgumentError as error:
            checker.problems += error.problems
    checker.finish()
    data = _plain(data)
    reference_code = data.get("referenceCode")
    call = Call(
        name=f"{method} {path}",
        operation=_Undescribed(method, path, data),
        arguments={},
        safe=method == "GET",
        max_retries=max_retries,
        timeout=timeout,
        reference_code=reference_code if isinstance(reference_code, str) else None,
    )
    _, result = yield from exchange(call)
    return result


_PATH = re.compile("[ -~]+")


class _Undescribed:
    """Stands in for a generated module."""

    def __init__(self, method: str, path: str, data: Any) -> None:
        self._path = path
        self._request: dict[str, Any] = {
            "method": method,
            "json" if method == "POST" else "params": dict(data),
            "extensions": {EXTENSION: Signing(data=data, secured=True)},
        }

    def sync_detailed(self, *, client: Api) -> httpx.Response:
        http = client.get_httpx_client()
        with http.stream(url=absolute_url(http.base_url, self._path), **self._request) as response:
            wire.read(response)
        return response

    async def asyncio_detailed(self, *, client: Api) -> httpx.Response:
        http = client.get_async_httpx_client()
        async with http.stream(url=absolute_url(http.base_url, self._path), **self._request) as response:
            await wire.aread(response)
        return response


def _plain(value: Any) -> Any:
    """The same with dicts for mappings of any kind, which the signature takes but `json` does not."""
    if is_mapping(value):
        return {name: _plain(value[name]) for name in value.keys()}  # noqa: SIM118  # a mapping may iterate otherwise
    return [_plain(item) for item in value] if is_array(value) else value


def _set(value: Any) -> Any:
    return UNSET if value is None else value


def _checker(call: str, given: Mapping[str, Any], declared: type) -> check.Checker:
    return check.Checker(call, given, *_declared(declared))


@cache
def _declared(params_type: type) -> tuple[list[str], frozenset[str]]:
    """The required parameters, in the order of their declaration, and all of them."""
    required: frozenset[str] = vars(params_type)["__required_keys__"]
    optional: frozenset[str] = vars(params_type)["__optional_keys__"]
    return [name for name in params_type.__annotations__ if name in required], required | optional


def _opening_members(checker: check.Checker) -> dict[str, Any]:
    """The members that InitialSession and RequestPayment share, under their names in the generated models."""
    amount = checker.take("amount", check.instance(Money))
    currency = amount.currency if isinstance(amount, Money) else ""
    user_agent = checker.take("user_agent", check.text())
    timestamp = checker.take("timestamp", check.moment)
    hidden = checker.take("hidden_channels", check.integers)
    group = checker.take("channel_group_id", check.integer())
    customer, sub_merchant, recurring, charge = (
        checker.record(name, kind, fields) for name, (kind, fields) in check.RECORDS.items()
    )
    members = {
        "reference_code": checker.take("reference_code", check.text(50)),
        "ip_address": checker.take("ip_address", check.ip_address),
        "return_url": checker.take("return_url", check.url),
        "callback_url": checker.take("callback_url", check.url),
        "description": _set(checker.take("description", check.text(100))),
        "save_payment": _set(checker.take("save_payment", check.instance(bool))),
        "local_citizen": _set(checker.take("local_citizen", check.instance(bool))),
    }
    for name, money in (
        ("recurring.maximum_amount", recurring and recurring.maximum_amount),
        ("platform_charge.amount", charge and charge.amount),
    ):
        if isinstance(money, Money) and currency and money.currency != currency:
            checker.problems.append(f"{name} is in {money.currency}, the payment in {currency}")
    if checker.problems:
        return {}
    return members | {
        "amount": amount.minor,
        "currency_code": currency,
        "timestamp": check.milliseconds(timestamp),
        "user_agent": UNSET if user_agent is None else user_agent[: check.USER_AGENT_LONGEST],
        "customer": UNSET
        if customer is None
        else CustomerModel(
            name=_set(customer.name),
            email=_set(customer.email),
            mobile_no=_set(customer.mobile_number),
            username=_set(customer.username),
            identification_number=_set(customer.identification_number),
            identification_type=UNSET
            if customer.identification_type is None
            else IdentificationTypeModel(customer.identification_type.value),
        ),
        "sub_merchant": UNSET
        if sub_merchant is None
        else SubMerchantModel(unique_id=_set(sub_merchant.unique_id), name=_set(sub_merchant.name)),
        "recurring_payment_info": UNSET if recurring is None else _recurring(recurring),
        "request_payment_extra_info": UNSET
        if hidden is None and group is None
        else RequestPaymentExtraInfo(
            channel_group_id=_set(group), hidden_channel=UNSET if hidden is None else [int(number) for number in hidden]
        ),
        "platform_charge": UNSET
        if charge is None
        else PlatformChargeModel(partner_id=_set(charge.partner_id), amount=_minor(charge.amount)),
    }


def _recurring(plan: Any) -> RecurringPaymentInfo:
    return RecurringPaymentInfo(
        id=_set(plan.id),
        mode=UNSET if plan.mode is None else RecurringModeModel(plan.mode.value),
        number_of_payments=_set(plan.number_of_payments),
        effective_date=UNSET if plan.effective_date is None else plan.effective_date.strftime("%d%m%Y"),
        expiry_date=UNSET if plan.expiry_date is None else plan.expiry_date.strftime("%d%m%Y"),
        maximum_payment_amount=_minor(plan.maximum_amount),
        is_fixed_amount=_set(plan.is_fixed_amount),
    )


def _minor(money: Money | None) -> Any:
    return UNSET if money is None else money.minor


def _result(call: Call) -> Flow[_Reader]:
    answer, result = yield from exchange(call)
    return _Reader(call, answer, result)


class _Reader:
    """Reads a result member by member, and raises once if anything is wrong. No type is ever coerced."""

    def __init__(self, call: Call, answer: Answer, result: Any) -> None:
        self._call = call
        self._answer = answer
        self._problems: list[str] = []
        self.result: dict[str, Any] = result if is_object(result) else {}
        if not is_object(result):
            self._problems.append("it holds no result")

    def finish(self) -> None:
        """Raises:
        InvalidResponse: (for a POST: UnreadableOutcome) if anything was wrong; it names every problem.
        """
        if self._problems:
            problems = self._problems if self.result else self._problems[:1]
            raise unreadable(self._call, _envelope.invalid(self._answer, "; ".join(problems)))

    def value(self, cls: Callable[..., T], **fields: Any) -> T:
        """The value that the members make, if nothing was wrong with them."""
        self.finish()
        return cls(**fields, raw=self.result)

    def text(self, name: str, *, required: bool = False, asked: str | None = None) -> Any:
        value = self.result.get(name)
        if value is None or (value == "" and not required):
            if required:
                self._problems.append(f"{name} is missing")
            return None
        if not isinstance(value, str) or (required and not value.strip()):
            self._problems.append(f"{name} is not a string" if not isinstance(value, str) else f"{name} is empty")
        elif asked is not None and value.lower() != asked.lower():
            self._problems.append(f"{name} is that of another payment than was asked for")
        return value

    def token(self, name: str) -> Any:
        value = self.text(name, required=True)
        # Else it would fail as a header, and the transport's error might quote it.
        if isinstance(value, str) and value.strip() and not _HEADER_VALUE.fullmatch(value):
            self._problems.append(f"{name} holds what a header can't")
        return value

    def url(self, name: str) -> Any:
        value = self.text(name, required=True)
        if isinstance(value, str) and value.strip() and check.url(value):
            self._problems.append(f"{name} is not an absolute URL")
        return value

    def integer(self, name: str, *, required: bool = False) -> Any:
        value = self.result.get(name)
        if value is None:
            if required:
                self._problems.append(f"{name} is missing")
        elif type(value) is not int:
            self._problems.append(f"{name} is not an integer")
        return value

    def status(self, name: str) -> Any:
        value = self.integer(name, required=True)
        return PaymentStatus(value) if type(value) is int else None

    def money(self, amount: str, currency: str) -> Any:
        minor, code = self.integer(amount, required=True), self.text(currency, required=True)
        if type(minor) is not int or not isinstance(code, str) or not code.strip():
            return None
        try:
            return Money.from_minor(minor, code)
        except ArgumentError as error:
            self._problems += error.problems
            return None
