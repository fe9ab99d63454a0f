"""Settings for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

from commercepay._protocol import defaults

# A slow machine is not a failure.
settings.register_profile("commercepay", deadline=None, max_examples=30)
settings.load_profile("commercepay")

# A refused token is renewed without a pause; tests of the pause set one.
defaults.RENEWAL_PAUSE = 0.0

# For helpers beside the tests, such as `facade.gateway`: pytest's importlib mode imports only test modules.
if str(Path(__file__).parent) not in sys.path:
    sys.path.append(str(Path(__file__).parent))
