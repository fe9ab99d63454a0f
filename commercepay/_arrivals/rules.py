"""The rules of the inbox, as flows (see `commercepay._base.flow`) that yield a `Transaction`, an `Ask` or a `Pause`.

A callback is verified, then stored and committed, and only then handled. Before each attempt it is counted and the time of the
next one is set, in a transaction that is committed: an arrival whose handler kills the process is not the first to be taken
again. The attempt itself is one transaction: the arrival is marked, the key of its fact is claimed, and the handler runs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from commercepay._arrivals.records import PURGED, ArrivalState, Evidence, MistakeError, Receipt, Retries, Stats, Verify
from commercepay._arrivals.storage import Ask, C, Call, Claim, Filter, Step, Storage, Transaction
from commercepay._base.fact_key import fact_key
from commercepay._base.flow import Pause, jittered
from commercepay._base.secret import Hidden
from commercepay.callbacks import MAX_BODY, Callback, read_verified
from commercepay.decision import Decision, Expected, Outcome, decide
from commercepay.errors import ArgumentError, CallbackError, CallbackRejection, UnknownOrder
from commercepay.reconciliation import OpenPayment
from commercepay.returns import ReturnHint

if TYPE_CHECKING:
    from commercepay._arrivals.storage import Arrival, Changes, NewArrival
    from commercepay.models import Payment

T = TypeVar("T")
Flow = Generator[Step | Pause, Any, T]
Handler = Callable[[Callback, Any], object]

RECEIVE_TIMEOUT = 4.5
"""Seconds. `receive` waits no longer for a locked database, so that the gateway gets a response within 5."""

_PAUSES = (0.05, 0.2, 0.5, 1.0)  # seconds at most, before a transaction that lost a race is tried again
_MAX_HEADER = 512  # characters; a right one has 64
_MAX_PLAUSIBLE = 2048  # bytes; a documented callback has about half a kilobyte
_BATCH = 500
_NOT_FINAL = (Outcome.MISMATCH.value, Outcome.UNKNOWN.value)
_KEPT = (ArrivalState.STORED, ArrivalState.DEAD)
_log = logging.getLogger("commercepay.inbox")


class _Attempt(NamedTuple):
    """An attempt that is counted, and not made yet."""

    arrival_id: int
    callback: Callback
    number: int
    first_at: datetime
    next_at: datetime
    last_error: str | None


class Rules(Generic[C]):
    """The flows of one inbox.

    Args:
        storage: its statements.
        verify: verifies callbacks.
        name: distinguishes inboxes that share a database.
        retries: when an arrival is tried again.
        evidence: how much is kept of rejected callbacks.
        enqueue: called in the transaction that stores an arrival; arrivals are then handled by `process`.
        find_order: the merchant's record of an order; with `on_settled`.
        on_settled: the merchant's one function, called with a decision.
    """

    def __init__(
        self,
        storage: Storage[C],
        verify: Verify,
        *,
        name: str,
        retries: Retries | None = None,
        evidence: Evidence | None = None,
        enqueue: Callable[[Any, int], object] | None = None,
        find_order: Callable[[ReturnHint], object] | None = None,
        on_settled: Callable[[Decision, Any], object] | None = None,
    ) -> None:
        problems = [] if isinstance(name, str) and 0 < len(name) <= 64 else ["name must be a str of 1 to 64 characters"]
        problems += [
            f"{option} must be {kind.__name__}, not {type(given).__name__}"
            for option, given, kind in (("retries", retries, Retries), ("evidence", evidence, Evidence))
            if not isinstance(given, kind | None)
        ]
        functions = {"enqueue": enqueue, "find_order": find_order, "on_settled": on_settled}
        problems += [
            f"{option} must be a function, not {type(function).__name__}"
            for option, function in functions.items()
            if not (function is None or callable(function))
        ]
        if (find_order is None) != (on_settled is None):
            problems.append("give both find_order and on_settled: a callback is compared with your record of the order")
        if problems:
            raise ArgumentError(problems)
        self.storage = storage
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._verify = verify
        self._retries = retries or Retries()
        self._evidence = evidence or Evidence()
        self._enqueue = enqueue
        self._find_order = find_order
        self._on_settled = on_settled

    # --- receiving ----------------------------------------------------------------------------------------------------

    def receive(
        self, body: bytes, signature: str | None, handler: Handler | None, callback_url: str | None
    ) -> Flow[Receipt]:
        if not isinstance(body, bytes):
            raise ArgumentError(f"the body must be the raw bytes of the request, not {type(body).__name__}")
        if handler is not None and self._enqueue is not None:
            raise ArgumentError("the inbox has enqueue: its arrivals are handled by process(), give the handler there")
        deadline = time.monotonic() + RECEIVE_TIMEOUT
        try:
            callback = self._verified(body, signature, callback_url)
        except CallbackError as error:
            reject = partial(self._reject, body=body, signature=signature, callback_url=callback_url, error=error)
            return _logged((yield from self._stored(reject, deadline)))
        handles = self._enqueue is None and (handler is not None or self._on_settled is not None)
        store = partial(self._store, signature=signature, callback_url=callback_url, callback=callback, handles=handles)
        stored = yield from self._stored(store, deadline)
        if isinstance(stored, Receipt):
            return stored
        try:
            return (yield from self._handle(stored, handler, deadline))
        except MistakeError:
            raise
        except Exception as error:
            with suppress(Exception):  # the first error is the one to raise
                if (yield from self.transaction(partial(self._fail, attempt=stored, error=error))):
                    _log.error("arrival %d is dead: its only attempt failed (%s)", stored.arrival_id, _kind(error))
            raise  # the application logs it

    def _store(
        self, connection: C, signature: str | None, callback_url: str | None, callback: Callback, handles: bool
    ) -> _Attempt | Receipt | Call:
        """Store a verified callback. If it is handled at once, its first attempt is counted."""
        now = self.clock()
        next_at = now + self._retries.after(1) if handles else now
        values = _new(now, callback.body, signature, callback_url, ArrivalState.STORED)
        values["attempts"] = int(handles)
        values["first_attempt_at"] = now if handles else None
        values["next_attempt_at"] = next_at
        _add_facts(values, callback)
        arrival_id = self.storage.insert(connection, values)
        if handles:
            return _Attempt(arrival_id, callback, 1, now, next_at, None)
        receipt = Receipt(arrival_id=arrival_id, state=ArrivalState.STORED, callback=callback)
        return receipt if self._enqueue is None else Call(_enqueued(self._enqueue, arrival_id), receipt, "enqueue")

    def _reject(
        self, connection: C, body: bytes, signature: str | None, callback_url: str | None, error: CallbackError
    ) -> Receipt:
        """Count a rejected callback, and keep it if it is new and the limits of this hour allow it."""
        now = self.clock()
        hour = now.replace(minute=0, second=0, microsecond=0)
        body = body[: MAX_BODY + 1]  # enough to be rejected as too large again
        plausible = _is_plausible(body, error)
        kept = self.storage.count_rejection(connection, hour, plausible)
        count, size = self._evidence.limits(plausible)
        digest = sha256(str(_storable(signature)).encode() + b"\0" + body if plausible else body).hexdigest()
        arrival_id = None
        if (
            kept.arrivals < count
            and kept.size + len(body) <= size
            and not self.storage.has_evidence(connection, digest)
        ):
            self.storage.count_kept(connection, hour, plausible, len(body))
            values = _new(now, body, signature, callback_url, ArrivalState.REJECTED)
            values["detail"] = str(error)
            values["reason"] = error.reason.value
            values["digest"] = digest
            arrival_id = self.storage.insert(connection, values)
        return Receipt(arrival_id=arrival_id, state=ArrivalState.REJECTED, rejection=error.reason)

    def _stored(self, work: Callable[[C], Any], deadline: float) -> Flow[Any]:
        try:
            return (yield from self._retried(Transaction(work, deadline)))
        except Exception as error:
            if not self.storage.is_transient(error):
                raise
            _log.error("a callback could not be stored in time (%s): the gateway has to repeat it", _kind(error))
            return Receipt(arrival_id=None, state=ArrivalState.NOT_STORED, error=error)

    # --- processing ---------------------------------------------------------------------------------------------------

    def process(self, arrival_id: int, handler: Handler | None) -> Flow[Receipt]:
        self._require_handler(handler)
        taken = yield from self.transaction(partial(self._take, arrival_id=arrival_id, now=None))
        if taken is None:
            raise ArgumentError(f"this inbox has no arrival {arrival_id!r}")
        return (yield from self._attempted(taken, handler))

    def process_pending(self, handler: Handler | None, limit: int) -> Flow[list[Receipt]]:
        self._require_handler(handler)
        receipts: list[Receipt] = []
        now = self.clock()
        while len(receipts) < limit:
            taken = yield from self.transaction(partial(self._take, arrival_id=None, now=now))
            if taken is None:
                break
            receipts.append((yield from self._attempted(taken, handler)))
        return receipts

    def _take(self, connection: C, arrival_id: int | None, now: datetime | None) -> _Attempt | Receipt | None:
        """Lock a pending arrival, and count an attempt. A receipt if no attempt is to be made, None if there is no arrival."""
        if now is not None:
            row = self.storage.take(connection, now)
        else:
            assert arrival_id is not None  # one of them is given
            row = self.storage.get(connection, arrival_id)
        if row is None:
            return None
        if row.state != ArrivalState.STORED.value:
            return self._receipt(row)
        try:
            callback = self._read(row)
        except CallbackError as error:
            return self._rejected(connection, row, error)
        now = self.clock()
        if self._retries.is_over(row.attempts, row.first_attempt_at, now):
            self.storage.update(
                connection, row.id, ArrivalState.STORED, {"state": ArrivalState.DEAD.value, "settled_at": now}
            )
            _log.error("arrival %d is dead: %d attempts failed or ended their process", row.id, row.attempts)
            return Receipt(arrival_id=row.id, state=ArrivalState.DEAD, callback=callback)
        number = row.attempts + 1
        attempt = _Attempt(
            row.id, callback, number, row.first_attempt_at or now, now + self._retries.after(number), row.detail
        )
        values: Changes = {
            "attempts": number,
            "first_attempt_at": attempt.first_at,
            "next_attempt_at": attempt.next_at,
        }
        if row.fact_key is None:
            _add_facts(values, callback)
        self.storage.update(connection, row.id, ArrivalState.STORED, values)
        return attempt

    def _read(self, row: Arrival) -> Callback:
        """The callback of an arrival. It is verified now unless it was before: its key may have been retired since."""
        if row.fact_key is None:
            return self._verified(row.body, row.signature, row.callback_url)
        return read_verified(row.body)

    def _rejected(self, connection: C, row: Arrival, error: CallbackError) -> Receipt:
        values: Changes = {
            "state": ArrivalState.REJECTED.value,
            "settled_at": self.clock(),
            "reason": error.reason.value,
            "detail": str(error),
        }
        self.storage.update(connection, row.id, ArrivalState.STORED, values)
        return _logged(Receipt(arrival_id=row.id, state=ArrivalState.REJECTED, rejection=error.reason))

    def _receipt(self, row: Arrival) -> Receipt:
        """The receipt of an arrival that is not pending."""
        state = ArrivalState(row.state)
        if state is ArrivalState.REJECTED:
            return Receipt(arrival_id=row.id, state=state, rejection=CallbackRejection(row.reason))
        return Receipt(arrival_id=row.id, state=state, callback=self._read(row))

    def _attempted(self, taken: _Attempt | Receipt, handler: Handler | None) -> Flow[Receipt]:
        if isinstance(taken, Receipt):
            return taken
        try:
            return (yield from self._handle(taken, handler))
        except MistakeError:
            raise
        except Exception as error:  # noqa: BLE001  # if one handler fails, the others still run
            dead: bool = yield from self.transaction(partial(self._fail, attempt=taken, error=error))
            # The traceback of an error that is repeated has been logged before, or raised by `receive`.
            shown = None if _kind(error) == taken.last_error else error
            _log.log(
                logging.ERROR if dead or shown else logging.WARNING,
                "attempt %d for arrival %d failed (%s); %s",
                taken.number,
                taken.arrival_id,
                _kind(error),
                "it is dead" if dead else f"the next one is at {taken.next_at:%Y-%m-%d %H:%M:%S} UTC",
                exc_info=shown,
            )
            return Receipt(
                arrival_id=taken.arrival_id,
                state=ArrivalState.DEAD if dead else ArrivalState.STORED,
                callback=taken.callback,
                error=error,
                next_attempt_at=None if dead else taken.next_at,
            )

    def _fail(self, connection: C, attempt: _Attempt, error: Exception) -> bool:
        """Store the failure; whether no attempt is left. The text of the error may hold a secret and is not stored."""
        now = self.clock()
        dead = self._retries.is_over(attempt.number, attempt.first_at, now)
        values: Changes = {"detail": _kind(error)}
        if dead:
            values |= {"state": ArrivalState.DEAD.value, "settled_at": now}
        self.storage.update(connection, attempt.arrival_id, ArrivalState.STORED, values)
        return dead

    # --- handling: once per fact --------------------------------------------------------------------------------------

    def _handle(self, attempt: _Attempt, handler: Handler | None, deadline: float | None = None) -> Flow[Receipt]:
        decision = None
        if handler is None:
            decision = yield from self._decide(attempt.callback)
        work = partial(self._handle_arrival, attempt=attempt, handler=handler, decision=decision)
        receipt: Receipt = yield from self._retried(Transaction(work, deadline))
        return receipt

    def _decide(self, callback: Callback) -> Flow[Decision | None]:
        """The decision about a callback; None if the merchant has no such order."""
        assert self._find_order is not None  # or there is a handler
        hint = ReturnHint(reference_code=callback.reference_code, transaction_number=callback.transaction_number)
        order = yield Ask(partial(self._find_order, hint))
        if order is None:
            return None
        if not isinstance(order, Expected):
            raise ArgumentError(
                f"find_order must return an OpenPayment, an Expected or None, not {type(order).__name__}"
            )
        return decide(order.expected if isinstance(order, OpenPayment) else order, callback)

    def _handle_arrival(
        self, connection: C, attempt: _Attempt, handler: Handler | None, decision: Decision | None
    ) -> Receipt | Call:
        arrival_id, callback = attempt.arrival_id, attempt.callback
        values: Changes = {"state": ArrivalState.HANDLED.value, "settled_at": self.clock(), "detail": None}
        if not self.storage.update(connection, arrival_id, ArrivalState.STORED, values):
            row = self.storage.get(connection, arrival_id)  # another process has settled it
            return Receipt(arrival_id=arrival_id, state=ArrivalState.STORED) if row is None else self._receipt(row)
        claimed = self._claim(connection, callback, decision, arrival_id)
        if claimed is None:
            duplicate: Changes = {"state": ArrivalState.DUPLICATE.value}
            self.storage.update(connection, arrival_id, ArrivalState.HANDLED, duplicate)
            return Receipt(arrival_id=arrival_id, state=ArrivalState.DUPLICATE, callback=callback, decision=decision)
        receipt = Receipt(
            arrival_id=arrival_id, state=ArrivalState.HANDLED, callback=callback, decision=claimed.decision
        )
        if handler is not None:
            return Call(partial(handler, callback), receipt, "handler")
        if claimed.decision is None:  # undoes the claim; a fact that was handled before needs no order
            raise UnknownOrder(f"find_order has no order for the reference code {callback.reference_code!a}")
        return Call(self._settled(claimed), receipt, "on_settled")

    def settle(self, decision: Decision) -> Flow[Receipt]:
        if self._on_settled is None:
            raise ArgumentError("settle needs an inbox with find_order and on_settled")
        if not isinstance(decision, Decision):
            raise ArgumentError(
                f"settle takes a Decision, such as payments.confirm returns, not {type(decision).__name__}"
            )
        # The order is open in the merchant's record: dead letters about it are tried again.
        codes = decision.expected.reference_codes
        yield from self._replayed(Filter(states=(ArrivalState.DEAD,), reference_codes=codes))
        try:
            receipt: Receipt = yield from self._retried(Transaction(partial(self._settle, decision=decision)))
        except MistakeError:
            raise
        except Exception as error:  # noqa: BLE001  # if one order can't be settled, the others still can
            _log.error("on_settled failed (%s); reconcile the order again", _kind(error), exc_info=error)
            return Receipt(arrival_id=None, state=ArrivalState.NOT_STORED, error=error, decision=decision)
        return receipt

    def _settle(self, connection: C, decision: Decision) -> Receipt | Call:
        claimed = self._claim(connection, decision.reported, decision, None)
        if claimed is None:
            return Receipt(arrival_id=None, state=ArrivalState.DUPLICATE, decision=decision)
        receipt = Receipt(arrival_id=None, state=ArrivalState.HANDLED, decision=claimed.decision)
        return Call(self._settled(claimed), receipt, "on_settled")

    def _settled(self, claimed: _Claimed) -> Callable[[Any], object]:
        on_settled, decision = self._on_settled, claimed.decision
        assert on_settled is not None  # or there is a handler
        assert decision is not None
        return lambda connection: on_settled(decision, connection)

    def _claim(
        self, connection: C, reported: Callback | Payment, decision: Decision | None, arrival_id: int | None
    ) -> _Claimed | None:
        """Claim a fact, and what is paid by it; None if it was handled before.

        A fact that was a mismatch or unknown is handled again when the decision about it changes: your record was corrected,
        or this package has learned a status.
        """
        outcome = None if decision is None else decision.outcome.value
        claim = Claim(_key(reported), arrival_id, self.clock(), outcome, _number(reported))
        former = self.storage.claim(connection, claim)
        if former is not None:
            if outcome is None or former.outcome not in _NOT_FINAL or former.outcome == outcome:
                return None
            self.storage.change_outcome(connection, claim)
        if decision is None or not decision.is_paid:
            return _Claimed(decision)
        payers = self._claim_order(connection, claim, decision)
        if not payers:
            return _Claimed(decision)
        if payers == {_payer(claim)}:  # the same transaction, reported with and without its surcharge
            return None
        self.storage.change_outcome(connection, claim._replace(outcome=Outcome.PAID_AGAIN.value))
        return _Claimed(decision.__replace__(outcome=Outcome.PAID_AGAIN))

    def _claim_order(self, connection: C, claim: Claim, decision: Decision) -> set[str]:
        """Claim the order by each of its reference codes; which transactions have paid it before."""
        # Sorted, so that two transactions can't lock crosswise.
        keys = sorted(map(_order_key, set(decision.expected.reference_codes)))
        found = [self.storage.claim(connection, claim._replace(fact_key=key)) for key in keys]
        return {_payer(former) for former in found if former is not None}

    # --- looking after it ---------------------------------------------------------------------------------------------

    def replay(
        self,
        arrival_id: int | None,
        state: ArrivalState | None,
        reason: CallbackRejection | None,
        received_from: datetime | None,
        received_before: datetime | None,
        callback_url: str | None,
    ) -> Flow[int]:
        problems = _time_problems(received_from=received_from, received_before=received_before)
        if all(given is None for given in (arrival_id, state, reason, received_from, received_before)):
            problems.append("say which arrivals: arrival_id, state, reason, received_from or received_before")
        if state is not None and not isinstance(state, ArrivalState):
            problems.append(f"state must be an ArrivalState, not {type(state).__name__}")
        if reason is not None and not isinstance(reason, CallbackRejection):
            problems.append(f"reason must be a CallbackRejection, not {type(reason).__name__}")
        if arrival_id is None and state in (ArrivalState.HANDLED, ArrivalState.DUPLICATE):
            problems.append("a fact that was handled is not handled again: replay such an arrival by its arrival_id")
        if problems:
            raise ArgumentError(problems, call="replay")
        if state is not None:
            states: tuple[ArrivalState, ...] = (state,)
        elif reason is not None:
            states = (ArrivalState.REJECTED,)
        else:
            states = (*_KEPT, ArrivalState.REJECTED) if arrival_id is None else (*_KEPT, *PURGED)
        which = Filter(states, arrival_id, reason and reason.value, received_from, received_before)
        return (yield from self._replayed(which, callback_url))

    def _replayed(self, which: Filter, callback_url: str | None = None) -> Flow[int]:
        count = last = 0
        while ids := (
            yield from self.transaction(partial(self._set_back, which=which, after_id=last, callback_url=callback_url))
        ):
            count += len(ids)
            last = ids[-1]
        return count

    def _set_back(self, connection: C, which: Filter, after_id: int, callback_url: str | None) -> Sequence[int] | Call:
        ids = self.storage.matching(connection, which, after_id, 1 if self._enqueue else _BATCH)
        if not ids:
            return ids
        values: Changes = {
            "state": ArrivalState.STORED.value,
            "settled_at": None,
            "attempts": 0,
            "first_attempt_at": None,
            "next_attempt_at": self.clock(),
            "detail": None,
            "reason": None,
        }
        if callback_url is not None:
            values["callback_url"] = callback_url
        self.storage.update_all(connection, ids, values)
        return ids if self._enqueue is None else Call(_enqueued(self._enqueue, ids[0]), ids, "enqueue")

    def purge(self, before: datetime, states: Sequence[ArrivalState]) -> Flow[int]:
        problems = _time_problems(before=before)
        if not states or not all(state in PURGED for state in states):
            problems.append(f"states must be some of {', '.join(state.name for state in PURGED)}")
        if problems:
            raise ArgumentError(problems, call="purge")
        which = Filter(tuple(states), received_before=before)
        count = last = 0
        while ids := (yield from self.transaction(partial(self._delete, which=which, after_id=last))):
            count += len(ids)
            last = ids[-1]
        yield from self.transaction(partial(self.storage.forget_rejections, before=before))
        return count

    def _delete(self, connection: C, which: Filter, after_id: int) -> Sequence[int]:
        ids = self.storage.matching(connection, which, after_id, _BATCH)
        if ids:
            self.storage.delete_all(connection, ids)
        return ids

    def stats(self) -> Flow[Stats]:
        stats: Stats = yield from self.transaction(self.storage.stats)
        return stats

    # --- small things -------------------------------------------------------------------------------------------------

    def _verified(self, body: bytes, signature: str | None, callback_url: str | None) -> Callback:
        if callback_url is None:
            return self._verify(body, signature)
        return self._verify(body, signature, callback_url=callback_url)

    def _require_handler(self, handler: Handler | None) -> None:
        if handler is None and self._on_settled is None:
            raise ArgumentError("give a handler, or make the inbox with find_order and on_settled")

    def transaction(self, work: Callable[[C], Any]) -> Flow[Any]:
        return self._retried(Transaction(work))

    def _retried(self, step: Transaction) -> Flow[Any]:
        """Perform a transaction. One that lost a race or its connection is repeated, within its deadline."""
        for pause in _PAUSES:
            try:
                return (yield step)
            except Exception as error:
                wait = jittered(pause, least=0.0)
                late = step.deadline is not None and time.monotonic() + wait > step.deadline
                if late or not self.storage.is_transient(error):
                    raise
            yield Pause(wait)
        return (yield step)


class _Claimed(NamedTuple):
    """A fact that this transaction has claimed, with the decision for `on_settled`."""

    decision: Decision | None


def _new(now: datetime, body: bytes, signature: object, callback_url: str | None, state: ArrivalState) -> NewArrival:
    """The columns of a new arrival, with nothing yet about its processing."""
    return {
        "received_at": now,
        "body": body,
        "signature": _storable(signature),
        "callback_url": callback_url,
        "state": state.value,
        "attempts": 0,
        "first_attempt_at": None,
        "next_attempt_at": None,
        "detail": None,
        "reason": None,
        "digest": None,
        "fact_key": None,
        "reference_code": None,
        "transaction_number": None,
        "status": None,
    }


def _add_facts(values: NewArrival | Changes, callback: Callback) -> None:
    values["fact_key"] = callback.fact_key
    values["reference_code"] = callback.reference_code
    values["transaction_number"] = callback.transaction_number
    values["status"] = callback.status.value


def _storable(header: object) -> str | None:
    """A header in a form that every database stores. A right one is unchanged, and no wrong one becomes right.

    Its repr is hidden from here on: if storing fails, a debug page shows the frames of the database library, which hold it.
    """
    if header is None:
        return None
    shown = header if isinstance(header, str) else repr(header)
    return Hidden(shown.encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")[:_MAX_HEADER])


def _is_plausible(body: bytes, error: CallbackError) -> bool:
    """Whether a rejected callback may be genuine: only its signature is wrong."""
    if error.reason is not CallbackRejection.SIGNATURE_WRONG or len(body) > _MAX_PLAUSIBLE:
        return False
    try:
        read_verified(body)
    except CallbackError:
        return False
    return True


def _number(reported: Callback | Payment) -> str:
    """The transaction number. A session in which no payment was started has none: its own number then."""
    return reported.transaction_number or f"session {reported.session_number}"


def _key(reported: Callback | Payment) -> str:
    """The key of a fact. Without a transaction number, a `Payment` has no `fact_key`."""
    amount = reported.amount
    return reported.fact_key or fact_key(
        _number(reported), reported.status, amount.minor, amount.currency, reported.reference_code
    )


def _order_key(reference_code: str) -> str:
    """The key of an order that is paid. Merchants store it: the formula must not change."""
    return sha256(f"paid\0{reference_code}".encode("utf-8", "surrogatepass")).hexdigest()


def _payer(claim: Claim) -> str:
    return (claim.transaction_number or "").casefold()


def _enqueued(enqueue: Callable[[Any, int], object], arrival_id: int) -> Callable[[Any], object]:
    return lambda connection: enqueue(connection, arrival_id)


def _kind(error: Exception) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}"[:_MAX_HEADER]


def _logged(receipt: Receipt) -> Receipt:
    if receipt.rejection is not None:
        if receipt.arrival_id is None:
            _log.info("callback rejected and only counted: %s", receipt.rejection)
        else:
            _log.warning("arrival %d rejected: %s", receipt.arrival_id, receipt.rejection)
    return receipt


def _time_problems(**times: datetime | None) -> list[str]:
    return [
        f"{name} must be an aware datetime, such as datetime.now(UTC) - timedelta(days=90)"
        for name, time in times.items()
        if time is not None and (not isinstance(time, datetime) or time.tzinfo is None)
    ]
