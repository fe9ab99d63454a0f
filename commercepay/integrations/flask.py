"""For Flask: an extension with the callback endpoint, the customer's return, and a client for each application.

    pay = FlaskIntegration(on_callback=on_callback)

    def create_app():
        app = Flask(__name__)
        app.config["COMMERCEPAY_CALLBACK_URL"] = "https://shop.example.my/commercepay/callback"
        pay.init_app(app)
        return app

    # in a view
    session = pay.client.sessions.create(callback_url=pay.callback_url, ...)

Needs `pip install 'commercepay[flask]'`.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from commercepay._base.extras import missing
from commercepay._protocol.settings import misspelt
from commercepay.callbacks import Verifier, signature_of
from commercepay.client import CommercePay
from commercepay.errors import ConfigurationError
from commercepay.integrations import _endpoint, _redirect
from commercepay.integrations._endpoint import Endpoint, FindOrder, MakeInbox, OnCallback, Returned
from commercepay.models import Session, StartedPayment

try:
    from flask import Flask, Response, abort, current_app, request
except ModuleNotFoundError as _error:
    raise missing("commercepay[flask]", _error) from _error

__all__ = ["FlaskIntegration", "Returned"]

_KEY = "commercepay"
_CONFIGURABLE = (*_endpoint.OPTIONS, "callback_url", "former_callback_urls", "callback_path")


class _Extension(NamedTuple):
    """What belongs to one application."""

    client: CommercePay
    endpoint: Endpoint


class FlaskIntegration:
    """CommercePay in a Flask application.

    Read from `app.config`: `COMMERCEPAY_CALLBACK_URL`, the public URL of the callback endpoint, with which payments are
    opened; `COMMERCEPAY_FORMER_CALLBACK_URLS`, a list of URLs that payments were opened with before, whose callbacks may still
    come; `COMMERCEPAY_CALLBACK_PATH`, the path of its rule, if a proxy or a mount makes it differ from the public one; and the
    arguments of `CommercePay`, such as `COMMERCEPAY_TENANT_ID`. Those that `CommercePay.from_env` reads may also come from the
    environment.

    Args:
        app: the application, if there is one by now; else call `init_app`.
        on_callback: called with each verified `Callback`, and with the inbox's connection if there is an inbox. What it
            raises becomes a 500, and the gateway tries again.
        inbox: a function that makes the inbox, called once, when the first callback comes:
            `lambda verifier: Inbox(engine, verify=verifier.verify, find_order=..., on_settled=...)`.
        find_order: given a `ReturnHint`, your record of the order as an `OpenPayment`, or None. Needed for `returned`, unless
            the inbox has one.

    Raises:
        ConfigurationError: names everything that is wrong.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        on_callback: OnCallback | None = None,
        inbox: MakeInbox | None = None,
        find_order: FindOrder | None = None,
    ) -> None:
        self._on_callback = on_callback
        self._inbox = inbox
        self._find_order = find_order
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the endpoint and a client to an application. The client connects when it first calls, and survives a fork.

        Raises:
            ConfigurationError: names everything that is missing or wrong.
        """
        config = _config(app)
        problems = [
            f"app.config has {key}, but the key is {meant}" for key, meant in misspelt(config, _CONFIGURABLE).items()
        ]
        client = endpoint = None
        try:
            endpoint = Endpoint(
                callback_url=config.get("COMMERCEPAY_CALLBACK_URL"),
                former_callback_urls=config.get("COMMERCEPAY_FORMER_CALLBACK_URLS"),
                on_callback=self._on_callback,
                inbox=self._inbox,
                find_order=self._find_order,
            )
            problems += endpoint.sync_problems()
        except ConfigurationError as error:
            problems += error.problems
        try:
            client = CommercePay.from_env(**_options(config))
        except ConfigurationError as error:
            problems += error.problems
        if client is not None and endpoint is not None:
            problems += endpoint.environment_problems(client.settings)
        if client is None or endpoint is None or problems:
            raise ConfigurationError(problems)
        app.extensions[_KEY] = _Extension(client, endpoint)
        # Flask has no shutdown: the client is closed with the application object, at the latest when the process ends.
        weakref.finalize(app, client.close)
        for path in endpoint.paths(config.get("COMMERCEPAY_CALLBACK_PATH")):
            app.add_url_rule(path, "commercepay.callback", receive, methods=["POST"])

    @property
    def client(self) -> CommercePay:
        """The current application's client."""
        return _extension().client

    @property
    def callback_url(self) -> str:
        """As configured; open payments with it."""
        return _extension().endpoint.callback_url

    @property
    def inbox(self) -> Any:
        """The inbox, for `settle` and `process_pending`. Made at the first call; None if there is none."""
        extension = _extension()
        return extension.endpoint.inbox(extension.client.callbacks)

    @property
    def verifier(self) -> Verifier:
        """Verifies callbacks with the client's keys and this endpoint's URLs. For an inbox in a worker."""
        extension = _extension()
        return extension.endpoint.verifier(extension.client.callbacks)

    def redirect(self, started: Session | StartedPayment) -> Response:
        """The response that sends the customer on to the payment: a redirect, or a page with the payment's `client_script`.

        The page has a `Content-Security-Policy` of its own, which the application must not replace.
        """
        return Response(*_redirect.redirect(started, self.client.settings))

    def returned(self) -> Returned:
        """Ask the gateway about the order that this customer came back from. For the view of your `return_url`.

        Raises:
            werkzeug.exceptions.NotFound: `find_order` returned None.
            ConfigurationError: there is no `find_order`.
        """
        extension = _extension()
        found = extension.endpoint.returned(extension.client, request.query_string.decode("latin-1"))
        return abort(404) if found is None else found


def receive() -> Response:
    """The callback endpoint. With Flask-WTF: `csrf.exempt("commercepay.integrations.flask.receive")`."""
    extension = _extension()
    body = _body()
    if body is None:
        return Response(status=_endpoint.too_large())
    status = extension.endpoint.receive(
        extension.client.callbacks, body, signature_of(request.headers), request.base_url
    )
    return Response(status=status)


def _body() -> bytes | None:
    length = request.headers.get("Content-Length")
    if _endpoint.announces_too_large(length):
        return None
    body = None if length else _endpoint.read(request.stream)
    if length or body == b"":
        body = request.get_data()  # works as well if a hook of the application has read it before
    return body


def _extension() -> _Extension:
    extension: _Extension | None = current_app.extensions.get(_KEY)
    if extension is None:
        raise RuntimeError("CommercePay is not set up for this application: call init_app(app)")
    return extension


def _config(app: Flask) -> dict[str, Any]:
    return app.config


def _options(config: dict[str, Any]) -> dict[str, Any]:
    given = {name: config.get(f"COMMERCEPAY_{name.upper()}") for name in _endpoint.OPTIONS}
    return {name: value for name, value in given.items() if value is not None}
