"""What each call does, written once for both clients: check, send the generated operation's request, read the result."""

from __future__ import annotations

import re

from commercepay import _calls
from commercepay._base.json_guards import is_array
from commercepay._calls import checks as check
from commercepay._calls.result_reader import Reader
from commercepay._protocol.call import Call, Options
from commercepay._protocol.exchange import Flow, exchange
from commercepay._protocol.settings import Settings
from commercepay.errors import APIError, AuthenticationError, CommercePayError, InvalidResponse
from commercepay.models import Channel, ChannelCurrency, Payment, Session, StartedPayment
from commercepay.params import ChannelsParams, PaymentParams, QueryParams, SessionParams


def create_session(settings: Settings, given: SessionParams) -> Flow[Session]:
    call = Call(
        name="InitialSession",
        request=_calls.requests.session_request(settings, given),
        safe=False,
        reference_code=given["reference_code"],
        options=check.options_of(settings, given),
        settings=settings,
    )
    reader = yield from _result(call)
    return reader.checked(
        Session(
            redirect_url=reader.url("redirectUrl"),
            session_number=reader.text("sessionNumber"),
            redirection_type=reader.optional_integer("redirectionType"),
            reference_code=given["reference_code"],
            raw=reader.result,
        )
    )


def create_payment(settings: Settings, given: PaymentParams) -> Flow[StartedPayment]:
    call = Call(
        name="RequestPayment",
        request=_calls.requests.payment_request(settings, given),
        safe=False,
        reference_code=given["reference_code"],
        options=check.options_of(settings, given),
        settings=settings,
    )
    reader = yield from _result(call)
    redirect_url, client_script = reader.redirect()
    return reader.checked(
        StartedPayment(
            redirect_url=redirect_url,
            client_script=client_script,
            transaction_number=reader.text("transactionNumber"),
            redirection_type=reader.optional_integer("redirectionType"),
            reference_code=given["reference_code"],
            raw=reader.result,
        )
    )


def query_payment(settings: Settings, given: QueryParams) -> Flow[Payment]:
    call = Call(
        name="Query",
        request=_calls.requests.query_request(given),
        safe=True,
        number=check.number_of(given),
        options=check.options_of(settings, given),
        settings=settings,
    )
    reader = yield from _result(call)
    return reader.checked(
        Payment(
            status=reader.status("status"),
            amount=reader.money("amount", "currencyCode"),
            reference_code=reader.text("referenceCode"),
            transaction_number=reader.optional_text("transactionNumber", asked=given.get("transaction_number")),
            session_number=reader.optional_text("paymentSessionNumber", asked=given.get("session_number")),
            channel_id=reader.aside("channelId", int),
            provider_transaction_number=reader.aside("providerTransactionNumber", str),
            provider_payment_method=reader.aside("providerPaymentMethod", str),
            provider_error_message=reader.aside("providerErrorMessage", str),
            created=reader.aside("creationTime", str),
            remark=reader.aside("remark", str),
            raw=reader.result,
        )
    )


def list_channels(settings: Settings, given: ChannelsParams) -> Flow[tuple[Channel, ...]]:
    call = Call(
        name="GetTenantChannelsByCountry",
        request=_calls.requests.channels_request(given),
        safe=True,
        number=f"country {given['country']!r}",
        options=check.options_of(settings, given),
        settings=settings,
    )
    response, result = yield from exchange(call)
    if not is_array(result):
        return Reader(call, response, None).checked(())
    readers = [Reader(call, response, item, place=f"channel {index}: ") for index, item in enumerate(result, 1)]
    return tuple(reader.checked(_channel(reader)) for reader in readers)


def _channel(reader: Reader) -> Channel:
    return Channel(
        id=reader.integer("id"),
        name=reader.aside("name", str),
        type=reader.aside("type", int),
        is_provider_host_channel=reader.aside("isProviderHostChannel", bool),
        image_url=reader.aside("imageUrl", str),
        group_id=reader.aside("groupId", int),
        group_name=reader.aside("groupName", str),
        group_image_url=reader.aside("groupImageUrl", str),
        save_payment=reader.aside("savePayment", bool),
        currencies=tuple(map(_currency, reader.parts("currencyList") or reader.parts("currencies"))),
        raw=reader.result,
    )


def _currency(reader: Reader) -> ChannelCurrency:
    return ChannelCurrency(
        currency=reader.aside("acceptedCurrencyCode", str),
        min_request_amount=reader.number("minRequestAmount"),
        max_request_amount=reader.number("maxRequestAmount"),
        daily_transaction_count=reader.aside("dailyTransactionCount", int),
        daily_transaction_amount=reader.number("dailyTransactionAmount"),
        min_surcharge_amount=reader.number("minSurchargeAmount"),
        max_surcharge_amount=reader.number("maxSurchargeAmount"),
        is_surcharge_percentage=reader.aside("isSurchargePercentage", bool),
        surcharge=reader.number("surcharge"),
        raw=reader.result,
    )


def authenticate(settings: Settings, needed_by: Call, deadline: float) -> Flow[tuple[str, object]]:
    """The token and its lifetime in seconds, as the gateway sent it, even if it is not a number.

    Args:
        needed_by: the call that needs the token. Its options apply to the login as well.
        deadline: of the login, not after that of the call.
    """
    try:
        return (yield from _authenticate(settings, needed_by.options._replace(deadline=deadline)))
    except CommercePayError as error:
        error.during_login = True
        raise


def _authenticate(settings: Settings, options: Options) -> Flow[tuple[str, object]]:
    call = Call(
        name="Authenticate",
        request=_calls.requests.authenticate_request(settings),
        safe=True,
        options=options,
        authenticating=True,
    )
    try:
        reader = yield from _result(call)
        return reader.checked((reader.token("accessToken"), reader.result.get("expireInSeconds")))
    except (APIError, InvalidResponse) as error:
        # It may hold a token all the same, and an error's body is kept and pickled.
        error.body = _TOKEN.sub(rb'\1"***"', error.body)
        if type(error) is not APIError or error.status_code == 429:
            raise
        refusal = error
    # ABP reports wrong credentials with a 401 or a 500, and with the code 0, which it uses for other errors too.
    wrong = AuthenticationError(
        refusal.message,
        code=refusal.code,
        details=refusal.details,
        validation_errors=refusal.validation_errors,
        status_code=refusal.status_code,
        headers=refusal.headers,
        body=refusal.body,
    )
    raise call.named(wrong)


_TOKEN = re.compile(rb'("\w*token"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.IGNORECASE)


def _result(call: Call) -> Flow[Reader]:
    response, result = yield from exchange(call)
    return Reader(call, response, result)
