"""From a hint to certainty: asking the gateway about one payment until there is an answer. Written once for both clients."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from commercepay import params
from commercepay._base.flow import Pause
from commercepay._base.json_guards import is_mapping
from commercepay._calls import checks as check
from commercepay._calls.operations import query_payment
from commercepay._calls.request_bodies import NUMBERS, number_of, refuse
from commercepay._protocol import defaults
from commercepay._protocol.exchange import Flow
from commercepay._protocol.retries import jittered
from commercepay._protocol.settings import Settings
from commercepay.callbacks import Callback, ReceivedCallback
from commercepay.decision import Decision, Expected, decide
from commercepay.errors import APIConnectionError, CommercePayError, InvalidResponse, StillOpen
from commercepay.models import Payment
from commercepay.returns import read_return
from commercepay.status import PaymentStatus


def confirm(
    settings: Settings,
    expected: Expected,
    given: Mapping[str, Any],
    verify: Callable[[bytes, str | None, str], Callback],
) -> Flow[Decision]:
    """Verify what points to the payment, ask the gateway what became of it, and decide."""
    received = given.get("callback")
    if isinstance(received, ReceivedCallback):
        given = {**given, "callback": verify(received.body, received.signature, received.callback_url)}
    payment = yield from query_payment(settings, _numbers(expected, given) | _options(given))
    return decide(expected, payment)


def _numbers(expected: object, given: Mapping[str, Any]) -> dict[str, Any]:
    """The number to ask by. The merchant's own number, if it is given, wins over what a return claims."""
    problems = check.problems(given, params.ConfirmParams)
    callback, return_params = given.get("callback"), given.get("return_params")
    numbers = {name: given[name] for name in NUMBERS if given.get(name) is not None}
    if not isinstance(expected, Expected):
        problems.append(f"expected must be an Expected, not {type(expected).__name__}")
    if len(numbers) > 1 or (callback is not None and (numbers or return_params is not None)):
        problems.append("give only one of callback, return_params, session_number and transaction_number")
    elif isinstance(callback, Callback):
        numbers = {"transaction_number": callback.transaction_number}
    elif not numbers and (isinstance(return_params, str) or is_mapping(return_params)):
        hint = read_return(return_params)
        if hint.transaction_number is None:
            problems.append("return_params name no TransactionNumber; give the order's own session_number as well")
        else:
            numbers = {"transaction_number": hint.transaction_number}
    elif not numbers:
        problems.append("give one of callback, return_params, session_number and transaction_number")
    refuse("payments.confirm", problems)
    return numbers


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in params.CallOptions.__annotations__ if given.get(name) is not None}


def wait(
    settings: Settings,
    given: Mapping[str, Any],
    cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Flow[Payment]:
    """Ask until the payment is over, patiently."""
    numbers = {name: given[name] for name in NUMBERS if given.get(name) is not None}
    problems = check.problems(given, params.WaitParams)
    if len(numbers) != 1:
        problems.append("give either session_number or transaction_number")
    refuse("payments.wait", problems)
    about = f"payments.wait ({number_of(given)})"
    patience: float = given["timeout"]
    until = clock() + patience
    pause = defaults.POLL_FIRST
    payment: Payment | None = None
    trouble: CommercePayError | None = None
    while True:
        try:
            # This loop is the retry, and a hanging gateway must not take much more than the time that is left.
            patient = min(settings.timeout, max(until - clock(), defaults.POLL_FIRST))
            payment = yield from query_payment(settings, numbers | {"timeout": patient, "max_retries": 0})
            trouble = None
        except (APIConnectionError, InvalidResponse) as error:
            trouble = error  # the gateway may be back in time
        if payment is not None and trouble is None and is_over(payment.status, in_session="session_number" in numbers):
            return payment
        if cancelled():
            raise StillOpen(f"{about}: waiting was cancelled", payment=payment, trouble=trouble)
        left = until - clock()
        if left <= 0:
            text = f"{about}: the payment had not ended after {patience:g} seconds"
            raise StillOpen(text, payment=payment, trouble=trouble)
        yield Pause(seconds=min(jittered(pause), left))
        if cancelled():
            raise StillOpen(f"{about}: waiting was cancelled", payment=payment, trouble=trouble)
        pause = min(pause * defaults.POLL_GROWTH, defaults.POLL_MOST)


def is_over(status: PaymentStatus, *, in_session: bool) -> bool:
    """Whether nothing more is to come. In a session a failed attempt is not the end: the customer can try again there.

    What Query by session number says while a session has a failed attempt and is still open is not published; that the
    attempt's status shows is an assumption.
    """
    if in_session and status.is_closed_unpaid:
        return status in (PaymentStatus.EXPIRED, PaymentStatus.VOIDED)
    return status.is_final
