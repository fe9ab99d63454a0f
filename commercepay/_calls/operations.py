"""What each call does, written once for both clients: check, call the generated operation, read the result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from commercepay_api.api.payment_gateway import initial_session, query, request_payment
from commercepay_api.api.token_auth import authenticate as authenticate_operation
from commercepay_api.models import AuthenticateRequest

from commercepay._calls.request_bodies import (
    call_options,
    number_of,
    payment_request,
    query_arguments,
    session_request,
)
from commercepay._calls.result_reader import Reader
from commercepay._protocol.auth import call_options as current_options
from commercepay._protocol.exchange import Call, Flow, exchange
from commercepay._protocol.settings import Settings
from commercepay.errors import APIError, AuthenticationError, InvalidResponse
from commercepay.models import Payment, Session, StartedPayment


def create_session(settings: Settings, given: Mapping[str, Any]) -> Flow[Session]:
    body = session_request(settings, given)
    call = Call(
        name="InitialSession",
        operation=initial_session,
        arguments={"body": body},
        safe=False,
        reference_code=body.reference_code,
        **call_options(settings, given),
    )
    reader = yield from _result(call)
    return reader.value(
        Session,
        redirect_url=reader.url("redirectUrl"),
        session_number=reader.text("sessionNumber", required=True),
        redirection_type=reader.integer("redirectionType"),
        reference_code=body.reference_code,
    )


def create_payment(settings: Settings, given: Mapping[str, Any]) -> Flow[StartedPayment]:
    body = payment_request(settings, given)
    call = Call(
        name="RequestPayment",
        operation=request_payment,
        arguments={"body": body},
        safe=False,
        reference_code=body.reference_code,
        **call_options(settings, given),
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
    arguments = query_arguments(given)
    call = Call(
        name="Query",
        operation=query,
        arguments=arguments,
        safe=True,
        number=number_of(given),
        **call_options(settings, given),
    )
    reader = yield from _result(call)
    return reader.value(
        Payment,
        status=reader.status("status"),
        amount=reader.money("amount", "currencyCode"),
        reference_code=reader.text("referenceCode", required=True),
        transaction_number=reader.text("transactionNumber", asked=given.get("transaction_number")),
        session_number=reader.text("paymentSessionNumber", asked=given.get("session_number")),
        channel_id=reader.aside("channelId", int),
        provider_transaction_number=reader.aside("providerTransactionNumber", str),
        provider_payment_method=reader.aside("providerPaymentMethod", str),
        provider_error_message=reader.aside("providerErrorMessage", str),
        created=reader.aside("creationTime", str),
        remark=reader.aside("remark", str),
    )


def authenticate(settings: Settings) -> Flow[tuple[str, object]]:
    """The token and its lifetime in seconds, as the gateway gave it (or whatever stood there instead).

    The options of the call that needs the token hold for this one too.
    """
    call = Call(
        name="Authenticate",
        operation=authenticate_operation,
        arguments={
            "body": AuthenticateRequest(
                user_name_or_email_address=settings.username, password=settings.password.reveal()
            )
        },
        safe=True,
        **call_options(settings, current_options.get()._asdict()),
        authenticating=True,
    )
    try:
        reader = yield from _result(call)
        token = reader.token("accessToken")
        reader.finish()
    except (APIError, InvalidResponse) as error:
        # It may hold a token all the same, and an error's body is kept and pickled.
        error.body = _TOKEN.sub(rb'\1"***"', error.body)
        if type(error) is not APIError or error.status_code == 429:
            raise
        refusal = error
    else:
        return token, reader.result.get("expireInSeconds")
    # ABP answers wrong credentials with a 401 or a 500, and with the code 0 that it has for anything.
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
    answer, result = yield from exchange(call)
    return Reader(call, answer, result)
