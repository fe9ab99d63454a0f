from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def description() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "openapi" / "commercepay.yaml").read_text("utf-8"))


@pytest.fixture(scope="session")
def generated() -> Path:
    return ROOT / "generated" / "commercepay_api"
