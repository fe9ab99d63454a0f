"""A shop with one product, in Django, in one file. README.md in this folder describes how to start it."""

import os
import re
import secrets
import sys
from contextlib import ExitStack
from datetime import timedelta
from io import StringIO

import django
from django.conf import settings
from django.core.management import call_command, execute_from_command_line
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template import engines
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from commercepay import Decision, Expected, Money, OpenPayment, Outcome, PaymentStatus, ReturnHint
from commercepay.integrations import django as commercepay

PORT = int(os.environ.get("SHOP_PORT", "8000"))
PUBLIC_URL = f"http://127.0.0.1:{PORT}"  # where the world reaches this shop: configured, never taken from a request
DATABASE = os.environ.get("SHOP_DATABASE", "shop.db")
PRICE = Money("35.00", "MYR")

settings.configure(  # in a real shop: settings.py
    SECRET_KEY=secrets.token_hex(32),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["commercepay.integrations.django"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
    COMMERCEPAY={
        "CALLBACK_URL": f"{PUBLIC_URL}/commercepay/callback",
        "FIND_ORDER": f"{__name__}.find_order",
        "ON_SETTLED": f"{__name__}.on_settled",
        "OPEN_PAYMENTS": f"{__name__}.open_payments",
    },
)
django.setup()


class Order(models.Model):
    reference = models.CharField(max_length=50, primary_key=True)
    minor = models.IntegerField()
    currency = models.CharField(max_length=3)
    session = models.CharField(max_length=64, null=True)
    state = models.CharField(max_length=10, default="open")

    class Meta:
        app_label = "shop"

    @property
    def price(self) -> Money:
        return Money.from_minor(self.minor, self.currency)

    def open_payment(self) -> OpenPayment:
        return OpenPayment(session_number=self.session, reference_code=self.reference, amount=self.price)


class Shipment(models.Model):
    reference = models.CharField(max_length=50)

    class Meta:
        app_label = "shop"


# --- knowing that it was paid: three ways to a decision, one function that acts on it ---------------------------------


def find_order(hint: ReturnHint) -> Expected | None:
    order = Order.objects.filter(reference=hint.reference_code).first()
    if order is None:
        return None
    if order.session is None:  # its number was in a response that got lost
        return Expected(reference_code=order.reference, amount=order.price)
    return order.open_payment()


def on_settled(decision: Decision) -> None:
    """The only place where an order becomes paid. Called once per fact, in the transaction of the inbox."""
    order = Order.objects.select_for_update().get(reference=decision.expected.reference_code)
    if decision.is_paid:
        order.state = "paid"
        order.save()
        Shipment.objects.create(reference=order.reference)
        transaction.on_commit(lambda: print(f"Paid: {order.reference}", flush=True))  # in a real shop: an e-mail
    elif decision.outcome is Outcome.CLOSED and decision.status is PaymentStatus.EXPIRED and order.state == "open":
        order.state = "expired"
        order.save()


def open_payments() -> list[OpenPayment]:
    return [order.open_payment() for order in Order.objects.filter(state="open", session__isnull=False)]


# --- the shop ---------------------------------------------------------------------------------------------------------


@require_GET
def product(request: HttpRequest) -> HttpResponse:
    return page(request, "Batik tote bag", price=PRICE)


@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    reference = f"SHOP-{secrets.token_hex(8)}"
    # before the call, so that a callback finds the order
    Order.objects.create(reference=reference, minor=PRICE.minor, currency=PRICE.currency)
    session = commercepay.client().sessions.create(
        amount=PRICE,
        reference_code=reference,
        description="One batik tote bag",
        ip_address=request.META["REMOTE_ADDR"],
        return_url=f"{PUBLIC_URL}/return",
        callback_url=commercepay.callback_url(),
        expires_in=timedelta(minutes=30),
    )
    # before the customer can pay
    Order.objects.filter(reference=reference).update(session=session.session_number)
    return commercepay.redirect(session)


@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """The customer is back, so the gateway is asked; `returned` settles the decision."""
    returned = commercepay.returned(request)
    return redirect(f"/orders/{returned.order.expected.reference_code}")


@require_GET
def order_page(request: HttpRequest, reference: str) -> HttpResponse:
    order = get_object_or_404(Order, reference=reference)
    return page(request, f"Order {order.reference}", state=order.state)


@csrf_exempt
@require_POST
def reconcile(
    request: HttpRequest,
) -> HttpResponse:  # in a real shop: manage.py commercepay_reconcile, every few minutes
    """For callbacks that never came, the gateway is asked about all orders that are still open."""
    printed = StringIO()
    call_command("commercepay_reconcile", stdout=printed)
    asked, paid = (int(number) for number in re.findall(r"\d+", printed.getvalue())[:2])
    return JsonResponse({"asked": asked, "paid": paid})


urlpatterns = [
    path("", product),
    path("buy", buy),
    path("return", back),
    path("orders/<reference>", order_page),
    path("reconcile", reconcile),
    path("commercepay/", include("commercepay.integrations.django.urls")),
]

PAGE = """<!doctype html><html lang="en"><title>{{ title }}</title><h1>{{ title }}</h1>
{% if price %}<form method="post" action="/buy">{% csrf_token %}<button>Buy for {{ price }}</button></form>{% endif %}
{% if state == "paid" %}<p data-state="paid">Paid. It is on its way.</p>
{% elif state == "expired" %}<p data-state="expired">Not paid in time.</p>
{% elif state %}<p data-state="{{ state }}">Not paid yet.</p>{% endif %}
{% if state %}<a href="/">Back to the shop</a>{% endif %}"""


def page(request: HttpRequest, title: str, **context: object) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({"title": title, **context}, request))


def create_tables() -> None:  # in a real shop: migrations
    call_command("migrate", verbosity=0)
    existing = connection.introspection.table_names()
    with connection.schema_editor() as editor:
        for model in (Order, Shipment):
            if model._meta.db_table not in existing:
                editor.create_model(model)


if __name__ == "__main__":
    with ExitStack() as stack:
        if "COMMERCEPAY_TENANT_ID" not in os.environ:
            from commercepay.testing import sandbox

            gateway = stack.enter_context(sandbox())
            os.environ |= gateway.environment
            print(f"Sandbox: {gateway.url}/_sandbox/", flush=True)
        print(f"Shop:    {PUBLIC_URL}/", flush=True)
        create_tables()
        execute_from_command_line([sys.argv[0], "runserver", "--noreload", f"127.0.0.1:{PORT}"])
