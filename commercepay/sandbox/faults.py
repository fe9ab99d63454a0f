"""Faults: what goes wrong on demand, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from commercepay._base.json_guards import is_object

RequestFault = Literal[
    "latency",
    "status",
    "truncated",
    "not_json",
    "drop_before",
    "drop_after",
    "tokens_revoked",
    "unknown_status",
    "wrong_types",
]
CallbackFault = Literal[
    "callback_twice",
    "callback_late",
    "callback_out_of_order",
    "callback_never",
    "callback_unsigned",
    "callback_wrongly_signed",
    "callback_other_amount",
]
Kind = Literal[RequestFault, CallbackFault]

_OF_REQUESTS: Final[tuple[str, ...]] = get_args(RequestFault)
_OF_CALLBACKS: Final[tuple[str, ...]] = get_args(CallbackFault)

KINDS: Final[Mapping[str, str]] = {
    "latency": "wait `seconds`, then process",
    "status": "respond with HTTP `status`, `body` and `headers`; with `processed`, process the request first",
    "truncated": "process, then send half of the response's JSON",
    "not_json": "process, then send `body` (an HTML page unless given) with HTTP 200",
    "drop_before": "drop the connection before anything is processed",
    "drop_after": "process, then drop the connection: the response is lost",
    "tokens_revoked": "revoke all access tokens, then process",
    "unknown_status": "process, then report payment status `status` (99 unless given), which is in no list",
    "wrong_types": "process, then send the result's integers as strings and its strings as integers",
    "callback_twice": "send the callback twice",
    "callback_late": "send the callback after `seconds` of the sandbox's time",
    "callback_out_of_order": "hold the callback until the next one is delivered",
    "callback_never": "do not send the callback",
    "callback_unsigned": "send the callback without a signature",
    "callback_wrongly_signed": "send the callback with a wrong signature",
    "callback_other_amount": "send the callback, rightly signed, with another `amount` (one minor unit more unless given)",
}

HTML: Final = "<!DOCTYPE html><html><head><title>{status}</title></head><body>Web server error {status}</body></html>"


def _is_text(value: object) -> bool:
    """Whether a value is a string that UTF-8 can encode: half a surrogate pair is not."""
    return isinstance(value, str) and value.encode(errors="ignore").decode() == value


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


_CHECKS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "times": ("a positive integer or null (no limit)", lambda one: one is None or (type(one) is int and one > 0)),
    "share": ("a number above 0, at most 1", lambda one: type(one) in (int, float) and 0 < one <= 1),
    "endpoint": ("an endpoint's name, or null for all", lambda one: one is None or _is_text(one)),
    "seconds": ("a number of seconds from 0 to 86400", lambda one: type(one) in (int, float) and 0 <= one <= 86_400),
    "status": ("an integer", lambda one: one is None or type(one) is int),
    "body": ("a text", lambda one: one is None or _is_text(one)),
    "headers": (
        "an object of strings, one line each",
        lambda one: is_object(one) and all(_is_line(name) and _is_line(value) for name, value in one.items()),
    ),
    "processed": ("a boolean", lambda one: type(one) is bool),
    "amount": ("an integer", lambda one: one is None or type(one) is int),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        kind: what goes wrong; see `KINDS`.
        endpoint: the endpoint's name, such as `Query`; None for all endpoints. Not used for callbacks.
        times: for how many of the next requests or callbacks; None for no limit.
        share: for which share of them; 0.5 is every other one.
        fired: how often it fired.
        pending: the part of the share that has not fired yet.
    """

    kind: Kind
    endpoint: str | None = None
    times: int | None = 1
    share: float = 1.0
    seconds: float = 0.0
    status: int | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    processed: bool = False
    amount: int | None = None
    id: int = 0
    fired: int = 0
    pending: float = 0.0

    def __post_init__(self) -> None:
        wrong = [f"kind must be one of {', '.join(KINDS)}"] if self.kind not in KINDS else []
        wrong += [f"{name} must be {text}" for name, (text, check) in _CHECKS.items() if not check(getattr(self, name))]
        if self.kind == "status" and (self.status is None or not 200 <= self.status <= 599):
            wrong.append("a status fault needs a status from 200 to 599")
        if wrong:
            raise ValueError("; ".join(wrong))


class Faults:
    """The active faults, oldest first."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._last = 0

    def add(self, fault: Fault) -> Fault:
        self._last += 1
        fault.id = self._last
        self.active.append(fault)
        return fault

    def remove(self, number: int) -> bool:
        before = len(self.active)
        self.active = [fault for fault in self.active if fault.id != number]
        return len(self.active) < before

    def clear(self) -> None:
        self.active.clear()

    def for_request(self, endpoint: str) -> list[Fault]:
        """The faults that fire for this request."""
        if not self.active:
            return []
        wanted = (None, endpoint.lower())
        return self._fire(_OF_REQUESTS, lambda fault: (fault.endpoint and fault.endpoint.lower()) in wanted)

    def for_callback(self) -> list[Fault]:
        """The faults that fire for this callback."""
        return self._fire(_OF_CALLBACKS, lambda _: True) if self.active else []

    def _fire(self, kinds: tuple[str, ...], matches: Callable[[Fault], bool]) -> list[Fault]:
        fired: list[Fault] = []
        for fault in self.active:
            if fault.kind in kinds and matches(fault):
                # A share is spread evenly, not at random, so that a test can rely on it.
                fault.pending += fault.share
                if fault.pending >= 1 - 1e-9:
                    fault.pending -= 1
                    fault.fired += 1
                    fired.append(fault)
        self.active = [fault for fault in self.active if fault.times is None or fault.fired < fault.times]
        return fired
