"""The shops run as separate processes, with a sandbox in this process. All ports are free ones.

`test_browser.py` is collected only where COMMERCEPAY_TEST_BROWSER is set (a Chromium is there), and
`test_clean_environment.py` where COMMERCEPAY_TEST_CLEAN is (packages may be installed).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.shops import KINDS, Customer, Shop

from commercepay.testing import Sandbox, sandbox

collect_ignore = [
    *(["test_browser.py"] if not os.environ.get("COMMERCEPAY_TEST_BROWSER") else []),
    *(["test_clean_environment.py"] if not os.environ.get("COMMERCEPAY_TEST_CLEAN") else []),
]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    with sandbox() as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def shop(request: pytest.FixtureRequest, gateway: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop for each framework. At the end, its log must have neither a traceback nor a secret."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    running = Shop(request.param, folder, gateway.environment)
    yield running
    running.stop()
    running.check_log(gateway.credentials.password, gateway.credentials.secret_key)


@pytest.fixture
def customer(shop: Shop, gateway: Sandbox) -> Iterator[Customer]:
    """A customer on the payment page."""
    gateway.faults.clear()
    with Customer(shop) as one:
        yield one
