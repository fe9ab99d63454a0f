"""The tables of the first version."""

from __future__ import annotations

from typing import Any

from commercepay.integrations.django._orm import Migration as _Migration
from commercepay.integrations.django._orm import migrations, models
from commercepay.integrations.django.models import HiddenTextField, InstantField


class Migration(_Migration):
    initial = True

    operations: Any = (
        migrations.CreateModel(
            name="Arrival",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("inbox", models.CharField(max_length=64)),
                ("received_at", InstantField()),
                ("body", models.BinaryField()),
                ("signature", HiddenTextField(null=True)),
                ("callback_url", models.TextField(null=True)),
                ("state", models.CharField(max_length=16)),
                ("settled_at", InstantField(null=True)),
                ("attempts", models.IntegerField()),
                ("detail", models.TextField(null=True)),
                ("reason", models.CharField(max_length=32, null=True)),
                ("fact_key", models.CharField(max_length=64, null=True)),
                ("reference_code", models.CharField(db_index=True, max_length=255, null=True)),
                ("transaction_number", models.TextField(null=True)),
                ("status", models.BigIntegerField(null=True)),
                ("first_attempt_at", InstantField(null=True)),
                ("next_attempt_at", InstantField(null=True)),
                ("digest", models.CharField(max_length=64, null=True)),
                ("seen_at", InstantField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["inbox", "state", "next_attempt_at"], name="commercepay_pending"),
                    models.Index(fields=["inbox", "state", "digest"], name="commercepay_evidence"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HandledFact",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("inbox", models.CharField(max_length=64)),
                ("fact_key", models.CharField(max_length=64)),
                ("arrival_id", models.BigIntegerField(null=True)),
                ("handled_at", InstantField()),
                ("outcome", models.CharField(max_length=16, null=True)),
                ("transaction_number", models.TextField(null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("inbox", "fact_key"), name="commercepay_handled_once")],
            },
        ),
        migrations.CreateModel(
            name="Rejection",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("inbox", models.CharField(max_length=64)),
                ("hour", InstantField()),
                ("plausible", models.BooleanField()),
                ("seen", models.BigIntegerField()),
                ("kept", models.BigIntegerField()),
                ("kept_bytes", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("inbox", "hour", "plausible"), name="commercepay_rejection_hour")
                ],
            },
        ),
    )
