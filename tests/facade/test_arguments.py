"""Arguments are checked before anything is sent, and one error names every problem."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from facade.conftest import CREDENTIALS, OPENING
from facade.gateway import AUTHENTICATE

from commercepay import (
    ArgumentError,
    CommercePay,
    Customer,
    IdentificationType,
    Money,
    PlatformCharge,
    Recurrence,
    RecurrenceMode,
    SubMerchant,
)

MINUTE = timedelta(minutes=1)
TEXTS = (5, b"x", "", "   ", "\ud800", "a\x85b", "a\u2028b", "a\u2029b")
EMOJI = "\U0001f600"  # two UTF-16 code units

WRONG: list[tuple[str, Any]] = [
    *(("amount", value) for value in ("12.34", 12.34, 1234, Decimal("12.34"), True)),
    *(("reference_code", value) for value in (*TEXTS, "x" * 51, EMOJI * 26)),
    *(
        ("ip_address", value)
        for value in (*TEXTS, "localhost", "203.0.113", "203.0.113.9:80", "203.0.113.9 ", "1.2.3.4\x00")
    ),
    *(
        (name, value)
        for name in ("return_url", "callback_url")
        for value in (
            *TEXTS,
            "shop.example.my",
            "/cb",
            "ftp://a/b",
            "https://",
            "javascript:x",
            "https://a/b c",
            "https://[",
            "https://a\n",
        )
    ),
    *(("description", value) for value in (*TEXTS, "x" * 101, EMOJI * 51)),
    *(("user_agent", value) for value in TEXTS),
    *(("customer", value) for value in ({"name": "A"}, "A", SubMerchant())),
    *(("customer", Customer(name=value)) for value in (*TEXTS, "x" * 37, EMOJI * 19)),
    *(("customer", Customer(email=value)) for value in TEXTS),
    ("customer", Customer(mobile_number=123456789)),  # type: ignore[arg-type]
    *(("customer", Customer(identification_type=value)) for value in (1, "1", RecurrenceMode.DAILY)),  # type: ignore[arg-type]
    *(("save_payment", value) for value in (1, 0, "true")),
    *(("local_citizen", value) for value in (1, "yes")),
    ("sub_merchant", SubMerchant(unique_id=5)),  # type: ignore[arg-type]
    ("sub_merchant", Customer()),
    *(("recurring", Recurrence(mode=value)) for value in (1, IdentificationType.PASSPORT)),  # type: ignore[arg-type]
    *(("recurring", Recurrence(number_of_payments=value)) for value in (0, 1000, True, 1.0, "1")),  # type: ignore[arg-type]
    *(("recurring", Recurrence(effective_date=value)) for value in ("01092026", datetime(2026, 9, 1, tzinfo=UTC))),  # type: ignore[arg-type]
    ("recurring", Recurrence(maximum_amount=9990)),  # type: ignore[arg-type]
    ("recurring", Recurrence(maximum_amount=Money("1.00", "SGD"))),
    ("recurring", Recurrence(is_fixed_amount=1)),  # type: ignore[arg-type]
    *(("channel_group_id", value) for value in ("2", 2.0, True)),
    *(("hidden_channels", value) for value in (5, "123", b"123", ["1"], [True], {1: 2}, {1, 2}, iter([1]), [None])),
    ("platform_charge", PlatformCharge(amount=100)),  # type: ignore[arg-type]
    ("platform_charge", PlatformCharge(amount=Money("1.00", "USD"))),
    ("platform_charge", PlatformCharge(partner_id="")),
    *(("timestamp", value) for value in (1621851652617, "now", datetime(2026, 1, 1))),  # noqa: DTZ001
    *(("timeout", value) for value in (0, -1, "5", float("nan"), float("inf"), True, 10**400)),
    *(("max_retries", value) for value in (-1, 1.5, "2", True)),
]
SESSION_WRONG = [("expires_in", value) for value in (30, "30", timedelta(0), -MINUTE, MINUTE / 2, MINUTE * 1.5)]
PAYMENT_WRONG = [
    *(("channel_id", value) for value in ("2", 2.0, True)),
    *(("provider_channel_id", value) for value in TEXTS),
]


@pytest.mark.parametrize(
    ("resource", "wrong"), [("sessions", WRONG + SESSION_WRONG), ("payments", WRONG + PAYMENT_WRONG)]
)
def test_each_wrong_argument(resource: str, wrong: list[tuple[str, Any]]) -> None:
    """Each wrong argument is one ArgumentError that names it; nothing is sent."""

    def respond(request: httpx.Request) -> httpx.Response:
        raise AssertionError("something was sent")

    with CommercePay(transport=httpx.MockTransport(respond), **CREDENTIALS) as cp:
        for name, value in wrong:
            with pytest.raises(ArgumentError) as caught:
                getattr(cp, resource).create(**OPENING | {name: value})
            assert [problem.partition(" ")[0].partition(".")[0] for problem in caught.value.problems] == [name], value
            assert len(str(caught.value)) < 300, (name, value)
            assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_everything_wrong_in_one(driver: Any, gateway: Any, cp: Any) -> None:
    """One error names every missing, unknown and wrong argument, also in nested values."""
    with pytest.raises(ArgumentError) as caught:
        driver.do(
            cp.sessions.create(
                amount=5,
                ip_address="nowhere",
                callback_url="cb",
                description="\u2028" + "x" * 100,
                customer=Customer(name=EMOJI * 30, email=""),
                expires_in=30,
                timeout=0,
                max_retries=-1,
                nonsense=1,
                channel_id=2,
            )
        )
    text = str(caught.value)
    for part in (
        "amount must be a Money",
        "reference_code is required",
        "return_url is required",
        "ip_address must be",
        "callback_url must be",
        "description has 101 characters; the gateway takes up to 100; holds U+2028",
        "customer.name has 60 characters",
        "customer.email must not be empty",
        "expires_in must be",
        "timeout must be",
        "max_retries must be",
        "no parameter 'nonsense'",
        "no parameter 'channel_id'",
    ):
        assert part in text
    assert len(caught.value.problems) == 13
    assert gateway.seen == []


def test_required(driver: Any, gateway: Any, cp: Any) -> None:
    """The members that the gateway requires are required, and may not be None."""
    for given in ({}, dict.fromkeys(OPENING)):
        for call in (cp.sessions.create, cp.payments.create):
            with pytest.raises(ArgumentError) as caught:
                driver.do(call(**given))
            assert [problem.split()[0] for problem in caught.value.problems] == list(OPENING)
    assert gateway.seen == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"session_number": None},
        {"session_number": "S", "transaction_number": "T"},
        {"session_number": ""},
        {"transaction_number": 2005671137},
        {"transaction_number": "\ud800"},
        {"session_number": "S", "nonsense": 1},
        {"session_number": "S", "timeout": 0},
    ],
    ids=str,
)
def test_query(driver: Any, gateway: Any, cp: Any, given: Any) -> None:
    """Query takes exactly one number, as a string."""
    with pytest.raises(ArgumentError):
        driver.do(cp.payments.query(**given))
    assert gateway.seen == []


@pytest.mark.parametrize("country", [None, "", "my", "MYS", "M1", "\u00c5\u00c5", 458, ["M", "Y"]])
def test_country(driver: Any, gateway: Any, cp: Any, country: Any) -> None:
    """A country is two capital letters."""
    with pytest.raises(ArgumentError, match=r"^channels\.list: country "):
        driver.do(cp.channels.list(country=country))
    assert gateway.seen == []


CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE


@pytest.mark.parametrize(
    ("arguments", "options", "problems"),
    [
        (("PUT", "/x"), {}, 1),
        (("get", "/x"), {}, 1),
        ((None, "/x"), {}, 1),
        (("GET", "x"), {}, 1),
        (("GET", ""), {}, 1),
        (("GET", "//evil.test/x"), {}, 1),
        (("GET", "https://evil.test/x"), {}, 1),
        (("GET", "/x?a=1"), {}, 1),
        (("GET", "/x#a"), {}, 1),
        (("GET", "/ümlaut"), {}, 1),
        (("GET", "/x\n"), {}, 1),
        (("GET", "/x\x00"), {}, 1),
        (("GET", None), {}, 1),
        (("GET", "/x"), {"json": {}}, 1),
        (("POST", "/x"), {"params": {}}, 1),
        (("POST", "/x"), {"json": []}, 1),
        (("POST", "/x"), {"json": '{"a": 1}'}, 1),
        (("POST", "/x"), {"json": {"a": 1, "A": 2}}, 1),
        (("POST", "/x"), {"json": {"a": {"b": [float("nan")]}}}, 1),
        (("POST", "/x"), {"json": {"a": Decimal(1)}}, 1),
        (("POST", "/x"), {"json": {"a": "\ud800"}}, 1),
        (("POST", "/x"), {"json": {1: 2}}, 1),
        (("POST", "/x"), {"json": CIRCLE}, 1),
        (("GET", "/x"), {"params": {"a": [1]}}, 1),
        (("GET", "/x"), {"params": {"a": {"b": 1}}}, 1),
        (("GET", "/x"), {"params": {"a": float("inf")}}, 1),
        (("GET", "/x"), {"timeout": 0}, 1),
        (("GET", "/x"), {"nonsense": 0}, 1),
        (("PUT", "x"), {"json": 5, "params": {"a": 1}, "timeout": 0, "max_retries": -1}, 4),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_request(driver: Any, gateway: Any, cp: Any, arguments: Any, options: Any, problems: int) -> None:
    """`request` raises one error for everything that it can't sign or send, before anything is sent."""
    with pytest.raises(ArgumentError) as caught:
        driver.do(cp.request(*arguments, **options))
    assert len(caught.value.problems) >= problems
    assert gateway.seen == []


def test_right_at_the_limits(driver: Any, gateway: Any, cp: Any) -> None:
    """Texts of the maximum length are sent."""
    driver.do(
        cp.payments.create(
            **OPENING
            | {
                "reference_code": "é" * 50,
                "description": EMOJI * 50,
                "user_agent": "u" + EMOJI * 100,  # cut: an emoji is not cut in half
                "customer": Customer(name="黑" * 36),
                "recurring": Recurrence(number_of_payments=999),
                "hidden_channels": range(3),
                "return_url": "http://localhost:8000/return",
                "timeout": 86_400,
                "max_retries": 0,
            }
        )
    )
    assert gateway.seen[-1].json["userAgent"] == "u" + EMOJI * 99
    assert gateway.seen[-1].json["requestPaymentExtraInfo"] == {"hiddenChannel": [0, 1, 2]}
    assert gateway.seen[-1].status == 200


def test_arguments_are_left_alone(driver: Any, gateway: Any, cp: Any) -> None:
    """The arguments are not changed."""
    hidden, inner = [1], {"b": None}
    data = {"a": inner, "gone": None}
    driver.do(cp.sessions.create(**OPENING, hidden_channels=hidden))
    driver.do(cp.request("POST", "/x", json=MappingProxyType(data)))
    assert (hidden, data, inner) == ([1], {"a": {"b": None}, "gone": None}, {"b": None})


HUGE: Any = 10**5000
"""Python does not write an int of more than 4,300 digits in decimal."""


@pytest.mark.parametrize(
    "call",
    [
        lambda cp: Money.from_minor(HUGE, "MYR"),
        lambda cp: Money(HUGE, "MYR"),
        lambda cp: Money("1.00", HUGE),
        lambda cp: cp.payments.create(**OPENING, channel_id=HUGE),
        lambda cp: cp.payments.query(session_number="S-1", timeout=HUGE),
        lambda cp: cp.payments.query(session_number="9" * 100_000),
        lambda cp: cp.payments.wait(session_number="S-1", timeout=HUGE),
        lambda cp: cp.payments.reconcile([], concurrency=HUGE),
        lambda cp: cp.request(HUGE, "/x"),
        lambda cp: cp.request("GET", "/x", params={"a": HUGE}),
        lambda cp: cp.request("GET", "/x", params={"a": "9" * 100_000}),
        lambda cp: cp.request("POST", "/x", json={"a": HUGE}),
        lambda cp: cp.request("POST", "/" + "x" * 100_000, json={}),
        lambda cp: CommercePay(**CREDENTIALS | {"tenant_id": HUGE}),
        lambda cp: CommercePay(**CREDENTIALS, timeout=HUGE),
        lambda cp: CommercePay(**CREDENTIALS, max_retries=-HUGE),
        lambda cp: CommercePay(**CREDENTIALS, max_response_bytes=-HUGE),
        lambda cp: CommercePay(**CREDENTIALS, base_url="https://xn--zzzz--"),
    ],
)
def test_too_long_to_be_written(driver: Any, gateway: Any, cp: Any, call: Any) -> None:
    """A number or text that no URL, body or error could hold is an ArgumentError, with a short text, and nothing is sent."""
    with pytest.raises(ArgumentError) as caught:
        driver.do(call(cp))
    assert len(str(caught.value)) < 300
    assert all(seen.path == AUTHENTICATE for seen in gateway.seen)
