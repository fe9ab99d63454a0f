"""The gateway's endpoints over HTTP. Checks the token, then the signature over the bound members, then the members."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from commercepay import signature
from commercepay._base.json_guards import is_object
from commercepay.errors import UnsignableData
from commercepay.explain import explain
from commercepay.sandbox import answers, faults, registered
from commercepay.sandbox.answers import GatewayResponse
from commercepay.sandbox.description import Operation
from commercepay.sandbox.faults import Fault
from commercepay.sandbox.model import Json, Tenant
from commercepay.sandbox.request_log import LoggedRequest
from commercepay.sandbox.rules import Gateway, GatewayRefusal, InvalidMembers, LoginFailed, NoAccess
from commercepay.sandbox.sandbox import SandboxCore

log: logging.Logger = logging.getLogger("commercepay.sandbox")


Handler = Callable[[Tenant, Json, str], Json | list[Json]]

HANDLERS: Final[Mapping[str, Callable[[Gateway], Handler]]] = {
    "InitialSession": lambda gateway: gateway.initial_session,
    "RequestPayment": lambda gateway: gateway.request_payment,
    "Query": lambda gateway: gateway.query,
    "GetTenantChannelsByCountry": lambda gateway: gateway.channels,
}
"""The endpoints with behaviour. Others of the description respond with what a test registered, or with their example."""


@dataclass(slots=True, repr=False)
class IncomingRequest:
    """One request as it was received, with its secrets."""

    method: str
    path: str
    query: str
    base_url: str
    headers: dict[str, str]
    body: bytes
    began: float
    id: int
    operation: Operation | None = None
    fired: list[Fault] = field(default_factory=list[Fault])

    @property
    def url(self) -> str:
        return self.base_url + self.path + (f"?{self.query}" if self.query else "")


class GatewayEndpoints:
    """The ASGI application for the paths of the description."""

    def __init__(self, core: SandboxCore) -> None:
        self._core = core

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = await self._read(scope, receive)
        operation = incoming.operation
        fired = incoming.fired = self._core.faults.for_request(operation.name) if operation is not None else []
        kinds = {fault.kind for fault in fired}
        for fault in fired:
            if fault.kind == "latency":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "tokens_revoked":
                self._core.gateway.revoke_tokens()
        instead = next((fault for fault in fired if fault.kind == "status"), None)
        if "drop_before" in kinds:
            self._record(incoming, None, None, "not processed")
            await _drop(scope, receive)
            return
        if instead is not None and not instead.processed:
            await self._respond_instead(incoming, send, instead, "not processed")
            return
        response = self._process(incoming)
        self._core.store.commit()
        if "drop_after" in kinds:
            self._record(incoming, response, None, response.verdict)
            await _drop(scope, receive)
        elif instead is not None:
            await self._respond_instead(incoming, send, instead, response.verdict)
        else:
            await self._respond(incoming, send, response)

    async def _read(self, scope: Scope, receive: Receive) -> IncomingRequest:
        began = time.perf_counter()
        body: bytes = (await receive())["body"]  # whole: see `app`
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        host = headers.get("host") or "{}:{}".format(*scope["server"])
        incoming = IncomingRequest(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            base_url=f"{scope['scheme']}://{host}",
            headers=headers,
            body=body,
            began=began,
            id=self._core.next_request_id(),
        )
        incoming.operation = self._core.description.find(incoming.method, incoming.path)
        return incoming

    # --- processing -------------------------------------------------------------------------------------------------

    def _process(self, incoming: IncomingRequest) -> GatewayResponse:
        core, operation = self._core, incoming.operation
        core.gateway.tick()
        if operation is None:
            return self._no_operation(incoming)
        tenant_header = incoming.headers.get("abp-tenantid")
        tenant = core.tenant
        if operation.needs_token:
            try:
                tenant = core.gateway.admit(incoming.headers.get("authorization"), tenant_header)
            except NoAccess as error:
                return answers.unauthorized(str(error))
        read = _query(incoming.query) if operation.in_query else _json(incoming)
        if isinstance(read, GatewayResponse):
            return read
        bound = operation.model.bind(read)
        if operation.in_query:
            bound = operation.model.typed(bound)  # a query string has no types
        valid = operation.is_valid(bound)
        typed = bound if valid else operation.model.typed(bound)
        if operation.needs_signature or (operation.takes_signature and "cap-signature" in incoming.headers):
            problem = self._check_signature(incoming, operation, tenant, read, typed)
            if problem is not None:
                return problem
        if not valid:
            return answers.invalid(operation.problems(bound))
        response = self._act(operation, tenant, tenant_header, typed, incoming.base_url)
        if response.explanation is None and (odd := _hint(typed)) is not None:
            response.explanation = {"text": odd}
        return response

    def _no_operation(self, incoming: IncomingRequest) -> GatewayResponse:
        known = [f"{method} {operation.path}" for (method, _), operation in self._core.description.operations.items()]
        response = answers.not_found(incoming.method, incoming.path, known)
        if allowed := self._core.description.methods(incoming.path):
            response.status = 405
            response.headers["allow"] = ", ".join(allowed)
        return response

    def _check_signature(
        self, incoming: IncomingRequest, operation: Operation, tenant: Tenant, sent: Json, typed: Json
    ) -> GatewayResponse | None:
        given = incoming.headers.get("cap-signature")
        try:
            message = signature.message(incoming.url, typed)
        except UnsignableData as error:
            return answers.invalid([(problem, ()) for problem in error.problems])
        if given is not None and signature.same(signature.digest(message, tenant.secret_key), given):
            return None
        untyped = operation.model.bind(sent, as_sent=True)
        bound = operation.model.typed(untyped)
        found = explain(
            incoming.url,
            bound,
            tenant.secret_key,
            given,
            method=incoming.method,
            body=incoming.body.decode(errors="replace"),
            untyped=untyped,
            sent=None if sent == untyped else {**sent, **bound} if operation.in_query else sent,
            absent=[name for lower, (name, _) in operation.model.members.items() if lower not in map(str.lower, sent)],
            other_keys={
                f"that of tenant {one.id}": one.secret_key for one in self._core.tenants.values() if one.id != tenant.id
            },
            servers=self._core.description.servers,
        )
        masked = self._core.masking.text
        return answers.bad_signature(
            {
                "text": masked(found.text),
                "readings": list(found.readings),
                "alternatives": [list(fit.readings) for fit in found.fits[1:]],
                "right": masked(found.right),
                "yours": masked(found.yours) if found.yours is not None else None,
                "differ_at": found.differ_at,
            }
        )

    def _act(
        self, operation: Operation, tenant: Tenant, tenant_header: str | None, members: Json, base_url: str
    ) -> GatewayResponse:
        if (response := self._core.registered.respond(operation, members)) is not None:
            return response
        try:
            if operation.name == "Authenticate":
                return answers.success(self._core.gateway.authenticate(tenant_header, members))
            if (handler := HANDLERS.get(operation.name)) is not None:
                return answers.success(handler(self._core.gateway)(tenant, members, base_url))
        except LoginFailed as error:
            return answers.login_failed(error.details, str(error))
        except InvalidMembers as error:
            return answers.invalid(error.problems)
        except GatewayRefusal as error:
            return answers.refused(error.code, error.message)
        return registered.example(operation)

    # --- responding --------------------------------------------------------------------------------------------------

    async def _respond(self, incoming: IncomingRequest, send: Send, response: GatewayResponse) -> None:
        payload = response.payload
        for fault in incoming.fired:
            if fault.kind in ("unknown_status", "wrong_types"):
                payload = _distorted(payload, fault)
        content = _encode(payload).encode(errors="replace")
        status, content_type = response.status, "application/json; charset=utf-8"
        for fault in incoming.fired:
            if fault.kind == "truncated":
                content = content[: len(content) // 2]
            elif fault.kind == "not_json":
                page = faults.HTML.format(status=200) if fault.body is None else fault.body
                status, content, content_type = 200, page.encode(), "text/html; charset=utf-8"
        self._record(incoming, response, status, response.verdict, content)
        headers = {"content-type": content_type, "x-sandbox-request": str(incoming.id), **response.headers}
        if response.explanation is not None:
            headers["x-sandbox-explanation"] = _header(response.explanation["text"])
        await _send(send, status, content, headers)

    async def _respond_instead(self, incoming: IncomingRequest, send: Send, fault: Fault, verdict: str) -> None:
        status = fault.status or 500
        content = (faults.HTML.format(status=status) if fault.body is None else fault.body).encode()
        self._record(incoming, None, status, verdict, content)
        headers = {"content-type": "text/html; charset=utf-8", "x-sandbox-request": str(incoming.id)}
        headers |= {name.lower(): value for name, value in fault.headers.items()}
        await _send(send, status, content, headers)

    def _record(
        self,
        incoming: IncomingRequest,
        response: GatewayResponse | None,
        status: int | None,
        verdict: str,
        content: bytes = b"",
    ) -> None:
        explanation = response.explanation if response is not None else None
        noted = LoggedRequest(
            id=incoming.id,
            at=self._core.clock.now(),
            method=incoming.method,
            url=incoming.url,
            headers=incoming.headers,
            body=incoming.body,
            operation=incoming.operation.name if incoming.operation is not None else None,
            verdict=verdict,
            explanation=explanation,
            faults=tuple(fault.kind for fault in incoming.fired),
            status=status,
            response=content,
            milliseconds=round((time.perf_counter() - incoming.began) * 1000, 3),
        )
        self._core.requests.add(noted)
        self._core.store.touch()
        if log.isEnabledFor(logging.INFO):
            why = _header(explanation["text"]) if explanation is not None else ""
            line = f"{ascii(incoming.path)[1:-1]} {status or 'no response'} {verdict}"
            log.info("%d %s %s%s", incoming.id, incoming.method, line, f": {why}" if why else "")


def _hint(members: Mapping[str, Any]) -> str | None:
    """A hint about a request that was accepted but looks wrong."""
    value = members.get("timestamp", members.get("Timestamp"))
    if type(value) is int and 0 < value < 10**11:
        return "seconds for milliseconds: the timestamp looks like seconds; the gateway counts milliseconds"
    return None


def _header(text: str) -> str:
    """An explanation as the value of a header: one line of printable ASCII, not too long."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
    return "".join(char for char in line if char.isprintable())[:1500]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _number(text: str) -> int | float:
    """JSON's 1234.0 is the integer 1234."""
    number = float(text)
    return int(number) if number.is_integer() else number


_decode: Final = json.JSONDecoder(parse_float=_number, parse_constant=_no_constant).decode
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(incoming: IncomingRequest) -> Json | GatewayResponse:
    kind = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/json") and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        response = answers.refused(0, "Unsupported Media Type", status=415)
        response.explanation = {
            "text": f"Content-Type must be a JSON type such as application/json, not {kind or 'left out'}"
        }
        return response
    try:
        read = _decode(incoming.body.decode())
    except (ValueError, RecursionError) as error:
        return answers.invalid([(f"The request body is not JSON: {type(error).__name__}", ())])
    return read if is_object(read) else answers.invalid([("The request body must be a JSON object.", ())])


def _query(text: str) -> Json:
    read: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        read.setdefault(name, value)
    return read


def _distorted(payload: Json, fault: Fault) -> Json:
    result = payload["result"]
    if not is_object(result) or payload["error"] is not None:
        return payload
    if fault.kind == "unknown_status":
        changed: Json = (
            {**result, "status": 99 if fault.status is None else fault.status} if "status" in result else result
        )
    else:
        changed = {name: _other_type(value) for name, value in result.items()}
    return {**payload, "result": changed}


def _other_type(value: Any) -> Any:
    if type(value) is int:
        return str(value)
    return len(value) if isinstance(value, str) else value


async def _send(send: Send, status: int, content: bytes, headers: Mapping[str, str]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection without a response; see `server._DroppableProtocol`."""
    scope["extensions"]["commercepay.drop"]()
    while (await receive())["type"] != "http.disconnect":
        pass
