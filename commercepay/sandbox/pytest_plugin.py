"""The fixture `commercepay_sandbox` (a pytest plugin; it comes with the package)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from commercepay.testing import Sandbox, sandbox


@pytest.fixture
def commercepay_sandbox() -> Iterator[Sandbox]:
    """A fresh CommercePay gateway on loopback, for this test alone: see `commercepay.testing.Sandbox`."""
    with sandbox() as running:
        yield running
