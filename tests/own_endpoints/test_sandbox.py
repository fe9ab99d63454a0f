"""The sandbox with a merchant's description: it checks, validates and responds, for generated and for hand-written calls."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from commercepay import (
    APIError,
    ArgumentError,
    CommercePay,
    InvalidResponse,
    InvalidSignature,
    OutcomeUnknown,
    TransactionAlreadyProcessed,
    ValidationFailed,
)
from commercepay.cli import main
from commercepay.testing import Sandbox, sandbox

pytest_plugins = ["pytester"]

Write = Callable[..., Path]
CREATE, LIST = "/api/services/app/Voucher/Create", "/api/services/app/Voucher/List"
EXAMPLE = {"voucherNumber": "R-1", "amount": 500, "state": "PENDING", "at": "2027-01-01"}
MEMBERS = {"transactionNumber": "T-1", "amount": 500}


@pytest.fixture
def sb(write: Write) -> Iterator[Sandbox]:
    with sandbox(description=write()) as running:
        yield running


@pytest.fixture
def cp(sb: Sandbox) -> Iterator[CommercePay]:
    with sb.client(max_retries=0) as client:
        yield client


@pytest.fixture
def body(extra: Any) -> Any:
    return extra("models").VoucherRequest(transaction_number="T-1", amount=500)


def test_the_response_is_the_example(extra: Any, sb: Sandbox, cp: CommercePay, body: Any) -> None:
    """A generated function gets the example, signed and with the token; so does `cp.request()`."""
    create = extra("api.voucher.create_voucher")
    voucher = cp.call(create.request(body=body))
    assert voucher == extra("models").Voucher.from_dict(EXAMPLE)
    assert create.sync_detailed(client=cp.api, body=body).parsed.result == voucher
    assert cp.request("POST", CREATE, json=MEMBERS) == EXAMPLE
    assert [one.operation for one in sb.requests] == ["Authenticate", *["CreateVoucher"] * 3]
    assert {one.verdict for one in sb.requests} == {"accepted"}


def test_the_async_client(extra: Any, sb: Sandbox, body: Any) -> None:
    """The same with `await`."""

    async def run() -> Any:
        async with sb.async_client() as client:
            return await client.call(extra("api.voucher.create_voucher").request(body=body))

    assert asyncio.run(run()).voucher_number == "R-1"


def test_an_example_of_a_schema(write: Write) -> None:
    """Without an example of the response, those of the schemas and their members are put together."""
    change = ("voucherNumber: {type: string}", "voucherNumber: {type: string, example: R-7}")
    amount = (
        "        amount: {type: integer}\n        state",
        "        amount: {type: integer, examples: [7]}\n        state",
    )
    with sandbox(description=write(change, amount)) as sb, sb.client() as cp:
        listed = cp.request("GET", LIST, params={"TransactionNumber": "T-1"})
        assert listed == [{"voucherNumber": "R-7", "amount": 7, "state": "PENDING"}]
        assert cp.request("POST", "/api/services/app/Voucher/Cancel", json=MEMBERS) is None


def test_an_endpoint_without_example(cp: CommercePay) -> None:
    """Where an example is missing, the sandbox responds with an error, and its explanation has the reason."""
    with pytest.raises(APIError) as caught:
        cp.request("GET", LIST, params={"TransactionNumber": "T-1"})
    assert (
        "ListVouchers has neither behaviour in the sandbox nor an example"
        in caught.value.headers["x-sandbox-explanation"]
    )


def test_it_is_checked_like_the_others(sb: Sandbox, cp: CommercePay) -> None:
    """Token, signature, unknown members and types are checked as for the gateway's own endpoints."""
    assert httpx.post(f"{sb.url}{CREATE}", json=MEMBERS).json()["unAuthorizedRequest"] is True
    with pytest.raises(InvalidSignature):
        cp.request("POST", CREATE, json={**MEMBERS, "unknown": 1})
    with pytest.raises(ValidationFailed) as caught:
        cp.request("POST", CREATE, json={"transactionNumber": "T" * 31, "amount": "much"})
    assert {problem.members for problem in caught.value.validation_errors} == {("transactionNumber",), ("amount",)}
    with pytest.raises(ValidationFailed, match="TransactionNumber field is required"):
        cp.request("GET", LIST, params={"State": "DONE"})
    with pytest.raises(ValidationFailed, match="State"):
        cp.request("GET", LIST, params={"TransactionNumber": "T-1", "State": "NONE"})


def test_registered_results(extra: Any, sb: Sandbox, cp: CommercePay) -> None:
    """A test registers a result, for a number of requests or for all; the newest is taken first, until a reset."""
    requested = extra("api.voucher.list_vouchers").request(transaction_number="T-1")
    one, two = EXAMPLE | {"amount": 1}, EXAMPLE | {"state": "DONE"}
    sb.respond("ListVouchers", [one])
    sb.respond("listvouchers", [one, two], times=2)
    assert [len(cp.call(requested)) for _ in range(4)] == [2, 2, 1, 1]
    sb.reset()
    with pytest.raises(APIError):
        cp.call(requested)


def test_registered_refusals(extra: Any, sb: Sandbox, cp: CommercePay, body: Any) -> None:
    """A registered error is the refusal that the client then raises, with its code and texts."""
    sb.respond("CreateVoucher", APIError("Too late", code=3001, details="30 days", status_code=500), times=1)
    with pytest.raises(APIError, match="Too late") as caught:
        cp.call(extra("api.voucher.create_voucher").request(body=body), reference="ORDER-1")
    assert (caught.value.code, caught.value.details, caught.value.status_code) == (3001, "30 days", 500)
    assert cp.request("POST", CREATE, json=MEMBERS) == EXAMPLE


def test_a_function_responds(sb: Sandbox, cp: CommercePay) -> None:
    """A function takes the members of the request; it returns a result, or returns or raises a refusal."""
    issued: list[int] = []

    def voucher(members: dict[str, Any]) -> Any:
        if sum(issued) + members["amount"] > 800:
            raise TransactionAlreadyProcessed("Already used", code=2022)
        issued.append(members["amount"])
        return EXAMPLE | {"amount": members["amount"]}

    sb.respond("CreateVoucher", voucher)
    assert cp.request("POST", CREATE, json=MEMBERS)["amount"] == 500
    with pytest.raises(TransactionAlreadyProcessed):
        cp.request("POST", CREATE, json=MEMBERS)
    sb.respond("CreateVoucher", lambda members: 1 / 0)
    with pytest.raises(APIError) as caught:
        cp.request("POST", CREATE, json=MEMBERS)
    assert "ZeroDivisionError" in caught.value.headers["x-sandbox-explanation"]


@pytest.mark.parametrize(
    ("endpoint", "result", "times", "problem"),
    [
        ("CreateVouchr", EXAMPLE, None, "no endpoint 'CreateVouchr'; did you mean 'CreateVoucher'"),
        ("CreateVoucher", EXAMPLE | {"amount": "500"}, None, "no result of CreateVoucher in the description: amount: "),
        ("CreateVoucher", None, None, "no result of CreateVoucher"),
        ("CancelVoucher", {}, None, "no result of CancelVoucher"),
        ("CreateVoucher", EXAMPLE, 0, "times must be"),
    ],
)
def test_wrong_responses(sb: Sandbox, endpoint: str, result: Any, times: int | None, problem: str) -> None:
    """A response that the description does not allow is an error where it is registered."""
    with pytest.raises(ValueError, match=problem):
        sb.respond(endpoint, result, times=times)


def test_a_function_with_a_wrong_result(sb: Sandbox, cp: CommercePay) -> None:
    """The result of a function is checked when it is called."""
    sb.respond("CreateVoucher", lambda members: {"amount": 1})
    with pytest.raises(APIError) as caught:
        cp.request("POST", CREATE, json=MEMBERS)
    assert "no result of CreateVoucher in the description" in caught.value.headers["x-sandbox-explanation"]


def test_faults(extra: Any, sb: Sandbox, cp: CommercePay, body: Any) -> None:
    """A lost response leaves the outcome of a POST unknown; the error names the order. Wrong types are detected."""
    request = extra("api.voucher.create_voucher").request(body=body)
    sb.faults.add("drop_after", endpoint="CreateVoucher")
    with pytest.raises(OutcomeUnknown, match=r"may have processed it \(reference 'ORDER-1'\)"):
        cp.call(request, reference="ORDER-1")
    sb.faults.add("wrong_types", endpoint="CreateVoucher")
    with pytest.raises(InvalidResponse, match=r"CreateVoucher was sent, but .* does not match the description"):
        cp.call(request)
    assert [one.operation for one in sb.requests].count("CreateVoucher") == 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("amount: 500", "amount: much"), "my-endpoints.yaml:14: .* > responses > 200: the example: amount: "),
        (("maxLength: 30", "pattern: '('"), 'my-endpoints.yaml: .* is not a "regex"'),
        (("/api/services/app/Voucher/Create", "/pay/Create"), "/pay/Create: the sandbox serves /pay itself"),
        (("in: query", "in: path"), "how a path parameter is signed is not known"),
    ],
)
def test_a_wrong_description(write: Write, change: tuple[str, str], problem: str) -> None:
    """A description that can't be used is an error at the start."""
    with pytest.raises(ArgumentError, match=problem), sandbox(description=write(change)):
        pass


def test_the_fixture_has_a_setting(pytester: pytest.Pytester, write: Write) -> None:
    """`commercepay_description` in pytest's configuration gives the fixture these endpoints."""
    pytester.makeini("[pytest]\ncommercepay_description = my-endpoints.yaml\n")
    pytester.path.joinpath("my-endpoints.yaml").write_text(write().read_text())
    pytester.makepyfile(
        f"def test(commercepay_sandbox):\n"
        f"    with commercepay_sandbox.client() as cp:\n"
        f"        assert cp.request('POST', {CREATE!r}, json={MEMBERS!r}) == {EXAMPLE!r}\n"
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_command(write: Write) -> None:
    """`commercepay sandbox --description` names the file, and ends with one clear line if it can't be used."""
    path = write(("      operationId: CreateVoucher\n", ""))
    done = CliRunner().invoke(main, ["sandbox", "--port", "0", "--description", str(path)])
    assert done.exit_code == 1
    assert done.output.startswith("Error: my-endpoints.yaml:5: paths > ")
    command = [sys.executable, "-m", "commercepay", "sandbox", "--port", "0", "--description", write()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(7)]
        running.terminate()
    assert f"endpoints  those of CommercePay, and those in {path}\n" in "".join(lines)
