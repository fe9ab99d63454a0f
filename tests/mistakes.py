"""Signatures as integrators with wrong readings of the rules compute them. A second implementation, which imports nothing of
the package: the tests compare `commercepay.explain` with it.

A `Case` is a request. `MISTAKES` has, for each wrong reading, the options of `sign` that stand for it: one for each variant.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

Options = dict[str, Any]


class Case(NamedTuple):
    """A request: `members` has the endpoint's types, `untyped` those that were sent, `unknown` what the endpoint lacks."""

    name: str
    url: str
    members: dict[str, Any]
    method: str = "POST"
    key: str = "Kd83exampleZ"
    body: str | None = None
    untyped: dict[str, Any] | None = None
    unknown: dict[str, Any] | None = None
    absent: tuple[str, ...] = ()
    other_keys: Mapping[str, str] = MappingProxyType({})
    other_url: str | None = None

    @property
    def sent(self) -> dict[str, Any]:
        return {**self.members, **(self.unknown or {})}


class Written(str):
    """A number as it is written."""


def sign(case: Case, options: Options) -> str | None:
    """The signature with these mistakes; None if they can't be made with this case."""
    url = url_of(case, options)
    data = data_of(case, options)
    if url is None or data is None:
        return None
    if options.get("method") is not None:
        url = case.method + options["method"] + url
    if not url and options.get("case") in ("only the URL", "only the data"):
        return None
    match options.get("case", "lower"):
        case "lower":
            url, data = url.lower(), data.lower()
        case "upper":
            url, data = url.upper(), data.upper()
        case "only the URL" | "all but values" | "all but names":
            url = url.lower()
        case "only the data":
            data = data.lower()
    joint = options.get("joint", "")
    if (joint or options.get("swapped")) and not (url and data):
        return None
    text = (data + url if options.get("swapped") else url + joint + data) + options.get("end", "")
    try:
        message = text.encode(options.get("encoding", "utf-8"))
    except UnicodeEncodeError:
        return None
    make_key = options.get("key", str.encode)
    key = case.other_keys[make_key].encode() if isinstance(make_key, str) else make_key(case.key)
    if not key or ("key" in options and key == case.key.encode()):
        return None
    digest = options.get("mac", hmac_with("sha256"))(key, message)
    written: str = options.get("output", bytes.hex)(digest)
    return written


def url_of(case: Case, options: Options) -> str | None:
    kind = options.get("url", "right")
    if (kind == "other" and case.other_url is None) or (kind == "query" and "?" not in case.url):
        return None
    parts = urllib.parse.urlsplit(case.other_url or "" if kind == "other" else case.url)
    scheme, host, path = parts.scheme, parts.netloc, parts.path.rstrip("/")
    if kind == "scheme":
        scheme = {"http": "https", "https": "http"}[scheme]
    elif kind == "server":
        scheme, host = urllib.parse.urlsplit(options["server"])[:2]
    elif kind == "loopback":
        if parts.hostname not in ("localhost", "127.0.0.1"):
            return None
        host = host.replace(parts.hostname, options["host"])
    if options.get("port"):
        if kind in ("none", "path", "no scheme", "segment"):
            return None
        host = host.rpartition(":")[0] if parts.port else host + {"http": ":80", "https": ":443"}[scheme]
    forms = {
        "none": "",
        "path": path,
        "no scheme": host + path,
        "segment": path.rpartition("/")[2],
        "slash": f"{scheme}://{host}{path}/",
        "query": f"{scheme}://{host}{path}?{parts.query}",
    }
    return forms.get(kind, f"{scheme}://{host}{path}")


def data_of(case: Case, options: Options) -> str | None:
    kind = options.get("data")
    if kind in ("", "{}"):
        return str(kind)
    if kind == "raw":
        return None if options.get("case", "").startswith("all but") else case.body
    members: dict[str, Any] | None = case.members
    if kind == "untyped":
        members = case.untyped
    elif kind in ("unknown", "unknown numbers"):
        members = case.sent if case.unknown is not None else None
        if kind == "unknown numbers" and case.unknown is not None:
            numbers = {name: int(v) for name, v in case.unknown.items() if isinstance(v, str) and v.isdigit()}
            members = {**case.sent, **numbers}
    if members is None:
        return None
    if options.get("absent"):
        members = members | dict.fromkeys(case.absent)
    shaped = shape(members, options)
    if kind == "form":
        write = options["write"]
        return "&".join(f"{write(name)}={write(value)}" for name, value in leaves(shaped, ""))
    if kind == "values":
        return "".join(value for _, value in leaves(shaped, ""))
    return as_json(shaped, options)


def shape(value: Any, options: Options, name: str = "", *, top: bool = True) -> Any:
    if isinstance(value, dict):
        nulls = options.get("nulls", "dropped")
        kept = {}
        for one, item in value.items():
            gone = item is None and not (nulls in ("kept", "as text") or (nulls == "kept below" and not top))
            gone = gone or (nulls == "text too" and item == "") or (nulls == "falsy" and not item)
            if not gone:
                kept[named(one, options)] = shape(item, options, one, top=False)
        order = options.get("order", str.lower)
        if order == "top":
            order = str.lower if top else None
        if order is None:
            return kept
        if order == "reverse":
            return dict(sorted(kept.items(), key=lambda pair: pair[0].lower(), reverse=True))
        return dict(sorted(kept.items(), key=lambda pair: order(pair[0])))
    if isinstance(value, list):
        return [shape(item, options, top=False) for item in value]
    if isinstance(value, bool):
        return {"numbers": Written(int(value)), "text": str(value).lower()}.get(options.get("booleans", ""), value)
    if isinstance(value, int):
        return options.get("number", lambda _, number: number)(name.lower(), value)
    if value is None:
        return "" if options.get("nulls") == "as text" else None
    return value.lower() if options.get("case") == "all but names" else value


def named(name: str, options: Options) -> str:
    if options.get("case") == "all but values":
        return name.lower()
    match options.get("names"):
        case "camel":
            return name[0].lower() + name[1:]
        case "Pascal":
            return name[0].upper() + name[1:]
    return name


def leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, f"{name}[{key}]" if name else str(key))
    else:
        yield name, "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def as_json(value: Any, options: Options) -> str:
    def marked(item: Any) -> Any:
        if isinstance(item, dict):
            return {name: marked(one) for name, one in item.items()}
        if isinstance(item, list):
            return [marked(one) for one in item]
        return f"@@{item}@@" if isinstance(item, Written) else item

    escape = options.get("escape")
    layout = {"separators": (",", ":"), **options.get("layout", {})}
    text = json.dumps(marked(value), ensure_ascii=escape in ("non-ASCII", ".NET"), **layout)
    text = re.sub(r'"@@(.*?)@@"', r"\1", text)
    if escape == ".NET":
        text = re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), text).replace('\\"', "\\u0022")
    if escape in ("HTML", ".NET"):
        for char in "&<>" if escape == "HTML" else "&<>+'`":
            code = f"{ord(char):04x}"
            text = text.replace(char, "\\u" + (code if escape == "HTML" else code.upper()))
    if options.get("slashes"):
        text = text.replace("/", "\\/")
    return text.replace("\n", "\r\n") if options.get("crlf") else text


# --- the digest -------------------------------------------------------------------------------------------------------


def hmac_with(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda key, message: hmac.new(key, message, name).digest()


def base64_of(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def decoded(key: str) -> bytes:
    """The key as base64; nothing if it is none."""
    try:
        return base64.b64decode(key, validate=True)
    except ValueError:
        return b""


# --- the mistakes -----------------------------------------------------------------------------------------------------


def only(member: str, change: Callable[[str, int], Any]) -> Callable[[str, int], Any]:
    return lambda name, number: change(name, number) if name == member else number


def each(change: Callable[[str, int], Any]) -> list[Options]:
    return [{"number": change}, {"number": only("amount", change)}]


def major(name: str, number: int) -> Written | int:
    return Written(f"{number // 100}.{number % 100:02}") if name == "amount" else number


LAYOUTS: list[Options] = [
    {"layout": {"indent": indent, "separators": (",", ": ")}, "crlf": crlf}
    for indent in (2, 4, "\t")
    for crlf in (False, True)
]
SERVERS = ("https://staging-payments.commerce.asia", "https://payments.commerce.asia")

MISTAKES: dict[str, list[Options]] = {
    "body without the URL": [{"url": "none"}],
    "body as it was sent": [{"data": "raw"}],
    "case kept": [{"case": "kept"}],
    "only the URL lower-cased": [{"case": "only the URL"}],
    "only the data lower-cased": [{"case": "only the data"}],
    "values not lower-cased": [{"case": "all but values"}],
    "names not lower-cased": [{"case": "all but names"}],
    "upper-cased": [{"case": "upper"}],
    "not sorted": [{"order": None}],
    "sorted byte-wise": [{"order": str.encode}],
    "sorted in reverse": [{"order": "reverse"}],
    "sorted at the top level only": [{"order": "top"}],
    "names in camelCase": [{"names": "camel"}],
    "names in PascalCase": [{"names": "Pascal"}],
    "nulls kept": [{"nulls": "kept"}, {"nulls": "kept", "absent": True}],
    "nulls as empty strings": [{"nulls": "as text"}, {"nulls": "as text", "absent": True}],
    "nulls kept below the top level": [{"nulls": "kept below"}],
    "empty strings dropped": [{"nulls": "text too"}],
    "empty strings, 0 and false dropped": [{"nulls": "falsy"}],
    "slashes escaped": [{"slashes": True}],
    "non-ASCII escaped": [{"escape": "non-ASCII"}],
    "`&`, `<` and `>` escaped": [{"escape": "HTML"}],
    "escapes of System.Text.Json": [{"escape": ".NET"}],
    "JSON with blanks": [{"layout": {"separators": pair}} for pair in ((", ", ": "), (",", ": "), (", ", ":"))],
    "indented JSON": LAYOUTS,
    "numbers as strings": [
        {"number": lambda _, number: str(number)},
        {"number": only("timestamp", lambda _, number: str(number))},
        {"number": only("amount", lambda _, number: str(number))},
        {"data": "untyped"},
    ],
    "numbers with a fraction": [
        *each(lambda _, number: Written(f"{number}.0")),
        *each(lambda _, number: Written(f"{number}.00")),
    ],
    "amount in major units": [
        {"number": major},
        {"number": only("amount", lambda _, number: Written(repr(number / 100)))},
        {"number": lambda name, number: str(major(name, number)) if name == "amount" else number},
    ],
    "seconds for milliseconds": [{"number": only("timestamp", lambda _, number: number // 1000)}],
    "booleans as numbers": [{"booleans": "numbers"}],
    "booleans as strings": [{"booleans": "text"}],
    "unknown members signed": [{"data": "unknown"}],
    "unknown members signed as numbers": [{"data": "unknown numbers"}],
    "URL alone": [{"data": ""}],
    "an empty object for the data": [{"data": "{}"}],
    "key=value text": [
        {"data": "form", "write": write}
        for write in (str, lambda text: urllib.parse.quote(text, safe=""), urllib.parse.quote_plus)
    ],
    "values without names": [{"data": "values"}],
    "data before the URL": [{"swapped": True}],
    "a separator between URL and data": [{"joint": joint} for joint in ("\n", " ", "?", "|", "&", ":", ".")],
    "HTTP method before the URL": [{"method": after} for after in ("", " ", "\n")],
    "query string kept": [{"url": "query"}],
    "trailing slash kept": [{"url": "slash"}],
    "path instead of URL": [{"url": "path"}],
    "URL without its scheme": [{"url": "no scheme"}],
    "last segment instead of URL": [{"url": "segment"}],
    "another server's URL": [{"url": "server", "server": server} for server in SERVERS],
    "another name of this machine": [{"url": "loopback", "host": host} for host in ("localhost", "127.0.0.1", "[::1]")],
    "http for https, or the reverse": [{"url": "scheme"}],
    "port added or left out": [{"port": True}],
    "line feed at the end": [{"end": "\n"}, {"end": "\r\n"}],
    "UTF-16 instead of UTF-8": [{"encoding": "utf-16-le"}],
    "Latin-1 instead of UTF-8": [{"encoding": "latin-1"}],
    "SHA-512": [{"mac": hmac_with("sha512")}],
    "SHA-1": [{"mac": hmac_with("sha1")}],
    "MD5": [{"mac": hmac_with("md5")}],
    "SHA-256 without the key": [{"mac": lambda _, message: hashlib.sha256(message).digest()}],
    "SHA-256 of key and data": [
        {"mac": lambda key, message: hashlib.sha256(key + message).digest()},
        {"mac": lambda key, message: hashlib.sha256(message + key).digest()},
    ],
    "key and data swapped": [{"mac": lambda key, message: hmac.new(message, key, "sha256").digest()}],
    "base64 instead of hex": [
        {"output": base64_of},
        {"output": lambda digest: base64.urlsafe_b64encode(digest).decode().rstrip("=")},
    ],
    "hex digits in base64": [{"output": lambda digest: base64_of(digest.hex().encode())}],
    "a prefix before the hex digits": [{"output": lambda digest: "sha256=" + digest.hex()}],
    "white space around the key": [
        {"key": lambda key: f"{key} ".encode()},
        {"key": lambda key: f"{key}\n".encode()},
        {"key": lambda key: f" {key}".encode()},
    ],
    "quotes around the key": [{"key": lambda key: f'"{key}"'.encode()}, {"key": lambda key: f"'{key}'".encode()}],
    "key decoded from hex or base64": [{"key": decoded}],
    "key in another case": [{"key": lambda key: key.lower().encode()}, {"key": lambda key: key.upper().encode()}],
    "another secret key": [{"key": "production"}],
    "another callback URL": [{"url": "other"}],
}
"""The options of `sign` for each wrong reading, in each variant."""


# --- sets of them -----------------------------------------------------------------------------------------------------


class Made(NamedTuple):
    """A signature with mistakes: their names, and which variant of each."""

    names: tuple[str, ...]
    variants: tuple[int, ...]
    signature: str


def combined(names: tuple[str, ...], variants: tuple[int, ...]) -> Options | None:
    """The options of `sign` for several mistakes; None if two of them exclude each other."""
    chosen = [MISTAKES[name][variant] for name, variant in zip(names, variants, strict=True)]
    together = {key: value for one in chosen for key, value in one.items()}
    return together if len(together) == sum(map(len, chosen)) else None


def every(case: Case, names: tuple[str, ...]) -> Iterator[Made]:
    """The signatures of a case with each of the mistakes, and with each two of them."""
    for count in (1, 2):
        for together in itertools.combinations(names, count):
            for variants in itertools.product(*(range(len(MISTAKES[name])) for name in together)):
                options = combined(together, variants)
                if options is not None and (signature := sign(case, options)) is not None:
                    yield Made(together, variants, signature)


def that_fit(case: Case, names: tuple[str, ...]) -> dict[str, set[frozenset[str]]]:
    """For each signature the smallest sets of mistakes that give it."""
    found: dict[str, set[frozenset[str]]] = {sign(case, {}) or "": {frozenset()}}
    sizes = {sign(case, {}) or "": 0}
    for made in every(case, names):
        if len(made.names) == sizes.setdefault(made.signature, len(made.names)):
            found.setdefault(made.signature, set()).add(frozenset(made.names))
    return found


# --- the cases --------------------------------------------------------------------------------------------------------

SESSION = Case(
    name="session",
    url="https://staging-payments.commerce.asia/api/services/app/PaymentGateway/InitialSession?lang=en",
    members={
        "referenceCode": "INV-2026/0001",
        "currencyCode": "MYR",
        "amount": 1230,
        "timestamp": 1_621_851_652_617,
        "ipAddress": "203.0.113.9",
        "returnUrl": "https://shop.example.my/return?a=1&b=<2>",
        "callbackUrl": "https://shop.example.my/callback",
        "description": "Kopi \u00e9 / \"Teh\" & 'Roti' <1 + 2>",
        "userAgent": "",
        "savePayment": False,
        "localCitizen": True,
        "expiredInMinutes": None,
        "Customer": {"username": "aisyah", "name": "Aisyah", "Email": "Aisyah@Example.my", "mobileNo": None},
        "requestPaymentExtraInfo": {"hiddenChannel": [4, 2], "channelGroupId": 0},
    },
    unknown={"cartId": "77", "Basket": "B-1"},
    absent=("platformCharge", "subMerchant"),
    other_keys={"production": "Another-Key"},
)
SESSION = SESSION._replace(body=json.dumps(SESSION.sent))

QUERY = Case(
    name="query",
    url="http://127.0.0.1:8080/api/services/app/PaymentGateway/Query?TransactionNumber=2037D293E6&Timestamp=1621851652617&TenantId=42",
    members={"TransactionNumber": "2037D293E6", "Timestamp": 1_621_851_652_617},
    untyped={"TransactionNumber": "2037D293E6", "Timestamp": "1621851652617"},
    unknown={"TenantId": "42"},
    absent=("SessionNumber",),
    method="GET",
    other_keys={"production": "Another-Key"},
)

CALLBACK = Case(
    name="callback",
    url="https://shop.example.my/callback?lang=en",
    members={
        "transactionNumber": "2037D293E6",
        "amount": 1230,
        "status": 1,
        "currencyCode": "MYR",
        "referenceCode": "INV/Caf\u00e9 \u5496 & 1",
        "channelId": None,
        "remark": "",
    },
    other_keys={"production": "Another-Key"},
    other_url="http://app:8000/callback",
)
CALLBACK = CALLBACK._replace(body=json.dumps(CALLBACK.members))

CASES = {case.name: case for case in (SESSION, QUERY, CALLBACK)}


def corpus() -> list[tuple[Case, tuple[str, ...], Options, str]]:
    """The corpus: a case, the wrong readings, their options for `sign`, and the signature that `sign` gave once."""
    found = []
    for line in Path(__file__).with_name("explain-corpus.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        case, joined, variants, signature = line.split("\t")
        names = tuple(joined.split(" + "))
        options = combined(names, tuple(map(int, variants.split(","))))
        assert options is not None
        found.append((CASES[case], names, options, signature))
    return found
