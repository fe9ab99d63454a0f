"""What is handed to httpcore at once is one whole response for it, too."""

from __future__ import annotations

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commercepay._protocol.network import _is_one_response

LINES = [
    b"Content-Length: 2",
    b"content-length:2 ",
    b"Content-Length: 02",
    b"Content-Length: 4",
    b"Content-Length: 2, 2",
]
LINES += [b"Transfer-Encoding: chunked", b"Connection: close", b"X: a", b" folded", b"X:\tContent-Length: 2", b"", b"X"]
STATUS = [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 204 No", b"HTTP/1.1 100 Continue", b"HTTP/1.0 200 OK"]
BODIES = [
    b"",
    b"{}",
    b"{}{}",
    b"2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"\r\n\r\n{}",
]


@given(
    status=st.sampled_from(STATUS),
    lines=st.lists(st.sampled_from(LINES), max_size=4),
    ends=st.lists(st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r\r\n"]), min_size=6, max_size=6),
    body=st.sampled_from(BODIES),
)
@example(STATUS[0], [LINES[0]], [b"\r\n"] * 6, b"{}")
@settings(max_examples=500)
def test_only_one(status: bytes, lines: list[bytes], ends: list[bytes], body: bytes) -> None:
    """Bytes that count as one whole response are read to their end, and not further, whatever else looks like a response."""
    data = b"".join(line + end for line, end in zip([status, *lines, b""], ends, strict=False)) + body
    if not _is_one_response(data):
        assert (status, lines, ends[:3], body) != (STATUS[0], [LINES[0]], [b"\r\n"] * 3, b"{}")
        return
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "gateway.example")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    try:
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            assert event is not h11.NEED_DATA
    except h11.RemoteProtocolError:
        return  # the connection is closed
    assert client.trailing_data[0] == b""
