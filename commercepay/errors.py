"""Every error that the package raises.

    CommercePayError
    ├── ArgumentError (ValueError)          what the application passed is wrong; `problems` lists all of it
    │   ├── ConfigurationError              credentials, environment, base URL, timeouts
    │   └── UnsignableData                  data that has no string to sign
    ├── ClientClosed                        the client was closed before
    ├── CallbackError                       a callback that is not to be believed; `reason` says why
    ├── APIConnectionError                  no answer, and nothing can have happened at the gateway
    │   └── APITimeoutError                 ... because it took too long
    ├── OutcomeUnknown                      a POST may have reached the gateway; `reference_code`, what to do next
    │   └── UnreadableOutcome               ... and was answered with something unreadable (also an InvalidResponse)
    ├── StillOpen                           waiting ended before the payment did
    ├── InvalidResponse                     an answer that is unreadable or incomplete
    └── APIError                            the gateway refused: `code`, `message`
        ├── AuthenticationError             wrong credentials, or a token refused twice
        ├── ValidationFailed                a member is missing or wrong; `validation_errors` names them
        ├── InvalidSignature                code 1
        ├── DuplicateTransaction            code 2009: the reference code was used before
        ├── TransactionNotFound             code 2010
        ├── PaymentExpired                  code 2021
        └── TransactionAlreadyProcessed     code 2022

Whatever was answered stays reachable: `status_code`, `headers` and `body` (the raw bytes). None of it is part of the
text, no error holds an object of the HTTP library, and all can be pickled.
"""

from __future__ import annotations

from enum import Enum

from commercepay._base.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, ClassVar

    from commercepay.models import Payment


class CommercePayError(Exception):
    """The base of every error of this package."""

    def __init__(self, text: str) -> None:
        super().__init__(text)

    def __reduce__(self) -> tuple[Any, ...]:
        # The constructors take different arguments: an unpickled error is made whole without calling one.
        return _unpickle, (type(self), self.args, self.__dict__)


def _unpickle(cls: type[CommercePayError], args: tuple[Any, ...], state: dict[str, Any]) -> CommercePayError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ArgumentError(CommercePayError, ValueError):
    """What the application passed can't be right. Nothing was sent.

    Attributes:
        problems: every problem found, a sentence each.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        if len(self.problems) == 1:
            super().__init__(self.problems[0])
        else:
            super().__init__(f"{len(self.problems)} problems:" + "".join(f"\n  - {line}" for line in self.problems))


class ConfigurationError(ArgumentError):
    """The client can't be built, or the environment lacks something."""


class UnsignableData(ArgumentError):
    """Data for which the gateway's string to sign is not defined (see `commercepay.signature`)."""


class ClientClosed(CommercePayError):
    """The client was used after it was closed. Nothing was sent."""


class CallbackRejection(Enum):
    """Why a callback was rejected: stable names that a log can group by."""

    BODY_NOT_BYTES = "body_not_bytes"
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
    """A callback that is not to be believed: forged, damaged, or not a callback.

    Attributes:
        reason: a `CallbackRejection`.
        body: the body as it was given, for the record; never part of the text.
        problems: for wrong or missing members, one sentence each.
    """

    def __init__(self, reason: CallbackRejection, text: str, *, body: object, problems: Iterable[str] = ()) -> None:
        super().__init__(f"callback rejected ({reason.value}): {text}")
        self.reason = reason
        self.body = body
        self.problems = tuple(problems)

    @property
    def is_forgery(self) -> bool:
        """Whether the signature is what failed (answer 401), rather than the content (answer 400)."""
        return self.reason in _SIGNATURE_REASONS


_SIGNATURE_REASONS = (
    CallbackRejection.SIGNATURE_MISSING,
    CallbackRejection.SIGNATURE_MALFORMED,
    CallbackRejection.SIGNATURE_WRONG,
)


class APIConnectionError(CommercePayError):
    """The gateway was not reached, or a request that changes nothing got no answer. Asking again is safe.

    Attributes:
        detail: the transport's own word for it.
    """

    def __init__(self, text: str, *, detail: str = "") -> None:
        super().__init__(f"{text}: {detail}" if detail else text)
        self.detail = detail


class APITimeoutError(APIConnectionError):
    """No connection or no answer in the time allowed (`timeout`)."""


class _Answered(CommercePayError):
    """What errors with an answer behind them have in common."""

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


class InvalidResponse(_Answered):
    """The answer is unreadable, or lacks what a success must have.

    Attributes:
        status_code: the HTTP status.
        headers: the answer's headers.
        body: the answer's raw bytes.
    """


class OutcomeUnknown(_Answered):
    """A POST may have reached the gateway, and what became of it is not known. The package did not send it again.

    What to do: **keep the reference code**. Wait for the callback, or make the same call again with the *same* reference
    code: if the gateway refuses it as used (`DuplicateTransaction`), the first one arrived, and its callback, if it comes,
    says how it ended; if the call succeeds, that is the payment to use; any other error proves nothing, and the reference
    code is still to be kept. A *new* reference code could charge the customer twice.

    Attributes:
        reference_code: of the payment in question; None for a call that has none.
        status_code, headers, body: of the answer, if there was one.
        detail: the transport's own word for what went wrong.
    """

    def __init__(
        self,
        text: str,
        *,
        reference_code: str | None,
        detail: str = "",
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        text = f"{text}: {detail}" if detail else text
        if reference_code is not None:
            text += (
                f". Reference code {reference_code!r} may exist at the gateway. Wait for its callback, or call again with"
                " the same reference code: DuplicateTransaction then means that the first call arrived. Never use a new"
                " reference code for the same order before that is known."
            )
        else:
            text += ". Whether the gateway acted on it is not known; find out before calling again."
        super().__init__(text, status_code=status_code, headers=headers, body=body)
        self.reference_code = reference_code
        self.detail = detail


class StillOpen(CommercePayError):
    """Waiting ended, by its timeout or by being cancelled, before the payment did. It may still be paid.

    Attributes:
        payment: the last thing that the gateway said of it, a `Payment`; None if it never answered.
        trouble: the error of the last question, if that got no answer.
    """

    def __init__(self, text: str, *, payment: Payment | None, trouble: CommercePayError | None) -> None:
        last = f"last said: {payment.status.name}" if payment is not None else "the gateway said nothing of it"
        super().__init__(f"{text} ({last})" + (f"; last trouble: {trouble}" if trouble is not None else ""))
        self.payment = payment
        self.trouble = trouble


class UnreadableOutcome(OutcomeUnknown, InvalidResponse):
    """A POST was answered with something unreadable or incomplete: what became of it is not known."""


class ValidationProblem(Record):
    """One entry of the gateway's `validationErrors`.

    Attributes:
        message: the gateway's text.
        members: the members it is about, in the gateway's spelling.
    """

    message: str
    members: tuple[str, ...] = ()


class APIError(_Answered):
    """The gateway refused the request.

    Attributes:
        code: the gateway's number, or None if it gave none. Codes that the package doesn't know pass through here.
        message: the gateway's own text.
        details: the gateway's longer text, if any.
        status_code: the HTTP status. It tells little: refusals come with any (source: staging, 2026-09).
        headers: the answer's headers.
        body: the answer's raw bytes.
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
        self.validation_errors = tuple(validation_errors)
        told = [f"code {code}"] if code is not None else []
        told += [f"HTTP {status_code}"] if status_code is not None else []
        text = f"{_printable(message) or 'refused without a word'} ({', '.join(told)})" if told else _printable(message)
        for problem in self.validation_errors:
            text += f"\n  - {', '.join(map(_printable, problem.members)) or 'request'}: {_printable(problem.message)}"
        super().__init__(
            f"{text}\n{self._hint}" if self._hint else text, status_code=status_code, headers=headers, body=body
        )


def _printable(text: str) -> str:
    """The gateway's words, kept from steering a terminal or flooding a log."""
    return "".join(char if char.isprintable() else " " for char in text[:300])


class AuthenticationError(APIError):
    """Wrong credentials, or a fresh token refused as well."""

    _hint = "Check the user name, the password and the tenant id; staging and production have separate ones."


class ValidationFailed(APIError):
    """The gateway found members missing or wrong.

    Attributes:
        validation_errors: each with `message` and `members`.
    """


class InvalidSignature(APIError):
    """Code 1: the `cap-signature` is not the one that the gateway computed. Nothing was created."""

    _hint = (
        "Check that the secret key belongs to this tenant and environment. A member that the endpoint does not know is"
        " assumed to make the signature wrong as well."
    )


class DuplicateTransaction(APIError):
    """Code 2009: this reference code was used before. After an `OutcomeUnknown` it proves that the first call arrived."""


class TransactionNotFound(APIError):
    """Code 2010: no such transaction or session for this tenant."""


class PaymentExpired(APIError):
    """Code 2021: the payment or its session has expired."""


class TransactionAlreadyProcessed(APIError):
    """Code 2022: the transaction has been processed already."""


BY_CODE: dict[int, type[APIError]] = {
    1: InvalidSignature,
    2009: DuplicateTransaction,
    2010: TransactionNotFound,
    2021: PaymentExpired,
    2022: TransactionAlreadyProcessed,
}
"""The error codes known by name (sources: staging for 1 and 2010, public integrations for the others)."""
