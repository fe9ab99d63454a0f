"""The OpenAPI document of the sandbox's own JSON API. `api` takes its routes and its checks of what is sent from here."""

from __future__ import annotations

from typing import Any, Final

from commercepay._version import __version__
from commercepay.sandbox.deliveries import VARIANTS
from commercepay.sandbox.faults import KINDS

Schema = dict[str, Any]

PREFIX: Final = "/_sandbox/api"

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_INTEGER: Schema = {"type": "integer"}
_INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
_TIME: Schema = {"type": "string", "description": "ISO 8601, in UTC, by the sandbox's clock."}
_OBJECT: Schema = {"type": "object"}


def _record(description: str, **properties: Schema) -> Schema:
    """An object that has all these members and no others."""
    return {
        "type": "object",
        "description": description,
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _options(**properties: Schema) -> Schema:
    """An object whose members may be left out."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _needed(name: str, schema: Schema) -> Schema:
    return {**schema, "required": [name]}


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_SCHEMAS: Final[dict[str, Schema]] = {
    "State": _record(
        "The sandbox as a whole.",
        version={"type": "integer", "description": "Rises with every change: poll it to see whether to look again."},
        now=_TIME,
        clock_ahead_seconds={"type": "number"},
        sessions=_INTEGER,
        payments=_INTEGER,
        callbacks=_INTEGER,
        requests=_INTEGER,
        faults=_list("Fault"),
    ),
    "Event": _record("One step of a payment.", at=_TIME, status=_INTEGER, status_name=_TEXT, note=_TEXT),
    "Payment": _record(
        "One attempt to pay.",
        transaction_number=_TEXT,
        session_number=_TEXT_OR_NULL,
        tenant_id=_INTEGER,
        reference_code=_TEXT,
        amount={"type": "integer", "description": "Minor units."},
        currency=_TEXT,
        amount_text=_TEXT,
        status=_INTEGER,
        status_name=_TEXT,
        channel_id=_INTEGER_OR_NULL,
        provider_transaction_number=_TEXT_OR_NULL,
        provider_error_message=_TEXT_OR_NULL,
        created=_TIME,
        timeline=_list("Event"),
    ),
    "Session": _record(
        "What InitialSession opened, with the attempts to pay it.",
        number=_TEXT,
        session_number=_TEXT_OR_NULL,
        tenant_id=_INTEGER,
        state={"enum": ["open", "closed", "expired"]},
        reference_code=_TEXT,
        amount={"type": "integer", "description": "Minor units."},
        currency=_TEXT,
        amount_text=_TEXT,
        created=_TIME,
        expires=_TIME,
        pay_path={"type": "string", "description": "Where the payment page is."},
        request={"type": "object", "description": "The members that the session was opened with."},
        payments=_list("Payment"),
    ),
    "Delivery": _record(
        "One attempt to deliver a callback.",
        at=_TIME,
        variant=_TEXT,
        body=_TEXT,
        signed={"type": "boolean"},
        status=_INTEGER_OR_NULL,
        answer=_TEXT,
        error=_TEXT_OR_NULL,
        milliseconds=_INTEGER,
    ),
    "Callback": _record(
        "What a merchant is told, and how the telling went.",
        id=_INTEGER,
        number={"type": "string", "description": "Of the session, or without one of the transaction."},
        transaction_number=_TEXT,
        tenant_id=_INTEGER,
        url=_TEXT,
        members=_OBJECT,
        status=_INTEGER,
        status_name=_TEXT,
        created=_TIME,
        variant={"enum": list(VARIANTS)},
        state={"enum": ["pending", "held", "delivered", "given up", "withheld", "blocked"]},
        due={"type": ["string", "null"], "description": "When the next attempt is."},
        amount=_INTEGER_OR_NULL,
        deliveries=_list("Delivery"),
    ),
    "Request": _record(
        "A request to the gateway's endpoints, its secrets masked.",
        id=_INTEGER,
        at=_TIME,
        method=_TEXT,
        url=_TEXT,
        headers=_OBJECT,
        body=_TEXT,
        operation=_TEXT_OR_NULL,
        verdict=_TEXT,
        explanation={
            "type": ["object", "null"],
            "description": "Why; for a refused signature with `readings`, `right`, `yours` and `differ_at`.",
            "required": ["text"],
            "properties": {"text": _TEXT},
        },
        faults={"type": "array", "items": _TEXT},
        status=_INTEGER_OR_NULL,
        answer=_TEXT,
        milliseconds={"type": "number"},
    ),
    "NewFault": {
        "type": "object",
        "description": "What is to go wrong. " + " ".join(f"`{kind}`: {text}." for kind, text in KINDS.items()),
        "required": ["kind"],
        "properties": {
            "kind": {"enum": list(KINDS)},
            "endpoint": {"type": ["string", "null"], "description": "Such as `Query`; null for all."},
            "times": {"type": ["integer", "null"], "minimum": 1, "description": "1 unless given; null for no limit."},
            "share": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 1,
                "description": "0.5: every other request.",
            },
            "seconds": {"type": "number", "minimum": 0, "maximum": 86400},
            "status": {"type": ["integer", "null"], "minimum": -(2**31), "maximum": 2**31},
            "body": _TEXT_OR_NULL,
            "headers": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[ -~]*$"}},
            "processed": {"type": "boolean"},
            "amount": _INTEGER_OR_NULL,
        },
        "additionalProperties": False,
    },
    "Fault": {
        "type": "object",
        "description": "A fault in force.",
        "required": ["id", "fired", "kind"],
        "properties": {
            "id": _INTEGER,
            "kind": _TEXT,
            "fired": {"type": "integer", "description": "How often it struck."},
        },
    },
    "Clock": _record("The sandbox's clock.", now=_TIME, clock_ahead_seconds={"type": "number"}),
    "Problem": _record(
        "What was refused and why; codes of the gateway where it has one.",
        error=_record("The problem.", code=_INTEGER_OR_NULL, message=_TEXT),
    ),
}


def _operation(
    name: str,
    summary: str,
    answer: Schema,
    *,
    path: str = "",
    query: dict[str, Schema] | None = None,
    body: Schema | None = None,
) -> Schema:
    parameters = [{"name": one, "in": "path", "required": True, "schema": _TEXT} for one in path.split() if one]
    parameters += [{"name": one, "in": "query", "schema": schema} for one, schema in (query or {}).items()]
    problem = {"description": "Refused.", "content": {"application/json": {"schema": _ref("Problem")}}}
    found: Schema = {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            "default": problem,
        },
    }
    if body is not None:
        found["responses"]["303"] = {"description": "Done: a form leads back to the dashboard."}
        found["requestBody"] = {
            "required": bool(body.get("required")),
            "content": {"application/json": {"schema": body}, "application/x-www-form-urlencoded": {"schema": body}},
        }
    return found


_SECONDS: Schema = {"type": "number", "minimum": 0, "maximum": 10**10, "description": "How far, in seconds."}
_CHANNEL: Schema = {"type": "integer", "description": "The channel that was paid through."}
_STATUS: Schema = {"type": "integer", "minimum": 0, "maximum": 99}

DOCUMENT: Final[Schema] = {
    "openapi": "3.1.0",
    "info": {
        "title": "CommercePay sandbox",
        "version": __version__,
        "description": (
            "What the dashboard can do, for scripts. A body is JSON or a form. `number` is a session number or a transaction"
            " number, unless it is said to be one of them. Not part of the real gateway."
        ),
    },
    "paths": {
        f"{PREFIX}/state": {"get": _operation("state", "The sandbox as a whole.", _ref("State"))},
        f"{PREFIX}/sessions": {
            "get": _operation(
                "sessions", "Sessions, newest first.", _list("Session"), query={"state": _TEXT, "reference_code": _TEXT}
            )
        },
        f"{PREFIX}/sessions/{{number}}": {"get": _operation("session", "One session.", _ref("Session"), path="number")},
        f"{PREFIX}/payments": {
            "get": _operation(
                "payments",
                "Payments, newest first; those without a session too.",
                _list("Payment"),
                query={"status": _INTEGER, "reference_code": _TEXT, "session_number": _TEXT},
            )
        },
        f"{PREFIX}/payments/{{number}}": {
            "get": _operation(
                "payment", "One payment, with its timeline; of a session the last.", _ref("Payment"), path="number"
            )
        },
        f"{PREFIX}/payments/{{number}}/pay": {
            "post": _operation(
                "pay", "The customer pays.", _ref("Payment"), path="number", body=_options(channel_id=_CHANNEL)
            )
        },
        f"{PREFIX}/payments/{{number}}/fail": {
            "post": _operation(
                "fail",
                "The customer's attempt fails, in status 2 unless another is given.",
                _ref("Payment"),
                path="number",
                body=_options(status=_STATUS, channel_id=_CHANNEL),
            )
        },
        f"{PREFIX}/payments/{{number}}/cancel": {
            "post": _operation(
                "cancel",
                "The customer cancels: status 8 unless another is given.",
                _ref("Payment"),
                path="number",
                body=_options(status=_STATUS),
            )
        },
        f"{PREFIX}/payments/{{number}}/expire": {
            "post": _operation("expire", "Its time is over at once.", _ref("Payment"), path="number", body=_options())
        },
        f"{PREFIX}/payments/{{number}}/move": {
            "post": _operation(
                "move",
                "The payment of this transaction number goes to another status: capture, refund, void.",
                _ref("Payment"),
                path="number",
                body=_needed("status", _options(status=_STATUS)),
            )
        },
        f"{PREFIX}/callbacks": {
            "get": _operation(
                "callbacks",
                "Callbacks, newest first, with their deliveries.",
                _list("Callback"),
                query={"state": _TEXT, "number": _TEXT, "transaction_number": _TEXT},
            )
        },
        f"{PREFIX}/callbacks/{{id}}": {"get": _operation("callback", "One callback.", _ref("Callback"), path="id")},
        f"{PREFIX}/callbacks/{{id}}/resend": {
            "post": _operation(
                "resend",
                "Send a callback once more, at once.",
                _ref("Callback"),
                path="id",
                body=_options(variant={"enum": list(VARIANTS)}),
            )
        },
        f"{PREFIX}/requests": {
            "get": _operation(
                "requests",
                "Requests to the gateway, newest first.",
                _list("Request"),
                query={
                    "operation": _TEXT,
                    "verdict": {"type": "string", "description": "A part of it, such as `refused`."},
                    "status": _INTEGER,
                    "after": {"type": "integer", "description": "Only those with a higher id."},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 5000, "description": "200 unless given."},
                },
            )
        },
        f"{PREFIX}/requests/{{id}}": {"get": _operation("request", "One request.", _ref("Request"), path="id")},
        f"{PREFIX}/faults": {
            "get": _operation("faults", "The faults in force, oldest first.", _list("Fault")),
            "post": _operation(
                "add_fault", "Something more is to go wrong.", _ref("Fault"), body=_needed("kind", _ref("NewFault"))
            ),
        },
        f"{PREFIX}/faults/clear": {
            "post": _operation("clear_faults", "Nothing is to go wrong.", _list("Fault"), body=_options())
        },
        f"{PREFIX}/faults/{{id}}/remove": {
            "post": _operation("remove_fault", "One fault less.", _list("Fault"), path="id", body=_options())
        },
        f"{PREFIX}/tokens/revoke": {
            "post": _operation("revoke_tokens", "All access tokens are dead.", _ref("State"), body=_options())
        },
        f"{PREFIX}/clock": {
            "get": _operation("clock", "The sandbox's clock.", _ref("Clock")),
            "post": _operation(
                "advance",
                "Set the clock forward.",
                _ref("Clock"),
                body=_needed("advance", _options(advance=_SECONDS)),
            ),
        },
        f"{PREFIX}/reset": {
            "post": _operation(
                "reset", "As if it were just started, with an empty state.", _ref("State"), body=_options()
            )
        },
        f"{PREFIX}/openapi.json": {"get": _operation("document", "This document.", _OBJECT)},
    },
    "components": {"schemas": _SCHEMAS},
}
