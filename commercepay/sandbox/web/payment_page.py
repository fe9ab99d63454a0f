"""The payment page: a form that works without JavaScript, on `/pay/<session or transaction number>`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from commercepay.sandbox.model import Json, Order, Payment
from commercepay.sandbox.rules import CHANNELS, MOVES, Refused
from commercepay.sandbox.sandbox import World
from commercepay.sandbox.web import serializers
from commercepay.status import PaymentStatus

EXPIRE = "expire"

LONG: Final = 10_000
"""Characters of one text on a page."""

_HEADERS: Final = {
    "cache-control": "no-store",  # the back button shows how things stand now
    # A form may lead anywhere on the web: after paying, to the merchant and wherever he sends the browser then.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def routes(world: World) -> list[Route]:
    async def page(request: Request) -> Response:
        world.gateway.tick()
        world.state.commit()
        order = world.state.order(request.path_params["number"])
        if order is None:
            return _missing()
        return render("pay.html", **_context(world, order))

    async def pay(request: Request) -> Response:
        if foreign(request):
            return _foreign()
        number = request.path_params["number"]
        form = await read_form(request)
        world.gateway.tick()
        try:
            _act(world, number, form)
        except Refused as error:
            # Sent twice, from a second tab, by the back button, or too late: show how things stand instead.
            world.state.commit()
            return _missing() if error.code == 2010 else _as_it_stands(world, number, form)
        world.state.commit()
        order = world.state.orders[number]
        return _back(order, order.last) or RedirectResponse(f"/pay/{number}", 303)

    return [
        Route("/pay/{number}", page, methods=["GET"]),
        Route("/pay/{number}", pay, methods=["POST"]),
        Route("/_sandbox/static/{name}", static, methods=["GET"]),
    ]


async def static(request: Request) -> Response:
    """Stylesheets, scripts and the icon: all that the pages load."""
    name = request.path_params["name"]
    content = _files().get(name)
    if content is None:
        return Response(status_code=404)
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
    return Response(content, 200, headers, media_type=_TYPES[Path(name).suffix])


@lru_cache(maxsize=1)
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _STATIC.iterdir() if path.suffix in _TYPES}


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
    return {
        "order": serializers.order(order),
        "merchant": world.tenants[order.tenant_id].name,
        "description": order.request.get("description") or "",
        "open": order.state == "open",
        "seconds_left": max(0, -((world.clock.now() - order.expires) // 1000)),  # rounded up
        "attempt": len(order.attempts) + (order.is_session and order.last.status.is_closed_unpaid),
        "channels": [(number, name) for number, name in channels.items() if number not in hidden],
        "outcomes": _outcomes(),
        "expire": EXPIRE,
        "last": serializers.payment(order, order.last),
        "return_url": return_url(order, order.last),
        **_ended(order),
    }


def _outcomes() -> list[tuple[str, list[tuple[int | str, str]]]]:
    """How an attempt can end without being paid, in groups."""
    ends = sorted(MOVES[PaymentStatus.PENDING] - {PaymentStatus.PAID, PaymentStatus.EXPIRED})
    taken = [one for one in ends if not one.is_closed_unpaid]
    left = [PaymentStatus.CANCELLED_BY_USER, PaymentStatus.CANCELLED]
    failed = [one for one in ends if one not in (*taken, *left)]

    def choices(statuses: list[PaymentStatus]) -> list[tuple[int | str, str]]:
        return [(one.value, label(one.name)) for one in statuses]

    return [
        ("It is reserved", choices(taken)),
        ("It fails", choices(failed)),
        ("It is given up", [*choices(left), (EXPIRE, "Let it expire")]),
    ]


def _ended(order: Order) -> dict[str, str]:
    """What a page says on which nothing more can be paid."""
    what, status = "session" if order.is_session else "payment", order.last.status
    if order.state == "expired":
        return {"ended": f"This {what} has expired", "ended_text": "Nothing was paid. Start again at the merchant."}
    if status.is_paid:
        return {"ended": "Paid", "ended_text": f"This {what} is paid. There is nothing more to do."}
    text = "It ended without a payment." if status.is_closed_unpaid else f"There is nothing more to do in this {what}."
    return {"ended": label(status.name), "ended_text": text}


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


def label(status_name: str) -> str:
    """A status as a customer reads it."""
    return status_name.replace("_", " ").capitalize()


def tone(status_name: str) -> str:
    """How a status is coloured."""
    if status_name == "PAID":
        return "good"
    if status_name in ("PENDING", "AUTHORISED", "REFUND_IN_PROGRESS"):
        return "wait"
    if status_name in ("CANCELLED", "CANCELLED_BY_USER", "EXPIRED", "REFUNDED", "VOIDED"):
        return "muted"
    return "bad"


def pretty(value: Any) -> str:
    """JSON to look at, unless it is too long for that."""
    if isinstance(value, str) and len(value) > LONG:
        return f"{value[:LONG]}\n... and {len(value) - LONG} characters more, which the JSON API has"
    try:
        read = json.loads(value) if isinstance(value, str) else value
        return json.dumps(read, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(value)


@lru_cache(maxsize=1)
def _environment() -> Any:
    import jinja2  # here, so that a sandbox whose pages nobody looks at starts faster

    loader = jinja2.PackageLoader("commercepay.sandbox.web", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(label=label, tone=tone, pretty=pretty)
    return environment


def render(template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    page: str = _environment().get_template(template).render(context)
    # What callers sent may hold what UTF-8 does not, such as half a surrogate pair.
    return HTMLResponse(page.encode(errors="backslashreplace"), status, _HEADERS)


def _missing() -> Response:
    text = "This sandbox knows no such session or payment. It may have been reset or restarted since the link was made."
    return render("missing.html", status=404, heading="Nothing to pay here", text=text)


def _foreign() -> Response:
    text = "This form was sent by another site's page. Nothing was done."
    return render("missing.html", status=403, heading="Not from here", text=text)
