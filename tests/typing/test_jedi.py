"""Completion by jedi, as in IPython and in editors without Pylance."""

from __future__ import annotations

from pathlib import Path

import jedi
import pytest

import commercepay
from commercepay import params

PROJECT = jedi.Project(Path(commercepay.__file__).parents[1], load_unsafe_extensions=False)


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A cache for each test process: one that shares it may read a file that another is still writing."""
    jedi.settings.cache_directory = str(tmp_path_factory.mktemp("jedi"))


def completed(program: str) -> set[str]:
    """The completions at the end of a program."""
    lines = program.splitlines()
    found = jedi.Script(program, project=PROJECT).complete(len(lines), len(lines[-1]))
    return {one.name for one in found if not one.name.startswith("_")}


def test_names_of_the_package() -> None:
    """All names of the package are completed."""
    assert set(commercepay.__all__) - {"__version__"} <= completed("import commercepay\ncommercepay.")


@pytest.mark.parametrize("name", ["CommercePay", "AsyncCommercePay"])
@pytest.mark.parametrize(
    ("call", "declared"),
    [
        ("sessions.create", params.SessionParams),
        ("payments.create", params.PaymentParams),
        ("payments.query", params.QueryParams),
        ("payments.confirm", params.ConfirmParams),
        ("payments.wait", params.WaitParams),
        ("request", params.CallOptions),
    ],
)
def test_keywords(name: str, call: str, declared: type) -> None:
    """The keyword arguments of each call are completed."""
    program = f"from commercepay import {name}\n{name}.from_env().{call}("
    assert {f"{parameter}=" for parameter in declared.__annotations__} <= completed(program)


@pytest.mark.parametrize("function", ["CommercePay", "CommercePay.from_env", "AsyncCommercePay"])
def test_keywords_of_the_clients(function: str) -> None:
    """The keyword arguments of the clients are completed."""
    expected = {f"{name}=" for name in params.ClientOptions.__annotations__}
    assert expected <= completed(f"from commercepay import {function.partition('.')[0]}\n{function}(")


@pytest.mark.parametrize(
    "program",
    [
        "with CommercePay() as cp:\n    cp.payments.query().",
        "async def main():\n    async with AsyncCommercePay() as cp:\n        (await cp.payments.query()).",
    ],
)
def test_results(program: str) -> None:
    """The fields of a result are completed."""
    assert {"status", "amount", "reference_code"} <= completed(
        f"from commercepay import AsyncCommercePay, CommercePay\n{program}"
    )
