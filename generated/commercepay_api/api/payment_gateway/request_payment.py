# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from typing import Any

from ... import wire as _wire
from ...client import AuthenticatedClient, Client
from ...http_library import httpx
from ...models.payment_request import PaymentRequest
from ...models.payment_started import PaymentStarted
from ...models.request_payment_envelope import RequestPaymentEnvelope
from ...types import Response


def _result(data: Any) -> PaymentStarted:
    result_type_1 = PaymentStarted.from_dict(data)

    return result_type_1


def request(
    *,
    body: PaymentRequest,
) -> _wire.Request[PaymentStarted]:
    """Start one payment. (Builds the request, for `CommercePay.call`.)"""

    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/services/app/PaymentGateway/RequestPayment",
    }

    _kwargs["json"] = body.to_dict()

    _kwargs["headers"] = headers
    _kwargs["extensions"] = {
        _wire.EXTENSION: _wire.Signing(
            name="RequestPayment",
            data=_kwargs.get("json", {}),
            secured=True,
        )
    }
    return _wire.Request(_kwargs, _result)


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> RequestPaymentEnvelope:
    if response.status_code == 200:
        response_200 = RequestPaymentEnvelope.from_dict(_wire.envelope(response))

        return response_200

    response_default = RequestPaymentEnvelope.from_dict(_wire.envelope(response))

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[RequestPaymentEnvelope]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=_wire.decode(response, lambda: _parse_response(client=client, response=response)),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: PaymentRequest,
) -> Response[RequestPaymentEnvelope]:
    """Start one payment.

     Starts one payment. The request has the channel, or the customer chooses it on the hosted page. A
    reference code that was used before is refused with code 2009, so a repeated call does not charge
    twice.

    Args:
        body (PaymentRequest): The payment that RequestPayment starts.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[RequestPaymentEnvelope]
    """

    kwargs = request(
        body=body,
    )

    response = _wire.send(client.get_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: PaymentRequest,
) -> RequestPaymentEnvelope:
    """Start one payment.

     Starts one payment. The request has the channel, or the customer chooses it on the hosted page. A
    reference code that was used before is refused with code 2009, so a repeated call does not charge
    twice.

    Args:
        body (PaymentRequest): The payment that RequestPayment starts.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        RequestPaymentEnvelope
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: PaymentRequest,
) -> Response[RequestPaymentEnvelope]:
    """Start one payment.

     Starts one payment. The request has the channel, or the customer chooses it on the hosted page. A
    reference code that was used before is refused with code 2009, so a repeated call does not charge
    twice.

    Args:
        body (PaymentRequest): The payment that RequestPayment starts.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[RequestPaymentEnvelope]
    """

    kwargs = request(
        body=body,
    )

    response = await _wire.asend(client.get_async_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: PaymentRequest,
) -> RequestPaymentEnvelope:
    """Start one payment.

     Starts one payment. The request has the channel, or the customer chooses it on the hosted page. A
    reference code that was used before is refused with code 2009, so a repeated call does not charge
    twice.

    Args:
        body (PaymentRequest): The payment that RequestPayment starts.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        RequestPaymentEnvelope
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
