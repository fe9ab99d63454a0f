"""Settings and fixtures for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings
from sdk import Sdk

from commercepay._protocol import defaults
from commercepay._protocol import settings as client_settings
from commercepay.testing import Sandbox, sandbox

# A slow machine is not a failure.
settings.register_profile("commercepay", deadline=None, max_examples=30)
settings.load_profile("commercepay")

# A program that was started in the background ignores SIGINT, and so do the programs that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.fixture
def staging(sb: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox in place of staging, which the examples of documents use. The environment has its credentials."""
    monkeypatch.setitem(client_settings.ENVIRONMENTS, "staging", sb.url)
    monkeypatch.setattr(client_settings, "_PUBLISHED_KEYS", frozenset())  # staging refuses them
    for name, value in sb.environment.items():
        monkeypatch.setenv(name, value)
    return sb


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def sdk(sb: Sandbox, request: pytest.FixtureRequest) -> Sdk:
    return Sdk(sb, request.param)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause."""
    monkeypatch.setattr(defaults, "BACKOFF_FIRST", 0.0)
