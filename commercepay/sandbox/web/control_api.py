"""The control API: what the dashboard can do, as JSON. FastAPI checks the arguments and writes the OpenAPI document."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

from fastapi import Body, Depends, FastAPI, HTTPException, Query
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match

from commercepay._version import __version__
from commercepay.sandbox.deliveries import Variant
from commercepay.sandbox.faults import Fault
from commercepay.sandbox.rules import GatewayRefusal
from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web import serializers as views
from commercepay.sandbox.web.app import PREFIX
from commercepay.sandbox.web.dashboard import dashboard, filters_of
from commercepay.sandbox.web.html import is_foreign, read_form
from commercepay.status import PaymentStatus

T = TypeVar("T")
V = TypeVar("V", bound=BaseModel)


class ErrorInfo(BaseModel):
    code: int | None = Field(description="The gateway's code, if it has one for this.")
    message: str


class Problem(BaseModel):
    """What was refused, and why."""

    error: ErrorInfo


class Options(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid")


class Outcome(Options):
    status: int | None = Field(default=None, ge=0, le=99, description="The usual one unless given.")
    channel_id: int | None = None


class Move(Options):
    status: int = Field(ge=0, le=99)


class Resend(Options):
    variant: Variant | None = None


class Advance(Options):
    advance: float = Field(ge=0, le=10**10, allow_inf_nan=False, description="How far, in seconds.")


class Action(APIRoute):
    """Runs an operation on the sandbox as it is now, and commits what it changed. Its body may be a form, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        body: Any = self.body_field and self.body_field.field_info.annotation

        async def handler(request: Request) -> Response:
            core: SandboxCore = request.state.core
            core.gateway.tick()
            if request.method == "POST" and is_foreign(request):
                raise HTTPException(403, "a page of another site sent this")
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            is_form = kind == "application/x-www-form-urlencoded"
            # Not text/plain or multipart, which a page of another site can send without being asked for permission.
            if request.method == "POST" and kind not in ("", "application/json") and not is_form:
                raise HTTPException(415, "Content-Type must be application/json")
            response = await handle(await _as_json(request, body) if is_form else request)
            core.store.commit()
            if not is_form:
                return response
            filters = urlencode(filters_of(request))
            return RedirectResponse(f"/_sandbox/?{filters}" if filters else "/_sandbox/", 303)

        return handler


async def _as_json(request: Request, body: type[BaseModel] | None) -> Request:
    """A request with a form, as one with JSON: each field in its own type, empty ones left out."""
    given: dict[str, Any] = {name: text for name, text in (await read_form(request)).items() if text}
    for name, field in body.model_fields.items() if body is not None else ():
        if name in given and field.annotation is not str and field.annotation != str | None:
            with contextlib.suppress(ValueError):  # a plain word, or nonsense: validation decides
                given[name] = json.loads(given[name])
    content = json.dumps(given).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content}

    return Request({**request.scope, "headers": [(b"content-type", b"application/json")]}, receive)


api: Final = FastAPI(
    title="CommercePay sandbox",
    version=__version__,
    description=(
        "What the dashboard can do, for scripts. A body is JSON or a form; the response to a form redirects to the"
        " dashboard. `number` is a session number or a transaction number. Not part of the real gateway."
    ),
    openapi_url=None,  # the document is an operation
    docs_url=None,
    redoc_url=None,
    generate_unique_id_function=lambda route: route.name,
    responses={"default": {"model": Problem, "description": "Refused."}},
    strict_content_type=False,
)
api.router.route_class = Action


def _problem(request: Request, status: int, message: str, code: int | None = None) -> Response:
    if "text/html" in request.headers.get("accept", "") and request.method == "POST":  # from the dashboard
        return dashboard(request.state.core, request, filters_of(request), problem=message, status=status)
    content = json.dumps({"error": {"code": code, "message": message}})  # ASCII: names of members may contain anything
    return Response(content, status, media_type="application/json")


@api.exception_handler(GatewayRefusal)
async def _refused(request: Request, error: GatewayRefusal) -> Response:
    return _problem(request, 404 if error.code == 2010 else 409, error.message, error.code)


@api.exception_handler(StarletteHTTPException)
async def _failed(request: Request, error: StarletteHTTPException) -> Response:
    response = _problem(request, error.status_code, error.detail)
    if error.status_code == 405:  # Starlette names the methods of the first route with this path only
        routes = [one for one in api.routes if one.matches(request.scope)[0] is not Match.NONE]
        response.headers["allow"] = ", ".join(sorted({name for one in routes for name in getattr(one, "methods", ())}))
    return response


@api.exception_handler(RequestValidationError)
async def _invalid(request: Request, error: RequestValidationError) -> Response:
    def place(one: Any) -> str:
        return ".".join(part for part in one["loc"][1:] if isinstance(part, str)) or "the body"

    return _problem(request, 400, "; ".join(f"{place(one)}: {one['msg']}" for one in error.errors())[:500])


def _core(request: Request) -> SandboxCore:
    core: SandboxCore = request.state.core
    return core


Core = Annotated[SandboxCore, Depends(_core)]
OptionalOutcome = Annotated[Outcome, Body(default_factory=Outcome)]


@api.get("/_sandbox/", include_in_schema=False)
async def show_dashboard(core: Core, request: Request) -> Response:
    return dashboard(core, request, request.query_params)


@api.get(f"{PREFIX}/openapi.json")
async def document() -> dict[str, Any]:
    """This document."""
    return api.openapi()


@api.get(f"{PREFIX}/state")
async def state(core: Core) -> views.StateView:
    """The sandbox as a whole. Poll `version` to see whether something changed."""
    return views.state(core)


@api.get(f"{PREFIX}/sessions")
async def sessions(core: Core, state: str | None = None, reference_code: str | None = None) -> list[views.SessionView]:
    """Sessions, newest first."""
    found = (views.session(order) for order in reversed(core.store.orders.values()) if order.is_session)
    return _filtered(found, state=state, reference_code=reference_code)


@api.get(f"{PREFIX}/sessions/{{number}}")
async def session(core: Core, number: str) -> views.SessionView:
    """One session."""
    order = core.store.orders.get(number)
    if order is None or not order.is_session:
        raise GatewayRefusal(2010, "no such session")
    return views.session(order)


@api.get(f"{PREFIX}/payments")
async def payments(
    core: Core, status: int | None = None, reference_code: str | None = None, session_number: str | None = None
) -> list[views.PaymentView]:
    """Payments, newest first; those without a session too."""
    orders = reversed(core.store.orders.values())
    found = (views.payment(order, one) for order in orders for one in reversed(order.attempts))
    return _filtered(found, status=status, reference_code=reference_code, session_number=session_number)


@api.get(f"{PREFIX}/payments/{{number}}")
async def payment(core: Core, number: str) -> views.PaymentView:
    """One payment with its timeline; of a session the last one."""
    order = core.store.order(number)
    if order is None:
        raise GatewayRefusal(2010, "no such payment")
    found = core.store.payment(number)
    return views.payment(order, found[1] if found is not None else order.last)


@api.post(f"{PREFIX}/payments/{{number}}/pay")
async def pay(core: Core, number: str, outcome: OptionalOutcome) -> views.PaymentView:
    """The customer pays."""
    return _settle(core, number, outcome, [PaymentStatus.PAID])


@api.post(f"{PREFIX}/payments/{{number}}/fail")
async def fail(core: Core, number: str, outcome: OptionalOutcome) -> views.PaymentView:
    """The customer's attempt fails: status 2, or another status of a failure."""
    return _settle(core, number, outcome, sorted(one for one in PaymentStatus if one.is_closed_unpaid))


@api.post(f"{PREFIX}/payments/{{number}}/cancel")
async def cancel(core: Core, number: str, outcome: OptionalOutcome) -> views.PaymentView:
    """The customer cancels the attempt: status 8, or 3."""
    return _settle(core, number, outcome, [PaymentStatus.CANCELLED_BY_USER, PaymentStatus.CANCELLED])


@api.post(f"{PREFIX}/payments/{{number}}/expire")
async def expire(core: Core, number: str) -> views.PaymentView:
    """The session or payment expires at once."""
    order = core.gateway.expire(number)
    return views.payment(order, order.last)


@api.post(f"{PREFIX}/payments/{{number}}/move")
async def move(core: Core, number: str, options: Move) -> views.PaymentView:
    """The payment of this transaction number goes to another status: capture, refund, void."""
    core.gateway.move(number, PaymentStatus(options.status))
    return await payment(core, number)


@api.get(f"{PREFIX}/callbacks")
async def callbacks(
    core: Core, state: str | None = None, number: str | None = None, transaction_number: str | None = None
) -> list[views.CallbackView]:
    """Callbacks with their deliveries, newest first."""
    found = map(views.CallbackView.model_validate, reversed(core.store.callbacks.values()))
    return _filtered(found, state=state, number=number, transaction_number=transaction_number)


@api.get(f"{PREFIX}/callbacks/{{number}}")
async def callback(core: Core, number: str) -> views.CallbackView:
    """One callback."""
    return views.CallbackView.model_validate(_find(core.store.callbacks, number))


@api.post(f"{PREFIX}/callbacks/{{number}}/resend")
async def resend(
    core: Core, number: str, options: Annotated[Resend, Body(default_factory=Resend)]
) -> views.CallbackView:
    """Send a callback again, at once."""
    found = _find(core.store.callbacks, number)
    try:
        return views.CallbackView.model_validate(core.deliveries.resend(found.id, options.variant))
    except ValueError as error:
        raise HTTPException(409, str(error)) from None


@api.get(f"{PREFIX}/requests")
async def requests(
    core: Core,
    operation: str | None = None,
    verdict: Annotated[str, Query(description="A part of it, such as `refused`.")] = "",
    status: int | None = None,
    after: Annotated[int, Query(description="Only those with a higher id.")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 200,
) -> list[views.RequestView]:
    """Requests to the gateway, newest first."""
    found = (
        views.RequestView.model_validate(one)
        for one in reversed(core.requests)
        if one.id > after and verdict in one.verdict
    )
    return _filtered(found, operation=operation, status=status)[:limit]


@api.get(f"{PREFIX}/requests/{{number}}")
async def request(core: Core, number: str) -> views.RequestView:
    """One request."""
    return views.RequestView.model_validate(_find({one.id: one for one in core.requests}, number))


@api.get(f"{PREFIX}/faults")
async def faults(core: Core) -> list[views.FaultView]:
    """The active faults, oldest first."""
    return views.faults(core)


@api.post(f"{PREFIX}/faults")
async def add_fault(core: Core, fault: views.NewFault) -> views.FaultView:
    """Add a fault."""
    try:
        added = core.faults.add(Fault(**fault.model_dump()))
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    core.store.touch()
    return views.FaultView.model_validate(added)


@api.post(f"{PREFIX}/faults/clear")
async def clear_faults(core: Core) -> list[views.FaultView]:
    """Remove all faults."""
    core.faults.clear()
    core.store.touch()
    return views.faults(core)


@api.post(f"{PREFIX}/faults/{{number}}/remove")
async def remove_fault(core: Core, number: str) -> list[views.FaultView]:
    """Remove one fault."""
    core.faults.remove(_find({fault.id: fault for fault in core.faults.active}, number).id)
    core.store.touch()
    return views.faults(core)


@api.post(f"{PREFIX}/tokens/revoke")
async def revoke_tokens(core: Core) -> views.StateView:
    """Revoke all access tokens."""
    core.gateway.revoke_tokens()
    core.store.touch()
    return views.state(core)


@api.get(f"{PREFIX}/clock")
async def clock(core: Core) -> views.ClockView:
    """The sandbox's clock."""
    return views.state(core)


@api.post(f"{PREFIX}/clock")
async def advance(core: Core, options: Advance) -> views.ClockView:
    """Set the clock forward."""
    core.advance(options.advance)
    return views.state(core)


@api.post(f"{PREFIX}/reset")
async def reset(core: Core) -> views.StateView:
    """Remove everything: the sandbox is then as it was at its start, with an empty store."""
    await core.reset()
    return views.state(core)


def _settle(core: SandboxCore, number: str, outcome: Outcome, allowed: list[PaymentStatus]) -> views.PaymentView:
    status = allowed[0] if outcome.status is None else PaymentStatus(outcome.status)
    if status not in allowed:
        raise HTTPException(400, f"{status.name} is not a status for this")
    order = core.store.order(number)
    key = order.number if order is not None else number
    settled = core.gateway.settle(key, status, channel_id=outcome.channel_id, note="by the control API")
    return views.payment(core.store.orders[key], settled)


def _filtered(views: Iterable[V], **wanted: str | int | None) -> list[V]:
    given = {name: value for name, value in wanted.items() if value is not None}
    return [view for view in views if all(getattr(view, name) == value for name, value in given.items())]


def _find(records: Mapping[int, T], number: str) -> T:
    found = {str(key): record for key, record in records.items()}.get(number)
    if found is None:
        raise HTTPException(404, "there is none of that id")
    return found
