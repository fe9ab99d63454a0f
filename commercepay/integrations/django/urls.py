"""`path("commercepay/", include("commercepay.integrations.django.urls"))`: the callback endpoint, for WSGI."""

from __future__ import annotations

from commercepay.integrations.django import views
from commercepay.integrations.django._border import re_path

app_name = "commercepay"
# With and without a slash at the end: a POST can't be redirected, and the signature is the same.
urlpatterns: list[object] = [re_path(r"^callback/?\Z", views.callback, name="callback")]
