"""The signature: the shared vectors, an independent implementation, and data that can't be signed."""

from __future__ import annotations

import json
import runpy
import string
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from facade.gateway import signature_of
from hypothesis import example, given
from hypothesis import strategies as st

from commercepay import ArgumentError, UnsignableData, signature

reference = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "fuzz" / "reference.py")))
VECTORS = json.loads((Path(__file__).parents[1] / "signature-vectors.json").read_text())["vectors"]
URL = "https://payments.commerce.asia/api/services/app/PaymentGateway/RequestPayment"

# Names that stay different in lower case, as a JSON object's members must.
characters = st.characters(exclude_categories=["Cs"], exclude_characters=signature.ESCAPED)
names = st.text(characters, max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(characters, max_size=12)
)


def objects(items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    pairs = st.lists(st.tuples(names, items), max_size=5, unique_by=lambda pair: pair[0].lower())
    return pairs.map(dict)


values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | objects(inner), max_leaves=20)
data = objects(values)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: Any) -> None:
    """Every shared vector gives its string and its signature, in both implementations. It matches, also in upper case."""
    url, members, secret = vector["url"], vector["data"], vector["secret"]
    assert signature.string_to_sign(url, members) == vector["string_to_sign"]
    assert signature.sign(url, members, secret) == signature_of(url, members, secret) == vector["signature"]
    assert signature.matches(url, members, secret, vector["signature"])
    assert signature.matches(url, members, secret, vector["signature"].upper())
    assert not signature.matches(url, members, secret + "x", vector["signature"])


@given(data, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@example({"İ": "İ", "K": "ẞ"}, "k")
@example({"a": {"B": [{"d": None, "C": [None]}]}}, "k")
@example({"n": -0.0, "m": 1e22, "o": 2**70, "p": 1e-7}, "k")
def test_against_the_independent_implementation(members: dict[str, Any], secret: str) -> None:
    """For all data, the signature equals that of an independent implementation. Signing does not change the data."""
    before = json.dumps(members)
    assert signature.sign(URL, members, secret) == signature_of(URL, members, secret)
    assert json.dumps(members) == before


@given(data, st.randoms(use_true_random=False))
def test_order_of_members(members: dict[str, Any], random: Any) -> None:
    """The order of members does not matter, at any depth."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            pairs = [(name, shuffled(item)) for name, item in value.items()]
            random.shuffle(pairs)
            return dict(pairs)
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert signature.string_to_sign(URL, shuffled(members)) == signature.string_to_sign(URL, members)


@given(data)
def test_nulls(members: dict[str, Any]) -> None:
    """A null member does not change the signature; a null in an array does."""
    fresh = "x" * 9
    plain = signature.string_to_sign(URL, {fresh: [1], **members})
    assert signature.string_to_sign(URL, {fresh: [1], **members, "y" * 9: None}) == plain
    assert signature.string_to_sign(URL, {fresh: [1, None], **members}) != plain


@given(data)
def test_the_string_is_lower_case(members: dict[str, Any]) -> None:
    """The string to sign is lower-cased as a whole (U+0130 has no lower case here), and compact JSON follows the URL."""
    text = signature.string_to_sign(URL, members)
    assert text == "\u0130".join(part.lower() for part in text.split("\u0130"))
    assert text.startswith(URL.lower())
    json.loads(text.removeprefix(URL.lower()))


@given(data)
def test_other_types(members: dict[str, Any]) -> None:
    """Tuples sign as lists do, and other mappings as dicts do."""

    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return MappingProxyType({name: other(item) for name, item in value.items()})
        return tuple(other(item) for item in value) if isinstance(value, list) else value

    assert signature.string_to_sign(URL, other(members)) == signature.string_to_sign(URL, members)


@pytest.mark.parametrize("ending", ["", "/", "//", "?a=1", "#f", "?a=1#f", "/?a=1", "/#?", "?/"])
def test_the_url(ending: str) -> None:
    """Query, fragment and trailing slashes of the URL are not signed."""
    for url in (URL, URL + "/X"):
        assert signature.string_to_sign(url + ending, {"a": 1}) == url.lower() + '{"a":1}'


def test_types_matter() -> None:
    """A number and its string, true and 1, and 1 and 1.0 have different signatures."""
    forms: list[Any] = [1, "1", True, 1.0, "true", [1], {"a": 1}, ""]
    assert len({signature.string_to_sign(URL, {"a": form}) for form in forms}) == len(forms)


class Unknown:
    pass


DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]
CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE

UNSIGNABLE: list[tuple[Any, list[str]]] = [
    ({"a": 1, "A": 2}, ["A: "]),
    ({"a": {"b": [{"x": 1, "X": None}]}}, ["a.b[0].X"]),
    ({1: 2, "b": b""}, ["1: a member's name must be a str, not int", "b: JSON has no bytes"]),
    ({"a": {None: 2}}, ["a.None"]),
    ({"a": float("nan")}, ["a: "]),
    ({"a": [1, float("inf")]}, ["a[1]: "]),
    ({"a": {"b": -float("inf")}}, ["a.b"]),
    ({"a": "\ud800"}, ["a: "]),
    ({"\udfff": 1}, ["'\\udfff': "]),
    (
        {"a": {"b\u2028": ["x\x85y", "\u2029"]}},
        [f"a.'b\\u2028'{place}" for place in (": U+2028", "[0]: U+0085", "[1]: U+2029")],
    ),
    ({"a": Decimal("1.5")}, ["a: JSON has no Decimal"]),
    ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, ["a: JSON has no datetime"]),
    ({"a": b"x"}, ["a: JSON has no bytes"]),
    ({"a": {1, 2}}, ["a: JSON has no set"]),
    ({"a": Unknown()}, ["a: JSON has no Unknown"]),
    ({"a": 1j}, ["a: JSON has no complex"]),
    ({"a": DEEP}, ["a"]),
    ({"a": CIRCLE}, ["a"]),
    ({"a": float("nan"), "b": b"", "c": [{"D": "\ud800", "d": 1, 5: 1}]}, ["a: ", "b: ", "c[0].D", "c[0].d", "c[0].5"]),
    ([], ["data must be a mapping of members, not list"]),
    ("text", ["data must be a mapping of members, not str"]),
    (None, ["data must be a mapping of members, not NoneType"]),
    (5, ["data must be a mapping of members, not int"]),
]


@pytest.mark.parametrize(("members", "paths"), UNSIGNABLE, ids=lambda value: str(type(value).__name__))
def test_unsignable(members: Any, paths: list[str]) -> None:
    """Data that can't be signed is an error in every function, with every problem and its path."""
    escaped = "U+2028" in paths[0]  # cannot be sent, but may be received
    for act in (
        lambda: signature.string_to_sign(URL, members),
        lambda: signature.sign(URL, members, "k"),
        *([] if escaped or isinstance(members, str) else [lambda: signature.matches(URL, members, "k", "0" * 64)]),
    ):
        with pytest.raises(UnsignableData) as caught:
            act()
        assert len(caught.value.problems) == len(paths)
        for path, problem in zip(paths, caught.value.problems, strict=True):
            assert problem.startswith(path)
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("kind", [list, dict])
def test_how_deep_a_problem_is_named(kind: type) -> None:
    """A problem within 100 arrays or objects is named; below that, the nesting is the problem."""
    value: Any = float("nan")
    for _ in range(99):
        value = [value] if kind is list else {"a": value}
    with pytest.raises(UnsignableData, match="nan is not a JSON number"):
        signature.sign(URL, {"a": value}, "k")
    with pytest.raises(UnsignableData, match="nested more than 100 deep"):
        signature.sign(URL, {"a": {"a": value}}, "k")


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        *((url, "k") for url in (None, 5, b"https://x", "https://\ud800/x")),
        *((URL, key) for key in ("", None, 5, b"key")),
    ],
)
def test_wrong_urls_and_keys(url: Any, secret: Any) -> None:
    """A URL that is not a string, and a secret key that is empty or not a string, is an error."""
    with pytest.raises(ArgumentError):
        signature.sign(url, {"a": 1}, secret)


@given(st.text(max_size=80) | st.text(string.hexdigits, min_size=60, max_size=68))
def test_no_other_signature_matches(given_: str) -> None:
    """Only the right signature matches, and no text causes another error."""
    right = signature.sign(URL, {"a": 1}, "k")
    assert signature.matches(URL, {"a": 1}, "k", given_) == (given_.lower() == right)


@pytest.mark.parametrize("given_", [None, b"0" * 64, 5])
def test_a_signature_that_is_no_text(given_: Any) -> None:
    """A signature that is not a string is an ArgumentError."""
    with pytest.raises(ArgumentError, match=f"signature must be a str, not {type(given_).__name__}"):
        signature.matches(URL, {"a": 1}, "k", given_)


def test_no_part_matches() -> None:
    """A prefix of the right signature, or one with blanks, does not match."""
    right = signature.sign(URL, {"a": 1}, "k")
    for wrong in (right[:-1], right + "0", "\ud800" * 64, f" {right}", f"{right}\n", "", right[:32]):
        assert not signature.matches(URL, {"a": 1}, "k", wrong)


# --- lower case ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        ("\u0130LKER", "\u0130lker"),
        ("\u039d\u0399\u039a\u039f\u03a3", "\u03bd\u03b9\u03ba\u03bf\u03c3"),
        ("\u03a3\u0130\u03a3 \u212a", "\u03c3\u0130\u03c3 k"),
        ("\u00c9\u00df\u1e9e", "\u00e9\u00df\u00df"),
    ],
)
def test_lower_case(text: str, signed: str) -> None:
    """Text is lower-cased one character at a time, and U+0130 stays, in values and in names."""
    assert signature.string_to_sign("u", {"a": text}) == f'u{{"a":"{signed}"}}'
    assert signature.string_to_sign("u", {text: 1}) == f'u{{"{signed}":1}}'


@example("A\u03a3", "i", False)
@given(st.text("\u0130\u03a3Ii\u0307A -", max_size=8), st.sampled_from(["\u0130", "i", "i\u0307"]), st.booleans())
def test_received_in_another_lower_case(text: str, dotted: str, alone: bool) -> None:
    """A received signature may be over any of three lower cases of U+0130, and over either sigma."""
    sent = reference.lowered(f'u{{"a":"{text}"}}', dotted, "alone" if alone else "in context")
    assert signature.matches("u", {"a": text}, "k", signature.digest(sent.encode(), "k"))


# --- numbers as they are written -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1.50", "0.00", "1E+2", "-0", "-0.0", "1e2", "100000000000000000000.10", "12"])
@pytest.mark.parametrize("kind", [str, str.encode, lambda text: b"\xef\xbb\xbf" + text.encode()])
def test_a_number_as_written(number: str, kind: Any) -> None:
    """In a received JSON text, numbers count as they are written."""
    right = signature.digest(f'u{{"a":[{number}],"b":{number}}}'.lower().encode(), "k")
    assert signature.matches("u", kind(f'{{"b": {number}, "a": [{number}]}}'), "k", right)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[1]", '{"a":1e999}', '{"a":NaN}', '{"a":1,"a":1}', "[" * 100_000, b"\xff"]
)
def test_a_text_that_is_no_json_object(text: Any) -> None:
    """A received text that is not a JSON object, or is ambiguous, is an error."""
    with pytest.raises(UnsignableData):
        signature.matches("u", text, "k", "0" * 64)
