"""Whole replies: everything recorded is read, written as the service's model says, and read again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer
from kilo_gateway.dialects.bedrock.answers import (
    read_answer,
    stop_of,
    stop_word,
    wire_usage_of,
    write_answer,
)
from kilo_gateway.dialects.conversation import Text, ToolCall
from tests.dialects.bedrock.wire import SHOWN, checked, same_answer, told_usage, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_recorded_replies_written_again_are_the_same():
    count = 0
    for recording in recordings("bedrock"):
        if recording.is_stream or not recording.is_good:
            continue
        answer = read_answer(recording.reply)
        assert answer is not None, recording.id
        assert answer.parts, recording.id
        assert usage_by_hand(answer.usage) == usage_by_hand(told_usage(recording))
        wire = write_answer(answer, SHOWN)
        checked("ConverseResponse", json.loads(wire))
        assert same_answer(answer, read_answer(wire)), recording.id
        count += 1
    assert count > 150


def test_words_for_the_end():
    assert stop_of("guardrail_intervened") == "content_filter"
    assert (stop_of("new"), stop_of(None)) == ("stop", None)
    assert (
        stop_word("content_filter", "guardrail_intervened", has_calls=False)
        == "guardrail_intervened"
    )
    assert stop_word("content_filter", "SAFETY", has_calls=False) == "content_filtered"
    assert stop_word("stop", "stop", has_calls=True) == "tool_use"
    assert stop_word(None, "", has_calls=False) == "end_turn"


def test_usage_leaves_the_cache_out_and_tells_its_cost():
    usage = Usage(100, 7, 60, 30, cache_write_1h_tokens=10)
    told = json.loads(write_answer(Answer((Text("a"),), "stop", usage), SHOWN, 1_500_000))["usage"]
    assert told == {
        "inputTokens": 10,
        "outputTokens": 7,
        "totalTokens": 107,
        "cacheReadInputTokens": 60,
        "cacheWriteInputTokens": 30,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 20}, {"ttl": "1h", "inputTokens": 10}],
        "cost": 0.0015,
    }
    assert wire_usage_of(Usage()) == {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


def test_a_tier_is_told_if_it_is_one():
    answer = Answer((ToolCall("i", "n"),), "stop", service_tier="flex")
    wire = json.loads(write_answer(answer, SHOWN))
    assert (wire["stopReason"], wire["serviceTier"]) == ("tool_use", {"type": "flex"})
    assert "serviceTier" not in json.loads(
        write_answer(Answer((), "stop", service_tier="odd"), SHOWN)
    )


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_none(noise):
    read_answer(noise)
    read_answer(b'{"output":{"message":{"content":' + noise + b"}}}")
