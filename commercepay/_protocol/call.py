"""One call to the gateway: what it sends, until when it must be over, and whether it may be sent again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Self, TypeVar

from commercepay_api.wire import EXTENSION, Signing

from commercepay._base.record import Record
from commercepay._protocol import defaults
from commercepay._protocol.http_library import httpx
from commercepay._protocol.settings import Settings
from commercepay.errors import CommercePayError

E = TypeVar("E", bound=CommercePayError)

CALL: Final = "commercepay.call"
"""The httpx request extension under which a request carries its `Call`."""


class Options(NamedTuple):
    """The options of a call, those of the client where it has none.

    Attributes:
        timeout: seconds for the whole call.
        max_retries: further attempts, where they are safe.
        deadline: when the call must be over, in seconds of `time.monotonic`.
        own: whether the call has options that differ from the client's.
    """

    timeout: float
    max_retries: int
    deadline: float
    own: bool = False

    @classmethod
    def starting_now(cls, timeout: float, max_retries: int, *, own: bool = False) -> Self:
        return cls(timeout, max_retries, time.monotonic() + timeout, own)


class Call(Record):
    """One request to one endpoint.

    Attributes:
        name: for logs and errors, such as "Query".
        request: builds the request, as a generated module's `request` returns it. It is called for each attempt.
        safe: whether the request changes nothing, so that it may be sent again.
        options: timeout, deadline and retries.
        reference_code: for errors, the reference code that the call carries, or the merchant's reference for it.
        number: for errors, the number that the call asks about, if it asks about one.
        authenticating: whether it is the login itself.
        settings: of the client, to explain a refused signature; None for a raw generated function.
        is_documented: whether the endpoint is known to have every member that the call sends.
    """

    name: str
    request: Callable[[], dict[str, Any]]
    safe: bool
    options: Options
    reference_code: str | None = None
    number: str | None = None
    authenticating: bool = False
    settings: Settings | None = None
    is_documented: bool = True

    @property
    def least_seconds(self) -> float:
        """Seconds that must be left to send it. With less, a POST would probably end without a response."""
        return 0.0 if self.safe else min(self.options.timeout * 0.9, defaults.SECONDS_FOR_A_POST)

    @property
    def opens_payment(self) -> bool:
        """Whether the call opens a payment with its reference code, which the gateway takes once only."""
        return self.name.rpartition("/")[2] in ("InitialSession", "RequestPayment")

    def named(self, error: E) -> E:
        """The error, with the call and what it is about at the start of its text."""
        about = self.number if self.reference_code is None else f"reference code {self.reference_code!r}"
        error.args = (f"{self.name} ({about}): {error}" if about else f"{self.name}: {error}",)
        return error


def call_of(request: httpx.Request) -> Call:
    """The call that a request belongs to. For a raw generated function it is made from the request itself."""
    call: Call | None = request.extensions.get(CALL)
    if call is None:
        by_hand = Signing(name=request.url.path.rpartition("/")[2] or request.method, data={}, secured=True)
        carried: Signing = request.extensions.get(EXTENSION, by_hand)
        timeouts: dict[str, float | None] = request.extensions.get("timeout") or {}
        timeout = timeouts.get("read")
        reference_code: object = carried["data"].get("referenceCode")
        call = request.extensions[CALL] = Call(
            name=carried["name"],
            request=dict,
            safe=request.method in ("GET", "HEAD") or not carried["secured"],
            options=Options.starting_now(defaults.TIMEOUT if timeout is None else timeout, 0, own=True),
            reference_code=reference_code if isinstance(reference_code, str) else None,
        )
    return call
