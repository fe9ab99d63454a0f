"""The tables of `DjangoInbox`. Arrivals may be deleted in time; the keys of handled facts must be kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from commercepay._base.secret import Hidden
from commercepay.integrations.django._border import settings
from commercepay.integrations.django._orm import (
    DateTimeField,
    Model,
    TextField,
    get_default_timezone,
    make_aware,
    make_naive,
    models,
)

MAX_REFERENCE = 255
"""How many characters of a reference code are stored. MySQL can't index a text without a limit."""


class HiddenTextField(TextField):
    """Text that is stored unchanged and has a hidden repr, because a callback can be replayed with its signature."""

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return None if value is None else Hidden(value)


class InstantField(DateTimeField):
    """A time. In Python it is aware and in UTC, also if `USE_TZ` is False: Django then stores local times."""

    def get_prep_value(self, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is not None and not settings.USE_TZ:
            value = make_naive(value, get_default_timezone())
        prepared: datetime | None = super().get_prep_value(value)
        return prepared

    def from_db_value(self, value: datetime | None, *_: object) -> datetime | None:
        if value is None:
            return None
        aware: datetime = make_aware(value) if value.tzinfo is None else value
        return aware.astimezone(UTC)


class Arrival(Model):
    """One stored delivery of a callback. Of those that are not genuine, a bounded number is kept."""

    id: Any = models.BigAutoField(primary_key=True)
    inbox: Any = models.CharField(max_length=64)
    # As received.
    received_at: Any = InstantField()
    body: Any = models.BinaryField()
    signature: Any = HiddenTextField(null=True)
    callback_url: Any = models.TextField(null=True)  # as passed to `receive`; NULL: the inbox's own
    # The result of processing it.
    state: Any = models.CharField(max_length=16)
    settled_at: Any = InstantField(null=True)
    attempts: Any = models.IntegerField()
    detail: Any = models.TextField(null=True)  # why it was rejected, in a sentence; or the type of the last error
    reason: Any = models.CharField(max_length=32, null=True)  # a CallbackRejection
    # What the callback reports, once verified.
    fact_key: Any = models.CharField(max_length=64, null=True)
    reference_code: Any = models.CharField(max_length=MAX_REFERENCE, null=True, db_index=True)
    transaction_number: Any = models.TextField(null=True)
    status: Any = models.BigIntegerField(null=True)
    # When it is tried again.
    first_attempt_at: Any = InstantField(null=True)
    next_attempt_at: Any = InstantField(null=True)
    # Of a rejected one: equal for equal evidence, which is kept once.
    digest: Any = models.CharField(max_length=64, null=True)
    # By a person, in the admin.
    seen_at: Any = InstantField(null=True)

    class Meta:
        indexes: Any = (
            models.Index(fields=["inbox", "state", "next_attempt_at"], name="commercepay_pending"),
            models.Index(fields=["inbox", "state", "digest"], name="commercepay_evidence"),
        )

    def __str__(self) -> str:
        return f"arrival {self.id}"


class HandledFact(Model):
    """A fact that was handled, or an order that is paid. The unique key makes handling happen once."""

    id: Any = models.BigAutoField(primary_key=True)
    inbox: Any = models.CharField(max_length=64)
    fact_key: Any = models.CharField(max_length=64)
    arrival_id: Any = models.BigIntegerField(null=True)  # no foreign key: arrivals may be purged, these must not
    handled_at: Any = InstantField()
    outcome: Any = models.CharField(max_length=16, null=True)  # of the decision; NULL: handled by ON_CALLBACK
    transaction_number: Any = models.TextField(null=True)

    class Meta:
        constraints: Any = (models.UniqueConstraint(fields=["inbox", "fact_key"], name="commercepay_handled_once"),)


class Rejection(Model):
    """How many callbacks were rejected in an hour, and how many of them are kept."""

    id: Any = models.BigAutoField(primary_key=True)
    inbox: Any = models.CharField(max_length=64)
    hour: Any = InstantField()
    plausible: Any = models.BooleanField()
    seen: Any = models.BigIntegerField()
    kept: Any = models.BigIntegerField()
    kept_bytes: Any = models.BigIntegerField()

    class Meta:
        constraints: Any = (
            models.UniqueConstraint(fields=["inbox", "hour", "plausible"], name="commercepay_rejection_hour"),
        )
