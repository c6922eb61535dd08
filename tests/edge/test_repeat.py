"""A head that comes again is recognised only if it is the same to the byte, and its request is here whole and alone."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.edge.repeat import Repeat, repeat_of
from kilo_gateway.edge.request import Inbound
from kilo_gateway.keys.secret import digest_of

HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer kg_live_1\r\n"
    b"Content-Length: %d\r\nUser-Agent: client\r\n\r\n"
)


async def no_wait(_request: Inbound) -> None:
    raise AssertionError


def inbound(method: str = "POST", **headers: bytes) -> Inbound:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    shown = {b"authorization": b"Bearer kg_live_1", b"content-length": b"2"} | named
    return Inbound(method, "/v1/chat/completions", b"", shown, 0.0, no_wait)


def repeat() -> Repeat:
    found = repeat_of(HEAD % 2, inbound())
    assert found is not None
    return found


@given(st.binary(max_size=2000))
def test_the_same_head_with_any_body_is_recognised(body: bytes) -> None:
    assert repeat().body_in(HEAD % len(body) + body) == body


def test_what_is_recognised_is_a_whole_request() -> None:
    found = repeat().request_in(HEAD % 2 + b"{}", 5.0, no_wait)
    assert found is not None
    assert (found.method, found.path, found.arrived) == ("POST", "/v1/chat/completions", 5.0)
    assert (found.keep_alive, found.wants_chunks, found.is_complete) == (True, True, True)
    assert (found.buffered, found.whole(), found.whole()) == (2, b"{}", b"")
    assert found.repeat == repeat()
    assert repeat().request_in(HEAD % 2 + b"{", 5.0, no_wait) is None


@pytest.mark.parametrize("size", [0, 1, 9, 10, 97, 98, 99, 100, 101, 998, 999, 1000, 1001, 99_999])
def test_bodies_of_every_size_are_recognised(size: int) -> None:
    body = b"x" * size
    assert repeat().body_in(HEAD % size + body) == body


@given(st.binary(max_size=50), st.integers(0, 10**12), st.data())
def test_what_is_recognised_is_what_the_strict_parser_reads(
    body: bytes, length: int, data: st.DataObject
) -> None:
    wire = bytearray(HEAD % length + body)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(wire) - 1))
        wire[at : at + 1] = data.draw(st.binary(max_size=2))
    found = repeat().body_in(bytes(wire))
    if found is not None:
        assert parsed(bytes(wire)) == found


def parsed(wire: bytes) -> bytes:
    bodies: list[bytes] = []
    ends: list[bool] = []

    class Reader:
        def on_body(self, piece: bytes) -> None:
            bodies.append(piece)

        def on_message_complete(self) -> None:
            ends.append(True)

    httptools.HttpRequestParser(Reader()).feed_data(wire)
    assert len(ends) == 1
    return b"".join(bodies)


@pytest.mark.parametrize(
    "wire",
    [
        HEAD % 2 + b"{",
        HEAD % 2 + b"{} ",
        HEAD % 2 + b"{}" + HEAD % 2 + b"{}",
        HEAD % 100 + b"x" * 99,
        HEAD % 98 + b"x" * 99,
        (HEAD % 2).replace(b"kg_live_1", b"kg_live_2") + b"{}",
        (HEAD % 2).replace(b"Length: 2", b"Length: +2") + b"{}",
        (HEAD % 2).replace(b"Length: 2", b"Length:  2") + b"{}",
        (HEAD % 2).replace(b"Length: 2", b"Length: 0000000002") + b"{}",
        (HEAD % 2).replace(b"Length: 2", b"Length: ") + b"{}",
        (HEAD % 2).replace(b"client\r\n", b"client\r\nX-A: 1\r\n") + b"{}",
        b"\r\n" + HEAD % 2 + b"{}",
        b"",
    ],
)
def test_anything_else_is_for_the_parser(wire: bytes) -> None:
    assert repeat().body_in(wire) is None


def test_it_knows_who_is_calling() -> None:
    found = repeat()
    assert found.caller.digest == digest_of(b"kg_live_1")
    assert b"content-length" not in found.headers


@pytest.mark.parametrize(
    ("head", "request_"),
    [
        (HEAD % 2, inbound("GET")),
        (HEAD % 2, inbound(transfer_encoding=b"chunked")),
        (HEAD % 2, inbound(expect=b"100-continue")),
        (HEAD % 2, inbound(content_encoding=b"gzip")),
        ((HEAD % 2).replace(b"Content-Length: 2\r\n", b""), inbound()),
        ((HEAD % 2).replace(b"User-Agent:", b"Content-Length:"), inbound()),
        ((HEAD % 2).replace(b"Length: 2\r\n", b"Length: 2\r\n 0\r\n"), inbound()),
    ],
)
def test_some_requests_are_one_of_a_kind(head: bytes, request_: Inbound) -> None:
    assert repeat_of(head, request_) is None
