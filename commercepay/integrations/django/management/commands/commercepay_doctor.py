"""`manage.py commercepay_doctor`: what is wrong between this site and the gateway (see `commercepay.doctor`)."""

from __future__ import annotations

from argparse import ArgumentParser

from commercepay.doctor import State, examine
from commercepay.integrations.django.management._border import BaseCommand, CommandError
from commercepay.integrations.django.management._site import site


class Command(BaseCommand):
    """Examines the settings, the way to the gateway, and the callback endpoint."""

    help = (
        "Examine settings.COMMERCEPAY, the way to the gateway and the callback URL, step by step. Nothing is changed."
    )
    requires_system_checks: tuple[
        str, ...
    ] = ()  # those of this package would end the command before it names what is wrong

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", action="store_true", help="Call production, too. It is only read.")

    def handle(self, *_args: object, production: bool, **_options: object) -> None:
        """Print the findings.

        Raises:
            CommandError: there is a problem.
        """
        of = site()
        problems = 0
        for finding in examine(callback_url=of.endpoint.callback_url, production=production, **of.options):
            self.stdout.write(str(finding))
            problems += finding.state is State.PROBLEM
        if problems:
            raise CommandError(f"{problems} problem{'s' if problems > 1 else ''}")
