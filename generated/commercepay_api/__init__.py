# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""A client library for accessing CommercePay"""

from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
)
