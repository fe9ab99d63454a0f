"""The code in docs/frameworks.md and docs/knowing-that-you-were-paid.md runs, against the sandbox."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import django.test
import httpx
import pytest
from django.core.checks import run_checks
from django.test.utils import override_settings
from integrations import django_project  # noqa: F401  # Django's settings
from sqlalchemy import create_engine, text

from commercepay import CommercePay, Money, OpenPayment
from commercepay._protocol import settings
from commercepay.integrations import django as commercepay_django
from commercepay.testing import Sandbox, sandbox, sign_callback

DOCS = Path(__file__).parents[2] / "docs"
FRAMEWORKS = (DOCS / "frameworks.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "knowing-that-you-were-paid.md").read_text(encoding="utf-8")
CALLBACK_URL = "https://shop.example.my/commercepay/callback"
AMOUNT = Money("12.34", "MYR")


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with sandbox() as one:
        yield one


@pytest.fixture
def gateway(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    running.reset()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(settings.ENVIRONMENTS, "staging", running.url)  # the examples use this name
    monkeypatch.setattr(settings, "_PUBLISHED_KEYS", frozenset())  # staging refuses them
    return running


def block(name: str | None = None) -> str:
    """A block of docs/frameworks.md: the one after its comment, or the first."""
    start = FRAMEWORKS.index("```python" if name is None else f"<!-- {name} -->\n```python")
    return FRAMEWORKS[start:].partition("```python\n")[2].partition("```")[0]


def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    exec(compile(code, "docs", "exec"), names)
    return names


Send = Callable[[str, str, bytes, dict[str, str]], tuple[int, Any]]


@contextmanager
def asgi(names: dict[str, Any]) -> Iterator[Send]:
    app = names["app"]
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())

        async def ask(method: str, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://internal") as client:
                return await client.request(method, path, content=body, headers=headers)

        def send(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
            answer = runner.run(ask(method, path, body, headers))
            is_json = "json" in answer.headers.get("content-type", "")
            return answer.status_code, answer.json() if is_json else answer.headers.get("location")

        yield send
        runner.run(lifespan.__aexit__(None, None, None))


@contextmanager
def flask(names: dict[str, Any]) -> Iterator[Send]:
    app = names["create_app"]()

    def send(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        with app.test_client() as client:
            answer = client.open(path, method=method, data=body, headers=headers)
            outcome = answer.status_code, answer.json or answer.headers.get("location")
            answer.close()
        return outcome

    yield send
    app.extensions["commercepay"].client.close()


@contextmanager
def django_site(names: dict[str, Any]) -> Iterator[Send]:
    payments, urls = ModuleType("shop.payments"), ModuleType("shop.urls")
    payments.__dict__.update(names)
    shop = ModuleType("shop")
    shop.__path__ = []
    urls.__dict__.update(names)
    sys.modules |= {"shop": shop, "shop.payments": payments, "shop.urls": urls}
    try:
        with override_settings(ROOT_URLCONF="shop.urls", COMMERCEPAY=names["COMMERCEPAY"]):
            assert run_checks() == []
            client = django.test.Client(raise_request_exception=False)

            def send(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
                answer = client.generic(method, path, body, content_type="application/json", headers=headers)
                is_json = "json" in answer.headers.get("content-type", "")
                return answer.status_code, answer.json() if is_json else answer.headers.get("location")

            yield send
            commercepay_django.close()
    finally:
        for name in ("shop", "shop.payments", "shop.urls"):
            del sys.modules[name]


SITES = {
    "fastapi": (asgi, ["fastapi"]),
    "starlette": (asgi, ["starlette"]),
    "flask": (flask, ["flask"]),
    "django": (django_site, ["django settings", "django urls"]),
}


@pytest.mark.parametrize("kind", list(SITES))
def test_the_few_lines_for_a_framework_work(kind: str, gateway: Sandbox) -> None:
    """The example opens a session, handles callbacks, rejects forgeries, and after the return the order is paid."""
    site, blocks = SITES[kind]
    names = run(block(), {"__name__": "shop"})
    for name in blocks:
        run(block(name), names)
    with site(names) as send:
        if kind == "starlette":  # its example opens no session
            open_one(gateway)
        else:
            status, location = send("POST", "/buy", b"", {})
            assert status in (302, 303)
            assert location.startswith(gateway.url)
        (order,) = gateway.orders
        names["orders"]["INV-1"] = OpenPayment(session_number=order.number, reference_code="INV-1", amount=AMOUNT)
        back = "/return?ReferenceCode=INV-1&TransactionNumber=1"
        assert send("GET", back, b"", {}) == (200, {"paid": False})
        assert send("GET", "/return?ReferenceCode=INV-2", b"", {})[0] == 404
        gateway.pay(order.number)
        assert names["paid"] == set()
        assert send("GET", back, b"", {}) == (200, {"paid": True})
        assert names["paid"] == {"INV-1"}
        names["paid"].clear()
        for secret, expected in (("a guess", 401), (gateway.credentials.secret_key, 200)):
            signed = sign_callback(CALLBACK_URL, secret, amount=AMOUNT, reference_code="INV-1")
            assert send("POST", "/commercepay/callback", signed.body, signed.headers)[0] == expected
            assert names["paid"] == ({"INV-1"} if expected == 200 else set())


def open_one(gateway: Sandbox) -> None:
    with gateway.client() as cp:
        cp.sessions.create(
            amount=AMOUNT,
            reference_code="INV-1",
            ip_address="203.0.113.9",
            return_url="https://shop.example.my/return",
            callback_url=CALLBACK_URL,
        )


def test_the_guide_runs(gateway: Sandbox, tmp_path: Path) -> None:
    """All blocks of the guide run in order in one namespace; in each of the three ways an order is paid, and shipped once."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (reference, minor, currency, session, state)"))
        connection.execute(text("CREATE TABLE to_ship (reference)"))
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    with CommercePay.from_env() as cp:
        names: dict[str, Any] = {
            "DATABASE_URL": url,
            "CALLBACK_URL": CALLBACK_URL,
            "SECRET_KEY": gateway.credentials.secret_key,
            "cp": cp,
        }
        for code in blocks:
            run(code, names)

        def callback(reference: str, amount: Money = AMOUNT) -> int:
            return int(names["callback_endpoint"](*signed_for(reference, amount)))

        def signed_for(reference: str, amount: Money) -> tuple[bytes, str]:
            return sign_callback(CALLBACK_URL, gateway.credentials.secret_key, amount=amount, reference_code=reference)

        def shipped() -> list[str]:
            with engine.connect() as connection:
                return list(connection.execute(text("SELECT reference FROM to_ship ORDER BY reference")).scalars())

        for number in range(1, 5):
            assert names["buy"](f"INV-{number}", AMOUNT).startswith(gateway.url)
        one, two, three, _ = (order.number for order in gateway.orders)
        assert names["return_endpoint"]("ReferenceCode=INV-1").startswith("We have no payment")
        assert names["return_endpoint"]("ReferenceCode=INV-9") == "We know no such order."
        for session in (one, two, three):
            gateway.pay(session)
        assert [callback("INV-1"), callback("INV-1"), callback("INV-9")] == [200, 200, 200]
        assert callback("INV-4", Money("0.01", "MYR")) == 200
        assert shipped() == ["INV-1"]
        assert names["return_endpoint"]("ReferenceCode=INV-2&TransactionNumber=1") == "Thank you!"
        assert shipped() == ["INV-1", "INV-2"]
        for _ in range(2):
            names["reconcile"]()
        assert shipped() == ["INV-1", "INV-2", "INV-3"]
        assert names["return_endpoint"]("ReferenceCode=INV-1") == "Thank you!"
        assert shipped() == ["INV-1", "INV-2", "INV-3"]
    names["engine"].dispose()
    engine.dispose()


def test_every_outcome_is_in_the_guide() -> None:
    """The table has every outcome, and no other."""
    from commercepay import Outcome

    table = GUIDE.partition("`decision.outcome`")[2].partition("## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(Outcome.__members__)


def test_the_picture_is_readable_in_light_and_dark() -> None:
    """The picture is well-formed, has a text alternative, and a dark form of every colour."""
    from xml.etree import ElementTree

    text_of = (DOCS / "images" / "knowing-that-you-were-paid.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text_of)
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    light, _, dark = text_of.partition("@media (prefers-color-scheme: dark)")
    coloured = {name for name, rule in re.findall(r"\.(\w+) \{([^}]*)\}", light) if "#" in rule}
    assert coloured <= set(re.findall(r"\.(\w+) \{", dark))
