"""Logging: everything goes to the logger `commercepay`; `COMMERCEPAY_LOG=debug` (or `info`) prints it.

No record holds a header, a body or a query, so none holds a secret.
"""

from __future__ import annotations

import logging
import os
from typing import TextIO

log = logging.getLogger("commercepay")


def set_up() -> None:
    """Follow `COMMERCEPAY_LOG`. An application that configures logging itself leaves the variable unset."""
    level = os.environ.get("COMMERCEPAY_LOG", "").strip().lower()
    if level not in ("debug", "info") or any(isinstance(handler, _Handler) for handler in log.handlers):
        return
    handler = _Handler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(level.upper())


class _Handler(logging.StreamHandler[TextIO]):
    """Marks the handler as ours, so that it is added once."""
