"""`path("commercepay/", include("commercepay.integrations.django.aurls"))`: the callback endpoint, for ASGI."""

from __future__ import annotations

from commercepay.integrations.django import views
from commercepay.integrations.django._border import re_path

app_name = "commercepay"
urlpatterns: list[object] = [re_path(r"^callback/?\Z", views.acallback, name="callback")]
