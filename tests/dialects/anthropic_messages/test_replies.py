"""Whole replies: usage, errors inside a 200, and our own error bodies."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.anthropic_messages.replies import (
    count_body,
    error_body,
    error_word,
    read_reply,
    usage_of,
    wire_usage,
    with_cost,
)
from tests.dialects.anthropic_messages.wire import checked, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings


def raw(value):
    return msgspec.Raw(json.dumps(value).encode())


def counts(value, started=None):
    told = usage_of(raw(value), started)
    return msgspec.structs.replace(told, raw=b"")


def test_input_includes_what_the_cache_read_and_wrote():
    told = counts(
        {
            "input_tokens": 10,
            "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 3,
            "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
            "output_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 4},
            "server_tool_use": {"web_search_requests": 1},
            "cost": 0.25,
        }
    )
    assert told == Usage(
        18, 7, 5, 3, reasoning_tokens=4, cost_nanodollars=250_000_000, cache_write_1h_tokens=2
    )


def test_a_compaction_is_added_and_an_adviser_is_not():
    one = {"input_tokens": 100, "output_tokens": 10}
    iterations = [{"type": "compaction", **one}, {"type": "advisor_message", **one}]
    told = counts({"input_tokens": 5, "output_tokens": 1, "iterations": iterations})
    assert told == Usage(105, 11)


def test_the_end_of_a_stream_wins_but_for_inputs_that_it_tells_as_nothing():
    started = wire_usage(raw({"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 2}))
    assert counts({"output_tokens": 30, "input_tokens": 0}, started) == Usage(11, 30, 2)
    assert counts({"output_tokens": 30, "input_tokens": 20}, started) == Usage(22, 30, 2)


@pytest.mark.parametrize("value", [None, [], "x", {}])
def test_no_usage_is_unknown(value):
    assert counts(value) == UNKNOWN_USAGE


def test_an_error_in_a_200_is_seen():
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}'
    facts = read_reply(body, "chat")
    assert facts is not None
    assert facts.error == b'{"type":"overloaded_error","message":"m"}'
    assert read_reply(b'{"type":"error"}', "chat")[2] is not None


def test_a_count_used_nothing():
    assert read_reply(b'{"input_tokens":14}', "count_tokens") == (Usage(0, 0), None, None)
    assert count_body(14) == b'{"input_tokens":14}'


@given(st.binary(max_size=60) | st.from_regex(rb'\{"usage":.{0,30}\}'))
def test_no_bytes_crash_a_reader(body):
    read_reply(body, "chat")


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_usage_of_every_recorded_reply_is_what_is_read_by_hand():
    seen = 0
    for recording in recordings("anthropic-messages"):
        if recording.is_good and not recording.is_stream:
            facts = read_reply(recording.reply, "chat")
            body = json.loads(recording.reply)
            assert facts is not None
            assert usage_by_hand(facts.usage) == usage_by_hand(body["usage"]), recording.id
            assert facts.finish_reason == body["stop_reason"]
            assert facts.error is None
            seen += 1
    assert seen > 400


def test_the_cost_is_put_into_usage_and_nothing_else_changes():
    body = b'{"id":"m", "usage":{"input_tokens":1}, "content":[]}'
    told = b'{"id":"m", "usage":{"input_tokens":1,"cost":0.5}, "content":[]}'
    assert with_cost(body, 500_000_000, b'{"input_tokens":1}') == told
    assert with_cost(body, 500_000_000) == told
    assert with_cost(told, 1) == told
    assert with_cost(b'{"id":"m"}', 1) == b'{"id":"m"}'


def test_a_usage_object_that_stands_in_a_reply_twice_is_written_anew():
    body = b'{"usage":{"a":1},"content":[{"usage":{"a":1}}]}'
    assert json.loads(with_cost(body, 10**9)) == {
        "usage": {"a": 1, "cost": 1},
        "content": [{"usage": {"a": 1}}],
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_every_fault_has_the_shape_of_an_error(kind):
    fault = Fault(kind, "What to do.", param="model" if kind is Kind.INVALID_REQUEST else None)
    body = json.loads(error_body(fault, "req_1"))
    assert (body["type"], body["request_id"]) == ("error", "req_1")
    assert body["error"]["message"] == "What to do."
    assert body["error"]["type"] == error_word(fault.status)
    assert body["error"]["error_type"] == fault.error_type
    if (
        body["error"]["type"] != "request_too_large"
    ):  # the API's word, which its SDK has no class for
        checked("ErrorResponse", body)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (529, "overloaded_error"),
    ],
)
def test_a_status_has_its_word(status, word):
    assert error_word(status) == word


def answered(reply, kind=Kind.UPSTREAM_REJECTED):
    return error_body(Fault(kind, "ours", reply=reply, status=400), "req_1")


def test_an_upstreams_own_error_goes_on_as_it_came():
    reply = (
        b'{"type":"error", "error":{"type":"invalid_request_error","message":"m"},"request_id":"r"}'
    )
    assert answered(reply) == reply
    told = json.loads(answered(reply, Kind.CONTEXT_OVERFLOW))
    assert told["error"]["error_type"] == "context_length_exceeded"
    assert told["request_id"] == "r"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b'{"error":{"message":"theirs","code":1}}', "theirs"),
        (b'{"error":"theirs"}', "theirs"),
        (b'{"message":"theirs"}', "theirs"),
        (b"<html>", "ours"),
        (b"{}", "ours"),
        (b'{"error":[1]}', "ours"),
    ],
)
def test_of_another_dialects_error_the_words_are_kept(reply, message):
    told = json.loads(answered(reply))
    assert told["error"]["message"] == message
    assert told["type"] == "error"
