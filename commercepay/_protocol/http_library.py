"""The HTTP library. No other module of the package imports it: docs/httpx2.md says how it will be replaced."""

import httpcore
import httpx

__all__ = ["httpcore", "httpx"]
