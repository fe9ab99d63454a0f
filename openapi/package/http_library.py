"""The HTTP library. No other module of the package imports it."""

import httpx

__all__ = ["httpx"]
