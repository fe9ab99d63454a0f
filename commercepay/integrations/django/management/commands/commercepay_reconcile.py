"""`manage.py commercepay_reconcile`: ask about the payments that are open in your record, and settle them."""

from __future__ import annotations

from argparse import ArgumentParser

from commercepay.integrations.django.management._border import BaseCommand, CommandError
from commercepay.integrations.django.management._site import inbox, site


class Command(BaseCommand):
    """Asks the gateway about each of `OPEN_PAYMENTS`, and has the decisions settled by the inbox."""

    help = "Ask the gateway about the payments that OPEN_PAYMENTS returns, and call ON_SETTLED with what it reports."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rate", type=float, default=10.0, help="Requests a second, at the most (10).")

    def handle(self, *_args: object, rate: float, **_options: object) -> None:
        """Print how many payments were asked about.

        Raises:
            CommandError: there is no `OPEN_PAYMENTS`, or some payments could not be asked about or settled.
        """
        of = site()
        settled = inbox(of)
        if of.open_payments is None:
            raise CommandError("OPEN_PAYMENTS is missing in settings.COMMERCEPAY")
        asked = paid = failed = 0
        for one in of.client.payments.reconcile(of.open_payments(), rate=rate):
            asked += 1
            paid += one.is_paid
            failed += one.decision is None or settled.settle(one.decision).error is not None
        self.stdout.write(f"asked: {asked}, paid: {paid}, failed: {failed}")
        if failed:
            raise CommandError(f"{failed} of {asked} could not be asked about or settled: the next run asks again")
