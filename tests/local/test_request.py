"""Requests out of bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.local.request import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    Headers,
    Request,
    RequestReader,
)

TWO = (
    b"POST /v1/a?x=1 HTTP/1.1\r\nHost: h\r\nX-Key: k\r\nContent-Length: 4\r\n\r\nbody"
    b"GET /v1/b HTTP/1.1\r\nConnection: close\r\nX-Key: k\r\n\r\n"
)


def admits(headers: Headers) -> bool:
    return headers.get("x-key") == "k"


def read(pieces: list[bytes]) -> list[Request]:
    reader = RequestReader(admits)
    return [request for piece in pieces for request in reader.feed(piece)]


def test_requests_are_read_in_turn() -> None:
    first, second = read([TWO])
    assert (first.method, first.path, first.body) == ("POST", "/v1/a", b"body")
    assert (second.method, second.path, second.body) == ("GET", "/v1/b", b"")
    assert (first.keeps_alive, second.keeps_alive) == (True, False)


@given(st.lists(st.integers(1, len(TWO) - 1), max_size=8).map(sorted))
def test_any_cut_of_the_bytes_gives_the_same_requests(cuts: list[int]) -> None:
    ends = [*cuts, len(TWO)]
    pieces = [TWO[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    assert read([piece for piece in pieces if piece]) == read([TWO])


def test_chunked_bodies_are_read() -> None:
    head = b"POST / HTTP/1.1\r\nX-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n"
    (request,) = read([head + b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"])
    assert request.body == b"abcd"


def test_the_body_of_a_stranger_is_dropped() -> None:
    (request,) = read([b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"])
    assert (request.is_admitted, request.body) == (False, b"")


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(Fault, match="not readable"):
        read([b"\x16\x03\x01 hello\r\n\r\n"])


def test_an_endless_head_is_refused() -> None:
    with pytest.raises(Fault, match="head is larger") as caught:
        read([b"GET / HTTP/1.1\r\nX: ", *[b"a" * 1_024] * (MAX_HEAD_BYTES // 1_024 + 1)])
    assert caught.value.kind is Kind.BODY_TOO_LARGE


def test_an_endless_body_is_refused() -> None:
    head = f"POST / HTTP/1.1\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode()
    piece = bytes(1_048_576)
    with pytest.raises(Fault, match="body is larger"):
        read([head, *[piece] * (MAX_BODY_BYTES // len(piece) + 1)])
