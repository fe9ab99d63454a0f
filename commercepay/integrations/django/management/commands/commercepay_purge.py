"""`manage.py commercepay_purge`: delete old arrivals."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta

from commercepay.integrations.django.management._border import BaseCommand
from commercepay.integrations.django.management._site import inbox, site


class Command(BaseCommand):
    """Deletes arrivals that are handled, duplicate or rejected."""

    help = "Delete old arrivals. Pending ones, dead letters and the keys of handled facts are kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=90, help="Keep those of the last days (90).")

    def handle(self, *_args: object, days: int, **_options: object) -> None:
        deleted = inbox(site()).purge(datetime.now(UTC) - timedelta(days=days))
        self.stdout.write(f"deleted: {deleted}")
