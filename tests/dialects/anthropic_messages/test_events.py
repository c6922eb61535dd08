"""Streams on the identity path: every byte goes on, usage and the end are seen."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.anthropic_messages.events import STOP, Stream, error_event, keep_alive
from tests.dialects.anthropic_messages.wire import checked, first_message, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","usage":'
    b'{"input_tokens":9,"cache_read_input_tokens":2,"output_tokens":1}}}\n\n'
)
TEXT = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"say \\"message_stop\\" and \\"error\\""}}\n\n'
)
END = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":5}}\n\n'
)
ERROR = (
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\n\n'
)


def stream(cost_of=None):
    return Stream("chat", wants_usage=True, cost_of=cost_of)


def test_a_whole_stream_goes_on_as_it_came():
    one = stream()
    wire = START + TEXT + END + STOP
    assert one.feed(wire) + one.finish() == wire
    assert (one.is_done, one.finish_reason) == (True, "end_turn")
    assert usage_by_hand(one.usage) == (11, 5, 2, 0, 0)


@given(st.lists(st.integers(1, 700), max_size=8))
def test_any_chunks_give_the_same(cuts):
    wire = START + TEXT + END + STOP
    one, out, at = stream(), b"", 0
    for cut in [*sorted(cuts), len(wire)]:
        out += one.feed(wire[at:cut])
        at = max(at, cut)
    assert out + one.finish() == wire
    assert usage_by_hand(one.usage) == (11, 5, 2, 0, 0)


def test_the_cost_is_told_at_the_end():
    one = stream(lambda usage: (usage.output_tokens or 0) * 10**9)
    out = one.feed(START + END + STOP)
    assert b'"usage":{"output_tokens":5,"cost":5}' in out
    assert out.startswith(START)


def test_an_error_is_an_end_of_its_own():
    one = stream()
    assert one.feed(START + ERROR + TEXT) == START + ERROR
    assert one.error == b'{"type":"overloaded_error","message":"m"}'
    assert (one.has_ended, one.failed_at_once, one.finish()) == (True, False, b"")


def test_an_error_at_once_may_be_tried_elsewhere():
    one = stream()
    one.feed(ERROR)
    assert one.failed_at_once


def test_an_error_event_without_an_object_is_one_too():
    one = stream()
    one.feed(b"event: error\ndata: gone\n\n")
    assert one.error == b"gone"


def test_an_errors_account_is_struck_out():
    one = stream()
    out = one.feed(ERROR.replace(b'"m"', b'"key sk-ant-api03-abcdef is bad"'))
    assert b"sk-ant" not in out


def test_json_instead_of_a_stream_is_an_error():
    one = stream()
    one.feed(b'{"type":"error","error":{"type":"api_error","message":"m"}}')
    one.finish()
    assert one.failed_at_once
    assert one.error is not None


def test_a_stream_that_ends_behind_its_stop_reason_gets_its_end():
    one = stream()
    one.feed(START + END)
    assert one.finish() == STOP


@pytest.mark.parametrize("wire", [START + TEXT, START, b"", b"hello"])
def test_a_stream_that_is_cut_or_none_is_a_fault(wire):
    one = stream()
    one.feed(wire)
    with pytest.raises(Fault):
        one.finish()


def test_events_that_cannot_be_read_go_on():
    one = stream()
    odd = b'data: {"type":"message_start","message":5}\n\ndata: "message_delta"\n\n'
    assert one.feed(odd) == odd
    assert one.usage == Usage()


@given(st.binary(max_size=80))
def test_no_bytes_crash_it(data):
    one = stream()
    try:
        one.feed(START + data + b"\n\n")
        one.finish()
    except Fault:
        pass


def test_our_own_fault_is_an_error_event():
    event = error_event(Fault(Kind.UPSTREAM_TIMEOUT, "Too late."), "req_1")
    name, data = event.decode().strip().split("\n")
    body = json.loads(data.removeprefix("data: "))
    assert name == "event: error"
    assert body["error"] == {"type": "api_error", "message": "Too late.", "error_type": "timeout"}
    checked("ErrorResponse", body)


def test_a_ping_keeps_the_client_waiting():
    assert keep_alive() == b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_every_recorded_stream_goes_on_with_its_usage_seen():
    seen = 0
    for recording in recordings("anthropic-messages"):
        if not (recording.is_good and recording.is_stream):
            continue
        one = stream()
        wire = first_message(recording.reply)
        out = one.feed(recording.reply) + one.finish()
        datas = [
            json.loads(line.partition(":")[2])
            for line in wire.decode().splitlines()
            if line.startswith("data:")
        ]
        usage, reason = {}, None
        for data in datas:
            if data["type"] == "message_start":
                usage |= data["message"]["usage"]
            elif data["type"] == "message_delta":
                usage |= data["usage"]
                reason = data["delta"]["stop_reason"]
        assert out.rstrip() == wire.rstrip(), recording.id
        assert usage_by_hand(one.usage) == usage_by_hand(usage), recording.id
        assert (one.finish_reason, one.is_done) == (reason, True)
        seen += 1
    assert seen > 120
