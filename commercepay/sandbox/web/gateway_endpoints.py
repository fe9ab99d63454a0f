"""The gateway's endpoints over HTTP: the token, then the signature over what was bound to the model, then the members."""

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
from commercepay.sandbox import answers, explain, faults
from commercepay.sandbox.answers import Answer
from commercepay.sandbox.description import Operation
from commercepay.sandbox.faults import Fault
from commercepay.sandbox.model import Json, Tenant
from commercepay.sandbox.request_log import Noted
from commercepay.sandbox.rules import Gateway, LoginFailed, NoAccess, Refused
from commercepay.sandbox.sandbox import World

log = logging.getLogger("commercepay.sandbox")

MAX_BODY: Final = 1024 * 1024

Handler = Callable[[Tenant, Json, str], Json]

HANDLERS: Final[Mapping[str, Callable[[Gateway], Handler]]] = {
    "InitialSession": lambda gateway: gateway.initial_session,
    "RequestPayment": lambda gateway: gateway.request_payment,
    "Query": lambda gateway: gateway.query,
}
"""An endpoint of the description that is not here answers with the description's own example."""


@dataclass(slots=True, repr=False)
class Incoming:
    """One request as it came, secrets and all."""

    method: str
    path: str
    query: str
    base_url: str
    headers: dict[str, str]
    body: bytes
    began: float
    id: int
    operation: Operation | None = None
    struck: list[Fault] = field(default_factory=list[Fault])

    @property
    def url(self) -> str:
        return self.base_url + self.path + (f"?{self.query}" if self.query else "")


class Front:
    """The ASGI application behind the description's paths."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = await self._read(scope, receive)
        if incoming is None:
            await _send(send, 413, b"", {"connection": "close"})
            return
        operation = incoming.operation
        struck = incoming.struck = self._world.faults.for_request(operation.name) if operation is not None else []
        kinds = {fault.kind for fault in struck}
        for fault in struck:
            if fault.kind == "latency":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "tokens_revoked":
                self._world.gateway.revoke_tokens()
        instead = next((fault for fault in struck if fault.kind == "status"), None)
        if "drop_before" in kinds:
            self._record(incoming, None, None, "not processed")
            await _drop(scope, receive)
            return
        if instead is not None and not instead.processed:
            await self._answer_instead(incoming, send, instead, "not processed")
            return
        answer = self._process(incoming)
        self._world.state.commit()
        if "drop_after" in kinds:
            self._record(incoming, answer, None, answer.verdict)
            await _drop(scope, receive)
        elif instead is not None:
            await self._answer_instead(incoming, send, instead, answer.verdict)
        else:
            await self._answer(incoming, send, answer)

    async def _read(self, scope: Scope, receive: Receive) -> Incoming | None:
        began = time.perf_counter()
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > MAX_BODY:
                return None
            if not message.get("more_body"):
                break
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        host = headers.get("host") or "{}:{}".format(*scope["server"])
        incoming = Incoming(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            base_url=f"{scope['scheme']}://{host}",
            headers=headers,
            body=b"".join(chunks),
            began=began,
            id=self._world.next_request_id(),
        )
        incoming.operation = self._world.description.find(incoming.method, incoming.path)
        return incoming

    # --- what the gateway does with it -------------------------------------------------------------------------------

    def _process(self, incoming: Incoming) -> Answer:
        world, operation = self._world, incoming.operation
        world.gateway.tick()
        if operation is None:
            return self._no_operation(incoming)
        tenant_header = incoming.headers.get("abp-tenantid")
        tenant = world.tenant
        if operation.needs_token:
            try:
                tenant = world.gateway.admit(incoming.headers.get("authorization"), tenant_header)
            except NoAccess as error:
                return answers.unauthorized(str(error))
        read = _query(incoming.query) if operation.in_query else _json(incoming)
        if isinstance(read, Answer):
            return read
        bound = operation.model.bind(read)
        if operation.in_query:
            bound = operation.model.typed(bound)  # a query has no types of its own
        valid = operation.is_valid(bound)
        typed = bound if valid else operation.model.typed(bound)
        if operation.needs_signature:
            problem = self._check_signature(incoming, operation, tenant, read, typed)
            if problem is not None:
                return problem
        if not valid:
            return answers.invalid(operation.problems(bound))
        answer = self._act(operation, tenant, tenant_header, typed, incoming.base_url)
        if answer.explanation is None and (odd := explain.hint(typed)) is not None:
            answer.explanation = {"text": odd}
        return answer

    def _no_operation(self, incoming: Incoming) -> Answer:
        known = [f"{method} {operation.path}" for (method, _), operation in self._world.description.operations.items()]
        answer = answers.not_found(incoming.method, incoming.path, known)
        if allowed := self._world.description.methods(incoming.path):
            answer.status = 405
            answer.headers["allow"] = ", ".join(allowed)
        return answer

    def _check_signature(
        self, incoming: Incoming, operation: Operation, tenant: Tenant, sent: Json, typed: Json
    ) -> Answer | None:
        given = incoming.headers.get("cap-signature")
        try:
            message = signature.message(incoming.url, typed)
        except UnsignableData as error:
            return answers.invalid([(problem, ()) for problem in error.problems])
        if given is not None and signature.same(signature.digest(message, tenant.secret_key), given):
            return None
        untyped = operation.model.bind(sent, as_sent=True)
        bound = operation.model.typed(untyped)
        refused = explain.Refused(
            url=incoming.url,
            bound=bound,
            untyped=untyped,
            sent={**sent, **bound} if operation.in_query else sent,
            raw=incoming.body.decode(errors="replace"),
            given=given,
            secret=tenant.secret_key,
            other_secrets=tuple(one.secret_key for one in self._world.tenants.values() if one.id != tenant.id),
            servers=self._world.description.servers,
        )
        masked = self._world.masking.text
        explanation = explain.explain(refused)
        return answers.bad_signature({name: masked(v) if isinstance(v, str) else v for name, v in explanation.items()})

    def _act(
        self, operation: Operation, tenant: Tenant, tenant_header: str | None, members: Json, base_url: str
    ) -> Answer:
        try:
            if operation.name == "Authenticate":
                return answers.success(self._world.gateway.authenticate(tenant_header, members))
            if operation.name == "Query" and not (members.get("TransactionNumber") or members.get("SessionNumber")):
                numbers = ("transactionNumber", "sessionNumber")
                return answers.invalid([("TransactionNumber or SessionNumber is required.", numbers)])
            if (handler := HANDLERS.get(operation.name)) is not None:
                return answers.success(handler(self._world.gateway)(tenant, members, base_url))
        except LoginFailed as error:
            return answers.login_failed(str(error))
        except Refused as error:
            return answers.refused(error.code, error.message)
        return _example(operation)

    # --- how it is answered ------------------------------------------------------------------------------------------

    async def _answer(self, incoming: Incoming, send: Send, answer: Answer) -> None:
        payload = answer.payload
        for fault in incoming.struck:
            if fault.kind in ("unknown_status", "wrong_types"):
                payload = _distorted(payload, fault)
        content = _encode(payload).encode(errors="replace")
        status, content_type = answer.status, "application/json; charset=utf-8"
        for fault in incoming.struck:
            if fault.kind == "truncated":
                content = content[: len(content) // 2]
            elif fault.kind == "not_json":
                page = faults.HTML.format(status=200) if fault.body is None else fault.body
                status, content, content_type = 200, page.encode(), "text/html; charset=utf-8"
        self._record(incoming, answer, status, answer.verdict, content)
        headers = {"content-type": content_type, "x-sandbox-request": str(incoming.id), **answer.headers}
        if answer.explanation is not None:
            headers["x-sandbox-explanation"] = explain.header(answer.explanation["text"])
        await _send(send, status, content, headers)

    async def _answer_instead(self, incoming: Incoming, send: Send, fault: Fault, verdict: str) -> None:
        status = fault.status or 500
        content = (faults.HTML.format(status=status) if fault.body is None else fault.body).encode()
        self._record(incoming, None, status, verdict, content)
        headers = {"content-type": "text/html; charset=utf-8", "x-sandbox-request": str(incoming.id)}
        headers |= {name.lower(): value for name, value in fault.headers.items()}
        await _send(send, status, content, headers)

    def _record(
        self, incoming: Incoming, answer: Answer | None, status: int | None, verdict: str, content: bytes = b""
    ) -> None:
        explanation = answer.explanation if answer is not None else None
        noted = Noted(
            id=incoming.id,
            at=self._world.clock.now(),
            method=incoming.method,
            url=incoming.url,
            headers=incoming.headers,
            body=incoming.body,
            operation=incoming.operation.name if incoming.operation is not None else None,
            verdict=verdict,
            explanation=explanation,
            faults=tuple(fault.kind for fault in incoming.struck),
            status=status,
            answer=content,
            milliseconds=round((time.perf_counter() - incoming.began) * 1000, 3),
        )
        self._world.requests.add(noted)
        self._world.state.touch()
        if log.isEnabledFor(logging.INFO):
            why = explain.header(explanation["text"]) if explanation is not None else ""
            told = f"{ascii(incoming.path)[1:-1]} {status or 'no answer'} {verdict}"
            log.info("%d %s %s%s", incoming.id, incoming.method, told, f": {why}" if why else "")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _number(text: str) -> int | float:
    """JSON's 1234.0 is the integer 1234."""
    number = float(text)
    return int(number) if number.is_integer() else number


_decode: Final = json.JSONDecoder(parse_float=_number, parse_constant=_no_constant).decode
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(incoming: Incoming) -> Json | Answer:
    kind = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        answer = answers.refused(0, "Unsupported Media Type", status=415)
        answer.explanation = {"text": f"Content-Type must be application/json, not {kind or 'left out'}"}
        return answer
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


def _example(operation: Operation) -> Answer:
    """An endpoint that is described but has no behaviour here: its own example."""
    example = operation.example
    if is_object(example):
        result = example.get("result", example) if "__abp" in example else example
        answer = answers.success(result)
        answer.explanation = {
            "text": f"{operation.name} has no behaviour in the sandbox: this is the description's example"
        }
        return answer
    answer = answers.refused(0, "An internal error occurred during your request!", status=500)
    answer.explanation = {
        "text": f"{operation.name} has neither behaviour in the sandbox nor an example in the description"
    }
    return answer


def _distorted(payload: Json, fault: Fault) -> Json:
    result = payload["result"]
    if not is_object(result) or payload["error"] is not None:
        return payload
    if fault.kind == "unknown_status":
        changed: Json = (
            {**result, "status": 14 if fault.status is None else fault.status} if "status" in result else result
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
    """Close the connection without an answer; see `server.DroppableProtocol`."""
    scope["extensions"]["commercepay.drop"]()
    while (await receive())["type"] != "http.disconnect":
        pass
