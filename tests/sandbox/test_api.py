"""The control API: its document describes it, and every response follows the document."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate
from sandbox.conftest import Caller

from commercepay.sandbox.web.control_api import api as control_api
from commercepay.testing import Sandbox

DOCUMENT = control_api.openapi()
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


class Api:
    """Call operations of the document by their names, and check each response against it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False)

    def __call__(self, name: str, *, expect: int = 200, number: Any = "", query: Any = None, **body: Any) -> Any:
        method, path, operation = OPERATIONS[name]
        path = re.sub(r"\{\w+\}", str(number), path)
        response = self.http.request(method, path, params=query, json=body if method == "POST" else None)
        assert response.status_code == expect, response.text
        described = operation["responses"]["200" if expect == 200 else "default"]
        schema = described["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(response.json())
        return response.json()


@pytest.fixture
def api(sb: Sandbox) -> Any:
    one = Api(sb.url)
    yield one
    one.http.close()


def test_the_document_is_valid_and_served(api: Api) -> None:
    """The API describes itself in valid OpenAPI 3.1."""
    validate(DOCUMENT)
    assert api("document")["info"]["title"] == "CommercePay sandbox"


def test_the_document_has_every_operation() -> None:
    """There is an operation for everything that the dashboard does or shows."""
    of_payments = {"sessions", "session", "payments", "payment", "pay", "fail", "cancel", "expire", "move"}
    of_logs = {"callbacks", "callback", "resend", "requests", "request"}
    of_faults = {"faults", "add_fault", "clear_faults", "remove_fault"}
    of_all = {"state", "revoke_tokens", "clock", "advance", "reset", "document"}
    assert OPERATIONS.keys() == of_payments | of_logs | of_faults | of_all


def test_a_session_is_seen_and_paid(api: Api, caller: Caller) -> None:
    """Sessions and payments are listed with their timeline, and paid by a post."""
    number = caller.open(referenceCode="INV-5")
    assert api("sessions")[0]["state"] == "open"
    paid = api("pay", number=number, channel_id=22)
    assert (paid["status"], paid["status_name"], paid["channel_id"]) == (1, "PAID", 22)
    session = api("session", number=number)
    assert (session["state"], session["amount_text"]) == ("closed", "MYR 12.34")
    assert [step["status_name"] for step in session["payments"][0]["timeline"]] == ["PENDING", "PAID"]
    assert api("payment", number=paid["transaction_number"]) == api("payment", number=number) == paid
    assert caller.query(SessionNumber=number)["status"] == 1


def test_attempts_fail_are_cancelled_and_expire(api: Api, caller: Caller) -> None:
    """Each outcome has an operation; the number may be of a session or of a payment."""
    number = caller.open()
    assert api("fail", number=number)["status"] == 2
    assert api("fail", number=number, status=6)["status"] == 6
    assert api("cancel", number=number)["status"] == 8
    assert api("expire", number=number)["session_number"] == number
    assert api("expire", number=caller.start())["status"] == 10
    payment = api("pay", number=caller.start())
    assert api("move", number=payment["transaction_number"], status=11)["status_name"] == "REFUNDED"


def test_what_can_not_be_done_is_refused_with_the_gateways_code(api: Api, caller: Caller) -> None:
    """Not found is 404 with 2010, ended 409 with 2022, expired 409 with 2021, and an invalid request 400."""
    number = caller.open()
    api("pay", number=number)
    assert api("pay", number=number, expect=409)["error"]["code"] == 2022
    expired = caller.open()
    api("expire", number=expired)
    assert api("pay", number=expired, expect=409)["error"]["code"] == 2021
    for name in ("pay", "fail", "cancel", "expire", "session", "payment"):
        assert api(name, number="nothing", expect=404)["error"]["code"] == 2010
    assert api("fail", number=number, status=1, expect=400)["error"]["message"] == "PAID is not a status for this"
    assert api("move", number=number, expect=400)["error"]["message"] == "status: Field required"
    assert api("pay", number=number, chanel=1, expect=400)
    assert api("resend", number=99, expect=404)
    assert api("callback", number="x", expect=404)
    assert api("request", number=99, expect=404)
    assert api("remove_fault", number=99, expect=404)
    assert api("add_fault", kind="status", expect=400)["error"]["message"].startswith("a status fault needs")
    assert api("advance", advance=-1, expect=400)


def test_lists_are_filtered(api: Api, caller: Caller) -> None:
    """Sessions, payments, callbacks and requests are filtered by query parameters."""
    first, second = caller.open(referenceCode="A"), caller.open(referenceCode="B")
    caller.start(referenceCode="C")
    api("pay", number=first)
    assert [one["number"] for one in api("sessions", query={"reference_code": "B"})] == [second]
    assert [one["number"] for one in api("sessions", query={"state": "closed"})] == [first]
    assert [one["reference_code"] for one in api("payments", query={"status": 0})] == ["C", "B"]
    assert [one["reference_code"] for one in api("payments", query={"session_number": first})] == ["A"]
    assert [one["number"] for one in api("callbacks", query={"number": first})] == [first]
    assert api("callbacks", query={"number": second}) == []
    requests = api("requests", query={"operation": "InitialSession"})
    assert [one["operation"] for one in requests] == ["InitialSession"] * 2
    assert len(api("requests", query={"limit": 1})) == 1
    assert [one["operation"] for one in api("requests", query={"after": requests[0]["id"]})] == ["RequestPayment"]
    assert api("requests", query={"status": 400}) == []
    caller.post("InitialSession", caller.members(), signed="0" * 64)
    assert [one["status"] for one in api("requests", query={"verdict": "refused"})] == [400]
    assert api("requests", query={"limit": "many"}, expect=400)


def test_a_request_is_shown_with_its_explanation(api: Api, caller: Caller) -> None:
    """The number in the response's header gives access to the request, its verdict and the explanation."""
    response = caller.post("InitialSession", caller.members(channelId=2))
    shown = api("request", number=response.headers["x-sandbox-request"])
    assert shown["verdict"] == "signature refused"
    assert shown["explanation"]["readings"] == ["unknown members signed"]
    assert shown["headers"]["authorization"] == shown["headers"]["cap-signature"] == "***"


def test_callbacks_are_shown_and_resent(sb: Sandbox, api: Api, caller: Caller) -> None:
    """A callback is listed with its deliveries, and can be sent again in another variant."""
    api("pay", number=caller.open())
    sb.settle()
    (callback,) = api("callbacks")
    assert (callback["state"], callback["status_name"]) == ("delivered", "PAID")
    api("resend", number=callback["id"], variant="unsigned")
    sb.settle()
    deliveries = api("callback", number=callback["id"])["deliveries"]
    assert [(one["variant"], one["signed"], one["status"]) for one in deliveries] == [
        ("signed", True, 200),
        ("unsigned", False, 200),
    ]
    blocked = caller.open(callbackUrl="https://shop.example.my/callback")
    api("pay", number=blocked)
    assert "on another machine" in api("resend", number=callback["id"] + 1, expect=409)["error"]["message"]


def test_faults_are_set_and_removed(api: Api, caller: Caller) -> None:
    """Faults are added, listed, fired, removed one by one and all at once."""
    first = api("add_fault", kind="status", endpoint="Query", status=502, times=None)
    second = api("add_fault", kind="latency", seconds=0)
    assert [one["id"] for one in api("faults")] == [first["id"], second["id"]]
    assert caller.get("Query", {"Timestamp": 1}).status_code == 502
    assert api("state")["faults"][0]["fired"] == 1
    assert api("remove_fault", number=first["id"]) == []
    assert caller.get("Query", {"Timestamp": 1}).status_code == 400
    api("add_fault", kind="truncated")
    assert api("clear_faults") == []


def test_the_clock_tokens_and_all(api: Api, caller: Caller) -> None:
    """The clock is set forward, tokens are revoked, everything is reset."""
    number = caller.open()
    assert api("advance", advance=90.5)["clock_ahead_seconds"] == 90.5
    api("revoke_tokens")
    assert caller.get("Query", {"SessionNumber": number, "Timestamp": 1}).status_code == 401
    state = api("reset")
    assert (state["sessions"], state["requests"], state["clock_ahead_seconds"]) == (0, 0, 0)
    assert api("clock")["clock_ahead_seconds"] == 0


def test_the_version_rises_with_every_change(api: Api, caller: Caller) -> None:
    """The polled version changes exactly when something changed."""
    version = api("state")["version"]
    assert api("state")["version"] == version
    changes: list[Callable[[], Any]] = [
        caller.open,
        lambda: api("add_fault", kind="truncated"),
        lambda: api("advance", advance=1),
        lambda: api("pay", number=api("sessions")[0]["number"]),
    ]
    for change in changes:
        change()
        assert api("state")["version"] > version
        version = api("state")["version"]


def test_another_method_is_not_allowed(api: Api) -> None:
    """Another method is HTTP 405, with all the methods of the path."""
    response = api.http.delete("/_sandbox/api/faults")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


def test_a_form_does_what_json_does_and_leads_back(api: Api, caller: Caller) -> None:
    """Numbers and objects in the dashboard's forms are read with their types."""
    response = api.http.post(
        "/_sandbox/api/faults",
        data={"kind": "status", "status": "429", "headers": '{"Retry-After": "3"}', "times": "", "processed": "true"},
    )
    assert (response.status_code, response.headers["location"]) == (303, "/_sandbox/")
    (fault,) = api("faults")
    assert (fault["status"], fault["headers"], fault["processed"]) == (429, {"Retry-After": "3"}, True)
    assert api.http.post("/_sandbox/api/clock", data={"advance": "soon"}).status_code == 400


def test_the_dashboard_shows_everything_escaped(sb: Sandbox, api: Api, caller: Caller) -> None:
    """One page shows sessions, payments, callbacks, requests and explanations, with any content."""
    number = caller.open(referenceCode="<script>alert(1)</script>")
    api("pay", number=number)
    caller.post("InitialSession", caller.members(channelId=2))
    sb.settle()
    page = api.http.get("/_sandbox/")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    for text in ("&lt;script&gt;alert(1)", number, "unknown members signed", "PAID", "/_sandbox/inbox"):
        assert text in page.text


def test_the_dashboard_has_a_button_for_each_thing(api: Api, caller: Caller) -> None:
    """Every POST of the document is the action of a form on the page."""
    api("pay", number=caller.open())
    caller.open()
    api("add_fault", kind="truncated")
    page = api.http.get("/_sandbox/").text
    actions = set(re.findall(r'action="([^"]+)"', page))
    for method, path, _ in OPERATIONS.values():
        if method == "POST":
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
            assert any(re.fullmatch(pattern, action) for action in actions), path
