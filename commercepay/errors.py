"""Every error that the package raises.

    CommercePayError
    ├── ArgumentError (ValueError)          a wrong argument; `problems` lists all that is wrong
    │   ├── ConfigurationError              wrong or missing credentials, environment, base URL, timeouts
    │   └── UnsignableData                  data that can't be signed
    ├── ClientClosed                        the client is closed
    ├── CallbackError                       a callback was rejected; `reason` is why
    ├── UnknownOrder                        `find_order` has no order for a verified callback; the inbox tries it again
    ├── APIConnectionError                  no response, and the call can be made again safely
    │   └── APITimeoutError                 ... because it took longer than the timeout
    ├── OutcomeUnknown                      a POST may have reached the gateway; keep its `reference_code`
    │   └── UnreadableOutcome               ... and its response is unreadable (also an InvalidResponse)
    ├── StillOpen                           `payments.wait` ended before the payment did
    ├── InvalidResponse                     a response is unreadable or incomplete
    └── APIError                            the gateway refused the request: `code`, `message`
        ├── AuthenticationError             wrong credentials, or a new token was refused as well
        ├── ValidationFailed                a member is missing or wrong; `validation_errors` names them
        ├── InvalidSignature                code 1
        ├── DuplicateTransaction            code 2009: the reference code was used before
        ├── TransactionNotFound             code 2010
        ├── PaymentExpired                  code 2021
        └── TransactionAlreadyProcessed     code 2022

An error that has a response keeps it: `status_code`, `headers` and `body` (the raw bytes). The raw body and the headers are
never part of the text. No error holds an object of the HTTP library, and every error can be pickled.
"""

from __future__ import annotations

from enum import Enum

from commercepay._base.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, ClassVar

    from commercepay.explain import Explanation, SignedCall
    from commercepay.models import Payment


class CommercePayError(Exception):
    """The base of every error of this package.

    Attributes:
        during_login: whether Authenticate failed, which a call needed for its access token. The call itself was not sent.
    """

    during_login: bool = False

    def __init__(self, text: str) -> None:
        super().__init__(text)

    def __reduce__(self) -> tuple[Any, ...]:
        # The constructors take different arguments, so unpickling restores the attributes without calling a constructor.
        return _unpickle, (type(self), self.args, self.__dict__)


def _unpickle(cls: type[CommercePayError], args: tuple[Any, ...], state: dict[str, Any]) -> CommercePayError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ArgumentError(CommercePayError, ValueError):
    """An argument is wrong. Nothing was sent.

    Attributes:
        problems: every problem that was found, one sentence each.
    """

    def __init__(self, problems: str | Iterable[str], *, call: str = "") -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        start = f"{call}: " if call else ""
        if len(self.problems) == 1:
            super().__init__(start + self.problems[0])
        else:
            lines = "".join(f"\n  - {line}" for line in self.problems)
            super().__init__(f"{start}{len(self.problems)} problems:{lines}")


class ConfigurationError(ArgumentError):
    """The client can't be built: a setting is wrong or missing."""


class UnsignableData(ArgumentError):
    """Data that can't be signed, because the gateway's string to sign is not defined for it (see `commercepay.signature`)."""


class ClientClosed(CommercePayError):
    """The client was used after it was closed. Nothing was sent."""


class CallbackRejection(Enum):
    """Why a callback was rejected: fixed names, by which logs can be grouped."""

    BODY_TOO_LARGE = "body_too_large"
    BODY_NOT_UTF8 = "body_not_utf8"
    BODY_NOT_JSON = "body_not_json"
    BODY_NOT_AN_OBJECT = "body_not_an_object"
    BODY_NESTED_TOO_DEEP = "body_nested_too_deep"
    DUPLICATE_MEMBER = "duplicate_member"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_WRONG = "signature_wrong"
    MEMBER_MISSING = "member_missing"
    MEMBER_INVALID = "member_invalid"

    def __str__(self) -> str:
        return self.value


class CallbackError(CommercePayError):
    """A callback was rejected: it is forged, damaged, or not a callback.

    Attributes:
        reason: a `CallbackRejection`.
        body: the body that was passed to `verify`. It is never part of the text.
        problems: each wrong or missing member, one sentence each.
        explanation: for a wrong signature, what it is right for, such as another callback URL; its text is part of the error's.
            None for another reason, and if another callback was explained less than a second ago.
    """

    def __init__(
        self,
        reason: CallbackRejection,
        text: str,
        *,
        body: object,
        problems: Iterable[str] = (),
        explanation: Explanation | None = None,
    ) -> None:
        super().__init__(f"callback rejected ({reason.value}): {text}")
        self.reason = reason
        self.body = body
        self.problems: tuple[str, ...] = tuple(problems)
        self.explanation = explanation

    @property
    def is_forgery(self) -> bool:
        """Whether the signature is wrong or missing (respond with 401), and not the content (respond with 400)."""
        return self.reason in _SIGNATURE_REASONS


class UnknownOrder(CommercePayError):
    """`find_order` returned None for a verified callback. The inbox keeps the callback and tries it again later."""


_SIGNATURE_REASONS = (
    CallbackRejection.SIGNATURE_MISSING,
    CallbackRejection.SIGNATURE_MALFORMED,
    CallbackRejection.SIGNATURE_WRONG,
)


class APIConnectionError(CommercePayError):
    """The gateway was not reached, or a request that changes nothing got no response. The call can be made again safely.

    Attributes:
        detail: the error of the HTTP library, as text.
    """

    def __init__(self, text: str, *, detail: str = "") -> None:
        super().__init__(f"{text}: {detail}" if detail else text)
        self.detail = detail


class APITimeoutError(APIConnectionError):
    """No connection or no response within the `timeout`."""


class _ResponseError(CommercePayError):
    """The base of the errors that keep a response."""

    status_code: int | None
    headers: dict[str, str]
    body: bytes

    def __init__(
        self, text: str, *, status_code: int | None = None, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        super().__init__(text)
        self.status_code = status_code
        self.headers = {name.lower(): value for name, value in headers.items()} if headers else {}
        self.body = body


class InvalidResponse(_ResponseError):
    """The response is unreadable, or its result lacks a required member.

    Attributes:
        status_code: the HTTP status.
        headers: the headers of the response, by lower-case name.
        body: the raw bytes of the response.
        received: of an incomplete result, what it has of `transactionNumber`, `sessionNumber`, `redirectUrl` and
            `clientScript`: with a number you can query the payment.
    """

    received: Mapping[str, str | int] = {}  # replaced, never changed


class OutcomeUnknown(_ResponseError):
    """A POST may have reached the gateway, and its outcome is not known. The package did not send it again.

    What to do (docs/unknown-outcome.md has a sample):

    1. Before the call, under a lock on the order, store the order and this attempt with its reference code. On this error,
       store that the outcome of the attempt is unknown. If `received` has a number (see `UnreadableOutcome`), query it.
    2. Wait for the callback, or make the same call again with the *same* reference code. If it succeeds, use what it returns.
       `DuplicateTransaction` shows that the first call arrived. Any other error proves nothing: keep the reference code.
    3. After that `DuplicateTransaction`, the number and the URL of the first call are lost, and its callback reports the
       outcome, if one comes. After `sessions.create`, you can open another session with another reference code, but only if
       your record of this attempt has "unknown" and no URL: then nobody was given the URL. That the gateway sends the customer
       no link is an assumption; `expires_in` limits how long it matters. `Expected.reference_codes` takes both codes.

    After `payments.create`, never use another reference code: money can move without the customer. The package itself makes no
    such call.

    Attributes:
        reference_code: the reference code of the payment, or the `reference` of `CommercePay.call`; None for a call that has
            none.
        status_code, headers, body: of the response, if there was one.
        detail: the error of the HTTP library, as text; empty if there was none.
    """

    def __init__(
        self,
        text: str,
        *,
        reference_code: str | None,
        opens_payment: bool = True,
        detail: str = "",
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        text = f"{text}: {detail}" if detail else text
        if reference_code is not None and opens_payment:
            text += (
                f". Reference code {reference_code!r} may exist at the gateway. Store that the outcome is unknown. Then wait"
                " for the callback, or call again with the same reference code: DuplicateTransaction then means that the"
                " first call arrived. Never use a new reference code before that: the customer could be charged twice. The"
                " documentation of OutcomeUnknown has every step."
            )
        else:
            about = f" (reference {reference_code!r})" if reference_code is not None else ""
            text += f". The gateway may have processed it{about}; find out before you call again."
        super().__init__(text, status_code=status_code, headers=headers, body=body)
        self.reference_code = reference_code
        self.detail = detail


class StillOpen(CommercePayError):
    """`payments.wait` ended before the payment did: its timeout passed, or it was cancelled. The payment may still be paid.

    Attributes:
        payment: the `Payment` that the gateway reported last; None if it reported none.
        last_error: the error of the last query; None if that succeeded.
    """

    def __init__(self, text: str, *, payment: Payment | None, last_error: CommercePayError | None) -> None:
        last = (
            f"last reported status: {payment.status.name}" if payment is not None else "the gateway reported no status"
        )
        failed = f" The last query failed: {last_error}." if last_error is not None else ""
        super().__init__(
            f"{text} ({last}).{failed} The payment may still be paid: wait for its callback, or query it later."
        )
        self.payment = payment
        self.last_error = last_error


class UnreadableOutcome(OutcomeUnknown, InvalidResponse):
    """The response to a POST is unreadable or incomplete, so the outcome is not known."""


class ValidationProblem(Record):
    """One entry of the gateway's `validationErrors`.

    Attributes:
        message: the gateway's text.
        members: the members that the message is about, in the gateway's spelling.
    """

    message: str
    members: tuple[str, ...] = ()


class APIError(_ResponseError):
    """The gateway refused the request.

    Attributes:
        code: the gateway's error code, or None if it sent none. Codes without a class here raise a plain `APIError`.
        message: the gateway's message.
        details: the gateway's longer message, or None.
        validation_errors: the members that the gateway found missing or wrong, each a `ValidationProblem`.
        status_code: the HTTP status. It does not classify a refusal: refusals come with any status (source: staging, 2026-09).
        headers: the headers of the response, by lower-case name.
        body: the raw bytes of the response.
    """

    _hint: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        code: int | None,
        details: str | None = None,
        validation_errors: Iterable[ValidationProblem] = (),
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        self.code = code
        self.message = message
        self.details = details
        self.validation_errors: tuple[ValidationProblem, ...] = tuple(validation_errors)
        numbers = [f"code {_short(code)}"] if code is not None else []
        numbers += [f"HTTP {status_code}"] if status_code is not None else []
        text = _printable(message) or "the gateway refused the request and gave no reason"
        text += f" ({', '.join(numbers)})" if numbers else ""
        for problem in self.validation_errors[:_PROBLEMS_SHOWN]:
            line = f"{', '.join(problem.members) or 'request'}: {problem.message}"
            text += f"\n  - {_printable(line)}"
        if (more := len(self.validation_errors) - _PROBLEMS_SHOWN) > 0:
            text += f"\n  - and {more} more"
        super().__init__(
            f"{text}\n{self._hint}" if self._hint else text, status_code=status_code, headers=headers, body=body
        )


_PROBLEMS_SHOWN = 10


def _short(code: int) -> str:
    digits = str(code)
    return digits if len(digits) <= 20 else f"{digits[:20]}..."


def _printable(text: str) -> str:
    """The start of the gateway's text, without characters that could control a terminal."""
    return "".join(char if char.isprintable() else " " for char in text[:300])


class AuthenticationError(APIError):
    """The credentials are wrong, or a new token was refused as well."""

    _hint = "Check the user name, the password and the tenant id; staging and production have separate ones."


class ValidationFailed(APIError):
    """The gateway found members missing or wrong: see `validation_errors`."""


class InvalidSignature(APIError):
    """Code 1: the `cap-signature` differs from the one that the gateway computed. Nothing was created.

    Attributes:
        explanation: what was signed, what can't be the cause and what is left to check; its text is part of the error's. From
            the sandbox, it has the sandbox's explanation. None for an error that no call of a client raised.
    """

    explanation: SignedCall | None = None


class DuplicateTransaction(APIError):
    """Code 2009: the reference code was used before.

    If your record has an `OutcomeUnknown` of this attempt, the first call arrived (see there for the next step). Without it,
    another process or a double click may have opened the payment and have its URL: never use another reference code then.
    """

    _hint = (
        "The reference code was used before. If your record has an OutcomeUnknown of this attempt, the first call arrived:"
        " wait for its callback, or take the next step in the documentation of OutcomeUnknown. Otherwise another process may"
        " have opened this payment and have its URL: read your record again, and do not use another reference code for this"
        " order. For another order, use another one."
    )


class TransactionNotFound(APIError):
    """Code 2010: this tenant has no such transaction or session."""

    _hint = "Check the number, and that its payment was opened with the same tenant and environment."


class PaymentExpired(APIError):
    """Code 2021: the payment or its session has expired."""

    _hint = "Query the payment for its status before you open another one for the same order."


class TransactionAlreadyProcessed(APIError):
    """Code 2022: the transaction was processed before."""

    _hint = "Query the payment for its status."


BY_CODE: dict[int, type[APIError]] = {
    1: InvalidSignature,
    2009: DuplicateTransaction,
    2010: TransactionNotFound,
    2021: PaymentExpired,
    2022: TransactionAlreadyProcessed,
}
"""The error codes with a class of their own (sources: staging for 1 and 2010, public integrations for the others)."""
