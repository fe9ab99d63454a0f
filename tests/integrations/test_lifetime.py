"""The lifetime of the client: created late, checked early where the framework allows it, closed with the application."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Any

import pytest
from flask import Flask
from integrations.conftest import CREDENTIALS
from integrations.sites import DjangoSite
from processes import python
from starlette.applications import Starlette

from commercepay import ClientClosed, ConfigurationError
from commercepay.integrations import django as commercepay_django
from commercepay.integrations.flask import FlaskIntegration
from commercepay.integrations.starlette import StarletteIntegration
from commercepay.testing import sandbox

CALLBACK_URL = "https://shop.example.my/commercepay/callback"


def test_starlette_closes_with_its_lifespan() -> None:
    """The client is closed when the application ends, and an application that starts again has a new one."""
    pay = StarletteIntegration(callback_url=CALLBACK_URL, on_callback=print, **CREDENTIALS)
    app = Starlette(routes=[*pay.routes], lifespan=pay.lifespan)

    async def once() -> Any:
        async with app.router.lifespan_context(app):
            return pay.client

    first, second = asyncio.run(once()), asyncio.run(once())
    assert first is not second
    with pytest.raises(ClientClosed):
        first.api.connections.refuse_if_closed()


def test_starlette_checks_the_settings_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application whose client can't be created does not start. Before the start no setting is needed."""
    for name in ("TENANT_ID", "USERNAME", "PASSWORD", "SECRET_KEY"):
        monkeypatch.delenv(f"COMMERCEPAY_{name}", raising=False)
    pay = StarletteIntegration(callback_url=CALLBACK_URL, on_callback=print)
    app = Starlette(lifespan=pay.lifespan)

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pass

    with pytest.raises(ConfigurationError, match="COMMERCEPAY_TENANT_ID"):
        asyncio.run(start())


def test_flask_closes_with_its_application() -> None:
    """Each application has its own client, which is closed with the application."""
    pay = FlaskIntegration(on_callback=print)
    clients = []
    for _ in range(2):
        app = Flask("shop")
        app.config["COMMERCEPAY_CALLBACK_URL"] = CALLBACK_URL
        app.config.update({f"COMMERCEPAY_{name.upper()}": value for name, value in CREDENTIALS.items()})
        pay.init_app(app)
        with app.app_context():
            clients.append(pay.client)
            assert pay.client is clients[-1]
    del app
    gc.collect()
    assert clients[0] is not clients[1]
    assert all(client.api.connections.closed for client in clients)


def test_flask_needs_init_app() -> None:
    """Using the client of an application that was not set up is an error."""
    with Flask("shop").app_context(), pytest.raises(RuntimeError, match="init_app"):
        _ = FlaskIntegration(on_callback=print).client


def test_django_has_one_client_per_process() -> None:
    """The client is the same until it is closed or the settings change; then there is a new one."""
    site = DjangoSite(CREDENTIALS, on_callback=print)
    try:
        first = commercepay_django.client()
        assert commercepay_django.client() is first
        assert commercepay_django.aclient() is commercepay_django.aclient()
        commercepay_django.close()
        second = commercepay_django.client()
        assert second is not first
        assert first.api.connections.closed
    finally:
        site.close()
    other = DjangoSite(CREDENTIALS | {"tenant_id": 43}, on_callback=print)
    try:
        assert commercepay_django.client().settings.tenant_id == 43
    finally:
        other.close()


PRE_FORK = """
import os, sys
from flask import Flask
from commercepay import Money
from commercepay.integrations.flask import FlaskIntegration

pay = FlaskIntegration(on_callback=print, inbox=lambda verifier: sys.exit("made before the fork"))
app = Flask("shop")
app.config["COMMERCEPAY_CALLBACK_URL"] = "https://shop.example.my/commercepay/callback"
pay.init_app(app)

for number in range(2):
    if os.fork() == 0:
        with app.app_context():
            session = pay.client.sessions.create(
                amount=Money("1.00", "MYR"), reference_code=f"INV-{number}", ip_address="203.0.113.9",
                return_url="https://shop.example.my/return", callback_url=pay.callback_url,
            )
        print("opened", flush=True)
        sys.exit(0)
for _ in range(2):
    assert os.wait()[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_application_made_before_a_fork_works_in_every_worker() -> None:
    """After a pre-fork server has created the application and forked, each worker has a working client and ends cleanly."""
    with sandbox() as gateway:
        done = python(PRE_FORK, options=("-X", "dev", "-W", "error"), env=gateway.environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "opened\nopened\n", "")
        assert sorted(one.reference_code for one in gateway.orders) == ["INV-0", "INV-1"]
