"""The records as JSON and for the pages: times as text, statuses with their names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from commercepay.errors import ArgumentError
from commercepay.money import Money
from commercepay.sandbox.clock import iso
from commercepay.sandbox.model import Callback, Order, Payment, Request
from commercepay.sandbox.sandbox import World
from commercepay.status import PaymentStatus

View = dict[str, Any]


def status_name(status: int) -> str:
    return PaymentStatus(status).name


def amount(order: Order) -> str:
    """As a person reads it: `MYR 12.34`."""
    try:
        return str(Money.from_minor(order.amount, order.currency))
    except ArgumentError:
        return f"{order.currency} {order.amount} (minor units)"


def payment(order: Order, one: Payment) -> View:
    return {
        "transaction_number": one.transaction_number,
        "session_number": order.session_number,
        "tenant_id": order.tenant_id,
        "reference_code": order.reference_code,
        "amount": order.amount,
        "currency": order.currency,
        "amount_text": amount(order),
        "status": one.status.value,
        "status_name": one.status.name,
        "channel_id": one.channel_id,
        "provider_transaction_number": one.provider_transaction_number,
        "provider_error_message": one.provider_error_message,
        "created": iso(one.created),
        "timeline": [
            {"at": iso(step.at), "status": step.status, "status_name": status_name(step.status), "note": step.note}
            for step in one.timeline
        ],
    }


def order(one: Order) -> View:
    return {
        "number": one.number,
        "session_number": one.session_number,
        "tenant_id": one.tenant_id,
        "state": one.state,
        "reference_code": one.reference_code,
        "amount": one.amount,
        "currency": one.currency,
        "amount_text": amount(one),
        "created": iso(one.created),
        "expires": iso(one.expires),
        "pay_path": f"/pay/{one.number}",
        "request": one.request,
        "payments": [payment(one, attempt) for attempt in one.attempts],
    }


def callback(one: Callback) -> View:
    view = one.to_json()
    view["created"] = iso(one.created)
    view["due"] = None if one.due is None else iso(one.due)
    view["status"] = one.members["status"]
    view["status_name"] = status_name(one.members["status"])
    view["deliveries"] = [{**asdict(delivery), "at": iso(delivery.at)} for delivery in one.deliveries]
    return view


def request(one: Request) -> View:
    view = asdict(one)
    view["at"] = iso(one.at)
    view["faults"] = list(one.faults)
    return view


def state(world: World) -> View:
    orders = world.state.orders.values()
    return {
        "version": world.state.version,
        "now": iso(world.clock.now()),
        "clock_ahead_seconds": world.clock.ahead / 1000,
        "sessions": sum(one.is_session for one in orders),
        "payments": sum(len(one.attempts) for one in orders),
        "callbacks": len(world.state.callbacks),
        "requests": len(world.requests),
        "faults": [fault.to_json() for fault in world.faults.active],
    }
