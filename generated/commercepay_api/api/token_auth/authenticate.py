# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from typing import Any

from ... import wire as _wire
from ...client import AuthenticatedClient, Client
from ...http_library import httpx
from ...models.authenticate_envelope import AuthenticateEnvelope
from ...models.authenticate_request import AuthenticateRequest
from ...models.authenticate_result import AuthenticateResult
from ...types import Response


def _result(data: Any) -> AuthenticateResult:
    result_type_1 = AuthenticateResult.from_dict(data)

    return result_type_1


def request(
    *,
    body: AuthenticateRequest,
) -> _wire.Request[AuthenticateResult]:
    """Get an access token. (Builds the request, for `CommercePay.call`.)"""

    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/TokenAuth/Authenticate",
    }

    _kwargs["json"] = body.to_dict()

    _kwargs["headers"] = headers
    _kwargs["extensions"] = {
        _wire.EXTENSION: _wire.Signing(
            name="Authenticate",
            data=_kwargs.get("json", {}),
            secured=False,
        )
    }
    return _wire.Request(_kwargs, _result)


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> AuthenticateEnvelope:
    if response.status_code == 200:
        response_200 = AuthenticateEnvelope.from_dict(_wire.envelope(response))

        return response_200

    response_default = AuthenticateEnvelope.from_dict(_wire.envelope(response))

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[AuthenticateEnvelope]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=_wire.decode(response, lambda: _parse_response(client=client, response=response)),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: AuthenticateRequest,
) -> Response[AuthenticateEnvelope]:
    """Get an access token.

     Exchanges a user name and a password for an access token. Keep the token secret, reuse it until it
    expires, then call this again. The call is not signed. For wrong credentials, the envelope has an
    `error`: the framework responds with HTTP 401 or 500, code 0, "Login failed!" and details such as
    "Invalid user name or password". Repeated wrong passwords lock the account.

    Args:
        body (AuthenticateRequest): The credentials of a merchant's API user.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuthenticateEnvelope]
    """

    kwargs = request(
        body=body,
    )

    response = _wire.send(client.get_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: AuthenticateRequest,
) -> AuthenticateEnvelope:
    """Get an access token.

     Exchanges a user name and a password for an access token. Keep the token secret, reuse it until it
    expires, then call this again. The call is not signed. For wrong credentials, the envelope has an
    `error`: the framework responds with HTTP 401 or 500, code 0, "Login failed!" and details such as
    "Invalid user name or password". Repeated wrong passwords lock the account.

    Args:
        body (AuthenticateRequest): The credentials of a merchant's API user.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuthenticateEnvelope
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: AuthenticateRequest,
) -> Response[AuthenticateEnvelope]:
    """Get an access token.

     Exchanges a user name and a password for an access token. Keep the token secret, reuse it until it
    expires, then call this again. The call is not signed. For wrong credentials, the envelope has an
    `error`: the framework responds with HTTP 401 or 500, code 0, "Login failed!" and details such as
    "Invalid user name or password". Repeated wrong passwords lock the account.

    Args:
        body (AuthenticateRequest): The credentials of a merchant's API user.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuthenticateEnvelope]
    """

    kwargs = request(
        body=body,
    )

    response = await _wire.asend(client.get_async_httpx_client(), kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: AuthenticateRequest,
) -> AuthenticateEnvelope:
    """Get an access token.

     Exchanges a user name and a password for an access token. Keep the token secret, reuse it until it
    expires, then call this again. The call is not signed. For wrong credentials, the envelope has an
    `error`: the framework responds with HTTP 401 or 500, code 0, "Login failed!" and details such as
    "Invalid user name or password". Repeated wrong passwords lock the account.

    Args:
        body (AuthenticateRequest): The credentials of a merchant's API user.

    Raises:
        wire.UnreadableResponse: If the body does not match the description. The error keeps the response.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuthenticateEnvelope
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
