"""Functions of all generated operations: the data for a signer, sending, and reading a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypedDict, TypeGuard, TypeVar, cast

import httpx

from .errors import UnreadableResponse

T = TypeVar("T")

EXTENSION: Final = "commercepay"
"""The httpx request extension with the `Signing` of an operation, for an `httpx.Auth`."""


class Signing(TypedDict):
    """Data that an `httpx.Auth` can't read from a request."""

    data: dict[str, Any]
    """The data to sign: the JSON body, or the query parameters with their types, by the names in the query."""
    secured: bool
    """Whether the operation needs the access token and the signature. All except Authenticate do."""


@lru_cache(maxsize=256)
def absolute_url(base_url: httpx.URL, path: str) -> httpx.URL:
    """Join as httpx does, and keep the result: parsing URLs takes most of the time of building a request."""
    if base_url.is_relative_url:
        return httpx.URL(path)
    return base_url.copy_with(raw_path=base_url.raw_path.rstrip(b"/") + b"/" + path.lstrip("/").encode("ascii"))


def send(http: httpx.Client, request: Mapping[str, Any]) -> httpx.Response:
    """Send the request of an operation, and read the response.

    The body is streamed: if its content encoding can't be undone, status and headers are still known.
    """
    response = http.send(_built(http, request), stream=True)
    try:
        response.read()
    except httpx.DecodingError:
        pass
    else:
        return response
    finally:
        response.close()
    raise _undecodable(response)


async def asend(http: httpx.AsyncClient, request: Mapping[str, Any]) -> httpx.Response:
    """Send the request of an operation, and read the response."""
    response = await http.send(_built(http, request), stream=True)
    try:
        await response.aread()
    except httpx.DecodingError:
        pass
    else:
        return response
    finally:
        await response.aclose()
    raise _undecodable(response)


def _built(http: httpx.Client | httpx.AsyncClient, request: Mapping[str, Any]) -> httpx.Request:
    arguments: dict[str, Any] = {**request, "url": absolute_url(http.base_url, request["url"])}
    return http.build_request(**arguments)


def _undecodable(response: httpx.Response) -> UnreadableResponse:
    return UnreadableResponse(response.status_code, b"", response.headers, "its content encoding can't be undone")


def envelope(response: httpx.Response) -> dict[str, Any]:
    """Read a JSON object. A result without an envelope, as on the vendor's pages, is put into one."""
    body = members(response.json())
    return body if "result" in body or "error" in body else {"result": body}


def members(value: object) -> dict[str, Any]:
    """Copy the members of a JSON object. Another value is an error, also a list: `dict([])` is an empty dict."""
    if not isinstance(value, Mapping):
        raise TypeError("not a JSON object")
    return dict(cast("Mapping[str, Any]", value))


def no_members() -> dict[str, Any]:
    """Make an empty dict with known types, which a bare `dict` does not have."""
    return {}


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is a JSON object; type checkers then know the types of its members."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Tell whether a value is a JSON array; type checkers then know the types of its items."""
    return isinstance(value, list)


def decode(response: httpx.Response, parse: Callable[[], T]) -> T:
    """Raise one error, which keeps the response, for every problem in reading a body."""
    try:
        return parse()
    except KeyError as error:
        reason = f"the member {error} is missing"
    except UnicodeDecodeError:
        reason = "it is not valid Unicode"
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        # Not the text of the error, which may quote the body.
        reason = "its JSON does not match the description"
        if isinstance(error, TypeError) and str(error) == "not a JSON object":
            reason = "a JSON object is missing where the description has one"
    # Raised outside of the handler, so that its context is not an error that holds the body.
    raise UnreadableResponse(response.status_code, response.content, response.headers, reason)
