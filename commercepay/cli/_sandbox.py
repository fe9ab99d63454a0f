"""`commercepay sandbox`: a gateway on this machine."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import click

from commercepay._base.extras import missing
from commercepay._protocol.published import SANDBOX_PORT


@click.command()
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
        with ExitStack() as if_it_fails:
            listener = if_it_fails.enter_context(listen(host, port))
            core = SandboxCore(file=file, switches=Switches(**switches), description=load(description))
            if_it_fails.pop_all()
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
