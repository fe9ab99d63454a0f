"""The command in each README starts the shop with a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples.shops import KINDS, Customer, Shop, command


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_starts_shop_and_sandbox(kind: str, tmp_path: Path) -> None:
    """Without settings the shop starts a sandbox, an order is bought and paid there, and Ctrl+C ends both."""
    shop = Shop(kind, tmp_path)
    try:
        with Customer(shop) as customer:
            assert customer.page.startswith(shop.sandbox_url)
            assert customer.follow(customer.pay()) == "paid"
            assert shop.shipped(customer.reference) == 1
            callbacks = shop.http.get(f"{shop.sandbox_url}/_sandbox/api/callbacks").json()
            assert {one["number"] for one in callbacks} == {customer.number}
    finally:
        shop.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_installs_the_extras(kind: str) -> None:
    """The command installs this project, with the extra of the framework."""
    install, start = command(kind)
    extras = "sandbox,django" if kind == "django" else f"sandbox,inbox,{kind}"  # Django's ORM needs no SQLAlchemy
    assert install.startswith(f"pip install '.[{extras}]'")
    assert start == f"python examples/{kind}_shop/shop.py"
