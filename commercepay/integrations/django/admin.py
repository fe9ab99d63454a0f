"""The arrivals in Django's admin. Nothing can be edited: users with the permission to change may replay and mark as seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from commercepay.errors import CommercePayError
from commercepay.integrations.django import _configuration
from commercepay.integrations.django._admin import (
    EmptyFieldListFilter,
    ModelAdmin,
    action,
    display,
    format_html,
    register,
)
from commercepay.integrations.django.inbox import alias
from commercepay.integrations.django.models import Arrival

# Neither the signature nor the digest: with its signature a callback can be replayed.
_SHOWN = (
    *("id", "inbox", "received_at", "state", "reason", "detail", "reference_code", "transaction_number", "status"),
    *("attempts", "first_attempt_at", "next_attempt_at", "settled_at", "seen_at", "callback_url", "raw_body"),
)


@register(Arrival)
class ArrivalAdmin(ModelAdmin):
    """Lists arrivals by state and reason."""

    list_display = ("id", "received_at", "state", "reason", "reference_code", "attempts", "seen_at")
    list_filter = ("state", "reason", ("seen_at", EmptyFieldListFilter), "inbox")
    search_fields = ("reference_code", "transaction_number")
    ordering = ("-id",)
    show_full_result_count = False  # counting a large table takes long
    fields = _SHOWN
    readonly_fields = _SHOWN
    actions = ("replay", "mark_as_seen")

    def has_add_permission(self, _request: object) -> bool:
        return False

    def has_delete_permission(self, _request: object, _arrival: object = None) -> bool:
        return False

    @display(description="body")
    def raw_body(self, arrival: Any) -> object:
        """The body as text, escaped."""
        return format_html("<pre>{}</pre>", bytes(arrival.body).decode("utf-8", "backslashreplace"))

    @action(permissions=["change"], description="Replay: verify again if rejected, and handle")
    def replay(self, request: object, chosen: Any) -> None:
        """Make arrivals pending. `commercepay_process` handles them."""
        try:
            current = _configuration.current()
            inbox: Any = current.endpoint.inbox(current.client.callbacks)
            count = sum(inbox.replay(arrival.pk) for arrival in chosen if arrival.inbox == inbox.name)
        except CommercePayError as error:
            self.message_user(request, str(error), level="ERROR")
        else:
            self.message_user(request, f"{count} pending; commercepay_process handles them")

    @action(permissions=["change"], description="Mark as seen")
    def mark_as_seen(self, _request: object, chosen: Any) -> None:
        """Store the time, for the filter of those that nobody has seen yet."""
        ids = list(chosen.values_list("pk", flat=True))
        Arrival.objects.using(alias()).filter(pk__in=ids).update(seen_at=datetime.now(UTC))
