# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from typing import Any

from ... import wire as _wire
from ...client import AuthenticatedClient, Client
from ...http_library import httpx
from ...models.channel import Channel
from ...models.channels_envelope import ChannelsEnvelope
from ...types import UNSET, Response


def _result(data: Any) -> list[Channel]:
    result_type_1: list[Channel] = []
    _result_type_1 = data
    for result_type_1_item_data in _result_type_1:
        result_type_1_item = Channel.from_dict(result_type_1_item_data)

        result_type_1.append(result_type_1_item)

    return result_type_1


def request(
    *,
    country_code: str,
) -> _wire.Request[list[Channel]]:
    """List the channels that the merchant can offer in a country. (Builds the request, for `CommercePay.call`.)"""

    params: dict[str, Any] = {}

    params["countryCode"] = country_code

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/services/app/Channel/GetTenantChannelsByCountry",
        "params": params,
    }

    _kwargs["extensions"] = {
        _wire.EXTENSION: _wire.Signing(
            name="GetTenantChannelsByCountry",
            data=params,
            secured=True,
        )
    }
    return _wire.Request(_kwargs, _result)


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ChannelsEnvelope:
    if response.status_code == 200:
        response_200 = ChannelsEnvelope.from_dict(_wire.envelope(response))

        return response_200

    response_default = ChannelsEnvelope.from_dict(_wire.envelope(response))

    return response_default


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[ChannelsEnvelope]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=_wire.decode(response, lambda: _parse_response(client=client, response=response)),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    country_code: str,
) -> Response[ChannelsEnvelope]:
    """List the channels that the merchant can offer in a country.

     Lists the payment channels that the merchant can offer in a country. The only integration with this
    call does not sign it; that a signature is accepted is an assumption.

    Args:
        country_code (str): The ISO 3166-1 alpha-2 code of the country.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChannelsEnvelope]
    """

    kwargs = request(
        country_code=country_code,
    )

    response = _wire.send(client.get_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    country_code: str,
) -> ChannelsEnvelope:
    """List the channels that the merchant can offer in a country.

     Lists the payment channels that the merchant can offer in a country. The only integration with this
    call does not sign it; that a signature is accepted is an assumption.

    Args:
        country_code (str): The ISO 3166-1 alpha-2 code of the country.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChannelsEnvelope
    """

    return sync_detailed(
        client=client,
        country_code=country_code,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    country_code: str,
) -> Response[ChannelsEnvelope]:
    """List the channels that the merchant can offer in a country.

     Lists the payment channels that the merchant can offer in a country. The only integration with this
    call does not sign it; that a signature is accepted is an assumption.

    Args:
        country_code (str): The ISO 3166-1 alpha-2 code of the country.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChannelsEnvelope]
    """

    kwargs = request(
        country_code=country_code,
    )

    response = await _wire.asend(client.get_async_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    country_code: str,
) -> ChannelsEnvelope:
    """List the channels that the merchant can offer in a country.

     Lists the payment channels that the merchant can offer in a country. The only integration with this
    call does not sign it; that a signature is accepted is an assumption.

    Args:
        country_code (str): The ISO 3166-1 alpha-2 code of the country.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChannelsEnvelope
    """

    return (
        await asyncio_detailed(
            client=client,
            country_code=country_code,
        )
    ).parsed
