"""Frames of AWS' event stream: written and read again, cut anywhere, damaged, and any bytes at all."""

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.frames import (
    MOST_FRAME_BYTES,
    Frames,
    event_frame,
    exception_frame,
    frame_bytes,
    redacted,
)
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

HEADERS = st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40), max_size=5)
SOME = event_frame("messageStart", b'{"role":"assistant"}') + exception_frame(
    "throttlingException", b"{}"
)


def told(frames):
    return [(dict(frame.headers), frame.payload, frame.raw) for frame in frames]


def prelude(size, headers):
    lengths = struct.pack(">II", size, headers)
    return lengths + struct.pack(">I", crc32(lengths))


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=300)), max_size=5), st.data())
def test_frames_come_back_whatever_the_cuts(given_frames, data):
    raws = [frame_bytes(headers, payload) for headers, payload in given_frames]
    wire = b"".join(raws)
    frames, found, at = Frames(), [], 0
    while at < len(wire):
        size = data.draw(st.integers(1, len(wire) - at))
        found += frames.feed(wire[at : at + size])
        at += size
    assert not frames.held_bytes
    assert told(found) == [
        (headers, payload, raw) for (headers, payload), raw in zip(given_frames, raws, strict=True)
    ]


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_frames_or_a_fault(noise, is_behind):
    wire = SOME + noise if is_behind else noise
    seen: list[Kind] = []
    for size in (1, 7, 1_000):
        frames = Frames()
        try:
            for at in range(0, len(wire), size):
                frames.feed(wire[at : at + size])
        except Fault as fault:
            seen.append(fault.kind)
    assert set(seen) <= {Kind.UPSTREAM_GARBAGE}
    assert len(seen) in {0, 3}


@given(st.integers(0, len(SOME) - 1), st.integers(1, 255))
def test_a_flipped_bit_is_found_out(at, bits):
    damaged = bytearray(SOME)
    damaged[at] ^= bits
    with pytest.raises(Fault, match="no event stream"):
        Frames().feed(bytes(damaged))


@pytest.mark.parametrize(
    ("size", "headers"), [(MOST_FRAME_BYTES + 1, 0), (15, 0), (40, 25), (0, 0)]
)
def test_lengths_are_bounded_before_anything_is_kept(size, headers):
    with pytest.raises(Fault):
        Frames().feed(prelude(size, headers))


def test_headers_that_are_no_texts_are_passed_over():
    def header(name, kind, value):
        return bytes([len(name)]) + name.encode() + bytes([kind]) + value

    block = b"".join(
        [
            header("yes", 0, b""),
            header("no", 1, b""),
            header("byte", 2, b"\x01"),
            header("short", 3, b"\x00\x01"),
            header("whole", 4, b"\x00" * 4),
            header("long", 5, b"\x00" * 8),
            header("bytes", 6, b"\x00\x02ab"),
            header(":event-type", 7, b"\x00\x04stop"),
            header("when", 8, b"\x00" * 8),
            header("uuid", 9, b"\x00" * 16),
        ]
    )
    body = prelude(16 + len(block), len(block)) + block
    (frame,) = Frames().feed(body + struct.pack(">I", crc32(body)))
    assert dict(frame.headers) == {":event-type": "stop"}
    assert (frame.event, frame.payload, frame.is_failure) == ("stop", b"", False)


def test_an_unknown_type_of_header_is_damage():
    block = b"\x01a\x0c"
    body = prelude(16 + len(block), len(block)) + block
    with pytest.raises(Fault):
        Frames().feed(body + struct.pack(">I", crc32(body)))


def test_exceptions_and_errors_are_failures():
    start, failure = Frames().feed(SOME)
    assert (start.is_failure, failure.is_failure) == (False, True)
    assert failure.event == "throttlingException"
    (other,) = Frames().feed(frame_bytes({":message-type": "error", ":error-code": "x"}, b""))
    assert (other.is_failure, other.event) == (True, "")


def test_what_is_struck_out_leaves_the_frames_whole():
    wire = exception_frame("e", b'{"message":"at 10.0.0.1"}') + exception_frame("e", b"{}")
    out = redacted(wire, lambda payload: payload.replace(b"10.0.0.1", b"***"))
    assert [frame.payload for frame in Frames().feed(out)] == [b'{"message":"at ***"}', b"{}"]


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_recorded_streams_are_frames_and_written_again_are_the_same():
    for recording in recordings("bedrock"):
        if recording.is_stream and recording.is_good:
            frames = Frames().feed(recording.reply)
            assert b"".join(frame.raw for frame in frames) == recording.reply
            assert b"".join(frame_bytes(f.headers, f.payload) for f in frames) == recording.reply
