"""The wrong readings of the rules, and the search for those that give a signature."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from commercepay._base.record import Record
from commercepay._base.secret import Hidden, HiddenBytes
from commercepay.explain._recipe import Candidate, Candidates, Recipe, Request, digests, may_give, written

MOST_TRIED: Final = 20_000
"""The number of signatures that one explanation computes at most."""

MOST_CHARACTERS: Final = 10_000_000
"""The length of all texts that one explanation writes and hashes, about. An explanation of a callback has a twentieth of it."""


class Reading(Record):
    """A wrong reading of the rules.

    Attributes:
        name: what the reading is called.
        field: the field of the `Recipe` that it changes, and `value` what it changes it to.
        rule: the right rule; for a callback, what to do.
        common: whether it is also tried together with two others.
    """

    name: str
    field: str
    value: str
    rule: str
    common: bool = False


def _table(rows: Sequence[tuple[str, str, str, str]], common: Sequence[str]) -> tuple[Reading, ...]:
    return tuple(
        Reading(name=name, field=field, value=value, rule=rule, common=name in common)
        for name, field, value, rule in rows
    )


_CASE = "the whole string to sign is lower-cased: URL, names and values"
_ORDER = "members are sorted by their lower-cased names, at every depth"
_NULLS = "members whose value is null are left out at every depth; false, 0 and empty strings stay"
_DATA = "the data follows the URL as compact JSON"
_URL = "the string to sign begins with the endpoint's whole URL, as it is called, without query and trailing slash"
_ESCAPES = "JSON is written without escapes where it needs none: `/`, `&` and non-ASCII text stay as they are"
_BLANKS = "the JSON is compact, without blanks and line ends"
_NUMBERS = "numbers are signed as they are sent: as numbers, without quotes and fraction"
_MAC = "the function is HMAC-SHA256 with the secret key as key and the string to sign as message"
_OUTPUT = "the signature is 64 hex digits"
_KEY = "the key is the secret key of this tenant and environment, byte for byte"

READINGS: Final = _table(
    (
        ("body without the URL", "url", "none", _URL),
        ("body as it was sent", "data", "raw", "the JSON that is signed is compact, sorted and without nulls"),
        ("case kept", "case", "kept", _CASE),
        ("only the URL lower-cased", "case", "data kept", _CASE),
        ("only the data lower-cased", "case", "URL kept", _CASE),
        ("values not lower-cased", "case", "values kept", _CASE),
        ("names not lower-cased", "case", "names kept", _CASE),
        ("upper-cased", "case", "upper", _CASE),
        ("not sorted", "order", "as sent", _ORDER),
        ("sorted byte-wise", "order", "bytes", _ORDER),
        ("sorted in reverse", "order", "reverse", _ORDER),
        ("sorted at the top level only", "order", "top level", _ORDER),
        ("names in camelCase", "names", "camelCase", "names are signed as they are sent, lower-cased"),
        ("names in PascalCase", "names", "PascalCase", "names are signed as they are sent, lower-cased"),
        ("nulls kept", "nulls", "kept", _NULLS),
        ("nulls as empty strings", "nulls", "as empty strings", _NULLS),
        ("nulls kept below the top level", "nulls", "kept below", _NULLS),
        ("empty strings dropped", "nulls", "and empty strings", _NULLS),
        ("empty strings, 0 and false dropped", "nulls", "falsy", _NULLS),
        ("slashes escaped", "slashes", "escaped", _ESCAPES),
        ("non-ASCII escaped", "escape", "non-ASCII", _ESCAPES),
        ("`&`, `<` and `>` escaped", "escape", "HTML", _ESCAPES),
        ("escapes of System.Text.Json", "escape", ".NET", _ESCAPES),
        ("JSON with blanks", "blanks", "after", _BLANKS),
        ("indented JSON", "blanks", "indented", _BLANKS),
        ("numbers as strings", "numbers", "strings", _NUMBERS),
        ("numbers as strings", "data", "untyped", _NUMBERS),
        ("numbers with a fraction", "numbers", "fraction", _NUMBERS),
        ("amount in major units", "numbers", "major", "amounts are signed as they are sent, in minor units"),
        ("seconds for milliseconds", "numbers", "seconds", "the timestamp is signed as it is sent, in milliseconds"),
        ("booleans as numbers", "booleans", "numbers", "booleans are signed as true and false, without quotes"),
        ("booleans as strings", "booleans", "strings", "booleans are signed as true and false, without quotes"),
        (
            "unknown members signed",
            "data",
            "with unknown",
            "members that the endpoint does not have are left out of what is signed (an assumption): do not send them",
        ),
        (
            "unknown members signed as numbers",
            "data",
            "unknown as numbers",
            "members that the endpoint does not have are left out of what is signed (an assumption): do not send them",
        ),
        ("URL alone", "data", "none", _DATA),
        ("an empty object for the data", "data", "empty", _DATA),
        ("key=value text", "data", "form", _DATA),
        ("values without names", "data", "values", _DATA),
        ("data before the URL", "join", "data, URL", _DATA),
        ("a separator between URL and data", "join", "separated", _DATA),
        ("HTTP method before the URL", "method", "before", _URL),
        ("query string kept", "url", "with query", _URL),
        ("trailing slash kept", "url", "with slash", _URL),
        ("path instead of URL", "url", "path", _URL),
        ("URL without its scheme", "url", "no scheme", _URL),
        ("last segment instead of URL", "url", "last segment", _URL),
        ("another server's URL", "url", "other server", _URL),
        ("another name of this machine", "url", "other loopback", _URL),
        ("http for https, or the reverse", "url", "other scheme", _URL),
        ("port added or left out", "port", "other", _URL),
        (
            "line feed at the end",
            "end",
            "line feed",
            "nothing follows the data (`echo` adds a line feed; use `printf`)",
        ),
        ("UTF-16 instead of UTF-8", "encoding", "utf-16-le", "the string to sign is hashed in UTF-8"),
        ("Latin-1 instead of UTF-8", "encoding", "latin-1", "the string to sign is hashed in UTF-8"),
        ("SHA-512", "mac", "sha512", _MAC),
        ("SHA-1", "mac", "sha1", _MAC),
        ("MD5", "mac", "md5", _MAC),
        ("SHA-256 without the key", "mac", "no key", _MAC),
        ("SHA-256 of key and data", "mac", "concatenated", _MAC),
        ("key and data swapped", "mac", "swapped", _MAC),
        ("base64 instead of hex", "output", "base64", _OUTPUT),
        ("hex digits in base64", "output", "base64 of hex", _OUTPUT),
        ("a prefix before the hex digits", "output", "prefixed", _OUTPUT),
        ("white space around the key", "key", "white space", _KEY),
        ("quotes around the key", "key", "quotes", _KEY),
        ("key decoded from hex or base64", "key", "decoded", _KEY),
        ("key in another case", "key", "other case", _KEY),
        ("another secret key", "key", "other", _KEY),
    ),
    common=(
        "body without the URL",
        "body as it was sent",
        "case kept",
        "only the URL lower-cased",
        "not sorted",
        "sorted byte-wise",
        "names in camelCase",
        "nulls kept",
        "slashes escaped",
        "non-ASCII escaped",
        "JSON with blanks",
        "numbers as strings",
        "unknown members signed",
        "seconds for milliseconds",
        "SHA-512",
        "base64 instead of hex",
    ),
)
"""The wrong readings of somebody who signs a request. The most common come first."""


_FOR_CALLBACKS = (
    "body as it was sent",
    "case kept",
    "only the URL lower-cased",
    "only the data lower-cased",
    "values not lower-cased",
    "names not lower-cased",
    "not sorted",
    "sorted byte-wise",
    "nulls kept",
    "nulls as empty strings",
    "empty strings dropped",
    "slashes escaped",
    "non-ASCII escaped",
    "`&`, `<` and `>` escaped",
    "escapes of System.Text.Json",
    "JSON with blanks",
    "indented JSON",
    "numbers as strings",
    "numbers with a fraction",
    "body without the URL",
    "query string kept",
    "trailing slash kept",
    "another name of this machine",
    "http for https, or the reverse",
    "port added or left out",
    "white space around the key",
    "quotes around the key",
    "another secret key",
)

CALLBACK_READINGS: Final = (
    Reading(name="another callback URL", field="url", value="other URL", rule=_URL),
    *(reading.__replace__(common=False) for reading in READINGS if reading.name in _FOR_CALLBACKS),
)
"""The differences that a callback can have from what its receiver expects."""


class Fit(Record):
    """A set of wrong readings that together give a signature.

    Attributes:
        readings: their names; empty if the signature is right.
        url: the URL that is signed in it; empty if there is none.
        key: which other secret key it was computed with, if it was.
        text: the string to sign of these readings.
    """

    readings: tuple[str, ...]
    url: str
    key: str
    text: str

    _aside = ("text",)


class Search:
    """The search for the wrong readings that give the signature of a request.

    Sets of one reading are tried first, then pairs, then three of the most common. It ends with the first size that fits, and
    then has every set of that size: a request may not tell two readings apart.

    Attributes:
        fits: the sets that give the signature.
        tried: how many signatures were computed.
        complete: whether every set was tried; else a limit was reached (`MOST_TRIED`, `most_characters`), or the data is
            longer than a hundredth of `most_characters`.
    """

    def __init__(self, request: Request, readings: Sequence[Reading], most_characters: int = MOST_CHARACTERS) -> None:
        self._given = Hidden(request.given.strip())
        self._candidates = Candidates(request)
        self._seen: dict[Candidate, bool] = {}
        self._most = most_characters
        self._characters = 0
        self.tried = 0
        self.complete = True
        self.fits = tuple({fit.readings: fit for fit in self._found(readings)}.values())

    def _found(self, readings: Sequence[Reading]) -> list[Fit]:
        right = self._fit((), Recipe())
        found = [right] if right is not None else []
        if self._candidates.characters > self._most / 100:
            self.complete = False
            return found
        relevant = [reading for reading in readings if not self._is_over() and self._is_relevant(reading)]
        for count in (1, 2, 3):
            pool = relevant if count < 3 else [reading for reading in relevant if reading.common]
            for together in combinations(pool, count):
                if found and count > len(found[0].readings):
                    return found
                if self._is_over():
                    self.complete = False
                    return found
                changes = {reading.field: reading.value for reading in together}
                names = {reading.name for reading in together}
                if (
                    len(changes) == len(names) == count
                    and (fit := self._fit(together, Recipe()._replace(**changes))) is not None
                ):
                    found.append(fit)
        return found

    def _is_over(self) -> bool:
        return self.tried >= MOST_TRIED or self._characters + self._candidates.characters >= self._most

    def _fit(self, readings: tuple[Reading, ...], recipe: Recipe) -> Fit | None:
        if not may_give(recipe, self._given):
            return None
        for candidate in self._candidates.of(recipe):
            if self._gives(candidate):
                names = tuple(reading.name for reading in readings)
                return Fit(readings=names, url=candidate.url, key=candidate.label, text=candidate.text)
        return None

    def _gives(self, candidate: Candidate) -> bool:
        known = self._seen.get(candidate)
        if known is None:
            self.tried += 1
            self._characters += len(candidate.text)
            is_hex = candidate.output in ("hex", "prefixed")
            given = HiddenBytes((self._given.lower() if is_hex else self._given).encode(errors="replace"))
            known = self._seen[candidate] = any(
                hmac.compare_digest(one.encode(), given)
                for digest in map(HiddenBytes, digests(candidate))
                for one in map(Hidden, written(digest, candidate.output))
            )
        return known

    def _is_relevant(self, reading: Reading) -> bool:
        """Whether a reading can change a signature of this length for this request, alone or with a common one.

        Fewer relevant readings make fewer pairs. Names matter only where their case is kept.
        """
        for other in ({}, {"case": "kept"}, {"data": "with unknown"}):
            base = Recipe()._replace(**other)
            if reading.field in other:
                continue
            changed = base._replace(**{reading.field: reading.value})
            if set(self._candidates.of(changed)) - set(self._candidates.of(base)):
                return True
        return False
