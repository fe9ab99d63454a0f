"""What every generated operation has in common: what it says to a signer, and how it reads an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypedDict, TypeGuard, TypeVar, cast

import httpx

from .errors import UnreadableResponse

T = TypeVar("T")

EXTENSION: Final = "commercepay"
"""The httpx request extension under which an operation carries a `Signing`, for an `httpx.Auth` to read."""


class Signing(TypedDict):
    """What an `httpx.Auth` cannot see in a request any more."""

    data: dict[str, Any]
    """What is to be signed: the JSON body, or the query parameters with their own types and their names on the wire."""
    secured: bool
    """Whether the operation needs the access token and the signature; all but Authenticate do."""


@lru_cache(maxsize=256)
def absolute_url(base_url: httpx.URL, path: str) -> httpx.URL:
    """Join as httpx does, but once: parsing URLs is most of what building a request costs."""
    if base_url.is_relative_url:
        return httpx.URL(path)
    return base_url.copy_with(raw_path=base_url.raw_path.rstrip(b"/") + b"/" + path.lstrip("/").encode("ascii"))


def send(http: httpx.Client, request: Mapping[str, Any]) -> httpx.Response:
    """Send what an operation's `request` returned, and read the response.

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
    """Do the same asynchronously."""
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
    """Read a JSON object; the bare result of the vendor's own pages is put into the envelope that it lacks."""
    body = members(response.json())
    return body if "result" in body or "error" in body else {"result": body}


def members(value: object) -> dict[str, Any]:
    """Copy a JSON object's members, and refuse what is none: `dict([])` would pass for an empty object."""
    if not isinstance(value, Mapping):
        raise TypeError("not a JSON object")
    return dict(cast("Mapping[str, Any]", value))


def no_members() -> dict[str, Any]:
    """Make an empty dict whose types are known, which those of a bare `dict` are not."""
    return {}


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is a JSON object, in a way that leaves its types known."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Tell whether a value is a JSON array, in a way that leaves its types known."""
    return isinstance(value, list)


def decode(response: httpx.Response, parse: Callable[[], T]) -> T:
    """Turn whatever goes wrong in reading a body into one error, which keeps the response."""
    try:
        return parse()
    except KeyError as error:
        reason = f"the member {error} is missing"
    except UnicodeDecodeError:
        reason = "it is not valid Unicode"
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        # Only our own words: the text of some of these errors quotes the body.
        reason = "it is not the JSON that the description says"
        if isinstance(error, TypeError) and str(error) == "not a JSON object":
            reason = "a JSON object is missing where the description has one"
    # Raised outside of the handler, so that no error that holds the body hangs on as its context.
    raise UnreadableResponse(response.status_code, response.content, response.headers, reason)
