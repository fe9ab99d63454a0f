# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from typing import Any

from ... import wire as _wire
from ...client import AuthenticatedClient, Client
from ...http_library import httpx
from ...models.initial_session_envelope import InitialSessionEnvelope
from ...models.session_opened import SessionOpened
from ...models.session_request import SessionRequest
from ...types import Response


def _result(data: Any) -> SessionOpened:
    result_type_1 = SessionOpened.from_dict(data)

    return result_type_1


def request(
    *,
    body: SessionRequest,
) -> _wire.Request[SessionOpened]:
    """Open a hosted payment session. (Builds the request, for `CommercePay.call`.)"""

    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/services/app/PaymentGateway/InitialSession",
    }

    _kwargs["json"] = body.to_dict()

    _kwargs["headers"] = headers
    _kwargs["extensions"] = {
        _wire.EXTENSION: _wire.Signing(
            name="InitialSession",
            data=_kwargs.get("json", {}),
            secured=True,
        )
    }
    return _wire.Request(_kwargs, _result)


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InitialSessionEnvelope:
    if response.status_code == 200:
        response_200 = InitialSessionEnvelope.from_dict(_wire.envelope(response))

        return response_200

    response_default = InitialSessionEnvelope.from_dict(_wire.envelope(response))

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[InitialSessionEnvelope]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=_wire.decode(response, lambda: _parse_response(client=client, response=response)),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: SessionRequest,
) -> Response[InitialSessionEnvelope]:
    """Open a hosted payment session.

     Opens a hosted payment session, in which the customer can try again until it expires. A reference
    code that was used before is refused with code 2009.

    Args:
        body (SessionRequest): The session that InitialSession opens. It has no channel members.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InitialSessionEnvelope]
    """

    kwargs = request(
        body=body,
    )

    response = _wire.send(client.get_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: SessionRequest,
) -> InitialSessionEnvelope:
    """Open a hosted payment session.

     Opens a hosted payment session, in which the customer can try again until it expires. A reference
    code that was used before is refused with code 2009.

    Args:
        body (SessionRequest): The session that InitialSession opens. It has no channel members.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InitialSessionEnvelope
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: SessionRequest,
) -> Response[InitialSessionEnvelope]:
    """Open a hosted payment session.

     Opens a hosted payment session, in which the customer can try again until it expires. A reference
    code that was used before is refused with code 2009.

    Args:
        body (SessionRequest): The session that InitialSession opens. It has no channel members.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InitialSessionEnvelope]
    """

    kwargs = request(
        body=body,
    )

    response = await _wire.asend(client.get_async_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: SessionRequest,
) -> InitialSessionEnvelope:
    """Open a hosted payment session.

     Opens a hosted payment session, in which the customer can try again until it expires. A reference
    code that was used before is refused with code 2009.

    Args:
        body (SessionRequest): The session that InitialSession opens. It has no channel members.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InitialSessionEnvelope
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
