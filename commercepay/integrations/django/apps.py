"""The app: what Django loads when it is named in `INSTALLED_APPS`."""

from __future__ import annotations

from commercepay.integrations.django._border import AppConfig, register
from commercepay.integrations.django._checks import check


class CommercePayConfig(AppConfig):
    """Registers the system check."""

    name = "commercepay.integrations.django"
    label = "commercepay"
    verbose_name = "CommercePay"

    def ready(self) -> None:
        register(check)
