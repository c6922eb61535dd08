"""Server-sent events: every way of cutting the bytes into chunks gives the same events and the same bytes."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.sse import (
    Event,
    Reader,
    Splitter,
    comment_bytes,
    event_bytes,
    events_in,
    events_of,
)

BOM = b"\xef\xbb\xbf"


class Written(NamedTuple):
    """A stream as bytes, the events in it, and where its last blank line ends."""

    data: bytes
    events: list[Event]
    border: int


texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
words = st.text(st.sampled_from("abcdé模🙂 "), max_size=8).map(str.strip)


@st.composite
def streams(draw):
    """A stream with comments, names, ids, several data lines, any line ends, and perhaps no last blank line."""
    ends = draw(st.sampled_from([[b"\n"], [b"\r\n"], [b"\r"], [b"\n", b"\r\n"]]))
    out, events, border = draw(st.sampled_from([b"", BOM])), [], 0

    def line(text):
        return text.encode() + draw(st.sampled_from(ends))

    for _ in range(draw(st.integers(0, 5))):
        name, ident = draw(words), draw(words)
        data = draw(st.lists(texts, max_size=3))
        fields = [": " + draw(texts)] * draw(st.integers(0, 1))
        fields += [f"event: {name}"] * bool(name) + [f"id:{ident}"] * bool(ident)
        for text in data:
            space = "" if not text.startswith(" ") and draw(st.booleans()) else " "
            fields.append(f"data:{space}{text}")
        if not fields or draw(st.booleans()):
            fields.append("retry: 5")
        for field in fields:
            out += line(field)
        out += line("")
        border = len(out)
        if data:
            events.append(Event(name, "\n".join(data).encode(), ident))
    if draw(st.booleans()):
        tail = draw(texts.filter(bool))
        out += b"data: " + tail.encode() + draw(st.sampled_from([b"", ends[0]]))
        events.append(Event("", tail.encode(), ""))
    return Written(out, events, border)


@st.composite
def cut_streams(draw):
    """A stream, and its bytes in chunks; a cut may fall inside a character or between CR and LF."""
    written = draw(streams())
    cuts = sorted(draw(st.lists(st.integers(0, len(written.data)), max_size=20)))
    edges = [0, *cuts, len(written.data)]
    return written, [written.data[a:b] for a, b in pairwise(edges)]


def read(chunks):
    reader = Reader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


@given(cut_streams())
def test_any_chunking_gives_the_same_events(case):
    written, chunks = case
    assert read(chunks) == written.events


@given(streams())
def test_byte_by_byte_gives_the_same_events(written):
    assert read([bytes([byte]) for byte in written.data]) == written.events


@given(cut_streams())
def test_what_goes_on_is_what_came_up_to_the_last_complete_event(case):
    written, chunks = case
    splitter = Splitter()
    passed = b"".join(splitter.feed(chunk) for chunk in chunks)
    assert passed == written.data[: written.border]
    assert passed + splitter.rest() == written.data
    assert splitter.rest() == b""


@given(cut_streams())
def test_every_piece_that_goes_on_ends_with_a_blank_line(case):
    splitter = Splitter()
    for chunk in case[1]:
        piece = splitter.feed(chunk)
        assert not piece or piece.endswith((b"\n\n", b"\n\r\n", b"\r\r"))


@given(st.lists(st.binary(max_size=30)))
def test_no_byte_is_lost_or_made_up_whatever_comes(chunks):
    splitter = Splitter()
    passed = b"".join(splitter.feed(chunk) for chunk in chunks)
    assert passed + splitter.rest() == b"".join(chunks)


@given(streams())
def test_events_come_with_their_own_bytes(written):
    block = written.data[: written.border].removeprefix(BOM)
    pieces = list(events_of(block))
    joined = b"".join(raw for _, raw in pieces)
    assert block.startswith(joined)
    for event, raw in pieces:
        assert [again for again, _ in events_of(raw)] == [event]


lines = st.sampled_from(
    [b"data: a", b"data:b", b"event: n", b"event:", b": c", b"id: 1", b"x", b"", b"\r", b"data: \r"]
)
ends = st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r", b"\n\r\n", b""])


@given(st.lists(st.tuples(lines, ends), max_size=8))
def test_the_short_way_gives_what_the_grammar_gives(pieces):
    block = b"".join(line + end for line, end in pieces)
    assert events_in(block) == [event for event, _ in events_of(block)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b": only a comment\n\n", []),
        (b"event: ping\n\n", []),
        (b"data\n\n", [Event("", b"")]),
        (b"data:\n\n", [Event("", b"")]),
        (b"data:  two spaces\n\n", [Event("", b" two spaces")]),
        (b"data: a\ndata:\ndata: b\n\n", [Event("", b"a\n\nb")]),
        (b"event: a\n\ndata: b\n\n", [Event("", b"b")]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [Event("", b"a", "1"), Event("", b"b")]),
        (b"unknown: x\ndata: a\n\n", [Event("", b"a")]),
        (b"data: a\n\n" + BOM + b"data: b\n\n", [Event("", b"a")]),
        (b"event: \xff\ndata: \xff\n\n", [Event("\ufffd", b"\xff")]),
    ],
)
def test_the_grammar_is_that_of_the_standard(stream, events):
    assert read([stream]) == events


def test_a_whole_chunk_goes_on_without_being_copied():
    chunk = b"data: a\n\ndata: b\n\n"
    assert Splitter().feed(chunk) is chunk


@pytest.mark.parametrize("piece", [b"x", b"x\n", b"xy" * 30])
def test_an_event_without_end_is_given_up_at_the_limit(piece):
    splitter = Splitter(limit_bytes=100)
    with pytest.raises(Fault) as caught:
        list(map(splitter.feed, [piece] * 200))
    assert caught.value.kind is Kind.UPSTREAM_GARBAGE
    assert "100" in caught.value.detail


def test_many_small_events_pass_under_a_small_limit():
    splitter = Splitter(limit_bytes=20)
    for _ in range(100):
        assert splitter.feed(b"data: abc") + splitter.feed(b"\n\n") == b"data: abc\n\n"


@given(texts, words)
def test_what_we_write_is_read_as_we_meant_it(text, name):
    stream = comment_bytes("KEEP") + event_bytes(text.encode(), name)
    assert read([stream]) == [Event(name, text.encode())]
