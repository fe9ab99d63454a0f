"""`commercepay doctor`: what is wrong between this machine and the gateway."""

from __future__ import annotations

import click

from commercepay.cli._program import show, with_json


@click.command()
@click.option("--callback-url", help="Your callback URL; a request without a signature is sent to it.")
@click.option("--production", is_flag=True, help="Call production, too. It is only read.")
@with_json
def doctor(callback_url: str | None, production: bool, as_json: bool) -> int:
    """Examine variables, network, TLS, clock, credentials, tenant and signature, step by step. Nothing is changed.

    \b
    Example:
      commercepay doctor --callback-url https://shop.example.my/callback

    The exit status is 1 if there is a problem.
    """
    from commercepay.doctor import Finding, State, examine

    findings: list[Finding] = []
    for finding in examine(callback_url=callback_url, production=production):
        findings.append(finding)
        if not as_json:
            click.echo(finding)
    if as_json:
        show(as_json, "", {"findings": [finding.to_dict() for finding in findings]})
    return 1 if any(finding.state is State.PROBLEM for finding in findings) else 0
