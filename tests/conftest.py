"""Settings and fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from sdk import Sdk

from commercepay._protocol import defaults
from commercepay.testing import Sandbox, sandbox

# A slow machine is not a failure.
settings.register_profile("commercepay", deadline=None, max_examples=30)
settings.load_profile("commercepay")

# A refused token is renewed without a pause; tests of the pause set one.
defaults.RENEWAL_PAUSE = 0.0


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with sandbox() as running:
        yield running


@pytest.fixture
def sb(shared_sandbox: Sandbox) -> Sandbox:
    """A sandbox that is as new: all tests share one server."""
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def sdk(sb: Sandbox, request: pytest.FixtureRequest) -> Sdk:
    return Sdk(sb, request.param)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause."""
    monkeypatch.setattr(defaults, "BACKOFF_FIRST", 0.0)
