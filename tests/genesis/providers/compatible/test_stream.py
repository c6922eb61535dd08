"""Chunks as events: rows F13 to F18."""

import msgspec
import pytest

from genesis.core.events import StreamEnd, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import ProviderError
from genesis.core.model import Cost
from genesis.core.usage import Usage
from genesis.providers.compatible.stream import ChunkReader


def read(*chunks, is_told=True, headers=None):
    reader = ChunkReader(Cost(), provider="kilocode", model="kilo/auto")
    reader.headers(headers or {})
    found = []
    for chunk in chunks:
        data = chunk if isinstance(chunk, str) else msgspec.json.encode(chunk)
        found += list(reader.feed(data))
    return [*found, *reader.end(is_told=is_told)]


def chunk(finish=None, **delta):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def text(words, finish=None):
    return chunk(finish, content=words)


def call(arguments="{}", **more):
    return chunk(tool_calls=[{"index": 0, "id": "1", "function": {"arguments": arguments}} | more])


def test_F13_usage_comes_in_a_chunk_of_its_own():
    usage = {"prompt_tokens": 8, "completion_tokens": 10, "total_tokens": 18}
    found = read(text("hi", "stop"), {"choices": [], "usage": usage})
    assert found == [TextDelta("hi"), StreamEnd("stop", Usage(8, 10, None, None, 0.0))]
    assert found[1].usage.total == 18


def test_usage_may_come_with_the_choice():
    last = {"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 3}}]}
    assert read(text("a"), last)[-1].usage.input == 3


def test_F17_F18_thoughts_come_once():
    details = {"reasoning_details": [{"type": "reasoning.text", "text": "a"}, {"type": "x"}]}
    both = chunk(**details, reasoning="a", reasoning_content="a")
    assert read(both, text(" Hello!", "stop"))[:2] == [
        ThinkingDelta("a", "reasoning"),
        TextDelta(" Hello!"),
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text"])
def test_thoughts_remember_their_name(field):
    assert read(chunk(**{field: "t"}), text("a", "stop"))[0] == ThinkingDelta("t", field)


@pytest.mark.parametrize("odd", ["null", "7", '"x"', "[]", {"choices": None}, {"choices": [None]}])
def test_a_chunk_that_is_no_object_is_ignored(odd):
    assert read(odd, text("a", "stop"))[0] == TextDelta("a")


STOPS = {
    "stop": "stop",
    "end": "stop",
    "length": "length",
    "tool_calls": "stop",
    "tool_call": "stop",
    "function_call": "stop",
}


@pytest.mark.parametrize(("reason", "stop"), STOPS.items())
def test_a_reason_to_stop_is_read_and_no_call_is_no_tool_use(reason, stop):
    assert read(text("a", reason))[-1].stop_reason == stop


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "function_call"])
def test_calls_are_tool_use_whatever_the_reason(reason):
    assert read(call(), chunk(reason))[-2:] == [ToolCallReady("1", "", "{}"), StreamEnd("tool_use")]


def test_a_call_that_was_cut_short_is_not_run():
    assert read(call('{"a":'), chunk("length")) == [StreamEnd("length")]


@pytest.mark.parametrize(
    "reason", ["content_filter", "network_error", "MALFORMED_FUNCTION_CALL", "error"]
)
def test_any_other_reason_is_an_error(reason):
    with pytest.raises(ProviderError, match=f"Provider finish_reason: {reason}"):
        read(text("a", reason))


def test_done_without_a_reason_is_an_end_where_something_came():
    assert read(text("a"))[-1].stop_reason == "stop"


@pytest.mark.parametrize(
    ("chunks", "is_told", "words"),
    [
        ([], True, "timed out.*empty stream"),
        ([], False, "timed out.*empty stream"),
        ([text("a")], False, "stream closed before the answer was complete"),
        (["{"], False, "malformed stream chunk"),
        ([{"error": {"message": "upstream is gone", "code": 502}}], False, "upstream is gone"),
    ],
)
def test_what_ends_for_no_good_reason_is_an_error(chunks, is_told, words):
    with pytest.raises(ProviderError, match=words):
        read(*chunks, is_told=is_told)


def test_arguments_and_text_after_a_call_are_limited():
    half = "x" * 130_000
    with pytest.raises(ProviderError, match="Exceeded tool-call argument buffer limit"):
        read(call(half), call(half))
    with pytest.raises(ProviderError, match="Exceeded post-tool-call text buffer limit"):
        read(call(), text(half), text(half))


@pytest.mark.parametrize(
    ("headers", "model", "expected"),
    [
        (
            {"x-kilo-model": "openai/gpt-5", "x-kilo-reason": "cheap"},
            None,
            ("openai/gpt-5", "cheap"),
        ),
        ({"x-kilo-decision": "d1"}, "openai/gpt-5", ("openai/gpt-5", "d1")),
        ({"x-kilo-model": "kilo/auto"}, "kilo/auto", (None, None)),
    ],
)
def test_the_routed_model_is_told(headers, model, expected):
    end = read(text("a", "stop") | ({"model": model} if model else {}), headers=headers)[-1]
    assert (end.routed_model, end.why) == expected


@pytest.mark.parametrize(("told", "cost"), [({}, None), ({"cost": 0}, 0.0), ({"cost": 0.5}, 0.5)])
def test_what_a_routed_model_cost_is_only_known_when_it_is_told(told, cost):
    usage = {"prompt_tokens": 8, "completion_tokens": 10} | told
    end = read(text("a", "stop") | {"model": "openai/gpt-5"}, {"choices": [], "usage": usage})[-1]
    assert (end.usage.input, end.usage.cost_usd) == (8, cost)
