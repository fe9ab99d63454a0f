"""`manage.py commercepay_process`: handle the callbacks that are stored and due."""

from __future__ import annotations

import logging
import time
from argparse import ArgumentParser

from commercepay.errors import ArgumentError
from commercepay.integrations.django._orm import close_old_connections
from commercepay.integrations.django.management._border import BaseCommand
from commercepay.integrations.django.management._site import inbox, site

_log = logging.getLogger("commercepay.inbox")


class Command(BaseCommand):
    """Handles what is due and ends; with --watch it goes on until it is interrupted."""

    help = "Handle the callbacks that are stored and due: those whose handler failed, or that were replayed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="Go on until interrupted, also if the database fails.")
        parser.add_argument("--pause", type=float, default=5.0, help="Seconds to wait when nothing is due (5).")

    def handle(self, *_args: object, watch: bool, pause: float, **_options: object) -> None:
        of = site()
        pending = inbox(of)
        count = 0
        try:
            while True:
                receipts: list[object] = []
                try:
                    receipts = pending.process_pending(of.on_callback)
                except ArgumentError:  # a mistake in the application
                    raise
                except Exception as error:
                    if not watch:
                        raise
                    _log.warning("the inbox can't be processed now (%s)", type(error).__name__)
                close_old_connections()  # and open new ones if the database was restarted
                count += len(receipts)
                if not receipts:
                    if not watch:
                        break
                    time.sleep(pause)
        except KeyboardInterrupt:
            pass
        self.stdout.write(f"processed: {count}")
