"""The arrivals in Django's admin."""

from __future__ import annotations

from processes import python

# In a process of its own: the project of the other tests has no admin.
PROJECT = r"""
import django
from datetime import UTC, datetime
from django.conf import settings

settings.configure(
    SECRET_KEY="django's own", ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", USE_TZ=True, STATIC_URL="static/",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        *(f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "sessions", "messages")),
        "commercepay.integrations.django",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }],
    COMMERCEPAY={
        "TENANT_ID": 42, "USERNAME": "shop", "PASSWORD": "example-Password-01", "SECRET_KEY": "example-Secret-Key-01",
        "CALLBACK_URL": "https://shop.example.my/callback", "FIND_ORDER": print, "ON_SETTLED": print,
    },
)
django.setup()
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import path
from commercepay.integrations.django.models import Arrival

urlpatterns = [path("admin/", admin.site.urls)]
call_command("migrate", verbosity=0)
call_command("check")

arrival = Arrival.objects.create(
    inbox="default", received_at=datetime.now(UTC), body=b"<script>\xff", signature="5ec4e7" * 10, state="rejected",
    reason="signature_wrong", attempts=0, digest="d1d1" * 16,
)
PAGE = f"/admin/commercepay/arrival/{arrival.pk}/change/"
LIST = "/admin/commercepay/arrival/"


def user(name, *permissions):
    made = User.objects.create_user(name, is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(made)
    return client


def act(client, action):
    client.post(LIST, {"action": action, "_selected_action": [arrival.pk]})
    arrival.refresh_from_db()
    return arrival.state, arrival.seen_at is not None


reader = user("reader", "view_arrival")
page = reader.get(PAGE).content.decode()
assert "&lt;script&gt;\\xff" in page and "<script>\\xff" not in page, page
assert "5ec4e7" not in page and "d1d1d1" not in page
found = reader.get(LIST, {"state": "rejected", "reason": "signature_wrong"}).content.decode()
assert PAGE in found and "mark_as_seen" not in found
assert act(reader, "replay") == act(reader, "mark_as_seen") == ("rejected", False)

editor = user("editor", "view_arrival", "change_arrival")
editor.post(PAGE, {"state": "handled", "body": "x"})
assert act(editor, "mark_as_seen") == ("rejected", True)
assert act(editor, "replay") == ("stored", True)
assert editor.post(f"{LIST}add/").status_code == 403
assert editor.post(f"{LIST}{arrival.pk}/delete/", {"post": "yes"}).status_code == 403
"""


def test_the_admin() -> None:
    """The body is escaped, the signature never shown; only users who may change arrivals can replay and mark them."""
    run = python(PROJECT)
    assert run.returncode == 0, run.stderr
