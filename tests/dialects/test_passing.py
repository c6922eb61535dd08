"""Whole events pass as they came; those that matter are looked at; an end is certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.passing import PassingStream
from kilo_gateway.dialects.sse import Event


class Letters(PassingStream):
    """A dialect of letters: `{"end":1}` ends it, `{"error":...}` is one."""

    marks = (b'"end"', b'"error"')

    def __init__(self) -> None:
        super().__init__()
        self.looked_at: list[bytes] = []

    @override
    def _see(self, event: Event, raw: bytes) -> bytes:
        self.looked_at.append(event.data)
        if b'"error"' in event.data:
            self.error = event.data
        else:
            self.is_done = True
        return raw

    @override
    def _ending(self) -> bytes:
        return b"data: bye\n\n"

    @override
    def _error_in(self, body: bytes) -> bytes | None:
        return body if b'"error"' in body else None


STREAM = b'data: {"a":1}\n\ndata: {"b":2}\n\n: hm\n\ndata: {"end":1}\n\ndata: {"late":1}\n\n'


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_any_chunking_passes_the_same_up_to_the_end(cuts: list[int]) -> None:
    stream, out, last = Letters(), b"", 0
    for cut in [*sorted(cuts), len(STREAM)]:
        out += stream.feed(STREAM[last:cut])
        last = cut
    assert out == STREAM[: STREAM.index(b'data: {"late"')]
    assert stream.looked_at == [b'{"end":1}']
    assert stream.has_ended


def test_an_error_is_followed_by_an_ending() -> None:
    stream = Letters()
    out = stream.feed(b'data: {"a":1}\n\ndata: {"error":"x"}\n\ndata: {"b":1}\n\n')
    assert out.endswith(b'data: {"error":"x"}\n\ndata: bye\n\n')
    assert not stream.failed_at_once


def test_an_error_at_once_is_told() -> None:
    stream = Letters()
    stream.feed(b'data: {"error":"x"}\n\n')
    assert stream.failed_at_once


def test_a_json_error_instead_of_a_stream_is_one() -> None:
    stream = Letters()
    stream.feed(b'{"error":"x"}')
    stream.finish()
    assert stream.failed_at_once
    assert stream.error == b'{"error":"x"}'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.UPSTREAM_GARBAGE),
        (b"<html>", Kind.UPSTREAM_GARBAGE),
        (b'data: {"a":1}\n\n', Kind.UPSTREAM_DISCONNECT),
        (b'data: {"a":1}\n\ndata: {"b', Kind.UPSTREAM_DISCONNECT),
    ],
)
def test_a_stream_that_does_not_end_as_it_should_is_a_fault(body: bytes, kind: Kind) -> None:
    stream = Letters()
    stream.feed(body)
    with pytest.raises(Fault) as caught:
        stream.finish()
    assert caught.value.kind is kind
