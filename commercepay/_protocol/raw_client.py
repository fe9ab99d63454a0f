"""The generated client, for the raw generated functions. It is a separate module, because importing attrs takes time."""

from __future__ import annotations

from typing import Self

from attrs import define, field
from commercepay_api import AuthenticatedClient

from commercepay._protocol.connections import Connections
from commercepay._protocol.http_library import httpx


@define(eq=False)
class Api(AuthenticatedClient):
    """The generated client, kept working over threads, event loops and forks.

    A client that is derived from it, with `with_headers()` for example, has separate connections and the same `httpx.Auth`.
    """

    _connections: Connections | None = field(default=None, init=False, repr=False)

    @classmethod
    def on(cls, connections: Connections) -> Self:
        """The generated client that shares the connections of a client of the facade."""
        options = connections.options
        api = cls(
            base_url=options["base_url"],
            token="",  # the auth adds it, request by request
            timeout=httpx.Timeout(options["timeout"]),
            headers=options["headers"],
            verify_ssl=options["verify"],
            httpx_args={name: options[name] for name in ("auth", "limits", "transport") if name in options},
        )
        api._connections = connections
        return api

    def get_httpx_client(self) -> httpx.Client:
        return self._client or self.connections.sync()

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        return self._async_client or self.connections.for_loop()

    @property
    def connections(self) -> Connections:
        if self._connections is None:
            self._connections = Connections(
                {
                    "base_url": self._base_url,
                    "cookies": self._cookies,
                    "headers": self._headers,
                    "timeout": self._timeout,
                    "verify": self._verify_ssl,
                    "follow_redirects": self._follow_redirects,
                    **self._httpx_args,
                }
            )
        return self._connections
