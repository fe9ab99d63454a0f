# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from typing import Any

from ... import wire as _wire
from ...client import AuthenticatedClient, Client
from ...http_library import httpx
from ...models.query_envelope import QueryEnvelope
from ...models.query_result import QueryResult
from ...types import UNSET, Response, Unset


def _result(data: Any) -> QueryResult:
    result_type_1 = QueryResult.from_dict(data)

    return result_type_1


def request(
    *,
    transaction_number: str | Unset = UNSET,
    session_number: str | Unset = UNSET,
    timestamp: int,
) -> _wire.Request[QueryResult]:
    """Get the status of a payment. (Builds the request, for `CommercePay.call`.)"""

    params: dict[str, Any] = {}

    params["TransactionNumber"] = transaction_number

    params["SessionNumber"] = session_number

    params["Timestamp"] = timestamp

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/services/app/PaymentGateway/Query",
        "params": params,
    }

    _kwargs["extensions"] = {
        _wire.EXTENSION: _wire.Signing(
            name="Query",
            data=params,
            secured=True,
        )
    }
    return _wire.Request(_kwargs, _result)


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> QueryEnvelope:
    if response.status_code == 200:
        response_200 = QueryEnvelope.from_dict(_wire.envelope(response))

        return response_200

    response_default = QueryEnvelope.from_dict(_wire.envelope(response))

    return response_default


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[QueryEnvelope]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=_wire.decode(response, lambda: _parse_response(client=client, response=response)),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    transaction_number: str | Unset = UNSET,
    session_number: str | Unset = UNSET,
    timestamp: int,
) -> Response[QueryEnvelope]:
    """Get the status of a payment.

     Returns a payment with its status. Give either its transaction number or its session number. The
    query parameters are signed with their types: the transaction or session number as a string, the
    timestamp as a number.

    Args:
        transaction_number (str | Unset): The transaction number that RequestPayment returned.
        session_number (str | Unset): The session number that InitialSession returned.
        timestamp (int): The time of the call, in milliseconds since the Unix epoch.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[QueryEnvelope]
    """

    kwargs = request(
        transaction_number=transaction_number,
        session_number=session_number,
        timestamp=timestamp,
    )

    response = _wire.send(client.get_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    transaction_number: str | Unset = UNSET,
    session_number: str | Unset = UNSET,
    timestamp: int,
) -> QueryEnvelope:
    """Get the status of a payment.

     Returns a payment with its status. Give either its transaction number or its session number. The
    query parameters are signed with their types: the transaction or session number as a string, the
    timestamp as a number.

    Args:
        transaction_number (str | Unset): The transaction number that RequestPayment returned.
        session_number (str | Unset): The session number that InitialSession returned.
        timestamp (int): The time of the call, in milliseconds since the Unix epoch.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        QueryEnvelope
    """

    return sync_detailed(
        client=client,
        transaction_number=transaction_number,
        session_number=session_number,
        timestamp=timestamp,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    transaction_number: str | Unset = UNSET,
    session_number: str | Unset = UNSET,
    timestamp: int,
) -> Response[QueryEnvelope]:
    """Get the status of a payment.

     Returns a payment with its status. Give either its transaction number or its session number. The
    query parameters are signed with their types: the transaction or session number as a string, the
    timestamp as a number.

    Args:
        transaction_number (str | Unset): The transaction number that RequestPayment returned.
        session_number (str | Unset): The session number that InitialSession returned.
        timestamp (int): The time of the call, in milliseconds since the Unix epoch.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[QueryEnvelope]
    """

    kwargs = request(
        transaction_number=transaction_number,
        session_number=session_number,
        timestamp=timestamp,
    )

    response = await _wire.asend(client.get_async_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    transaction_number: str | Unset = UNSET,
    session_number: str | Unset = UNSET,
    timestamp: int,
) -> QueryEnvelope:
    """Get the status of a payment.

     Returns a payment with its status. Give either its transaction number or its session number. The
    query parameters are signed with their types: the transaction or session number as a string, the
    timestamp as a number.

    Args:
        transaction_number (str | Unset): The transaction number that RequestPayment returned.
        session_number (str | Unset): The session number that InitialSession returned.
        timestamp (int): The time of the call, in milliseconds since the Unix epoch.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        QueryEnvelope
    """

    return (
        await asyncio_detailed(
            client=client,
            transaction_number=transaction_number,
            session_number=session_number,
            timestamp=timestamp,
        )
    ).parsed
