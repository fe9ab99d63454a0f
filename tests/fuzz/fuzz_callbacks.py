"""Fuzz `commercepay.callbacks.verify`: it raises only `CallbackError`, and accepts only what the reference accepts.

    python tests/fuzz/fuzz_callbacks.py --mode coverage --runs 1000000      guided by coverage (needs atheris)
    python tests/fuzz/fuzz_callbacks.py --mode random --runs 1000000        random mutation of genuine callbacks
    ... --seconds 20                                                        either, for a limited time

The reference is `reference.py` in this folder, which shares no code with the package. An input that breaks the rule ends the
run with a traceback and an exit status that is not 0; atheris also writes it to a file. `--seed` repeats a random run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import reference

URL = "https://shop.example.my/callback"
SECRETS = ("example-Secret-Key-01", "example-Secret-Key-02")
FACT = {
    "amount": 1234,
    "channelId": 2,
    "currencyCode": "MYR",
    "referenceCode": "INV-2026/0001",
    "status": 1,
    "transactionNumber": "TN0001",
    "paymentSessionNumber": "PS0001",
    "providerTransactionNumber": None,
}
GENUINE = json.dumps(FACT).encode()
SIGNATURE = reference.signature(URL, reference.canonical(reference.parse(GENUINE)), SECRETS[0])
# What is inserted into a callback besides random bytes: pieces of JSON and Unicode that often reveal bugs.
PIECES = [
    *(b'{ } [ ] " : , \\ \\" \\u0000 \\ud800 \\u212a null true false NaN Infinity -Infinity 1e400 -0 0.0 1E3'.split()),
    *(
        b'"amount": "Amount": "status":1 "status":2 "AMOUNT":1, ,"a":[{"b":1,"B":2}] \xef\xbb\xbf \xff \xed\xa0\x80'.split()
    ),
    *("\u212a \u0130 \u03a3 \u1e9e \u2028".encode().split()),
    *(b" ", b"\n", b"\0", b"[" * 40, b'{"x":' * 40, b"9" * 19, b"9" * 4301),
]
VALUES = [
    *(
        b'0 1 -1 2 9 18 99 -0 0.0 1.0 1E2 1e400 NaN null true "" "1" "MYR" "myr" "XYZ" [] [[]] {} [1,{"b":1,"B":2}]'.split()
    ),
    *(rb'"\u0000" "\ud800" "\u001b[2J" "\u212a" {"x":{"x":null}} 9223372036854775807 9223372036854775808'.split()),
    *(b"9" * 4301, b"[" * 40 + b"]" * 40, '"\u00c4\u212a\u0130\u03a3"'.encode(), b'"%s"' % (b"x" * 70_000)),
]

verdicts: Counter[str] = Counter()
"""The number of inputs for each verdict. It shows whether a run reached every check."""


class Source(Protocol):
    """The source of a test case: the bytes of atheris, or a random generator."""

    def number(self, low: int, high: int) -> int: ...
    def bytes(self, most: int) -> bytes: ...


class RandomSource:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def bytes(self, most: int) -> bytes:
        return self._random.randbytes(self.number(0, min(most, 40)))


def case(source: Source) -> tuple[Any, Any]:
    """A body and a header. The body is random or a changed callback; the header may be its signature."""
    way = source.number(0, 9)
    body = source.bytes(4000) if way == 0 else _with_other_members(source) if way < 5 else _with_other_bytes(source)
    kind = source.number(0, 9)
    if kind == 0:  # a random header, or one wrong digit
        if source.number(0, 1):
            return body, source.bytes(70).decode("latin-1")
        place = source.number(0, 63)
        return body, SIGNATURE[:place] + "0123456789abcdefABCDEF g"[source.number(0, 23)] + SIGNATURE[place + 1 :]
    if kind == 1:  # not a single string
        return body, [None, [SIGNATURE], SIGNATURE.encode(), f"{SIGNATURE},{SIGNATURE}", 7][source.number(0, 4)]
    if kind <= 3:  # a valid signature, perhaps of another body
        return body, SIGNATURE
    secret = SECRETS[source.number(0, 1)]
    try:
        readings = [reference.without_mark(body), reference.canonical(reference.parse(body))]
    except (UnicodeDecodeError, reference.AmbiguousBodyError):
        readings = [body.decode("utf-8", "replace")]
    signature = reference.signature(URL, readings[source.number(0, len(readings) - 1)], secret)
    return body, signature.upper() if kind == 4 else signature


def _with_other_members(source: Source) -> bytes:
    """A valid callback with members removed, doubled, renamed, or with other values."""
    members = [(json.dumps(name).encode(), json.dumps(value).encode()) for name, value in FACT.items()]
    for _ in range(source.number(0, 3)):
        place = source.number(0, len(members) - 1)
        name, value = members[place]
        step = source.number(0, 5)
        if step <= 1:
            members[place] = name, VALUES[source.number(0, len(VALUES) - 1)]
        elif step == 2:
            members.insert(source.number(0, len(members)), (name, value))
        elif step == 3:
            members[place] = name.upper(), value
        elif step == 4:
            members.append((b'"extra"', VALUES[source.number(0, len(VALUES) - 1)]))
        elif len(members) > 1:
            del members[place]
    return b"{" + b",".join(name + b": " + value for name, value in members) + b"}"


def _with_other_bytes(source: Source) -> bytes:
    body = bytearray(GENUINE)
    for _ in range(source.number(0, 4)):
        place = source.number(0, len(body))
        step = source.number(0, 4)
        if step == 0:
            body[place:place] = PIECES[source.number(0, len(PIECES) - 1)]
        elif step == 1:
            body[place : place + source.number(1, 12)] = PIECES[source.number(0, len(PIECES) - 1)]
        elif step == 2:
            body[place:place] = source.bytes(60)
        elif step == 3 and place < len(body):
            body[place] ^= 1 << source.number(
                0, 7
            )  # 0x20 changes the case of a letter, which the signature doesn't cover
        else:
            del body[place : place + source.number(1, 12)]
    return bytes(body)


def check(body: Any, signature: Any, verify: Callable[..., Any], rejected: type[Exception]) -> None:
    try:
        callback = verify(body, signature, URL, SECRETS)
    except rejected as error:
        reason = error.reason.name  # type: ignore[attr-defined]  # of a CallbackError
        verdicts[reason] += 1
        if len(str(error)) > 400:
            raise AssertionError("the text of the rejection is too long") from error
        return
    verdicts["accepted"] += 1
    if not reference.accepts(body, signature, URL, SECRETS):
        raise AssertionError("accepted, but the reference rejects it")
    sent = json.loads(body.decode("utf-8-sig"))
    read = (callback.status.value, callback.amount.minor, callback.amount.currency, callback.reference_code)
    if read != (sent["status"], sent["amount"], sent["currencyCode"], sent["referenceCode"]):
        raise AssertionError("the callback differs from its body")
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in read[:2]) or read[1] <= 0:
        raise AssertionError("status or amount is not an integer, or the amount is not positive")
    if callback.fact_key == GENUINE_KEY and callback.transaction_number.lower() != "tn0001":
        raise AssertionError("another payment with the same key")


GENUINE_KEY = ""


def run_random(runs: int, seconds: float, seed: int) -> int:
    from commercepay.callbacks import verify
    from commercepay.errors import CallbackError

    _start(verify)
    source = RandomSource(seed)
    end = time.monotonic() + seconds
    for done in range(runs):
        if done % 1000 == 0 and time.monotonic() > end:
            return done
        body, signature = case(source)
        try:
            check(body, signature, verify, CallbackError)
        except BaseException:
            print(f"input {done} of seed {seed}: body={body!r} signature={signature!r}", file=sys.stderr)
            raise
    return runs


def run_guided(runs: int, seconds: float, seed: int) -> int:
    import atheris  # pyright: ignore[reportMissingImports]  # not for every Python version

    with atheris.instrument_imports(include=["commercepay", "json"]):
        from commercepay.callbacks import verify
        from commercepay.errors import CallbackError, CallbackRejection

    class AtherisSource:
        def __init__(self, data: bytes) -> None:
            self._provider = atheris.FuzzedDataProvider(data)

        def number(self, low: int, high: int) -> int:
            return int(self._provider.ConsumeIntInRange(low, high))

        def bytes(self, most: int) -> bytes:
            return bytes(self._provider.ConsumeBytes(self.number(0, most)))

    # libFuzzer ends the process without returning to Python. It runs in a child process, and counts in shared memory.
    names = ["accepted", *CallbackRejection.__members__]
    counts = multiprocessing.RawArray("q", len(names))

    def one(data: bytes) -> None:
        check(*case(AtherisSource(data)), verify, CallbackError)
        counts[names.index(verdicts.popitem()[0])] += 1

    _start(verify)
    options = [f"-runs={runs}", f"-max_total_time={int(seconds)}", f"-seed={seed or 1}", "-max_len=4096"]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1"], one)
    if child := os.fork():
        if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            sys.exit(status if status > 0 else 1)
        verdicts.update({name: count for name, count in zip(names, counts, strict=True) if count})
        return verdicts.total()
    atheris.Fuzz()
    raise AssertionError("libFuzzer ends the process itself")


def _start(verify: Callable[..., Any]) -> None:
    global GENUINE_KEY
    GENUINE_KEY = verify(GENUINE, SIGNATURE, URL, SECRETS).fact_key


def report(done: int, began: float) -> None:
    took = time.monotonic() - began
    print(f"{done} inputs in {took:.0f} s: only CallbackError was raised, and only valid callbacks were accepted")
    for verdict, count in verdicts.most_common():
        print(f"  {count:9}  {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["coverage", "random"], default="random")
    parser.add_argument("--runs", type=int, default=1_000_000, help="how many inputs, at most")
    parser.add_argument("--seconds", type=float, default=600, help="how long, at most")
    parser.add_argument("--seed", type=int, default=20260901)
    options = parser.parse_args()
    began = time.monotonic()
    run = run_guided if options.mode == "coverage" else run_random
    report(run(options.runs, options.seconds, options.seed), began)


if __name__ == "__main__":
    main()
