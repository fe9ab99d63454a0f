"""`manage.py commercepay_doctor`."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from integrations import django_project
from integrations.conftest import CREDENTIALS
from integrations.sites import DjangoSite

from commercepay.testing import Sandbox

assert django_project.urlpatterns  # which configures Django


def examined(client: dict[str, Any], **options: Any) -> tuple[str, str]:
    """What the command prints, and its error."""
    site = DjangoSite(client, on_callback=print, **options)
    printed, error = io.StringIO(), ""
    try:
        call_command("commercepay_doctor", stdout=printed)
    except CommandError as raised:
        error = str(raised)
    finally:
        site.close()
    return printed.getvalue(), error


def test_the_findings(sb: Sandbox) -> None:
    """The command examines the way to the gateway with the settings, and then the callback URL."""
    own = vars(sb.credentials)
    printed, error = examined(
        CREDENTIALS | own | {"base_url": sb.url}, callback_url="http://127.0.0.1:9/commercepay/callback"
    )
    assert "ok       signature    accepted" in printed
    assert "problem  callback connection 127.0.0.1:9 does not accept a connection" in printed
    assert error == "1 problem"
    assert str(own["secret_key"]) not in printed


@pytest.mark.parametrize(
    ("change", "text"),
    [({"tenant_id": "x"}, "tenant_id must be"), ({"environment": "stagging"}, "did you mean 'staging'?")],
)
def test_wrong_settings(change: dict[str, Any], text: str) -> None:
    """Wrong settings are named, though the system checks refuse them as well."""
    printed, error = examined(CREDENTIALS | change)
    assert (printed, text in error) == ("", True)
