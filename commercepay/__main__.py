"""`python -m commercepay`."""

from __future__ import annotations

from commercepay.cli import main

main(prog_name="commercepay")
