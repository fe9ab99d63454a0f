"""Every way of responding badly that `matrix.py` tries: what the server sends, and what a call must make of it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from facade.gateway import enveloped, refused
from faults.server import KEEP_ALIVE, RESET, STALL, Drip, Flood, Script, http


class Outcome(Enum):
    """What a call must make of it. Each `must_be` gives the classes for one kind of call."""

    OK = "the result"
    UNREACHED = "nothing was sent"
    LOST = "no response, or only a part"
    LATE = "no response in time"
    STOPPED = "a response that the transport does not read to its end"
    UNREADABLE = "a response that is neither result nor refusal"
    REFUSED = "a refusal"
    TOKEN_REFUSED = "a refused token"
    NOT_AUTHENTICATED = "a 401 that is not the gateway's own"


OK, UNREACHED, LOST, LATE, STOPPED, UNREADABLE, REFUSED, TOKEN_REFUSED, NOT_AUTHENTICATED = Outcome


class Mode(NamedTuple):
    """One way of responding.

    Attributes:
        requests: how many POSTs the server must count.
        requested: the outcome of `request()`, which takes any result.
        tls: whether the base URL is https. The script then is the server's side of the handshake.
    """

    kind: str
    name: str
    script: Script
    outcome: Outcome
    requests: int = 1
    requested: Outcome | None = None
    when: str = "response"
    recovers: bool = False
    tls: bool = False

    @property
    def keeps_open(self) -> bool:
        """Whether the response is complete, so that the connection can be used again."""
        return self.outcome not in (LOST, LATE, UNREACHED) and self.name not in ENDED_BY_CLOSING


ENDED_BY_CLOSING = ("no length", "HTTP/1.0", "length too small")


def modes(every_byte: bool = False) -> list[Mode]:
    """All modes; `every_byte`: a response is also cut and stalled at each of its bytes."""
    found = [
        *_places(every_byte),
        *_dripped(),
        *_flooded(),
        *_compressed(),
        *_redirected(),
        *_framed(),
        *_statuses(),
        *_bodies(),
        *_unauthorized(),
        *_retry_after(),
    ]
    return [mode._replace(script=_kept_open(mode.script)) if mode.keeps_open else mode for mode in found]


def _kept_open(script: Script) -> Script:
    return lambda good: [*script(good), KEEP_ALIVE]


def _sends(*parts: Any) -> Script:
    """A script of fixed steps; a function among them is called with the right body."""
    return lambda good: [part(good) if callable(part) else part for part in parts]


CHUNKED = http(framing="Transfer-Encoding: chunked")
HTML = b"<html><body>It works!</body></html>"


def chunked(good: bytes) -> bytes:
    half = len(good) // 2
    return CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (good[:half], good[half:])) + b"0\r\n\r\n"


# The whole response up to one place.
PLACES: dict[str, Callable[[bytes], bytes]] = {
    "before the response": lambda good: b"",
    "within the status line": lambda good: b"HTTP/1.1 2",
    "after the status line": lambda good: b"HTTP/1.1 200 OK\r\n",
    "within a header": lambda good: b"HTTP/1.1 200 OK\r\nContent-Le",
    "before the body": lambda good: http(good)[: -len(good)],
    "within the body": lambda good: http(good)[: -len(good) // 2],
    "before the last byte": lambda good: http(good)[:-1],
    "within a 1xx": lambda good: b"HTTP/1.1 100 Con",
    "after a 1xx": lambda good: b"HTTP/1.1 100 Continue\r\n\r\n",
    "within a chunk size": lambda good: CHUNKED + b"1",
    "within a chunk": lambda good: CHUNKED + b"ff\r\n{",
    "before the last chunk": lambda good: chunked(good)[:-5],
    "within the trailers": lambda good: chunked(good)[:-2] + b"X-Trailer: a",
}


def _places(every_byte: bool) -> Iterator[Mode]:
    for at in range(150 if every_byte else 0):
        yield Mode("cut", f"at byte {at}", lambda good, at=at: [http(good)[:at]], LOST)
        yield Mode("stalled", f"at byte {at}", lambda good, at=at: [http(good)[:at], STALL], LATE)
    for kind, ends, outcome in (("cut", (), LOST), ("reset", (RESET,), LOST), ("stalled", (STALL,), LATE)):
        for name, start in PLACES.items():
            yield Mode(kind, name, _sends(start, *ends), outcome)
        for when, name in (("accept", "before the request"), ("head", "within the request")):
            yield Mode(kind, name, _sends(*ends), outcome, when=when)
    yield Mode("cut", "at the connection", _sends(), UNREACHED, 0, when="refused")
    for name, script, outcome in (
        ("cut", _sends(), LOST),
        ("stalled", _sends(STALL), LATE),
        ("dripped", _sends(Drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(99))), LATE),
        ("garbage", _sends(b"SSH-2.0-OpenSSH_9.6\r\n"), LOST),
        ("a fatal alert", _sends(b"\x15\x03\x03\x00\x02\x02\x28"), LOST),
    ):
        yield Mode("tls", f"handshake: {name}", script, outcome, 0, when="accept", tls=True)


def _dripped() -> Iterator[Mode]:
    dripped: dict[str, Callable[[bytes], list[Any]]] = {
        "status line": lambda good: [Drip(http(good))],
        "headers": lambda good: [b"HTTP/1.1 200 OK\r\n", Drip(http(good)[17:])],
        "body": lambda good: [http(good)[: -len(good)], Drip(good)],
        "body without a length": lambda good: [http(framing=""), Drip(good)],
        "1xx": lambda good: [Drip(b"HTTP/1.1 102 Processing\r\n\r\n" * 9)],
        "many 1xx": lambda good: [b"HTTP/1.1 102 P\r\n\r", Drip(b"\n")] * 9,
        "chunk size": lambda good: [CHUNKED, Drip(b"0" * 15 + b"5\r\n")],
        "chunk extension": lambda good: [CHUNKED + b"5;", Drip(b"a" * 99)],
        "chunks": lambda good: [CHUNKED, Drip(b"1\r\n{\r\n" * 99)],
        "trailers": lambda good: [chunked(good)[:-2], Drip(b"X-Trailer: a\r\n" * 9)],
    }
    for name, script in dripped.items():
        yield Mode("dripped", name, script, LATE)
    yield Mode("dripped", "body, in time", lambda good: [http(good)[:-2], Drip(good[-2:], 0.05)], OK)


def _flooded() -> Iterator[Mode]:
    for name, start, flood, outcome in (
        ("1xx", b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 500, LATE),
        ("status line", b"HTTP/1.1 200 ", b"O" * 9999, LOST),
        ("headers", b"HTTP/1.1 200 OK\r\n", b"X-Header: a\r\n" * 999, LOST),
        ("one header", b"HTTP/1.1 200 OK\r\nX-Header: ", b"a" * 9999, LOST),
        ("body", http(framing=""), b" " * 65536, STOPPED),
        ("body with a length", http(framing="Content-Length: 99999999999"), b" " * 65536, STOPPED),
        ("chunks", CHUNKED, b"ffff\r\n%s\r\n" % (b" " * 65535), STOPPED),
        ("one chunk", CHUNKED + b"ffffffff\r\n", b" " * 65536, STOPPED),
        ("chunk size", CHUNKED, b"0" * 9999, LOST),
        ("chunk extension", CHUNKED + b"5;", b"a" * 9999, LOST),
        ("trailers", CHUNKED + b"0\r\n", b"X-Trailer: a\r\n" * 999, LOST),
        ("gzip", http(framing="Content-Encoding: gzip"), gzip.compress(bytes(2**16), 0), STOPPED),
    ):
        yield Mode("flooded", name, _sends(start, Flood(flood)), outcome)
    yield Mode("flooded", "tiny chunks", _sends(CHUNKED, Flood(b"2\r\n  \r\n" * 999)), LATE)


def _compressed() -> Iterator[Mode]:
    def mode(name: str, encoding: str, encode: Callable[[bytes], bytes], outcome: Outcome) -> Mode:
        return Mode(
            "compressed",
            name,
            lambda good: [http(encode(good), "200 OK", f"Content-Encoding: {encoding}")],
            outcome,
        )

    def raw_deflate(data: bytes) -> bytes:
        return zlib.compress(data, wbits=-15)

    yield mode("gzip", "gzip", gzip.compress, OK)
    yield mode("x-gzip in capitals", "X-GZIP", gzip.compress, OK)
    yield mode("deflate", "deflate", zlib.compress, OK)
    yield mode("deflate without a header", "deflate", raw_deflate, OK)
    yield mode("identity", "identity", bytes, OK)
    yield mode("plain, named gzip", "gzip", bytes, STOPPED)
    yield mode("plain, named deflate", "deflate", bytes, STOPPED)
    yield mode("gzip, named deflate", "deflate", gzip.compress, STOPPED)
    yield mode("cut gzip", "gzip", lambda good: gzip.compress(good)[:-9], STOPPED)
    yield mode("gzip with a wrong checksum", "gzip", lambda good: gzip.compress(good)[:-8] + bytes(8), STOPPED)
    yield mode("gzip and more", "gzip", lambda good: gzip.compress(good) + b"more", STOPPED)
    yield mode("gzip twice in a row", "gzip", lambda good: gzip.compress(good) * 2, STOPPED)
    yield mode("cut deflate", "deflate", lambda good: zlib.compress(good)[:-9], STOPPED)
    yield mode("nested gzip", "gzip, gzip", lambda good: gzip.compress(gzip.compress(good)), STOPPED)
    yield mode("nested gzip, named once", "gzip", lambda good: gzip.compress(gzip.compress(good)), UNREADABLE)
    yield mode("gzip in deflate", "gzip, deflate", lambda good: zlib.compress(gzip.compress(good)), STOPPED)
    yield mode("nothing, named gzip", "gzip", lambda good: b"", UNREADABLE)
    for encoding in ("br", "zstd", "compress", "aes128gcm", "identity, gzip", "\xe9", "x" * 9999):
        yield mode(encoding[:20], encoding, bytes, STOPPED)
    bombs = {name: encode(bytes(2**27)) for name, encode in (("gzip", gzip.compress), ("deflate", zlib.compress))}
    bombs["nested gzip"] = gzip.compress(bombs["gzip"])
    yield mode("bomb: gzip", "gzip", lambda good: bombs["gzip"], STOPPED)
    yield mode("bomb: deflate", "deflate", lambda good: bombs["deflate"], STOPPED)
    yield mode("bomb: deflate without a header", "deflate", lambda good: bombs["deflate"][2:], STOPPED)
    yield mode("bomb: nested gzip", "gzip, gzip", lambda good: bombs["nested gzip"], STOPPED)
    yield mode("bomb: nested gzip, named once", "gzip", lambda good: bombs["nested gzip"], UNREADABLE)


def _redirected() -> Iterator[Mode]:
    elsewhere = "https://elsewhere.example/x"
    cases = [(status, elsewhere) for status in (300, 301, 302, 303, 304, 305, 306, 307, 308, 399)]
    odd = (
        "localhost:8080/x",
        "about:blank",
        "https://xn--zzzz--",
        "//",
        "",
        "/x",
        "?",
        "http://[::1",
        "a" * 60_000,
        "\xff\xfe",
    )
    for status, location in [*cases, *((307, location) for location in odd)]:
        script = _sends(http(b"", f"{status} Whatever", f"Location: {location}"))
        yield Mode("redirected", f"{status} {location[:22]!r}", script, STOPPED)
    yield Mode("redirected", "301 without a Location", _sends(http(HTML, "301 Moved")), UNREADABLE)


def _framed() -> Iterator[Mode]:
    def mode(name: str, respond: Callable[[bytes], bytes] | bytes, outcome: Outcome = LOST) -> Mode:
        return Mode("framed", name, _sends(respond), outcome)

    def with_length(length: str) -> Callable[[bytes], bytes]:
        return lambda good: http(good, framing=f"Content-Length: {length}")

    yield mode("chunk size zz", CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n")
    yield mode("chunk size -1", CHUNKED + b"-1\r\n{}\r\n0\r\n\r\n")
    yield mode("chunk size of 2**64", CHUNKED + b"1" + b"0" * 16 + b"\r\n{}\r\n0\r\n\r\n")
    yield mode("chunk without an end", CHUNKED + b"2\r\n{}0\r\n\r\n")
    yield mode("chunk extensions", lambda good: CHUNKED + b'%x;a="b"\r\n%s\r\n0\r\n\r\n' % (len(good), good), OK)
    yield mode(
        "chunks in one byte each", lambda good: CHUNKED + b"".join(b"1\r\n%c\r\n" % c for c in good) + b"0\r\n\r\n", OK
    )
    yield mode("trailers", lambda good: chunked(good)[:-2] + b"Content-Length: 1\r\n\r\n", OK)
    yield mode("length too small", with_length("10"), UNREADABLE)
    yield mode("length too large", with_length("3000000"))
    for length in ("-1", "abc", "1e3", "0x10", "\xb2", "1 2", "", "10, 11", "9" * 4400):
        yield mode(f"length {length[:9]!r}", with_length(length))
    yield mode("length twice", lambda good: http(good, "200 OK", f"Content-Length: {len(good)}"), OK)
    yield mode("two lengths", lambda good: http(good, "200 OK", "Content-Length: 5"))
    yield mode("length and chunked", lambda good: chunked(good).replace(b"\r\n", b"\r\nContent-Length: 5\r\n", 1), OK)
    yield mode("transfer encoding gzip", lambda good: http(good, framing="Transfer-Encoding: gzip"))
    yield mode("chunked twice", lambda good: chunked(good).replace(b"chunked", b"chunked, chunked", 1))
    yield mode("no length", lambda good: http(good, framing=""), OK)
    yield mode("HTTP/1.0", lambda good: http(good, framing="").replace(b"1.1", b"1.0", 1), OK)
    yield mode("HTTP/0.9", lambda good: good)
    yield mode("HTTP/2 settings", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    yield mode("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield mode("HTTP/9.9", lambda good: http(good).replace(b"1.1", b"9.9", 1), OK)
    yield mode("http in lower case", lambda good: http(good).replace(b"HTTP", b"http", 1))
    yield mode("SMTP", b"220 mail.example ESMTP\r\n")
    yield mode("SSH", b"SSH-2.0-OpenSSH_9.6\r\n")
    yield mode("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28")
    yield mode("zeros", bytes(4096))
    yield mode("a request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    yield mode("empty lines first", lambda good: b"\r\n\r\n" + http(good))
    yield mode("only LF", lambda good: http(good).replace(b"\r\n", b"\n"), OK)
    yield mode("only CR", lambda good: http(good).replace(b"\r\n", b"\r"))
    for name, header, outcome in (
        ("without a colon", "Nonsense", LOST),
        ("with a blank name", ": a", LOST),
        ("with a blank before the colon", "X : a", LOST),
        ("with a NUL", "X: \0", LOST),
        ("with bytes above 127", "X: \xff\xfe", OK),
        ("folded", "X: a\r\n b", OK),
        ("of an unknown charset", "Content-Type: application/json; charset=nonsense", OK),
        ("with 500 cookies", "\r\n".join(["Set-Cookie: a=b"] * 500), OK),
    ):
        yield mode(f"header {name}", lambda good, header=header: http(good, "200 OK", header), outcome)
    forged = http(json.dumps(enveloped({"forged": True})).encode())
    for name, more in (("a second response at once", forged), ("more bytes at once", b"more")):
        script = lambda good, more=more: [http(good) + more]  # noqa: E731
        yield Mode("framed", f"{name}", script, OK)


def _statuses() -> Iterator[Mode]:
    def mode(status: str, body: Callable[[bytes], bytes] | bytes, outcome: Outcome, name: str = "") -> Mode:
        content = body if callable(body) else lambda good: body
        return Mode("status", f"{status} {name}", lambda good: [http(content(good), f"{status} Whatever")], outcome)

    for status in (200, 201, 202, 203, 205, 206, 299, 400, 402, 403, 404, 409, 418, 422, 500, 502, 503, 599, 600, 999):
        yield mode(str(status), bytes, OK, "with a result")
    for status in (
        400,
        403,
        404,
        405,
        407,
        408,
        413,
        429,
        431,
        451,
        500,
        501,
        502,
        503,
        504,
        *range(520, 528),
        598,
        700,
    ):
        yield mode(str(status), HTML, UNREADABLE, "with HTML")
    for status in (204, 304):
        yield mode(str(status), bytes, UNREADABLE, "with a result")
    for status in ("000", "099", "1000", "20", "abc", "-20", "2 0", "", "\xb2\xb2\xb2"):
        yield mode(status, bytes, LOST, "with a result")
    yield Mode("status", "101", _sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), LOST)
    yield Mode("status", "103 first", lambda good: [b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", http(good)], OK)
    yield Mode("status", "100 99 times", lambda good: [b"HTTP/1.1 100 Continue\r\n\r\n" * 99, http(good)], OK)
    yield Mode("status", "without a reason", lambda good: [http(good, "200")], OK)


def _bodies() -> Iterator[Mode]:
    def mode(name: str, body: Any, outcome: Outcome = UNREADABLE, requested: Outcome | None = None) -> Mode:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if not callable(body) else None

        def script(good: bytes) -> list[Any]:
            return [http(body(good) if content is None else content)]

        return Mode("body", name, script, outcome, requested=requested)

    deep = b"[" * 100_000
    yield mode("empty", b"")
    yield mode("blanks", b" \r\n\t")
    for name, value in (
        ("null", None),
        ("true", True),
        ("a number", 1),
        ("a string", "ok"),
        ("a list", []),
        ("a list of it", [{}]),
    ):
        yield mode(name, value)
    for name, body in (
        ("HTML", HTML),
        ("XML", b"<?xml version='1.0'?><a/>"),
        ("JSONP", b"callback({})"),
        ("cut JSON", b'{"result": {"a'),
        ("two of it", b"{}{}"),
        ("not UTF-8", b'{"result": "\xff"}'),
        ("100,000 brackets", deep),
        ("100,000 deep", deep + b"]" * 100_000),
        ("100,000 deep in a result", b'{"result": ' + deep + b"]" * 100_000 + b"}"),
        ("a number of 5,000 digits", b'{"result": ' + b"9" * 5_000 + b"}"),
        ("zeros", bytes(999)),
    ):
        yield mode(name, body)
    yield mode("a byte order mark", lambda good: b"\xef\xbb\xbf" + good, OK)
    for encoding in ("utf-16", "utf-16-le", "utf-32-be"):
        yield mode(encoding, lambda good, encoding=encoding: good.decode().encode(encoding), OK)
    yield mode("4 MB of blanks", lambda good: b" " * 4_000_000 + good, OK)._replace(kind="large")
    yield mode("5 MB of blanks", lambda good: b" " * 5_000_000 + good, STOPPED)._replace(kind="large")
    yield mode("a bare result", lambda good: json.dumps(json.loads(good)["result"]).encode(), OK)
    yield mode("duplicate members", lambda good: good[:-1] + b', "error": null}', OK)
    for name, result in (
        ("an empty object", {}),
        ("a list", []),
        ("a string", "ok"),
        ("NaN", float("nan")),
        ("infinity", {"amount": float("inf")}),
        ("a lone surrogate", {"redirectUrl": "\ud800"}),
        ("wrong types", {"redirectUrl": 1, "sessionNumber": [], "status": "1", "amount": 1.5, "accessToken": {}}),
    ):
        yield mode(f"result: {name}", enveloped(result), UNREADABLE, OK)
    yield mode("{}", {}, UNREADABLE, OK)
    yield mode("result: null", enveloped(None), UNREADABLE, OK)
    yield mode("result: null, success: false", enveloped(None, success=False))
    yield mode("no result and no error", {"success": True, "error": None}, UNREADABLE, OK)
    yield mode("error: a string", enveloped(None, success=False, error="no"))
    for name, refusal in (
        ("2009", refused(2009, "Duplicate Transaction")),
        ("0", refused(0, "An internal error occurred")),
        ("of 4,000 digits", refused(10**4000, "no")),
        ("-1", refused(-1, "no")),
        ("null", enveloped(None, success=False, error={"code": None, "message": None})),
        ("a string", enveloped(None, success=False, error={"code": "2009", "message": ["no"]})),
        ("1e400", enveloped(None, success=False, error={"code": float("inf"), "message": "no"})),
        ("missing", enveloped(None, success=False, error={})),
        ("with a result", enveloped({"redirectUrl": "https://a.example"}, error={"code": 5, "message": "no"})),
        ("1 in a result", enveloped({"code": 1, "message": "Invalid Signature."})),
        ("1 without an envelope", {"code": 1, "message": "Invalid Signature."}),
        ("and 1 MB of text", refused(7, "no " * 333_333)),
        ("and controls", refused(7, "\x1b[2J\0\u202e\u2028no")),
        ("and lone surrogates", refused(7, "\ud800")),
        (
            "and 1,000 problems",
            refused(7, "no", validationErrors=[{"message": "x" * 999, "members": ["m" * 99] * 9}] * 1000),
        ),
        (
            "and odd problems",
            refused(7, "no", validationErrors=[1, None, {}, {"message": {}, "members": "m"}, {"members": [{}]}]),
        ),
    ):
        yield mode(f"code {name}", refusal, REFUSED)
    yield mode("unAuthorizedRequest with a 200", refused(0, "no", unAuthorizedRequest=True), REFUSED)


def _unauthorized() -> Iterator[Mode]:
    envelope = json.dumps(refused(0, "no", unAuthorizedRequest=True)).encode()
    bearer = 'WWW-Authenticate: Bearer realm="a"'

    def mode(
        name: str, body: bytes, outcome: Outcome, *headers: str, requests: int = 1, recovers: bool = False
    ) -> Mode:
        script = _sends(http(body, "401 Unauthorized", *headers))
        return Mode("401", name, script, outcome, requests, recovers=recovers)

    yield mode("the gateway's envelope", envelope, TOKEN_REFUSED, requests=2)
    yield mode("the gateway's envelope, once", envelope, OK, requests=2, recovers=True)
    yield mode("a Bearer challenge", b"", TOKEN_REFUSED, bearer, requests=2)
    yield mode("a Bearer challenge, once", b"", OK, bearer, requests=2, recovers=True)
    yield mode("an envelope without unAuthorizedRequest", json.dumps(refused(0, "no")).encode(), TOKEN_REFUSED)
    for name, body, headers in (
        ("empty", b"", []),
        ("empty, Basic", b"", ["WWW-Authenticate: Basic"]),
        ("empty, Negotiate", b"", ["WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM"]),
        ("HTML", HTML, []),
        ("HTML with a Bearer challenge", HTML, [bearer]),
        ("JSON of a proxy", b'{"message": "no"}', [bearer]),
        ("a list", b"[]", []),
        ("cut JSON", envelope[:-9], []),
    ):
        yield mode(name, body, NOT_AUTHENTICATED, *headers)
    yield Mode("401", "with a result", lambda good: [http(good, "401 Unauthorized")], OK)


def _retry_after() -> Iterator[Mode]:
    for value in (
        *("0", "-1", "1e9", "9" * 4_000, "1000000", "nan", "inf", "", "\xb2", "0, 0", "a" * 60_000, "(" * 9_000),
        *("Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 0000 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 -9999"),
    ):
        for status in (429, 503):
            script = _sends(http(HTML, f"{status} Later", f"Retry-After: {value}"))
            yield Mode("Retry-After", f"{value[:22]!r} ({status})", script, UNREADABLE)
