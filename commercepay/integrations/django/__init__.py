"""For Django: an app with the callback endpoint, system checks, the customer's return, and a client for the process.

    # settings.py
    INSTALLED_APPS = [..., "commercepay.integrations.django"]
    COMMERCEPAY = {
        "TENANT_ID": 42, "USERNAME": "shop", "PASSWORD": ..., "SECRET_KEY": ..., "ENVIRONMENT": "staging",
        "CALLBACK_URL": "https://shop.example.my/commercepay/callback",
        "FIND_ORDER": "shop.payments.find_order", "ON_SETTLED": "shop.payments.on_settled",
    }

    # urls.py
    path("commercepay/", include("commercepay.integrations.django.urls"))  # async, under ASGI: ...django.aurls

    # in a view
    session = commercepay.client().sessions.create(callback_url=commercepay.callback_url(), ...)

The settings, all of them optional but `CALLBACK_URL` and one of `ON_SETTLED`, `INBOX` and `ON_CALLBACK`:

- the arguments of `CommercePay`, in capitals; those that `CommercePay.from_env` reads may also come from the environment
- `CALLBACK_URL`: the public URL of the callback endpoint, with which payments are opened
- `FORMER_CALLBACK_URLS`: a list of URLs that payments were opened with before, whose callbacks may still come
- `ON_SETTLED`: called with a `Decision`, once per fact, in a transaction of the ORM. It stands for a `DjangoInbox` (see
  `commercepay.integrations.django.inbox`), and needs `FIND_ORDER`
- `ON_CALLBACK`: called with each verified `Callback`, and with the inbox's connection if there is an inbox
- `INBOX`: a function that makes the inbox, called once, when the first callback comes or by the system check; it is given a
  `Verifier`: `def make_inbox(verifier): return Inbox(engine, verify=verifier.verify)`
- `FIND_ORDER`: given a `ReturnHint`, your record of the order as an `OpenPayment`, or None; needed for `returned`
- `OPEN_PAYMENTS`: returns the payments that are open in your record; for `manage.py commercepay_reconcile`

The last five are functions, or dotted paths of functions. `manage.py check` names everything that is wrong.

Needs `pip install 'commercepay[django]'`.
"""

from __future__ import annotations

from typing import Any

from commercepay.callbacks import Verifier
from commercepay.client import AsyncCommercePay, CommercePay
from commercepay.integrations import _redirect
from commercepay.integrations._endpoint import Returned
from commercepay.integrations.django import _configuration
from commercepay.integrations.django._border import Http404, HttpRequest, HttpResponse, in_thread
from commercepay.models import Session, StartedPayment

__all__ = [
    "Returned",
    "aclient",
    "aclose",
    "areturned",
    "callback_url",
    "client",
    "close",
    "redirect",
    "returned",
    "verifier",
]


def client() -> CommercePay:
    """This process's client. Made when first asked for; it is closed when the process ends.

    Raises:
        ConfigurationError: names everything that is missing or wrong in the settings.
    """
    return _configuration.current().client


def aclient() -> AsyncCommercePay:
    """This process's client for async code, under ASGI. Made when first asked for; closed with the process, or by `aclose`.

    Raises:
        ConfigurationError: names everything that is missing or wrong in the settings.
    """
    return _configuration.current().aclient


def callback_url() -> str:
    """As configured; open payments with it."""
    return _configuration.current().endpoint.callback_url


def verifier() -> Verifier:
    """Verifies callbacks with the client's keys and this endpoint's URLs. For an inbox in a management command."""
    current = _configuration.current()
    return current.endpoint.verifier(current.client.callbacks)


def redirect(started: Session | StartedPayment) -> Any:
    """The `HttpResponse` that sends the customer on to the payment: a redirect, or a page with the payment's `client_script`.

    The page has a `Content-Security-Policy` of its own, which the application must not replace.
    """
    body, status, headers = _redirect.redirect(started, _configuration.current().client.settings)
    return HttpResponse(body, status=status, headers=headers)


def returned(request: HttpRequest) -> Returned:
    """Ask the gateway about the order that this customer came back from. For the view of your `return_url`.

    Raises:
        Http404: `FIND_ORDER` returned None.
        ConfigurationError: there is no `FIND_ORDER`, or the settings are wrong.
    """
    current = _configuration.current()
    found = current.endpoint.returned(current.client, request.META.get("QUERY_STRING", ""))
    if found is None:
        raise Http404
    return found


async def areturned(request: HttpRequest) -> Returned:
    """`returned`, for an async view."""
    current = _configuration.current()
    found = await current.endpoint.areturned(current.aclient, request.META.get("QUERY_STRING", ""), in_thread)
    if found is None:
        raise Http404
    return found


def close() -> None:
    """Close this process's clients. They are made anew if they are asked for again."""
    _configuration.close()


async def aclose() -> None:
    """Close this process's clients, within the event loop that `aclient` was used in."""
    await _configuration.aclose()
