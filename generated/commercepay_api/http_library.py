# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""The HTTP library. No other module of the package imports it."""

import httpx

__all__ = ["httpx"]
