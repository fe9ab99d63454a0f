# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""A client library for accessing CommercePay"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import client

    value: object = getattr(client, name)
    return value
