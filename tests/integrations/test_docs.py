"""The code in docs/frameworks.md and docs/knowing-that-you-were-paid.md runs, against the sandbox."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django.test
import httpx
import pytest
from django.core.checks import run_checks
from django.test.utils import override_settings
from integrations import django_project  # noqa: F401  # Django's settings
from sqlalchemy import create_engine, text

from commercepay import CommercePay, Money, OutcomeUnknown, UnknownOrder
from commercepay.integrations import django as commercepay_django
from commercepay.testing import Sandbox, sign_callback

DOCS = Path(__file__).parents[2] / "docs"
FRAMEWORKS = (DOCS / "frameworks.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "knowing-that-you-were-paid.md").read_text(encoding="utf-8")
CALLBACK_URL = "https://shop.example.my/commercepay/callback"
AMOUNT = Money("12.34", "MYR")


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
            response = runner.run(ask(method, path, body, headers))
            is_json = "json" in response.headers.get("content-type", "")
            return response.status_code, response.json() if is_json else response.headers.get("location")

        yield send
        runner.run(lifespan.__aexit__(None, None, None))


@contextmanager
def flask(names: dict[str, Any]) -> Iterator[Send]:
    app = names["create_app"]()

    def send(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        with app.test_client() as client:
            response = client.open(path, method=method, data=body, headers=headers)
            outcome = response.status_code, response.json or response.headers.get("location")
            response.close()
        return outcome

    yield send
    app.extensions["commercepay"].client.close()


@contextmanager
def django_site(names: dict[str, Any]) -> Iterator[Send]:
    with override_settings(ROOT_URLCONF="shop.site", COMMERCEPAY=names["COMMERCEPAY"]):
        assert run_checks() == []
        client = django.test.Client(raise_request_exception=False)

        def send(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
            response = client.generic(method, path, body, content_type="application/json", headers=headers)
            is_json = "json" in response.headers.get("content-type", "")
            return response.status_code, response.json() if is_json else response.headers.get("location")

        yield send
        commercepay_django.close()


SITES = {
    "fastapi": (asgi, ["fastapi"]),
    "starlette": (asgi, ["starlette"]),
    "flask": (flask, ["flask"]),
    "django": (django_site, ["django settings", "django urls"]),
}


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str]], dict[str, Any]]]:
    """Copies samples into a package `shop` as somebody would who builds a shop from them; the names of its site."""
    shop = tmp_path / "shop"
    shop.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)  # for its database

    def copy(blocks: list[str]) -> dict[str, Any]:
        (shop / "payments.py").write_text(block(), encoding="utf-8")
        (shop / "site.py").write_text("\n".join(map(block, blocks)), encoding="utf-8")
        return vars(importlib.import_module("shop.site"))

    yield copy
    sys.modules["shop.payments"].__dict__["engine"].dispose()
    for name in ("shop", "shop.payments", "shop.site"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", list(SITES))
def test_a_copied_sample_gets_its_orders_paid(
    kind: str, staging: Sandbox, sample: Callable[[list[str]], dict[str, Any]]
) -> None:
    """A shop copied from the page sells: orders are paid by the callback, by the return, and after a lost response."""
    site, blocks = SITES[kind]
    names = sample(blocks)
    orders = names["orders"]

    def callback(reference: str, secret: str = staging.credentials.secret_key) -> int:
        signed = sign_callback(CALLBACK_URL, secret, amount=AMOUNT, reference_code=reference)
        return send("POST", "/commercepay/callback", signed.body, signed.headers)[0]

    def back(reference: str) -> tuple[int, Any]:
        return send("GET", f"/return?ReferenceCode={reference}&TransactionNumber=1", b"", {})

    with site(names) as send:
        for _ in range(2):
            status, location = send("POST", "/buy", b"", {})
            assert status in (302, 303)
            assert location.startswith(staging.url)
        by_return, by_callback = sorted(staging.orders, key=lambda order: list(orders).index(order.reference_code))
        assert back(by_return.reference_code) == (200, {"paid": False})
        assert callback(by_callback.reference_code, "a guess") == 401
        assert [order["state"] for order in orders.values()] == ["open", "open"]
        staging.pay(by_return.number)
        assert back(by_return.reference_code) == (200, {"paid": True})
        assert callback(by_callback.reference_code) == 200
        staging.faults.add("drop_after", endpoint="InitialSession")
        assert send("POST", "/buy", b"", {})[0] == 500
        assert callback(list(orders)[2]) == 200
        assert [order["state"] for order in orders.values()] == ["paid", "paid", "paid"]
        assert callback("INV-UNKNOWN") == 500
        assert back("INV-UNKNOWN")[0] == 404


def test_the_guide_runs(staging: Sandbox, tmp_path: Path) -> None:
    """All blocks of the guide run in order in one namespace; in each of the three ways an order is paid, and shipped once."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (reference, minor, currency, session, state)"))
        connection.execute(text("CREATE TABLE to_ship (reference)"))
        connection.execute(text("CREATE TABLE to_refund (reference)"))
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    with CommercePay.from_env() as cp:
        names: dict[str, Any] = {
            "DATABASE_URL": url,
            "CALLBACK_URL": CALLBACK_URL,
            "cp": cp,
        }
        for code in blocks:
            run(code, names)

        def callback(reference: str, amount: Money = AMOUNT) -> int:
            secret = staging.credentials.secret_key
            signed = sign_callback(CALLBACK_URL, secret, amount=amount, reference_code=reference)
            return int(names["callback_endpoint"](signed.body, signed.headers))

        def shipped() -> list[str]:
            with engine.connect() as connection:
                return list(connection.execute(text("SELECT reference FROM to_ship ORDER BY reference")).scalars())

        for number in range(1, 5):
            assert names["buy"](f"INV-{number}", AMOUNT).startswith(staging.url)
        one, two, three, _ = (order.number for order in staging.orders)
        assert names["return_endpoint"]("ReferenceCode=INV-1").startswith("There is no payment")
        assert names["return_endpoint"]("ReferenceCode=INV-9") == "There is no such order."
        for session in (one, two, three):
            staging.pay(session)
        assert [callback("INV-1"), callback("INV-1")] == [200, 200]
        with pytest.raises(UnknownOrder):
            callback("INV-9")
        assert callback("INV-4", Money("0.01", "MYR")) == 200
        assert shipped() == ["INV-1"]
        assert names["return_endpoint"]("ReferenceCode=INV-2&TransactionNumber=1") == "Thank you!"
        assert shipped() == ["INV-1", "INV-2"]
        for _ in range(2):
            names["reconcile"]()
        assert shipped() == ["INV-1", "INV-2", "INV-3"]
        assert names["return_endpoint"]("ReferenceCode=INV-1") == "Thank you!"
        assert shipped() == ["INV-1", "INV-2", "INV-3"]
        staging.faults.add("drop_after", endpoint="InitialSession")
        with pytest.raises(OutcomeUnknown):
            names["buy"]("INV-5", AMOUNT)
        names["reconcile"]()
        assert names["return_endpoint"]("ReferenceCode=INV-5").startswith("There is no payment")
        assert callback("INV-5") == 200
        assert shipped() == ["INV-1", "INV-2", "INV-3", "INV-5"]
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
