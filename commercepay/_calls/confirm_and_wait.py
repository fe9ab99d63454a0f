"""`payments.confirm` and `payments.wait`: query one payment, once or until it has ended. Written once for both clients."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from commercepay._base.flow import Pause, jittered
from commercepay._base.json_guards import is_mapping
from commercepay._calls import checks as check
from commercepay._calls.operations import query_payment
from commercepay._protocol import defaults
from commercepay._protocol.exchange import Flow
from commercepay._protocol.settings import Settings
from commercepay.callbacks import Callback, ReceivedCallback
from commercepay.decision import Decision, Expected, decide
from commercepay.errors import APIConnectionError, CommercePayError, InvalidResponse, StillOpen
from commercepay.models import Payment
from commercepay.params import ConfirmParams, QueryParams, WaitParams
from commercepay.returns import read_return
from commercepay.status import PaymentStatus


def confirm(
    settings: Settings,
    expected: Expected,
    given: ConfirmParams,
    verify: Callable[[bytes, str | None, str], Callback],
) -> Flow[Decision]:
    """Verify what points to the payment, ask the gateway for its status, and decide."""
    received = given.get("callback")
    if isinstance(received, ReceivedCallback):
        given = {**given, "callback": verify(received.body, received.signature, received.callback_url)}
    payment = yield from query_payment(settings, _question(expected, given))
    return decide(expected, payment)


def _question(expected: object, given: ConfirmParams) -> QueryParams:
    """The parameters of the query. The merchant's number, if it is given, is preferred to the number in a return."""
    problems = check.problems(given, ConfirmParams)
    # Annotated, because `get` takes any name, and gives `object` for one that is misspelt.
    callback: Callback | ReceivedCallback | None = given.get("callback")
    return_params: Mapping[str, object] | str | None = given.get("return_params")
    session, transaction = given.get("session_number"), given.get("transaction_number")
    numbers = (session is not None) + (transaction is not None)
    if not isinstance(expected, Expected):
        problems.append(f"expected must be an Expected, not {type(expected).__name__}")
    if numbers > 1 or (callback is not None and (numbers or return_params is not None)):
        problems.append("give only one of callback, return_params, session_number and transaction_number")
    elif isinstance(callback, Callback):
        transaction = callback.transaction_number
    elif not numbers and (isinstance(return_params, str) or is_mapping(return_params)):
        transaction = read_return(return_params).transaction_number
        if transaction is None:
            problems.append("return_params have no TransactionNumber; give the order's session_number as well")
    elif not numbers:
        problems.append("give one of callback, return_params, session_number and transaction_number")
    check.refuse("payments.confirm", problems)
    return {
        "session_number": session,
        "transaction_number": transaction,
        "timeout": given.get("timeout"),
        "max_retries": given.get("max_retries"),
    }


def wait(
    settings: Settings,
    given: WaitParams,
    cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Flow[Payment]:
    """Query until the payment has ended."""
    problems = check.problems(given, WaitParams)
    session, transaction = given.get("session_number"), given.get("transaction_number")
    if (session is None) == (transaction is None):
        problems.append("give either session_number or transaction_number")
    check.refuse("payments.wait", problems)
    about = f"payments.wait ({check.number_of(given)})"
    timeout = given["timeout"]
    until = clock() + timeout
    pause = defaults.POLL_FIRST
    payment: Payment | None = None
    last_error: CommercePayError | None = None
    while True:
        try:
            # This loop is the retry. A gateway that does not respond must not take much more than the time that is left.
            left = min(settings.timeout, max(until - clock(), defaults.POLL_FIRST))
            question: QueryParams = {"session_number": session, "transaction_number": transaction, "timeout": left}
            payment = yield from query_payment(settings, {**question, "max_retries": 0})
            last_error = None
        except (APIConnectionError, InvalidResponse) as error:
            last_error = error  # the gateway may respond before the deadline
        if payment is not None and last_error is None and is_over(payment.status, in_session=session is not None):
            return payment
        if cancelled():
            raise StillOpen(f"{about}: waiting was cancelled", payment=payment, last_error=last_error)
        left = until - clock()
        if left <= 0:
            text = f"{about}: the payment had not ended after {timeout:g} seconds"
            raise StillOpen(text, payment=payment, last_error=last_error)
        yield Pause(seconds=min(jittered(pause), left))
        if cancelled():
            raise StillOpen(f"{about}: waiting was cancelled", payment=payment, last_error=last_error)
        pause = min(pause * defaults.POLL_GROWTH, defaults.POLL_MOST)


def is_over(status: PaymentStatus, *, in_session: bool) -> bool:
    """Whether the payment has ended. In a session a failed attempt is not the end, because the customer can try again.

    What Query by session number reports while a session has a failed attempt and is still open is not published; that it
    reports the attempt's status is an assumption.
    """
    if in_session and status.is_closed_unpaid:
        return status in (PaymentStatus.EXPIRED, PaymentStatus.VOIDED)
    return status.is_final
