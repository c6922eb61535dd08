"""Streams on the identity path: frames pass as they came; usage, ends and exceptions are seen."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.bedrock.events import Stream, error_event, keep_alive
from kilo_gateway.dialects.frames import Frames, event_frame, exception_frame, frame_bytes
from tests.dialects.bedrock.wire import told_usage, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

START = event_frame("messageStart", b'{"role":"assistant"}')
WORD = event_frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"Hi"}}')
STOP = event_frame("messageStop", b'{"stopReason":"max_tokens"}')
USAGE = event_frame("metadata", b'{"usage":{"inputTokens":1,"outputTokens":2},"metrics":{}}')
WHOLE = START + WORD + STOP + USAGE
FAILED = exception_frame("modelStreamErrorException", b'{"message":"no","originalStatusCode":503}')


def passed(wire, size=1_000_000, **more):
    stream = Stream("chat", **more)
    out = b"".join(stream.feed(wire[at : at + size]) for at in range(0, len(wire), size))
    return stream, out + stream.finish()


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
@pytest.mark.parametrize("size", [7, 1_000, 1_000_000])
def test_recorded_streams_pass_as_they_are(size):
    for recording in recordings("bedrock"):
        if recording.is_stream and recording.is_good:
            stream, out = passed(recording.reply, size)
            assert out == recording.reply
            assert usage_by_hand(stream.usage) == usage_by_hand(told_usage(recording))
            assert (stream.is_done, stream.error) == (True, None)
            assert stream.finish_reason


@given(st.integers(1, len(WHOLE)))
def test_any_cut_is_the_same(size):
    stream, out = passed(WHOLE, size)
    assert (out, stream.is_done, stream.finish_reason) == (WHOLE, True, "max_tokens")
    assert usage_by_hand(stream.usage)[:2] == (1, 2)


def test_the_cost_is_told_with_usage():
    stream, out = passed(WHOLE, cost_of=lambda usage: usage.output_tokens * 1_000_000)
    *_, last = Frames().feed(out)
    assert json.loads(last.payload)["usage"]["cost"] == 0.002
    assert out.startswith(START + WORD + STOP)
    assert stream.is_done


def test_usage_before_the_end_is_taken_and_none_at_all_is_fine():
    stream, out = passed(START + USAGE + STOP + b"more")
    assert (out, stream.is_done) == (START + USAGE + STOP, True)
    stream, out = passed(START + STOP)
    assert (out, stream.is_done, stream.usage.is_known) == (START + STOP, True, False)


def test_an_exception_ends_it():
    stream, out = passed(START + FAILED + WORD)
    assert out == START + FAILED
    assert stream.has_ended
    assert not stream.failed_at_once
    assert json.loads(stream.error) == {
        "message": "no",
        "type": "modelStreamErrorException",
        "code": 503,
    }
    stream, _ = passed(FAILED)
    assert (stream.failed_at_once, stream.estimated_output_tokens()) == (True, 0)


def test_an_exception_says_its_status_and_nothing_of_the_account():
    wire = exception_frame("ThrottlingException", b'{"message":"key AKIAIOSFODNN7EXAMPLE"}')
    stream, out = passed(wire)
    assert json.loads(stream.error)["code"] == 429
    assert b"AKIA" not in out
    other = frame_bytes({":message-type": "error", ":error-code": "x", ":error-message": "m"}, b"")
    stream, _ = passed(other)
    assert json.loads(stream.error) == {"message": "m", "type": "x", "code": 500}


@pytest.mark.parametrize("wire", [b"", START, START + WORD[:20], START + STOP + USAGE[:-1]])
def test_a_cut_stream_is_a_fault(wire):
    stream = Stream("chat")
    stream.feed(wire)
    with pytest.raises(Fault) as raised:
        stream.finish()
    assert raised.value.kind in {Kind.UPSTREAM_DISCONNECT, Kind.UPSTREAM_GARBAGE}


def test_a_fault_is_an_exception_and_silence_a_ping():
    (frame,) = Frames().feed(error_event(Fault(Kind.UPSTREAM_TIMEOUT, "Slow."), "req_1"))
    assert (frame.event, frame.is_failure) == ("serviceUnavailableException", True)
    assert json.loads(frame.payload) == {"message": "Slow."}
    (ping,) = Frames().feed(keep_alive())
    assert ping.event == "ping"


def test_an_estimate_of_what_passed():
    stream = Stream("chat")
    stream.feed(START + WORD)
    assert stream.estimated_output_tokens() > 0
