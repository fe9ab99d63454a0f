"""The sandbox's JSON API, and the dashboard: one page with a form for each thing that the API can do."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from jsonschema_rs import Draft202012Validator
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from commercepay._base.json_guards import is_object
from commercepay.sandbox.deliveries import VARIANTS
from commercepay.sandbox.faults import KINDS, Fault
from commercepay.sandbox.rules import CHANNELS, MOVES, Refused
from commercepay.sandbox.sandbox import World
from commercepay.sandbox.web import serializers
from commercepay.sandbox.web.api_document import DOCUMENT
from commercepay.sandbox.web.payment_page import foreign, label, read_form, render
from commercepay.status import PaymentStatus

Given = Mapping[str, Any]
Act = Callable[[World, Given], Any]


class Rejected(Exception):
    """What was asked of the API can't be done."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def routes(world: World) -> list[Route]:
    """A route for each operation of the document, and the dashboard."""
    found = [_route(world, path, item) for path, item in DOCUMENT["paths"].items()]

    async def dashboard(request: Request) -> Response:
        return _dashboard(world, request, request.query_params)

    async def inbox(_request: Request) -> Response:
        return Response(status_code=200)  # takes any callback: for those who have no receiver yet

    return [
        *found,
        Route("/_sandbox/", dashboard, methods=["GET"]),
        Route("/_sandbox/inbox", inbox, methods=["POST"]),
    ]


# --- the dashboard ---------------------------------------------------------------------------------------------------

_SHOWN: Final = 50
"""Of each kind, the newest."""

_FILTERS: Final = ("q", "state", "status", "callback", "operation", "verdict")
_NOT_ACCEPTED: Final = "not accepted"


def _dashboard(
    world: World, request: Request, filters: Mapping[str, str], *, problem: str = "", status: int = 200
) -> Response:
    wanted = {name: filters.get(name, "").strip() for name in _FILTERS}
    text = wanted["q"].lower()

    def shown(found: Iterable[serializers.View], fits: Callable[[serializers.View], bool]) -> list[serializers.View]:
        fitting = (one for one in found if fits(one) and (not text or text in _text(one)))
        return list(islice(fitting, _SHOWN))

    def of_order(one: serializers.View) -> bool:
        statuses = [payment["status_name"] for payment in one["payments"]]
        return wanted["state"] in ("", one["state"]) and wanted["status"] in ("", *statuses)

    def of_callback(one: serializers.View) -> bool:
        return wanted["callback"] in ("", one["state"]) and wanted["status"] in ("", one["status_name"])

    def of_request(one: serializers.View) -> bool:
        verdicts = ("", one["verdict"], _NOT_ACCEPTED if one["verdict"] != "accepted" else "")
        return wanted["operation"] in ("", one["operation"]) and wanted["verdict"] in verdicts

    return render(
        "dashboard.html",
        status=status,
        problem=problem,
        wanted=wanted,
        filtered=any(wanted.values()),
        state=serializers.state(world),
        refused=sum(one.verdict != "accepted" for one in world.requests),
        orders=shown((serializers.order(one) for one in reversed(world.state.orders.values())), of_order),
        callbacks=shown((serializers.callback(one) for one in reversed(world.state.callbacks.values())), of_callback),
        requests=shown((serializers.request(one) for one in reversed(world.requests)), of_request),
        statuses=[one.name for one in PaymentStatus],
        callback_states=DOCUMENT["components"]["schemas"]["Callback"]["properties"]["state"]["enum"],
        endpoints=sorted(operation.name for operation in world.description.operations.values()),
        verdicts=["accepted", _NOT_ACCEPTED, *sorted({one.verdict for one in world.requests} - {"accepted"})],
        failures=_choices(one for one in MOVES[PaymentStatus.PENDING] if one.is_closed_unpaid and one not in _ACTED),
        moves={one.value: _choices(MOVES.get(one, ())) for one in PaymentStatus},
        channel=next(iter(CHANNELS)),
        fault_kinds=KINDS,
        variants=VARIANTS,
        tenant=world.tenant,
        base_url=str(request.base_url).rstrip("/"),
    )


_ACTED: Final = (PaymentStatus.CANCELLED, PaymentStatus.CANCELLED_BY_USER, PaymentStatus.EXPIRED)
"""What has a button of its own."""


def _choices(statuses: Iterable[PaymentStatus]) -> list[tuple[int, str]]:
    return [(one.value, f"{one.value} {label(one.name)}") for one in sorted(statuses)]


def _text(view: serializers.View) -> str:
    return json.dumps(view, ensure_ascii=False).lower()


def _filters_of(request: Request) -> dict[str, str]:
    """The filters of the dashboard that a form was sent from."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return {}
    found = dict(parse_qsl(parts.query)) if parts.netloc == request.headers.get("host") else {}
    return {name: found[name] for name in _FILTERS if found.get(name)}


# --- the JSON API ----------------------------------------------------------------------------------------------------


def _route(world: World, path: str, item: Mapping[str, Any]) -> Route:
    """All methods of a path in one route, so that the answer to any other method lists them all."""
    endpoints = {
        method.upper(): _endpoint(world, operation, ACTIONS[operation["operationId"]])
        for method, operation in item.items()
    }

    async def endpoint(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, endpoint, methods=list(endpoints))


def _endpoint(world: World, operation: dict[str, Any], act: Act) -> Callable[[Request], Awaitable[Response]]:
    body = operation.get("requestBody")
    schema = body["content"]["application/json"]["schema"] if body is not None else None
    validator = None
    if schema is not None:
        validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        schema = DOCUMENT["components"]["schemas"]["NewFault"] if "$ref" in schema else schema
    parameters = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"}

    async def endpoint(request: Request) -> Response:
        form = "form" in request.headers.get("content-type", "")
        try:
            given = _query(parameters, request)
            if validator is not None and schema is not None:
                sent = _typed(schema, await read_form(request)) if form else _json(await request.body())
                _check(request, validator, sent)
                given |= sent
            world.gateway.tick()
            answer: Any = act(world, {**given, **request.path_params})
            if inspect.isawaitable(answer):
                answer = await answer
            world.state.commit()
        except Rejected as error:
            return problem(request, error.status, error.code, str(error))
        except Refused as error:
            return problem(request, 404 if error.code == 2010 else 409, error.code, error.message)
        if not form:
            return _answer(answer)
        filters = urlencode(_filters_of(request))
        return RedirectResponse(f"/_sandbox/?{filters}" if filters else "/_sandbox/", 303)

    def problem(request: Request, status: int, code: int | None, message: str) -> Response:
        if "text/html" in request.headers.get("accept", "") and request.method == "POST":  # from the dashboard
            return _dashboard(world, request, _filters_of(request), problem=message, status=status)
        return _answer({"error": {"code": code, "message": message}}, status)

    return endpoint


def _check(request: Request, validator: Draft202012Validator, sent: Given) -> None:
    if foreign(request):
        raise Rejected(403, "this came from another site's page")
    if problems := [error.message for error in validator.iter_errors(sent)]:
        raise Rejected(400, "; ".join(problems)[:500])


def _answer(content: Any, status: int = 200) -> Response:
    text = json.dumps(content, separators=(",", ":"))  # ASCII: what is shown here may hold anything a caller sent
    return Response(text, status, media_type="application/json")


def _json(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        read = json.loads(body, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        raise Rejected(400, "the body is not JSON") from None
    if not is_object(read):
        raise Rejected(400, "the body must be a JSON object")
    return read


def _number(text: str) -> int | float:
    """JSON's 2.0 is the integer 2; NaN and infinity are no JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number


def _query(parameters: Mapping[str, Any], request: Request) -> dict[str, Any]:
    texts = {name: request.query_params[name] for name in parameters if name in request.query_params}
    given: dict[str, Any] = texts | _typed({"properties": parameters}, texts)
    for name, value in given.items():
        schema = parameters[name]
        if not Draft202012Validator(schema).is_valid(value):
            raise Rejected(400, f"{name} must be of type {schema['type']} and in its range")
    return given


def _typed(schema: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form in the types of a schema; an empty field is one left out."""
    found: dict[str, Any] = {}
    for name, text in fields.items():
        types = schema["properties"].get(name, {}).get("type", "string")
        try:
            if text == "":
                continue
            if text == "null" and "null" in types:
                found[name] = None
                continue
            if "integer" in types:
                found[name] = int(text)
            elif "number" in types:
                found[name] = float(text)
            elif "object" in types:
                found[name] = json.loads(text)
            else:
                found[name] = text in ("true", "on") if "boolean" in types else text
        except ValueError:
            found[name] = text  # the validator says what it should be
    return found


# --- what each operation does ----------------------------------------------------------------------------------------


def _sessions(world: World, given: Given) -> list[serializers.View]:
    orders = (order for order in reversed(world.state.orders.values()) if order.is_session)
    return _filtered((serializers.order(order) for order in orders), given)


def _session(world: World, given: Given) -> serializers.View:
    order = world.state.orders.get(given["number"])
    if order is None or not order.is_session:
        raise Rejected(404, "no such session", 2010)
    return serializers.order(order)


def _payments(world: World, given: Given) -> list[serializers.View]:
    found = (
        serializers.payment(order, one)
        for order in reversed(world.state.orders.values())
        for one in reversed(order.attempts)
    )
    return _filtered(found, given)


def _payment(world: World, given: Given) -> serializers.View:
    order = world.state.order(given["number"])
    if order is None:
        raise Rejected(404, "no such payment", 2010)
    found = world.state.payment(given["number"])
    return serializers.payment(order, found[1] if found is not None else order.last)


def _filtered(found: Any, given: Given) -> list[serializers.View]:
    return [view for view in found if all(view[name] == value for name, value in given.items())]


def _settle(status: PaymentStatus, *, only: Callable[[PaymentStatus], bool] = lambda _: True) -> Act:
    def act(world: World, given: Given) -> serializers.View:
        wanted = PaymentStatus(given.get("status", status))
        if not only(wanted):
            raise Rejected(400, f"{wanted.name} is not a status for this")
        order = world.state.order(given["number"])
        number = order.number if order is not None else given["number"]
        payment = world.gateway.settle(number, wanted, channel_id=given.get("channel_id"), note="by the sandbox's API")
        return serializers.payment(world.state.orders[number], payment)

    return act


def _expire(world: World, given: Given) -> serializers.View:
    order = world.gateway.expire(given["number"])
    return serializers.payment(order, order.last)


def _move(world: World, given: Given) -> serializers.View:
    world.gateway.move(given["number"], PaymentStatus(given["status"]))
    return _payment(world, given)


def _callbacks(world: World, given: Given) -> list[serializers.View]:
    return _filtered((serializers.callback(one) for one in reversed(world.state.callbacks.values())), given)


def _callback(world: World, given: Given) -> serializers.View:
    return serializers.callback(world.state.callbacks[_id(given, world.state.callbacks)])


def _resend(world: World, given: Given) -> serializers.View:
    try:
        return serializers.callback(world.deliveries.resend(_id(given, world.state.callbacks), given.get("variant")))
    except ValueError as error:
        raise Rejected(409, str(error)) from None


def _requests(world: World, given: Given) -> list[serializers.View]:
    found: list[serializers.View] = []
    for one in reversed(world.requests):
        if len(found) >= given.get("limit", 200) or one.id <= given.get("after", 0):
            break
        wanted = (
            given.get("operation", one.operation) == one.operation
            and given.get("verdict", "") in one.verdict
            and given.get("status", one.status) == one.status
        )
        if wanted:
            found.append(serializers.request(one))
    return found


def _request(world: World, given: Given) -> serializers.View:
    found = {str(one.id): one for one in world.requests}.get(given["id"])
    if found is None:
        raise Rejected(404, "no such request, or too long ago")
    return serializers.request(found)


def _add_fault(world: World, given: Given) -> serializers.View:
    try:
        fault = world.faults.add(Fault(**given))
    except ValueError as error:
        raise Rejected(400, str(error)) from None
    world.state.touch()
    return fault.to_json()


def _faults(world: World, _given: Given) -> list[serializers.View]:
    return [fault.to_json() for fault in world.faults.active]


def _clear_faults(world: World, given: Given) -> list[serializers.View]:
    world.faults.clear()
    world.state.touch()
    return _faults(world, given)


def _remove_fault(world: World, given: Given) -> list[serializers.View]:
    world.faults.remove(_id(given, {fault.id: fault for fault in world.faults.active}))
    world.state.touch()
    return _faults(world, given)


def _revoke_tokens(world: World, _given: Given) -> serializers.View:
    world.gateway.revoke_tokens()
    world.state.touch()
    return serializers.state(world)


def _clock(world: World, _given: Given) -> serializers.View:
    state = serializers.state(world)
    return {name: state[name] for name in ("now", "clock_ahead_seconds")}


def _advance(world: World, given: Given) -> serializers.View:
    world.advance(given["advance"])
    return _clock(world, given)


async def _reset(world: World, _given: Given) -> serializers.View:
    await world.reset()
    return serializers.state(world)


def _id(given: Given, known: Mapping[int, object]) -> int:
    text = given["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) in known):
        raise Rejected(404, "there is none of that id")
    return int(text)


ACTIONS: Mapping[str, Act] = {
    "state": lambda world, _: serializers.state(world),
    "sessions": _sessions,
    "session": _session,
    "payments": _payments,
    "payment": _payment,
    "pay": _settle(PaymentStatus.PAID),
    "fail": _settle(PaymentStatus.FAILED, only=lambda status: status.is_closed_unpaid),
    "cancel": _settle(
        PaymentStatus.CANCELLED_BY_USER,
        only=lambda one: one in (PaymentStatus.CANCELLED, PaymentStatus.CANCELLED_BY_USER),
    ),
    "expire": _expire,
    "move": _move,
    "callbacks": _callbacks,
    "callback": _callback,
    "resend": _resend,
    "requests": _requests,
    "request": _request,
    "faults": _faults,
    "add_fault": _add_fault,
    "clear_faults": _clear_faults,
    "remove_fault": _remove_fault,
    "revoke_tokens": _revoke_tokens,
    "clock": _clock,
    "advance": _advance,
    "reset": _reset,
    "document": lambda _world, _given: DOCUMENT,
}
"""By the operation's name in the document."""
