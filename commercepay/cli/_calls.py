"""`commercepay channels`, `payment query`, `payment wait` and `request`: calls to the gateway."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Any, Final, Literal

import click

from commercepay.cli._program import F, members_in, show, with_json, with_no_input

if TYPE_CHECKING:
    from commercepay.models import Payment

SLICE: Final = 10.0
"""Seconds after which `payment wait` shows the time that is left."""


@click.command()
@click.option("--country", default="MY", show_default=True, help="A code of ISO 3166.")
@with_json
def channels(country: str, as_json: bool) -> None:
    """List the payment channels that the tenant may offer."""
    from commercepay import CommercePay

    with CommercePay.from_env() as cp:
        found = cp.channels.list(country=country)
    lines = [f"{one.id:>5}  {one.name or ''}" for one in found] or ["no channels"]
    show(as_json, "\n".join(lines), {"channels": [one.to_dict() for one in found]})


@click.group()
def payment() -> None:
    """Query a payment, or wait for it."""


def _with_number(command: F) -> F:
    """The options for the payment's number: one of the two."""
    command = click.option("--transaction-number", help="The number of a payment.")(command)
    return click.option("--session-number", help="The number of a hosted session.")(command)


@payment.command(no_args_is_help=True)
@_with_number
@with_json
def query(as_json: bool, **numbers: str | None) -> None:
    """Query the status of a payment.

    \b
    Example:
      commercepay payment query --session-number 2005671137F81FD81D89D8
    """
    from commercepay import CommercePay

    with CommercePay.from_env() as cp:
        found = cp.payments.query(**_given(numbers))
    _show(as_json, found)


@payment.command(no_args_is_help=True)
@_with_number
@click.option("--timeout", type=click.FloatRange(1, 86_400), default=600.0, show_default=True, help="Seconds to wait.")
@click.option("--quiet", is_flag=True, help="Show only the end.")
@with_json
def wait(timeout: float, quiet: bool, as_json: bool, **numbers: str | None) -> None:
    """Wait until a payment has ended, and show the status and the time that is left.

    \b
    Example:
      commercepay payment wait --session-number 2005671137F81FD81D89D8 --timeout 300

    The exit status is 9 if the payment is still open then: it may still be paid.
    """
    from commercepay import CommercePay
    from commercepay.errors import StillOpen

    end = time.monotonic() + timeout
    with CommercePay.from_env() as cp:
        while True:
            left = end - time.monotonic()
            try:
                found = cp.payments.wait(**_given(numbers), timeout=max(0.001, min(left, SLICE)))
            except StillOpen as error:
                if left <= SLICE:
                    raise
                if not quiet:
                    status = error.payment.status.name if error.payment is not None else "no status"
                    click.echo(f"{status}, {left - SLICE:.0f} seconds left", err=True)
            else:
                break
    _show(as_json, found)


def _given(numbers: dict[str, str | None]) -> Any:
    """The number that was given.

    Raises:
        UsageError: none or both were given.
    """
    given = {name: number for name, number in numbers.items() if number is not None}
    if len(given) != 1:
        raise click.UsageError("give --session-number or --transaction-number")
    return given


def _show(as_json: bool, found: Payment) -> None:
    text = f"{found.reference_code}: {found.amount}, {found.status.name}"
    show(as_json, text, {"payment": found.to_dict()})


@click.command(no_args_is_help=True)
@click.argument("method", type=click.Choice(["GET", "POST"]))
@click.argument("path")
@click.option(
    "--data", type=click.File(encoding="utf-8"), help="The members as JSON, also those of a GET; - reads stdin."
)
@click.option("--yes", is_flag=True, help="Send a POST to production without asking.")
@with_no_input
def request(method: Literal["GET", "POST"], path: str, data: IO[str] | None, yes: bool, no_input: bool) -> None:
    """Make a signed call to any endpoint, and print its result as JSON.

    \b
    Example:
      echo '{"countryCode": "MY"}' | commercepay request GET \\
        /api/services/app/Channel/GetTenantChannelsByCountry --data -
    """
    import json

    from commercepay import CommercePay

    members = {} if data is None else members_in(data.read(), "--data")
    with CommercePay.from_env() as cp:
        if method == "POST" and cp.settings.environment == "production" and not yes:
            if no_input:
                raise click.UsageError("this is production: allow the POST with --yes")
            click.confirm(f"POST {path} to production?", abort=True, err=True)
        result = cp.request("POST", path, json=members) if method == "POST" else cp.request("GET", path, params=members)
    click.echo(json.dumps(result, indent=1))
