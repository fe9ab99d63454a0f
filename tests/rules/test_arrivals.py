"""The rules of the inbox over a storage in memory: whatever comes, in whatever order, each fact is handled once."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from commercepay import Decision, Expected, Money, Outcome, Payment, PaymentStatus, ReturnHint, decide, signature
from commercepay._arrivals.records import ArrivalState, Retries, Stats
from commercepay._arrivals.rules import Rules
from commercepay._arrivals.storage import (
    Arrival,
    Ask,
    Call,
    Changes,
    Claim,
    Filter,
    Kept,
    NewArrival,
    Step,
    Transaction,
)
from commercepay._base.flow import drive
from commercepay.callbacks import Callback, Verifier
from commercepay.errors import UnknownOrder

SECRET, URL = "example-Secret-Key-01", "https://shop.example.my/callback"
PRICE = Money("12.34", "MYR")
ORDERS = {
    code: Expected(reference_codes=codes, amount=PRICE, surcharges=[Money("0.50", "MYR")])
    for codes in (("A", "A2"), ("B",))
    for code in codes
}


class HandlerError(Exception):
    pass


class Memory:
    """A `Storage` in memory. `perform` is its driver: an exception restores what was there before the transaction."""

    def __init__(self) -> None:
        self.arrivals: dict[int, dict[str, Any]] = {}
        self.claims: dict[str, Claim] = {}
        self.rejections: Counter[tuple[datetime, bool, str]] = Counter()

    def perform(self, step: Step) -> object:
        if isinstance(step, Ask):
            return step.function()
        assert isinstance(step, Transaction)
        before = copy.deepcopy(vars(self))
        try:
            result = step.work(self)
            if isinstance(result, Call):
                result.function(self)
                return result.result
            return result
        except BaseException:
            vars(self).update(before)
            raise

    def insert(self, connection: object, values: NewArrival) -> int:
        arrival_id = len(self.arrivals) + 1
        self.arrivals[arrival_id] = {"id": arrival_id, **values}
        return arrival_id

    def take(self, connection: object, now: datetime) -> Arrival | None:
        pending = [row for row in self.arrivals.values() if row["state"] == "stored" and row["next_attempt_at"] <= now]
        return self._arrival(min(pending, key=lambda row: row["next_attempt_at"], default=None))

    def get(self, connection: object, arrival_id: int) -> Arrival | None:
        return self._arrival(self.arrivals.get(arrival_id))

    def _arrival(self, row: dict[str, Any] | None) -> Arrival | None:
        return None if row is None else Arrival(*(row[name] for name in Arrival._fields))

    def update(self, connection: object, arrival_id: int, state: ArrivalState, values: Changes) -> bool:
        if self.arrivals[arrival_id]["state"] != state.value:
            return False
        self.arrivals[arrival_id].update(values)
        return True

    def claim(self, connection: object, claim: Claim) -> Claim | None:
        former = self.claims.get(claim.fact_key)
        self.claims.setdefault(claim.fact_key, claim)
        return former

    def change_outcome(self, connection: object, claim: Claim) -> None:
        assert claim.fact_key in self.claims
        self.claims[claim.fact_key] = claim

    def matching(self, connection: object, which: Filter, after_id: int, limit: int) -> Sequence[int]:
        found = [
            row["id"]
            for row in self.arrivals.values()
            if row["id"] > after_id
            and ArrivalState(row["state"]) in which.states
            and (which.reference_codes is None or row["reference_code"] in which.reference_codes)
        ]
        return found[:limit]

    def update_all(self, connection: object, arrival_ids: Sequence[int], values: Changes) -> None:
        for arrival_id in arrival_ids:
            self.arrivals[arrival_id].update(values)

    def delete_all(self, connection: object, arrival_ids: Sequence[int]) -> None:
        raise AssertionError("nothing is purged here")

    def count_rejection(self, connection: object, hour: datetime, plausible: bool) -> Kept:
        self.rejections[hour, plausible, "seen"] += 1
        return Kept(self.rejections[hour, plausible, "kept"], self.rejections[hour, plausible, "bytes"])

    def count_kept(self, connection: object, hour: datetime, plausible: bool, size: int) -> None:
        self.rejections[hour, plausible, "kept"] += 1
        self.rejections[hour, plausible, "bytes"] += size

    def has_evidence(self, connection: object, digest: str) -> bool:
        return any(row["state"] == "rejected" and row["digest"] == digest for row in self.arrivals.values())

    def forget_rejections(self, connection: object, before: datetime) -> None:
        raise AssertionError("nothing is purged here")

    def stats(self, connection: object) -> Stats:
        states = Counter(row["state"] for row in self.arrivals.values())
        return Stats(waiting=states["stored"], oldest=None, dead=states["dead"], rejected=0)

    def is_transient(self, error: Exception) -> bool:
        return False


class Shop:
    """A merchant with an inbox in memory. `handled` has the decisions of the transactions that were committed."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.memory.handled: list[Decision] = []  # type: ignore[misc]  # undone with the transaction
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.known = False
        self.fails = False
        self.wrong = False
        self.rules = Rules(
            self.memory,
            Verifier(secret_key=SECRET, callback_url=URL).verify,
            name="default",
            retries=Retries(max_attempts=3, at_least=timedelta(hours=1)),
            find_order=self.find_order,
            on_settled=self.on_settled,
        )
        self.rules.clock = lambda: self.now

    def find_order(self, hint: ReturnHint) -> Expected | None:
        order = ORDERS.get(hint.reference_code or "") if self.known else None
        return order.__replace__(amount=Money("99.00", "MYR")) if order and self.wrong else order

    def on_settled(self, decision: Decision, memory: Any) -> None:
        memory.handled.append(decision)
        if self.fails:
            raise HandlerError

    def run(self, flow: Any) -> Any:
        return drive(flow, self.memory.perform, sleep=lambda seconds: None)

    def callback(self, fact: tuple[str, int, str, int], key: str = SECRET) -> None:
        number, status, reference, minor = fact
        data = {
            "transactionNumber": number,
            "status": status,
            "referenceCode": reference,
            "amount": minor,
            "currencyCode": "MYR",
        }
        with suppress(HandlerError, UnknownOrder):
            self.run(self.rules.receive(json.dumps(data).encode(), signature.sign(URL, data, key), None, None))

    def query(self, fact: tuple[str, int, str, int]) -> None:
        number, status, reference, minor = fact
        names = [name for name in Payment._annotated if name not in Payment._defaults]
        given = {
            **dict.fromkeys(names),
            "transaction_number": number,
            "status": PaymentStatus(status),
            "reference_code": reference,
            "amount": Money.from_minor(minor, "MYR"),
        }
        self.run(self.rules.settle(decide(ORDERS[reference], Payment(**given))))


facts = st.tuples(
    st.sampled_from(["T1", "T2", "T3"]),
    st.sampled_from([0, 1, 2, 99]),
    st.sampled_from(sorted(ORDERS)),
    st.sampled_from([1234, 1284, 1]),
)
events = st.one_of(
    st.tuples(st.sampled_from(["callback", "forgery", "query"]), facts),
    st.tuples(st.sampled_from(["process", "replay", "known", "fails", "wrong", "later"]), st.integers(0, 400)),
)
T1, T2 = ("T1", 1, "A", 1234), ("T2", 1, "A2", 1234)
KNOWN = ("known", 1)


@settings(max_examples=100, deadline=None)
@example([KNOWN, ("callback", T1), ("callback", T2), ("callback", T2), ("query", T2), ("query", T1)])
@example([KNOWN, ("wrong", 1), ("callback", T1), ("callback", T1), ("wrong", 0), ("callback", T1), ("query", T1)])
@example([("callback", T1), ("callback", ("T1", 1, "A2", 1234))])
@example([KNOWN, ("callback", T1), ("callback", ("T1", 1, "A", 1284)), ("query", ("T1", 1, "A2", 1234))])
@given(st.lists(events, max_size=30))
def test_whatever_comes(given_events: list[tuple[str, Any]]) -> None:
    """A fact is handled at most once per outcome, an order is paid once, no forgery is handled, nothing verified is lost."""
    shop = Shop()
    expected: set[tuple[str, int, str, int]] = set()
    queried: set[tuple[str, int, str, int]] = set()
    for kind, value in given_events:
        if kind == "callback":
            shop.callback(value)
            expected.add(value)
        elif kind == "forgery":
            shop.callback(value, "a guess")
        elif kind == "query":
            shop.query(value)
            queried.add(value)
        elif kind == "process":
            shop.run(shop.rules.process_pending(None, 1 + value % 5))
        elif kind == "replay":
            state = (ArrivalState.DEAD, ArrivalState.REJECTED, ArrivalState.STORED)[value % 3]
            shop.run(shop.rules.replay(None, state, None, None, None, None))
        elif kind == "later":
            shop.now += timedelta(minutes=value)
        else:
            setattr(shop, kind, bool(value % 2))
        check(shop)
    shop.known, shop.fails, shop.wrong = True, False, False
    shop.run(shop.rules.replay(None, ArrivalState.DEAD, None, None, None, None))
    shop.now += timedelta(days=1)
    while shop.run(shop.rules.process_pending(None, 10)):
        pass
    check(shop)
    assert {fact for fact in expected if not was_handled(shop, fact)} == set()
    reported = [one.reported for one in shop.memory.handled]  # type: ignore[attr-defined]
    assert expected | queried >= {
        (one.transaction_number, one.status.value, one.reference_code, one.amount.minor) for one in reported
    }
    assert shop.run(shop.rules.stats()).waiting == 0


def check(shop: Shop) -> None:
    handled: list[Decision] = shop.memory.handled  # type: ignore[attr-defined]
    key = [(one.reported.fact_key, one.outcome) for one in handled]
    assert max(Counter(key).values(), default=0) <= 1
    paid = Counter(one.expected.reference_codes for one in handled if one.is_paid)
    assert max(paid.values(), default=0) <= 1
    payer = {one.expected.reference_codes: one.reported.transaction_number for one in handled if one.is_paid}
    for again in (one for one in handled if one.outcome is Outcome.PAID_AGAIN):
        assert payer[again.expected.reference_codes] != again.reported.transaction_number


def was_handled(shop: Shop, fact: tuple[str, int, str, int]) -> bool:
    """Whether a fact was handled; or its transaction as paid, with another allowed amount or reference of the order."""
    number, status, reference, minor = fact
    codes = ORDERS[reference].reference_codes
    return any(
        (one.reported.transaction_number, one.reported.status.value) == (number, status)
        and (
            (one.reported.reference_code, one.reported.amount.minor) == (reference, minor)
            or (one.is_paid and minor != 1 and one.reported.reference_code in codes)
        )
        for one in shop.memory.handled  # type: ignore[attr-defined]
    )


def test_a_handler_of_callbacks_shares_the_claims() -> None:
    """A handler that is passed to `receive` gets a fact once, and `on_settled` does not get it again."""
    shop = Shop()
    had: list[Callback] = []
    fact = ("T1", 1, "A", 1234)
    data = {"transactionNumber": "T1", "status": 1, "referenceCode": "A", "amount": 1234, "currencyCode": "MYR"}
    message = json.dumps(data).encode(), signature.sign(URL, data, SECRET)
    for _ in range(2):
        shop.run(shop.rules.receive(*message, lambda callback, memory: had.append(callback), None))
    shop.known = True
    shop.callback(fact)
    shop.query(fact)
    assert [callback.reference_code for callback in had] == ["A"]
    assert shop.memory.handled == []  # type: ignore[attr-defined]
