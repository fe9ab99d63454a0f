"""The payment page: a form that works without JavaScript, on `/pay/<session or transaction number>`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from commercepay.sandbox import views
from commercepay.sandbox.gateway import CHANNELS, MOVES, Refused
from commercepay.sandbox.model import Json, Order, Payment
from commercepay.sandbox.world import World
from commercepay.status import PaymentStatus

EXPIRE = "expire"


def routes(world: World) -> list[Route]:
    async def page(request: Request) -> Response:
        world.gateway.tick()
        world.state.commit()
        order = world.state.order(request.path_params["number"])
        if order is None:
            return render("missing.html", status=404)
        return render("pay.html", **_context(world, order))

    async def pay(request: Request) -> Response:
        if foreign(request):
            return render("missing.html", status=403)
        number = request.path_params["number"]
        form = await read_form(request)
        world.gateway.tick()
        try:
            _act(world, number, form)
        except Refused as error:
            # Sent twice, from a second tab, by the back button, or too late: show how things stand instead.
            world.state.commit()
            return render("missing.html", status=404) if error.code == 2010 else _as_it_stands(world, number, form)
        world.state.commit()
        order = world.state.orders[number]
        return _back(order, order.last) or RedirectResponse(f"/pay/{number}", 303)

    return [Route("/pay/{number}", page, methods=["GET"]), Route("/pay/{number}", pay, methods=["POST"])]


def _act(world: World, number: str, form: Mapping[str, str]) -> None:
    outcome = form.get("outcome", "")
    if outcome == EXPIRE:
        world.gateway.expire(number)
        return
    if not outcome.isascii() or not outcome.isdigit():
        raise Refused(0, "No outcome was chosen")
    attempt, channel = form.get("attempt", ""), form.get("channel", "")
    world.gateway.settle(
        number,
        PaymentStatus(int(outcome[:9])),
        attempt=int(attempt) if attempt.isascii() and attempt.isdigit() else None,
        channel_id=int(channel) if channel.isascii() and channel.isdigit() else None,
        note="on the payment page",
    )


def _as_it_stands(world: World, number: str, form: Mapping[str, str]) -> Response:
    """For the very attempt that the form was about, where it ended; else the page as it is now."""
    order = world.state.orders.get(number)
    attempt = form.get("attempt", "")
    if order is not None and attempt.isascii() and attempt.isdigit() and 0 < int(attempt) <= len(order.attempts):
        payment = order.attempts[int(attempt) - 1]
        if not payment.status.is_pending and (response := _back(order, payment)) is not None:
            return response
    return RedirectResponse(f"/pay/{number}", 303)


def _back(order: Order, payment: Payment) -> Response | None:
    """To the merchant, if the return URL is one that a browser can be sent to."""
    url = return_url(order, payment)
    return RedirectResponse(url, 303) if url is not None else None


def return_url(order: Order, payment: Payment) -> str | None:
    try:
        parts = urlsplit(order.return_url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    told = urlencode({"ReferenceCode": order.reference_code, "TransactionNumber": payment.transaction_number})
    return urlunsplit(parts._replace(query=f"{parts.query}&{told}" if parts.query else told))


def _context(world: World, order: Order) -> dict[str, Any]:
    extra: Json = order.request.get("requestPaymentExtraInfo") or {}
    hidden: list[Any] = extra.get("hiddenChannel") or []
    chosen = order.request.get("channelId")
    channels = {chosen: CHANNELS.get(chosen, f"Channel {chosen}")} if chosen is not None else CHANNELS
    outcomes = sorted(MOVES[PaymentStatus.PENDING] - {PaymentStatus.EXPIRED})
    return {
        "order": views.order(order),
        "merchant": world.tenants[order.tenant_id].name,
        "description": order.request.get("description") or "",
        "open": order.state == "open",
        "seconds_left": max(0, (order.expires - world.clock.now()) // 1000),
        "attempt": len(order.attempts) + (order.is_session and order.last.status.is_closed_unpaid),
        "channels": [(number, name) for number, name in channels.items() if number not in hidden],
        "outcomes": [(status.value, status.name.replace("_", " ").capitalize()) for status in outcomes],
        "expire": EXPIRE,
        "last": views.payment(order, order.last),
        "return_url": return_url(order, order.last),
    }


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the first of each name."""
    body = (await request.body()).decode(errors="replace")
    fields: dict[str, str] = {}
    for name, value in parse_qsl(body, keep_blank_values=True, max_num_fields=100):
        fields.setdefault(name, value)
    return fields


def foreign(request: Request) -> bool:
    """Whether a browser sent this on behalf of another site's page."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


@lru_cache(maxsize=1)
def _environment() -> Any:
    import jinja2  # here, so that a sandbox whose pages nobody looks at starts faster

    loader = jinja2.PackageLoader("commercepay.sandbox", "templates")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


def render(template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    headers = {"cache-control": "no-store"}  # the back button shows how things stand now
    return HTMLResponse(_environment().get_template(template).render(context), status, headers)
