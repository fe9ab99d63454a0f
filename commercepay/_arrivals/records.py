"""The values that the inbox takes and returns."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from commercepay._base.flow import jittered
from commercepay._base.record import Record
from commercepay.callbacks import Callback
from commercepay.decision import Decision, Expected
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from commercepay.returns import ReturnHint

    FindOrder = Callable[[ReturnHint], "Expected | None"]
    """Your record of the order that a reference code belongs to, such as an `OpenPayment`; None if there is no such order."""

    AsyncFindOrder = Callable[[ReturnHint], "Awaitable[Expected | None]"]
    """`FindOrder` for asyncio."""


class Verify(Protocol):
    """The function that verifies callbacks, such as `cp.callbacks.verify` or `Verifier.verify`."""

    def __call__(
        self, body: bytes, signature: str | None, callback_url: str | Sequence[str] | None = None
    ) -> Callback: ...


class MistakeError(ArgumentError):
    """A mistake of the application that concerns every arrival. An ArgumentError of a handler concerns only one."""


class ArrivalState(Enum):
    """The state of an arrival; the value is what the database holds."""

    STORED = "stored"
    """Stored and pending: not handled yet, or the handler failed and is called again later."""

    HANDLED = "handled"
    """The handler has returned, and what it wrote is committed."""

    DUPLICATE = "duplicate"
    """The fact it reports was handled before; the handler was not called."""

    REJECTED = "rejected"
    """Not a genuine callback; kept as evidence, within the limits of `Evidence`."""

    DEAD = "dead"
    """A dead letter: the handler failed too often. It is kept, and not tried again until it is replayed."""

    NOT_STORED = "not_stored"
    """Never in the database: `receive` could not store the callback in time, or `settle` failed. It has to be repeated."""

    def __str__(self) -> str:
        return self.value


PURGED: Final = (ArrivalState.HANDLED, ArrivalState.DUPLICATE, ArrivalState.REJECTED)
"""The states of arrivals that may be deleted."""


class Receipt(Record):
    """What became of one arrival, or of one decision.

    Attributes:
        arrival_id: its number in the table of arrivals; None if nothing was stored.
        state: an `ArrivalState`.
        callback: the verified callback; None if it was rejected.
        rejection: why it was rejected, or None.
        error: what the handler raised, from `process`, `process_pending` and `settle`; or why nothing could be stored.
        decision: what `on_settled` was given, or would have been; None without `on_settled`.
        next_attempt_at: after a failure, when `process_pending` tries the arrival again; else None.
    """

    arrival_id: int | None
    state: ArrivalState
    callback: Callback | None = None
    rejection: CallbackRejection | None = None
    error: Exception | None = None
    decision: Decision | None = None
    next_attempt_at: datetime | None = None

    @property
    def http_status(self) -> int:
        """The status for the response: 200 once it is stored, 401 for a wrong signature, 400 for a body that is no callback.

        503 if it could not be stored in time. Let what `receive` raises become a 500. The gateway tries again after both.
        """
        if self.state is ArrivalState.NOT_STORED:
            return 503
        if self.rejection is None:
            return 200
        return 401 if CallbackError(self.rejection, "", body=b"").is_forgery else 400


class Retries:
    """When an arrival is tried again after its handler failed. The numbers are this package's own.

    The pauses double from `first_pause` up to `longest_pause`, each prolonged at random by up to a half. An arrival becomes a
    dead letter when it was tried `max_attempts` times, but not before `at_least` has passed since the first attempt.

    Attributes:
        max_attempts: the number of attempts.
        first_pause: the pause after the first attempt.
        longest_pause: the longest pause.
        at_least: the time in which no arrival becomes a dead letter.

    Raises:
        ArgumentError: names everything that is wrong.
    """

    def __init__(
        self,
        *,
        max_attempts: int = 20,
        first_pause: timedelta = timedelta(seconds=30),
        longest_pause: timedelta = timedelta(hours=6),
        at_least: timedelta = timedelta(days=3),
    ) -> None:
        _check_counts({"max_attempts": max_attempts}, 1)
        pauses = {"first_pause": first_pause, "longest_pause": longest_pause, "at_least": at_least}
        problems = [
            f"{name} must be a timedelta that is not negative, not {pause!r}"
            for name, pause in pauses.items()
            if not isinstance(pause, timedelta) or pause < timedelta(0)
        ]
        if problems:
            raise ArgumentError(problems)
        self.max_attempts = max_attempts
        self.first_pause = first_pause
        self.longest_pause = longest_pause
        self.at_least = at_least

    def __repr__(self) -> str:
        return f"Retries({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def after(self, attempts: int) -> timedelta:
        """The pause after that many attempts."""
        doubled = self.first_pause.total_seconds() * 2.0 ** min(attempts - 1, 64)
        pause = min(doubled, self.longest_pause.total_seconds())
        return timedelta(seconds=pause + jittered(pause / 2, least=0.0))

    def is_over(self, attempts: int, first_attempt_at: datetime | None, now: datetime) -> bool:
        """Whether no attempt is left."""
        if attempts < self.max_attempts or first_attempt_at is None:
            return False
        return now - first_attempt_at >= self.at_least


class Evidence(Record):
    """How much is kept per hour of callbacks that were rejected. Beyond these limits they are only counted.

    Each body is kept once. A small, complete callback whose signature does not match may be genuine and was rejected because
    the secret key or callback URL in *your* configuration is wrong: such callbacks are limited separately, so that others can't
    crowd them out, and each pair of body and signature is kept once. The numbers are this package's own.

    Attributes:
        count: how many are kept per hour.
        size: how many bytes of bodies are kept per hour.
        plausible_count: how many that may be genuine are kept per hour, in addition.
        plausible_size: how many bytes of their bodies, in addition.

    Raises:
        ArgumentError: names everything that is wrong.
    """

    count: int = 100
    size: int = 1024 * 1024
    plausible_count: int = 10_000
    plausible_size: int = 8 * 1024 * 1024

    def __init__(
        self,
        *,
        count: int = count,
        size: int = size,
        plausible_count: int = plausible_count,
        plausible_size: int = plausible_size,
    ) -> None:
        given = {
            "count": count,
            "size": size,
            "plausible_count": plausible_count,
            "plausible_size": plausible_size,
        }
        _check_counts(given, 0)
        self.__dict__.update(given)

    def limits(self, plausible: bool) -> tuple[int, int]:
        """Count and size, per hour."""
        return (self.plausible_count, self.plausible_size) if plausible else (self.count, self.size)


class Stats(Record):
    """The state of an inbox, for a monitoring system.

    Attributes:
        waiting: the arrivals that are pending, also those that are tried again later.
        oldest: when the oldest pending arrival was received; None if nothing is pending.
        dead: the dead letters: callbacks for which your function failed too often. Correct the cause, and replay them.
        rejected: the callbacks that were rejected, kept or only counted, as far as `purge` has not removed them.
    """

    waiting: int
    oldest: datetime | None
    dead: int
    rejected: int


def _check_counts(given: dict[str, Any], least: int) -> None:
    problems = [
        f"{name} must be an int of at least {least}, not {value!r}"
        for name, value in given.items()
        if type(value) is not int or value < least
    ]
    if problems:
        raise ArgumentError(problems)
