"""`call`: requests of generated operations, with what the facade has."""

from __future__ import annotations

import re
from typing import Any

import pytest
from commercepay_api.api.channel import get_tenant_channels_by_country
from commercepay_api.api.payment_gateway import initial_session, query
from commercepay_api.models import Channel, QueryResult, SessionOpened, SessionRequest
from facade.conftest import built
from facade.gateway import CHANNELS, ON_THE_WIRE, PAID, QUERY, SESSION, Reply, enveloped, refused

from commercepay import ArgumentError, InvalidResponse, OutcomeUnknown, PaymentExpired
from commercepay._protocol import defaults

REFUND = "/api/services/app/PaymentGateway/Refund"
OPENING = SessionRequest.from_dict(ON_THE_WIRE | {"timestamp": 1621851652617})


def test_the_result_has_its_type(driver: Any, gateway: Any, cp: Any) -> None:
    """A result is the generated model, or a list of them. The request is signed and has a token."""
    gateway.always[QUERY] = Reply(enveloped(PAID))
    gateway.always[CHANNELS] = Reply(enveloped([{"id": 2, "name": "FPX"}]))
    assert driver.do(cp.call(query.request(session_number="S-1", timestamp=1))) == QueryResult.from_dict(PAID)
    assert driver.do(cp.call(get_tenant_channels_by_country.request(country_code="MY"))) == [Channel(2, "FPX")]
    opened = driver.do(cp.call(initial_session.request(body=OPENING)))
    assert isinstance(opened, SessionOpened)
    (seen,) = gateway.requests(SESSION)
    assert seen.token
    assert len(seen.signature) == 64


def test_types_in_lists(driver: Any, gateway: Any, cp: Any) -> None:
    """A wrong type is named with its place, at every depth."""
    limits = {"acceptedCurrencyCode": 5, "minRequestAmount": 100, "maxRequestAmount": "3"}
    gateway.always[CHANNELS] = Reply(enveloped([{"id": 2}, {"id": 3, "currencies": [limits]}]))
    with pytest.raises(InvalidResponse) as caught:
        driver.do(cp.call(get_tenant_channels_by_country.request(country_code="MY")))
    assert "[1].currencies[0].accepted_currency_code must be str, not int" in str(caught.value)
    assert "max_request_amount must be float, not str" in str(caught.value)
    assert "min_request_amount" not in str(caught.value)


def test_a_safe_post_is_sent_again(driver: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `safe=True`, a POST is retried like a GET, with a request that is built anew."""
    monkeypatch.setattr(defaults, "BACKOFF_FIRST", 0.0)
    gateway.queue(REFUND, Reply(drop="after"), Reply(b"<html>", 502), Reply(enveloped({"n": 1})))
    request = built(REFUND, orderNumber="7")
    assert driver.do(driver.client(max_retries=2).call(request, safe=True)) == {"n": 1}
    assert gateway.count(REFUND) == 3
    assert list(request["extensions"]) == ["commercepay"]


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (Reply(refused(2021, "Expired")), PaymentExpired, "^Refund (reference code 'ORDER-1'): Expired"),
        (Reply(drop="after"), OutcomeUnknown, "may have processed it (reference 'ORDER-1'); find out"),
    ],
)
def test_the_reference_names_the_order(driver: Any, gateway: Any, cp: Any, reply: Any, error: Any, text: str) -> None:
    """The errors have the `reference`. The outcome of a call that opens no payment gets no advice for payments."""
    gateway.always[REFUND] = reply
    with pytest.raises(error) as caught:
        driver.do(cp.call(built(REFUND, referenceCode="INV-1"), reference="ORDER-1"))
    assert text.removeprefix("^") in str(caught.value)
    assert getattr(caught.value, "reference_code", "ORDER-1") == "ORDER-1"
    assert "DuplicateTransaction" not in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "options", "problem"),
    [
        (query, {}, r"must be what a generated module's `request\(...\)` returns, not module"),
        (query.sync, {}, "not function"),
        ({"method": "post"}, {}, "not dict"),
        (built(REFUND), {"safe": 1}, "safe must be a bool, not int"),
        (built(REFUND), {"reference": "a\n"}, "reference must not hold control characters"),
        (built(REFUND), {"reference": ""}, "reference must not be empty"),
        (built(REFUND), {"timeout": 0}, "timeout"),
        (built(REFUND, amount=float("nan")), {}, "nan|finite"),
        (
            built(REFUND, callbackUrl="http://127.0.0.1/x", a=object()),
            {"safe": 1, "nonsense": 1},
            "3 problems|4 problems",
        ),
    ],
    ids=lambda value: re.sub(" at 0x.*", "", ascii(value)[:40]),
)
def test_arguments(driver: Any, gateway: Any, cp: Any, request_: Any, options: Any, problem: str) -> None:
    """One error names everything that is wrong, before anything is sent."""
    with pytest.raises(ArgumentError, match=problem):
        driver.do(cp.call(request_, **options))
    assert gateway.seen == []


def test_a_request_shows_no_body() -> None:
    """The repr of a built request is its address: a body may hold a password."""
    assert repr(built(REFUND, password="secret")) == f"<request POST {REFUND}>"
