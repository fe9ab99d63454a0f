"""`commercepay generate`: a typed package for endpoints that you describe."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
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
