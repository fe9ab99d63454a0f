"""The `Storage` of the inbox with Django's ORM: see `commercepay._arrivals.storage`. A connection is its alias here."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from commercepay._arrivals.records import ArrivalState, Stats
from commercepay._arrivals.storage import Arrival as Row
from commercepay._arrivals.storage import Claim, Filter, Kept
from commercepay.errors import ArgumentError
from commercepay.integrations.django._orm import (
    DatabaseError,
    F,
    IntegrityError,
    InterfaceError,
    OperationalError,
    atomic,
    connections,
    models,
)
from commercepay.integrations.django.models import MAX_REFERENCE, Arrival, HandledFact, Rejection

if TYPE_CHECKING:
    from commercepay._arrivals.storage import Changes, NewArrival


class OrmStorage:
    """The statements of one inbox.

    Args:
        name: the inbox's.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def insert(self, connection: str, values: NewArrival) -> int:
        row = Arrival.objects.using(connection).create(inbox=self.name, **_shortened(values))
        return cast("int", row.pk)

    def take(self, connection: str, now: datetime) -> Row | None:
        _lock_sqlite(connection)
        due = self._arrivals(connection).filter(state=ArrivalState.STORED.value, next_attempt_at__lte=now)
        skips = connections[connection].features.has_select_for_update_skip_locked
        return _row(due.order_by("next_attempt_at").select_for_update(skip_locked=skips).first())

    def get(self, connection: str, arrival_id: int) -> Row | None:
        _lock_sqlite(connection)
        return _row(self._arrivals(connection).filter(pk=arrival_id).select_for_update().first())

    def update(self, connection: str, arrival_id: int, state: ArrivalState, values: Changes) -> bool:
        found = self._arrivals(connection).filter(pk=arrival_id, state=state.value)
        return bool(found.update(**_shortened(values)) == 1)

    def claim(self, connection: str, claim: Claim) -> Claim | None:
        try:
            with atomic(using=connection):
                HandledFact.objects.using(connection).create(inbox=self.name, **claim._asdict())
        except IntegrityError:
            row = self._fact(connection, claim).select_for_update().get()
            return Claim(*(getattr(row, name) for name in Claim._fields))
        return None

    def change_outcome(self, connection: str, claim: Claim) -> None:
        self._fact(connection, claim).update(**claim._asdict())

    def matching(self, connection: str, which: Filter, after_id: int, limit: int) -> Sequence[int]:
        _lock_sqlite(connection)
        found = self._arrivals(connection).filter(pk__gt=after_id, state__in=[state.value for state in which.states])
        conditions = {
            "pk": which.arrival_id,
            "reason": which.reason,
            "received_at__gte": which.received_from,
            "received_at__lt": which.received_before,
            "reference_code__in": which.reference_codes and [code[:MAX_REFERENCE] for code in which.reference_codes],
        }
        found = found.filter(**{name: value for name, value in conditions.items() if value is not None})
        return list(found.order_by("pk").values_list("pk", flat=True)[:limit])

    def update_all(self, connection: str, arrival_ids: Sequence[int], values: Changes) -> None:
        self._arrivals(connection).filter(pk__in=arrival_ids).update(**values)

    def delete_all(self, connection: str, arrival_ids: Sequence[int]) -> None:
        self._arrivals(connection).filter(pk__in=arrival_ids).delete()

    def count_rejection(self, connection: str, hour: datetime, plausible: bool) -> Kept:
        row = Rejection.objects.using(connection).filter(inbox=self.name, hour=hour, plausible=plausible)
        if not row.update(seen=F("seen") + 1):
            first = {"seen": 1, "kept": 0, "kept_bytes": 0}
            try:
                with atomic(using=connection):
                    row.create(inbox=self.name, hour=hour, plausible=plausible, **first)
            except IntegrityError:  # another transaction was faster
                row.update(seen=F("seen") + 1)
        return Kept(*row.values_list("kept", "kept_bytes").select_for_update().get())

    def count_kept(self, connection: str, hour: datetime, plausible: bool, size: int) -> None:
        row = Rejection.objects.using(connection).filter(inbox=self.name, hour=hour, plausible=plausible)
        row.update(kept=F("kept") + 1, kept_bytes=F("kept_bytes") + size)

    def has_evidence(self, connection: str, digest: str) -> bool:
        found = self._arrivals(connection).filter(state=ArrivalState.REJECTED.value, digest=digest)
        return bool(found.exists())

    def forget_rejections(self, connection: str, before: datetime) -> None:
        Rejection.objects.using(connection).filter(inbox=self.name, hour__lt=before).delete()

    def stats(self, connection: str) -> Stats:
        mine = self._arrivals(connection)
        pending = mine.filter(state=ArrivalState.STORED.value)
        rejected = Rejection.objects.using(connection).filter(inbox=self.name)
        return Stats(
            waiting=pending.count(),
            oldest=pending.aggregate(oldest=models.Min("received_at"))["oldest"],
            dead=mine.filter(state=ArrivalState.DEAD.value).count(),
            rejected=rejected.aggregate(seen=models.Sum("seen"))["seen"] or 0,
        )

    def is_transient(self, error: Exception) -> bool:
        return isinstance(error, DatabaseError | InterfaceError) and _is_transient(error)

    def _arrivals(self, connection: str) -> Any:
        return Arrival.objects.using(connection).filter(inbox=self.name)

    def _fact(self, connection: str, claim: Claim) -> Any:
        return HandledFact.objects.using(connection).filter(inbox=self.name, fact_key=claim.fact_key)


def _row(found: Any) -> Row | None:
    if found is None:
        return None
    return Row(*(getattr(found, name) for name in Row._fields))._replace(body=bytes(found.body))


def _shortened(values: NewArrival | Changes) -> dict[str, Any]:
    """The reference code is shortened in the column only: the whole one is in the body."""
    code = values.get("reference_code")
    return {**values} if code is None else {**values, "reference_code": code[:MAX_REFERENCE]}


def _lock_sqlite(connection: str) -> None:
    """On SQLite a write comes first, also if it changes no row: it takes the one write lock before anything is read."""
    if connections[connection].vendor == "sqlite":
        Arrival.objects.using(connection).filter(pk=0).update(attempts=0)


def require_open(connection: str, savepoint: str) -> None:
    """Called when the merchant's function has returned, with a savepoint that was made before it was called.

    A rollback or commit has removed the savepoint, and after an error in the transaction it can't be released.

    Raises:
        ArgumentError: the transaction was ended, or is marked to be rolled back.
    """
    try:
        connections[connection].savepoint_commit(savepoint)
    except DatabaseError as error:
        raise ArgumentError(
            "the handler has ended the inbox's transaction, by commit, rollback, set_rollback or an error of the database"
            " that it caught: leave commit and rollback to the inbox, and use transaction.atomic() around what may fail"
        ) from error


@contextmanager
def limited_wait(connection: str, seconds: float | None) -> Generator[None]:
    """Shorten the time that a connection to SQLite waits for locks."""
    if seconds is None or connections[connection].vendor != "sqlite":
        yield
        return
    with connections[connection].cursor() as cursor:
        former: int = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {min(former, max(0, int(seconds * 1000)))}")
    try:
        yield
    finally:
        if connections[connection].connection is not None:
            with connections[connection].cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {former}")


# PostgreSQL: lost connections, serialization failure, deadlock, and connections that the server ends
_SQLSTATES = ("08", "40001", "40P01", "57P01", "57P02", "57P03")
_MYSQL = (1205, 1213, 2002, 2003, 2006, 2013)  # lock wait timeout, deadlock, lost connections
_SQLITE = (5, 6)  # busy, locked; the low byte


def _is_transient(error: Exception) -> bool:
    """Whether repeating the transaction can help: it lost a race or its connection."""
    origin = error.__cause__
    if (code := getattr(origin, "sqlite_errorcode", None)) is not None:
        return (code & 0xFF) in _SQLITE
    if origin is not None and isinstance(number := next(iter(origin.args), None), int):
        return number in _MYSQL
    if state := getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None):
        return str(state).startswith(_SQLSTATES)
    return isinstance(error, OperationalError | InterfaceError)  # the driver's own: the connection is lost
