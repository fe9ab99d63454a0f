"""The dashboard: one page with everything that happened, and a form for each action of the control API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final, TypeVar, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from commercepay.sandbox.channels import CHANNELS
from commercepay.sandbox.deliveries import VARIANTS
from commercepay.sandbox.faults import KINDS
from commercepay.sandbox.rules import MOVES
from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web import serializers
from commercepay.sandbox.web.html import label, render
from commercepay.sandbox.web.serializers import CallbackView, RequestView, SessionView
from commercepay.status import PaymentStatus

V = TypeVar("V", bound=BaseModel)

_SHOWN: Final = 50
"""How many of each kind the page shows: the newest."""

_FILTERS: Final = ("q", "state", "status", "callback", "operation", "verdict")
_NOT_ACCEPTED: Final = "not accepted"

_WITH_BUTTON: Final = (PaymentStatus.CANCELLED, PaymentStatus.CANCELLED_BY_USER, PaymentStatus.EXPIRED)
"""Failures that have a button, and so are not in the list of failures."""


def dashboard(
    core: SandboxCore, request: Request, filters: Mapping[str, str], *, problem: str = "", status: int = 200
) -> Response:
    wanted = {name: filters.get(name, "").strip() for name in _FILTERS}
    text = wanted["q"].lower()

    def newest(views: Iterable[V], matches: Callable[[V], bool]) -> list[V]:
        found = (one for one in views if matches(one) and (not text or text in one.model_dump_json().lower()))
        return list(islice(found, _SHOWN))

    def order_matches(one: SessionView) -> bool:
        statuses = [payment.status_name for payment in one.payments]
        return wanted["state"] in ("", one.state) and wanted["status"] in ("", *statuses)

    def callback_matches(one: CallbackView) -> bool:
        return wanted["callback"] in ("", one.state) and wanted["status"] in ("", one.status_name)

    def request_matches(one: RequestView) -> bool:
        verdicts = ("", one.verdict, _NOT_ACCEPTED if one.verdict != "accepted" else "")
        return wanted["operation"] in ("", one.operation) and wanted["verdict"] in verdicts

    orders = map(serializers.session, reversed(core.store.orders.values()))
    callbacks = map(CallbackView.model_validate, reversed(core.store.callbacks.values()))
    requests = map(RequestView.model_validate, reversed(core.requests))
    failures = (one for one in MOVES[PaymentStatus.PENDING] if one.is_closed_unpaid and one not in _WITH_BUTTON)
    return render(
        "dashboard.html",
        status=status,
        problem=problem,
        wanted=wanted,
        filtered=any(wanted.values()),
        state=serializers.state(core),
        refused=sum(one.verdict != "accepted" for one in core.requests),
        orders=newest(orders, order_matches),
        callbacks=newest(callbacks, callback_matches),
        requests=newest(requests, request_matches),
        statuses=[one.name for one in PaymentStatus],
        callback_states=get_args(CallbackView.model_fields["state"].annotation),
        endpoints=sorted(operation.name for operation in core.description.operations.values()),
        verdicts=["accepted", _NOT_ACCEPTED, *sorted({one.verdict for one in core.requests} - {"accepted"})],
        failures=_choices(failures),
        moves={one.value: _choices(MOVES.get(one, ())) for one in PaymentStatus},
        channel=next(iter(CHANNELS)),
        fault_kinds=KINDS,
        variants=VARIANTS,
        tenant=core.tenant,
        base_url=str(request.base_url).rstrip("/"),
    )


def _choices(statuses: Iterable[PaymentStatus]) -> list[tuple[int, str]]:
    return [(one.value, f"{one.value} {label(one.name)}") for one in sorted(statuses)]


def filters_of(request: Request) -> dict[str, str]:
    """The filters of the dashboard from which a form was sent."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return {}
    found = dict(parse_qsl(parts.query)) if parts.netloc == request.headers.get("host") else {}
    return {name: found[name] for name in _FILTERS if found.get(name)}
