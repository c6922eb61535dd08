"""Whole replies: usage by an independent reading, cost, errors in a 200, and our own errors."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.bedrock.replies import (
    error_body,
    error_headers,
    read_reply,
    usage_of,
    with_cost,
)
from tests.dialects.bedrock.wire import told_usage, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

REPLY = b'{"output":{},"usage":{"inputTokens":1,"outputTokens":2} ,"stopReason":"end_turn"}'


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_usage_of_everything_recorded():
    count = 0
    for recording in recordings("bedrock"):
        if recording.is_good and not recording.is_stream:
            facts = read_reply(recording.reply, "chat")
            told = told_usage(recording)
            assert usage_by_hand(facts.usage) == usage_by_hand(told), recording.id
            assert facts.error is None
            assert facts.finish_reason == json.loads(recording.reply)["stopReason"]
            count += 1
    assert count > 150


def test_input_includes_the_cache_and_an_hours_writes_are_told():
    wire = b"""{"inputTokens":3,"outputTokens":5,"cacheReadInputTokens":10,"cacheWriteInputTokens":20,
        "cacheDetails":[{"ttl":"5m","inputTokens":12},{"ttl":"1h","inputTokens":8}]}"""
    usage = usage_of(msgspec.Raw(wire))
    assert (usage.input_tokens, usage.cache_write_1h_tokens) == (33, 8)
    assert not usage_of(msgspec.Raw(b"null")).is_known
    assert not usage_of(msgspec.Raw(b"[]")).is_known


def test_cost_is_put_into_usage_and_nothing_else_changes():
    told = with_cost(REPLY, 1_500_000)
    assert told == REPLY.replace(b'"outputTokens":2}', b'"outputTokens":2,"cost":0.0015}')
    assert with_cost(told, 9) == told
    assert with_cost(b"{", 9) == b"{"
    twice = b'{"usage":{},"other":{}}'
    assert json.loads(with_cost(twice, 1_500_000)) == {"usage": {"cost": 0.0015}, "other": {}}


def test_an_error_in_a_200_is_one():
    facts = read_reply(b'{"message":"no","__type":"com.amazon#ThrottlingException"}', "chat")
    assert json.loads(facts.error) == {"message": "no", "type": "ThrottlingException"}
    assert read_reply(b"[]", "chat") is None


def test_a_fault_in_the_services_shape():
    fault = Fault(Kind.UPSTREAM_RATE_LIMITED, "Wait.", param="p")
    body = json.loads(error_body(fault, "req_1"))
    assert body["message"] == "Wait."
    assert (body["__type"], body["param"]) == ("ThrottlingException", "p")
    assert error_headers(fault) == b"x-amzn-errortype: ThrottlingException\r\n"
    assert b"InternalServerException" in error_headers(Fault(Kind.INTERNAL, ""))
    assert b"ValidationException" in error_headers(Fault(Kind.INVALID_REQUEST, ""))


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b'{"message":"theirs","more":1}', "theirs"),
        (b'{"error":{"message":"openai said"}}', "openai said"),
        (b'{"error":"short"}', "short"),
        (b"{}", "ours"),
        (b"[", "ours"),
    ],
)
def test_what_upstream_said_is_kept(reply, message):
    fault = Fault(Kind.UPSTREAM_REJECTED, "ours", reply=reply)
    assert json.loads(error_body(fault, "req_1"))["message"] == message


@given(st.binary(max_size=80))
def test_any_bytes_give_facts_or_nothing(noise):
    read_reply(noise, "chat")
    with_cost(noise, 1)
