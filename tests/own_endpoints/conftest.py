from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from commercepay._generator import package

EXAMPLE = """\
openapi: 3.1.0
info: {title: Invented endpoints, version: "1"}
paths:
  /api/services/app/Voucher/Create:
    post:
      operationId: CreateVoucher
      tags: [Voucher]
      summary: Issue a voucher.
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/VoucherRequest'}
      responses:
        '200':
          description: The voucher.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Voucher'}
              example: {voucherNumber: R-1, amount: 500, state: PENDING, at: 2027-01-01}
  /api/services/app/Voucher/List:
    get:
      operationId: ListVouchers
      tags: [Voucher]
      parameters:
        - {name: TransactionNumber, in: query, required: true, description: The number., schema: {type: string}}
        - {name: State, in: query, schema: {$ref: '#/components/schemas/VoucherState'}}
      responses:
        '200':
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Voucher'}}
  /api/services/app/Voucher/Cancel:
    post:
      operationId: CancelVoucher
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/VoucherRequest'}
      responses:
        '200': {description: Nothing.}
components:
  schemas:
    VoucherState: {type: string, enum: [PENDING, DONE]}
    VoucherRequest:
      type: object
      required: [transactionNumber, amount]
      properties:
        transactionNumber: {type: string, maxLength: 30}
        amount: {type: integer}
        customer: {$ref: '#/components/schemas/Customer', description: Who gets it.}
        pin: {type: string, format: password}
    Voucher:
      type: object
      required: [voucherNumber, amount, state]
      properties:
        voucherNumber: {type: string}
        amount: {type: integer}
        state: {$ref: '#/components/schemas/VoucherState'}
        at: {type: [string, 'null'], format: date}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write the example as a file, with strings replaced."""

    def write(*changes: tuple[str, str]) -> Path:
        text = EXAMPLE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "my-endpoints.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files for the example, generated once."""
    description = tmp_path_factory.mktemp("built") / "my-endpoints.yaml"
    description.write_text(EXAMPLE)
    return package.build(description)


@pytest.fixture(scope="session")
def extra(built: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Imports a module of the package, which is a part of another package."""
    folder = tmp_path_factory.mktemp("import")
    for name, data in built.items():
        path = folder / "own_shop" / "commercepay_extra" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    sys.path.insert(0, str(folder))
    yield lambda name: import_module(f"own_shop.commercepay_extra.{name}")
    sys.path.remove(str(folder))
