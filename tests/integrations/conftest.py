"""A site for each framework, with the configuration of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from integrations.sites import SITES, Site

from commercepay import Money
from commercepay.testing import SignedCallback, sign_callback

CREDENTIALS = {
    "tenant_id": 42,
    "username": "shop",
    "password": "example-Password-01",
    "secret_key": "example-Secret-Key-01",
    "base_url": "http://127.0.0.1:9",  # nothing listens there
    "max_retries": 0,
}


def genuine(site: Site, *, secret_key: str = "example-Secret-Key-01", **change: Any) -> SignedCallback:
    """A callback of the gateway to a site."""
    given: dict[str, Any] = {"amount": Money("12.34", "MYR"), "reference_code": "INV-1"} | change
    return sign_callback(site.callback_url, secret_key, **given)


@pytest.fixture(params=list(SITES))
def make_site(request: pytest.FixtureRequest) -> Iterator[Callable[..., Site]]:
    """Create a site in the framework: `make_site(on_callback=..., client={...})`."""
    made: list[Site] = []

    def make(client: dict[str, Any] | None = None, **options: Any) -> Site:
        made.append(SITES[request.param](CREDENTIALS | (client or {}), **options))
        return made[-1]

    yield make
    for site in made:
        site.close()
