"""Settings and fixtures for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from commercepay._protocol import defaults
from commercepay.testing import Sandbox, sandbox

# A slow machine is not a failure.
settings.register_profile("commercepay", deadline=None, max_examples=30)
settings.load_profile("commercepay")

# A refused token is renewed without a pause; tests of the pause set one.
defaults.RENEWAL_PAUSE = 0.0

# For helpers beside the tests, such as `facade.gateway`: pytest's importlib mode imports only test modules.
if str(Path(__file__).parent) not in sys.path:
    sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with sandbox() as running:
        yield running


@pytest.fixture
def sb(shared_sandbox: Sandbox) -> Sandbox:
    """A sandbox that is as new: all tests share one server."""
    shared_sandbox.reset()
    return shared_sandbox
