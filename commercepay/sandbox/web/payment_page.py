"""The payment page: a form that works without JavaScript, on `/pay/<session or transaction number>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from commercepay.sandbox.channels import CHANNELS, Bank, Channel
from commercepay.sandbox.model import Json, Order, PaymentRecord
from commercepay.sandbox.rules import MOVES, GatewayRefusal
from commercepay.sandbox.sandbox import SandboxCore
from commercepay.sandbox.web.html import is_foreign, label, read_form, render
from commercepay.status import PaymentStatus

EXPIRE = "expire"


def routes(core: SandboxCore) -> list[Route]:
    async def page(request: Request) -> Response:
        core.gateway.tick()
        core.store.commit()
        order = core.store.order(request.path_params["number"])
        return _missing() if order is None else render("pay.html", **_context(core, order))

    async def pay(request: Request) -> Response:
        if is_foreign(request):
            return _foreign()
        number = request.path_params["number"]
        form = await read_form(request)
        core.gateway.tick()
        try:
            _act(core, number, form)
        except GatewayRefusal as error:
            # Sent twice, from a second tab, after the back button, or too late: show the present state instead.
            core.store.commit()
            return _missing() if error.code == 2010 else _present_state(core, number, form)
        core.store.commit()
        order = core.store.orders[number]
        return _back(order, order.last) or RedirectResponse(f"/pay/{number}", 303)

    async def open_page(request: Request) -> Response:
        """Where the form of a client script leads."""
        return RedirectResponse(f"/pay/{request.path_params['number']}", 303)

    return [
        Route("/pay/{number}", page, methods=["GET"]),
        Route("/pay/{number}/open", open_page, methods=["POST"]),
        Route("/pay/{number}", pay, methods=["POST"]),
    ]


def _act(core: SandboxCore, number: str, form: Mapping[str, str]) -> None:
    outcome = form.get("outcome", "")
    if outcome == EXPIRE:
        core.gateway.expire(number)
        return
    status = _integer(outcome)
    if status is None:
        raise GatewayRefusal(0, "No outcome was chosen")
    channel = form.get("channel", "")
    core.gateway.settle(
        number,
        PaymentStatus(status),
        attempt=_integer(form.get("attempt", "")),
        channel_id=_integer(channel),
        provider_channel_id=form.get(f"bank-{channel}"),
        note="on the payment page",
    )


def _integer(text: str) -> int | None:
    return int(text[:9]) if text.isascii() and text.isdigit() else None


def _present_state(core: SandboxCore, number: str, form: Mapping[str, str]) -> Response:
    """Back to the merchant if the attempt that the form was about has ended; else the page as it is now."""
    order = core.store.orders.get(number)
    attempt = _integer(form.get("attempt", "")) or 0
    if order is not None and 0 < attempt <= len(order.attempts):
        payment = order.attempts[attempt - 1]
        if not payment.status.is_pending and (response := _back(order, payment)) is not None:
            return response
    return RedirectResponse(f"/pay/{number}", 303)


def _back(order: Order, payment: PaymentRecord) -> Response | None:
    """To the merchant, if the return URL is one that a browser can open."""
    url = return_url(order, payment)
    return RedirectResponse(url, 303) if url is not None else None


def return_url(order: Order, payment: PaymentRecord) -> str | None:
    try:
        parts = urlsplit(order.return_url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    added = urlencode({"ReferenceCode": order.reference_code, "TransactionNumber": payment.transaction_number})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def _context(core: SandboxCore, order: Order) -> dict[str, Any]:
    extra: Json = order.request.get("requestPaymentExtraInfo") or {}
    hidden: list[Any] = extra.get("hiddenChannel") or []
    return {
        "order": order,
        "merchant": core.tenants[order.tenant_id].name,
        "description": order.request.get("description") or "",
        "open": order.state == "open",
        "seconds_left": max(0, -((core.clock.now() - order.expires) // 1000)),  # rounded up
        "attempt": len(order.attempts) + (order.is_session and order.last.status.is_closed_unpaid),
        "channels": [one for one in _channels(order.request) if one.id not in hidden],
        "outcomes": _outcomes(),
        "expire": EXPIRE,
        "last_status": order.last.status.name,
        "return_url": return_url(order, order.last),
        **_ended(order),
    }


def _channels(request: Json) -> list[Channel]:
    """All channels, or the one that the merchant chose, with the bank that the merchant chose."""
    chosen, bank = request.get("channelId"), request.get("providerChannelId")
    if chosen is None:
        return list(CHANNELS.values())
    channel = CHANNELS.get(chosen) or Channel(id=chosen, name=f"Channel {chosen}", group=(0, ""))
    if bank is None:
        return [channel]
    banks = tuple(one for one in channel.banks if one.id == bank) or (Bank(bank, bank),)
    return [replace(channel, banks=banks)]


def _outcomes() -> list[tuple[str, list[tuple[int | str, str]]]]:
    """How an attempt can end without a payment, in groups."""
    ends = sorted(MOVES[PaymentStatus.PENDING] - {PaymentStatus.PAID, PaymentStatus.EXPIRED})
    reserved = [one for one in ends if not one.is_closed_unpaid]
    cancelled = [PaymentStatus.CANCELLED_BY_USER, PaymentStatus.CANCELLED]
    failed = [one for one in ends if one not in (*reserved, *cancelled)]

    def choices(statuses: list[PaymentStatus]) -> list[tuple[int | str, str]]:
        return [(one.value, label(one.name)) for one in statuses]

    return [
        ("The amount is reserved", choices(reserved)),
        ("The attempt fails", choices(failed)),
        ("The customer stops", [*choices(cancelled), (EXPIRE, "Let it expire")]),
    ]


def _ended(order: Order) -> dict[str, str]:
    """The texts of a page on which nothing more can be paid."""
    what, status = "session" if order.is_session else "payment", order.last.status
    if order.state == "expired":
        return {"ended": f"This {what} has expired", "ended_text": "Nothing was paid. Start again at the merchant."}
    if status.is_paid:
        return {"ended": "Paid", "ended_text": f"This {what} is paid. There is nothing more to do."}
    text = "It ended without a payment." if status.is_closed_unpaid else f"There is nothing more to do in this {what}."
    return {"ended": label(status.name), "ended_text": text}


def _missing() -> Response:
    text = "This sandbox has no such session or payment. It may have been reset or restarted since the link was made."
    return render("missing.html", status=404, heading="Nothing to pay here", text=text)


def _foreign() -> Response:
    text = "A page of another site sent this form. Nothing was done."
    return render("missing.html", status=403, heading="Form refused", text=text)
