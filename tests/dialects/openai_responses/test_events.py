"""Streams of the identity path."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.openai_responses.events import (
    Stream,
    code_and_message,
    error_event,
    keep_alive,
)
from tests.dialects.openai_responses.recorded import answers, needs_recordings
from tests.dialects.openai_responses.test_replies import counts, expected_usage


def events_in(wire: bytes):
    return [json.loads(line[5:]) for line in wire.splitlines() if line.startswith(b"data:")]


def event(kind: str, **members) -> bytes:
    data = json.dumps({"type": kind, **members}, separators=(",", ":")).encode()
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


DELTA = event("response.output_text.delta", delta="hi")
USAGE = {"input_tokens": 3, "output_tokens": 2}
COMPLETED = event("response.completed", response={"status": "completed", "usage": USAGE})


@needs_recordings
def test_every_recorded_stream_goes_on_as_it_came():
    streams = [one for one in answers() if one.is_stream and not one.is_chained]
    assert len(streams) > 150
    for one in streams:
        stream = Stream("chat", wants_usage=True)
        out = stream.feed(one.reply) + stream.finish()
        if one.is_failed:
            assert stream.error is not None, one.id
            continue
        assert out.rstrip() == one.reply.rstrip().removesuffix(b"data: [DONE]").rstrip(), one.id
        assert counts(stream.usage) == expected_usage(one.last["usage"]), one.id
        assert stream.is_done, one.id
        assert stream.error is None, one.id


def test_done_behind_the_end_does_not_go_on_and_names_of_events_stay():
    stream = Stream("chat", wants_usage=True)
    assert stream.feed(DELTA + COMPLETED + b"data: [DONE]\n\n") == DELTA + COMPLETED
    assert stream.has_ended
    assert stream.feed(DELTA) == b""
    assert stream.finish() == b""
    assert stream.finish_reason == "completed"


def test_the_end_tells_the_cost():
    stream = Stream("chat", wants_usage=True, cost_of=lambda _usage: 1_500)
    (told,) = events_in(stream.feed(COMPLETED))
    assert told["response"]["usage"] == USAGE | {"cost": 0.0000015}


def test_an_error_is_followed_by_the_terminal_event():
    stream = Stream("chat", wants_usage=True)
    wire = event("error", sequence_number=2, error={"code": "insufficient_quota", "message": "No."})
    error, failed = events_in(stream.feed(wire))
    assert error["error"]["code"] == "insufficient_quota"
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"] == {"code": "insufficient_quota", "message": "No."}
    assert stream.failed_at_once


def test_a_failed_response_ends_the_stream_and_its_secrets_are_struck():
    stream = Stream("chat", wants_usage=True)
    error = {"code": "server_error", "message": "key sk-proj-1234567890abcdef is wrong"}
    wire = event("response.failed", response={"status": "failed", "error": error, "usage": USAGE})
    out = stream.feed(DELTA + wire)
    assert len(events_in(out)) == 2
    assert b"sk-proj" not in out
    assert stream.usage.input_tokens == 3
    assert not stream.failed_at_once


def test_a_bare_error_object_is_an_error():
    stream = Stream("chat", wants_usage=True)
    stream.feed(b'data: {"error":{"code":429,"message":"slow"}}\n\n')
    assert stream.error == b'{"code":429,"message":"slow"}'
    assert not stream.is_done


def test_a_json_error_instead_of_a_stream():
    stream = Stream("chat", wants_usage=True)
    stream.feed(b'{"error":{"message":"no"}}')
    stream.finish()
    assert stream.failed_at_once


def test_an_error_of_a_tool_is_no_error_of_the_stream():
    stream = Stream("chat", wants_usage=True)
    wire = event("response.output_item.done", item={"type": "mcp_call", "error": {"code": 1}})
    assert stream.feed(wire + COMPLETED) == wire + COMPLETED
    assert stream.is_done


def test_a_stream_without_an_end_is_cut():
    stream = Stream("chat", wants_usage=True)
    stream.feed(DELTA)
    with pytest.raises(Fault) as raised:
        stream.finish()
    assert raised.value.kind is Kind.UPSTREAM_DISCONNECT


def test_a_fault_is_an_error_and_a_terminal_event():
    error, failed = events_in(error_event(Fault(Kind.UPSTREAM_TIMEOUT, "Too late."), "req_1"))
    assert error["type"] == "error"
    assert error["message"] == error["error"]["message"] == "Too late."
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["id"] == "resp_req_1"


def test_codes_and_sentences_of_any_error():
    assert code_and_message(b'{"type":"overloaded_error","message":"m"}') == (
        "overloaded_error",
        "m",
    )
    assert code_and_message(b'{"code":429}')[0] == "server_error"
    assert code_and_message(b"[]")[1]


def test_keep_alive_is_a_comment():
    assert keep_alive().startswith(b":")


@given(st.lists(st.integers(1, 400), max_size=20))
def test_any_chunking_gives_the_same(cuts):
    wire = DELTA * 3 + COMPLETED + b"data: [DONE]\n\n"
    stream, out, at = Stream("chat", wants_usage=True), b"", 0
    for cut in cuts:
        out += stream.feed(wire[at : at + cut])
        at += cut
    out += stream.feed(wire[at:]) + stream.finish()
    assert out == DELTA * 3 + COMPLETED
    assert stream.usage.output_tokens == 2


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_fault_or_not(wire):
    stream = Stream("chat", wants_usage=True)
    kinds = set[Kind]()
    try:
        stream.feed(wire)
        stream.finish()
    except Fault as fault:
        kinds.add(fault.kind)
    assert kinds <= {Kind.UPSTREAM_GARBAGE, Kind.UPSTREAM_DISCONNECT}
