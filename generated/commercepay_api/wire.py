# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""Functions of all generated operations: the data for a signer, sending, and reading a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final, Generic, TypedDict, TypeGuard, TypeVar, cast

from .http_library import httpx

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

EXTENSION: Final = "commercepay"
"""The httpx request extension with the `Signing` of an operation, for an `httpx.Auth`."""


class Signing(TypedDict):
    """Data that an `httpx.Auth` can't read from a request."""

    name: str
    """The name of the operation, for errors."""
    data: dict[str, Any]
    """The data to sign: the JSON body, or the query parameters with their types, by the names in the query."""
    secured: bool
    """Whether the operation needs the access token and the signature. All except Authenticate do."""


class Request(dict[str, Any], Generic[T_co]):
    """A request that an operation's `request` has built: the arguments of httpx's `build_request`.

    `read` makes the result in a response's envelope into the operation's type, or raises one of `UNREADABLE`.
    """

    def __init__(self, arguments: Mapping[str, Any], read: Callable[[Any], T_co]) -> None:
        super().__init__(arguments)
        self.read: Final = read

    def __repr__(self) -> str:
        return f"<request {self['method'].upper()} {self['url']}>"  # not the body, which may hold a password


class UnreadableResponse(Exception):
    """Raised by the functions of operations when the body of a response does not match the description.

    It keeps the response. Its text does not show the body, which may hold a token. `content` is empty if the body's content
    encoding can't be undone.
    """

    def __init__(self, status_code: int, content: bytes, headers: MutableMapping[str, str], reason: str) -> None:
        super().__init__(f"Unreadable response: HTTP {status_code}, {len(content)} bytes (not shown): {reason}")
        self.status_code = status_code
        self.content = content
        self.headers = headers
        self.reason = reason

    def __reduce__(self) -> tuple[type[UnreadableResponse], tuple[int, bytes, MutableMapping[str, str], str]]:
        return type(self), (self.status_code, self.content, self.headers, self.reason)


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
    except UNREADABLE as error:
        reason = reason_of(error)
    # Raised outside of the handler, so that its context is not an error that holds the body.
    raise UnreadableResponse(response.status_code, response.content, response.headers, reason)


UNREADABLE: Final = (KeyError, ValueError, TypeError, AttributeError, RecursionError)
"""What the models raise for JSON that they can't read."""


def reason_of(error: Exception) -> str:
    """Tell what is wrong with a body, without the text of the error, which may quote it."""
    if isinstance(error, KeyError):
        return f"the member {error} is missing"
    if isinstance(error, UnicodeDecodeError):
        return "it is not valid Unicode"
    if isinstance(error, TypeError) and str(error) == "not a JSON object":
        return "a JSON object is missing where the description has one"
    return "its JSON does not match the description"
