"""The command line: `commercepay`. docs/command-line.md describes the commands and their exit statuses.

_program   what all commands have in common: exit statuses, errors, input
_sandbox, _demo, _generate, _doctor, _explain, _callback, _calls   the commands
"""

from __future__ import annotations

import sys

from commercepay._base.extras import missing
from commercepay._version import __version__

try:
    import click
except ModuleNotFoundError as _error:
    sys.exit(str(missing("commercepay[cli]", _error)))

from commercepay.cli._callback import callback
from commercepay.cli._calls import channels, payment, request
from commercepay.cli._demo import demo
from commercepay.cli._doctor import doctor
from commercepay.cli._explain import explain
from commercepay.cli._generate import generate
from commercepay.cli._program import Program
from commercepay.cli._sandbox import sandbox

__all__ = ["main"]


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="commercepay")
def main() -> None:
    """CommercePay for developers."""


for _command in (callback, channels, demo, doctor, explain, generate, payment, request, sandbox):
    main.add_command(_command)
