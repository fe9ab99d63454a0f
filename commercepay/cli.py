"""The command line: `commercepay sandbox`."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path

from commercepay._base.extras import missing
from commercepay._protocol.published import SANDBOX_PORT
from commercepay._version import __version__

try:
    import click
except ModuleNotFoundError as _error:
    sys.exit(str(missing("commercepay[sandbox]", _error)))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="commercepay")
def main() -> None:
    """CommercePay for developers."""


@main.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=SANDBOX_PORT, show_default=True, help="0 chooses a free port."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Any other host admits other machines.")
@click.option(
    "--state", "file", type=click.Path(dir_okay=False, path_type=Path), help="Keep the state in this SQLite file."
)
@click.option("--callbacks-anywhere", is_flag=True, help="Send callbacks to other machines too.")
@click.option("--strict-tenant", is_flag=True, help="Require the tenant header, and compare it with the token.")
@click.option("--lock-out", is_flag=True, help="Lock a user for a while after repeated wrong passwords.")
@click.option("--report-surcharge", is_flag=True, help="Report amounts with the channel's surcharge.")
@click.option(
    "--description", type=click.Path(dir_okay=False, path_type=Path), help="An OpenAPI document with further endpoints."
)
def sandbox(port: int, host: str, file: Path | None, description: Path | None, **switches: bool) -> None:
    """Run a CommercePay gateway on this machine. No money moves."""
    try:
        import_module("commercepay.sandbox.web.control_api")  # load it now, so that the dashboard opens at once
        from commercepay.errors import ArgumentError
        from commercepay.sandbox.description import load
        from commercepay.sandbox.model import Switches
        from commercepay.sandbox.sandbox import SandboxCore
        from commercepay.sandbox.store import StateFileError
        from commercepay.sandbox.web.server import listen, server, url_of
    except ModuleNotFoundError as error:
        raise click.ClickException(str(missing("commercepay[sandbox]", error))) from error
    try:
        core = SandboxCore(file=file, switches=Switches(**switches), description=load(description))
        listener = listen(host, port)
    except (StateFileError, OSError, ArgumentError, ModuleNotFoundError) as error:
        raise click.ClickException(str(error)) from error
    url = url_of(listener)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log = logging.getLogger("commercepay.sandbox")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    tenant = core.tenant
    click.echo(
        f"""CommercePay sandbox: no money moves. Stop it with Ctrl+C.

  gateway    {url}
  dashboard  {url}/_sandbox/
  JSON API   {url}/_sandbox/api/openapi.json
  inbox      {url}/_sandbox/inbox  (a callback URL that accepts every callback)
  endpoints  those of CommercePay{"" if description is None else f", and those in {description}"}
  state      {file or "in memory; --state FILE keeps it"}

Test credentials, for an SDK or a shell:

export COMMERCEPAY_TENANT_ID={tenant.id}
export COMMERCEPAY_USERNAME={tenant.username}
export COMMERCEPAY_PASSWORD={tenant.password}
export COMMERCEPAY_SECRET_KEY={tenant.secret_key}
export COMMERCEPAY_ENVIRONMENT=sandbox
export COMMERCEPAY_BASE_URL={url}
"""
    )
    server(core, host).run([listener])


@main.command()
@click.argument("description", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The folder of the package.")
@click.option("--check", is_flag=True, help="Change nothing, and fail if the package is not up to date.")
def generate(description: Path, output: Path, check: bool) -> None:
    """Generate a typed package for the endpoints in DESCRIPTION, an OpenAPI document with only what is new."""
    from commercepay._generator.package import run
    from commercepay._generator.render import BuildError
    from commercepay.errors import ArgumentError

    try:
        changes = run(description, output, check=check)
    except (ArgumentError, BuildError, ModuleNotFoundError) as error:
        raise click.ClickException(str(error)) from error
    if changes and check:
        differences = "".join(f"\n  {line}" for line in changes)
        raise click.ClickException(
            f"{output} is not up to date; run: commercepay generate {description} --output {output}{differences}"
        )
    click.echo(f"{output}: {len(changes)} files changed" if changes else f"{output} is up to date")


@main.command()
def demo() -> None:
    """Take a payment from end to end, in a temporary sandbox."""
    try:
        from commercepay.demo import run

        status = run()
    except ModuleNotFoundError as error:
        raise click.ClickException(str(missing("commercepay[sandbox]", error))) from error
    sys.exit(status)
