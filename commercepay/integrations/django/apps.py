"""The app: what Django loads when it is named in `INSTALLED_APPS`."""

from __future__ import annotations

from commercepay.integrations.django._border import AppConfig, register


class CommercePayConfig(AppConfig):
    """Registers the system check."""

    name = "commercepay.integrations.django"
    label = "commercepay"
    verbose_name = "CommercePay"

    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from commercepay.integrations.django._checks import check  # it needs the models, which are loaded by now

        register(check)
