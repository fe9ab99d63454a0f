"""Level 3: what each call does.

`requests` and `generated_call` import attrs, which takes time: they are imported at the first call.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from commercepay._calls import generated_call, requests

__all__ = ["generated_call", "requests"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.{name}")
