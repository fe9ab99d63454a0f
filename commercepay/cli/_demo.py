"""`commercepay demo`: a payment from end to end."""

from __future__ import annotations

import click

from commercepay._base.extras import missing


@click.command()
def demo() -> int:
    """Take a payment from end to end, in a temporary sandbox."""
    try:
        from commercepay.demo import run

        return run(click.echo)
    except ModuleNotFoundError as error:
        raise click.ClickException(str(missing("commercepay[sandbox]", error))) from error
