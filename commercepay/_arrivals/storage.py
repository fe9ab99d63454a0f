"""What a database library must provide so that the inbox works on it. `commercepay.inbox._storage` does it with SQLAlchemy.

An implementer provides two things.

**A `Storage`**: the methods below. Each is called in a transaction that the driver has opened, gets its connection as first
argument (an ORM whose connection is implicit ignores it), and neither commits nor rolls back. One `Storage` belongs to one
inbox: every statement is limited to its name. There are three tables:

- arrivals: the columns of `NewArrival`, `Arrival` and `Changes`. `id` grows. `next_attempt_at` needs an index for the pending
  arrivals, `reference_code` and `digest` each an index.
- handled facts: the columns of `Claim`, with a **unique** key. Its rows are never deleted.
- rejections: how many callbacks were rejected in an hour, plausible or not: seen, kept, bytes kept.

**A driver** that performs the steps which the flows of `rules.Rules` yield. It passes a flow to `drive` or `adrive` of
`commercepay._base.flow`, with a function that takes a `Step`:

- `Transaction`: open a transaction and call `work(connection)`. If that returns a `Call`, call its `function` with the
  connection that the merchant's function gets, in the same transaction; the result of the step is the `result` of the `Call`.
  Otherwise it is what `work` returned. Commit before you return it. An exception rolls back and is raised. A transaction that
  was rolled back without an exception is an error, and so is a connection that commits each statement by itself. With a
  `deadline` (of `time.monotonic`), no statement waits longer for a lock, as far as the database can limit that.
- `Ask`: call `function`, a function of the merchant, outside of any transaction; await its result if the driver is async.

A merchant's function that must be async and is not, or the other way round, is a `MistakeError`.

Locks are taken in one order: an arrival, then the key of a fact, then the keys of its order, then what the handler takes. A
transaction that holds a key never waits for an arrival. On PostgreSQL and MySQL `take` and `get` lock the row; on SQLite they
must take the write lock, so that nothing is read before that could be out of date.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypedDict, TypeVar

from commercepay._arrivals.records import ArrivalState, MistakeError, Stats


class NewArrival(TypedDict):
    """The columns of an arrival that is inserted."""

    received_at: datetime
    body: bytes
    signature: str | None  # as received, in ASCII without NUL, at most 512 characters; secret
    callback_url: str | None  # as passed to `receive`; None: the inbox's own
    state: str  # the value of an ArrivalState
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    detail: str | None
    reason: str | None  # the value of a CallbackRejection
    digest: str | None  # of a rejected callback: 64 hex digits
    fact_key: str | None  # of a verified callback, as the next three
    reference_code: str | None
    transaction_number: str | None
    status: int | None


class Changes(TypedDict, total=False):
    """The columns of an arrival that are updated."""

    state: str
    settled_at: datetime | None
    callback_url: str
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime
    detail: str | None
    reason: str | None
    fact_key: str | None
    reference_code: str | None
    transaction_number: str | None
    status: int | None


class Arrival(NamedTuple):
    """What the rules read of an arrival."""

    id: int
    state: str
    attempts: int
    first_attempt_at: datetime | None
    detail: str | None
    reason: str | None
    body: bytes
    signature: str | None
    callback_url: str | None
    fact_key: str | None


class Claim(NamedTuple):
    """A row of the handled facts: the key of a fact, or of an order that is paid."""

    fact_key: str
    arrival_id: int | None
    handled_at: datetime
    outcome: str | None
    transaction_number: str | None


class Filter(NamedTuple):
    """Which arrivals. None: any."""

    states: tuple[ArrivalState, ...]
    arrival_id: int | None = None
    reason: str | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    reference_codes: tuple[str, ...] | None = None


class Kept(NamedTuple):
    """How many callbacks were kept as evidence in one hour, and the bytes of their bodies."""

    arrivals: int
    size: int


class Step:
    """A step of a flow: a `Transaction` or an `Ask`."""


class Transaction(Step):
    """See above."""

    def __init__(self, work: Callable[[Any], object], deadline: float | None = None) -> None:
        self.work = work
        self.deadline = deadline


class Ask(Step):
    """See above."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function


class Call(NamedTuple):
    """What the work of a transaction returns to have a merchant's function called in it."""

    function: Callable[[Any], object]
    result: object
    name: str
    """Of the merchant's function, for an error."""


def require_no_awaitable(result: object, name: str) -> object:
    """For a driver that is not async: a coroutine that is never awaited would be a handler that did nothing.

    Raises:
        MistakeError: the merchant's function is async.
    """
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise MistakeError(f"the {name} is async: use AsyncInbox, or a plain function; nothing was committed")
    return result


C = TypeVar("C", contravariant=True)


class Storage(Protocol[C]):
    """The statements. All times are aware and in UTC."""

    def insert(self, connection: C, values: NewArrival) -> int:
        """Insert an arrival; its id."""
        ...

    def take(self, connection: C, now: datetime) -> Arrival | None:
        """Lock the pending arrival with the earliest `next_attempt_at` up to `now`; skip those that others have locked."""
        ...

    def get(self, connection: C, arrival_id: int) -> Arrival | None:
        """Lock an arrival, in whatever state; wait for the lock."""
        ...

    def update(self, connection: C, arrival_id: int, state: ArrivalState, values: Changes) -> bool:
        """Update an arrival if it is in this state; whether it was."""
        ...

    def claim(self, connection: C, claim: Claim) -> Claim | None:
        """Insert a key, and return None; or, if the key exists, lock its row and return it.

        Waits for a transaction that has inserted the key and is still open.
        """
        ...

    def change_outcome(self, connection: C, claim: Claim) -> None:
        """Update the row of a key that this transaction has inserted or locked."""
        ...

    def matching(self, connection: C, which: Filter, after_id: int, limit: int) -> Sequence[int]:
        """The ids of arrivals, in ascending order, from the one after `after_id`."""
        ...

    def update_all(self, connection: C, arrival_ids: Sequence[int], values: Changes) -> None:
        """Update arrivals."""
        ...

    def delete_all(self, connection: C, arrival_ids: Sequence[int]) -> None:
        """Delete arrivals."""
        ...

    def count_rejection(self, connection: C, hour: datetime, plausible: bool) -> Kept:
        """Count a rejected callback; what was kept in that hour. The row stays locked."""
        ...

    def count_kept(self, connection: C, hour: datetime, plausible: bool, size: int) -> None:
        """Count a rejected callback that is kept."""
        ...

    def has_evidence(self, connection: C, digest: str) -> bool:
        """Whether a rejected arrival with this digest exists."""
        ...

    def forget_rejections(self, connection: C, before: datetime) -> None:
        """Delete the counts of the hours before a time."""
        ...

    def stats(self, connection: C) -> Stats:
        """Count."""
        ...

    def is_transient(self, error: Exception) -> bool:
        """Whether repeating the transaction can help: it lost a race, or its connection."""
        ...
