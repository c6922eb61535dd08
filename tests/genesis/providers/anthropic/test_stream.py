"""Events of the Messages API as StreamEvents."""

import msgspec
import pytest

from genesis.core.events import StreamEnd, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import ProviderError
from genesis.core.model import Cost
from genesis.core.usage import Usage
from genesis.providers.anthropic.stream import EventReader

START = {
    "type": "message_start",
    "message": {
        "model": "claude-x-20260101",
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
}


def read(*chunks):
    reader = EventReader(Cost(input=1.0, output=2.0), provider="anthropic", model="claude-x")
    found = []
    for chunk in chunks:
        data = chunk if isinstance(chunk, str) else msgspec.json.encode(chunk)
        found += list(reader.feed(data))
    return [*found, *reader.end()]


def delta(kind, **more):
    return {"type": "content_block_delta", "index": 0, "delta": {"type": kind} | more}


def stop(reason, **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def tool(name):
    block = {"type": "tool_use", "id": f"id-{name}", "name": name, "input": {}}
    return {"type": "content_block_start", "content_block": block}


CLOSE = {"type": "content_block_stop", "index": 0}


def test_thoughts_text_and_usage():
    found = read(
        START,
        delta("thinking_delta", thinking="hm"),
        delta("signature_delta", signature="sig"),
        {"type": "ping"},
        delta("text_delta", text="hi"),
        stop("end_turn", output_tokens=20, input_tokens=None),
    )
    assert found[:3] == [
        ThinkingDelta("hm", "thinking"),
        ThinkingDelta("", "thinking", "sig"),
        TextDelta("hi"),
    ]
    assert found[3] == StreamEnd("stop", Usage(10, 20, 5, None, pytest.approx(0.00005)))


def test_calls_are_told_in_the_end():
    pieces = [delta("input_json_delta", partial_json=part) for part in ('{"p"', ":1}")]
    found = read(START, tool("read"), *pieces, CLOSE, tool("exec"), CLOSE, stop("tool_use"))
    assert found[:2] == [
        ToolCallReady("id-read", "read", '{"p":1}'),
        ToolCallReady("id-exec", "exec", "{}"),
    ]
    assert found[2].stop_reason == "tool_use"


def test_a_call_that_was_cut_short_is_not_run():
    half = delta("input_json_delta", partial_json='{"p')
    assert [one.stop_reason for one in read(tool("read"), half, stop("max_tokens"))] == ["length"]


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([], "timed out.*empty stream"),
        ([delta("text_delta", text="a")], "stream closed before the answer was complete"),
        ([stop("refusal")], "Provider finish_reason: refusal"),
        (["{"], "malformed stream event"),
        (
            [{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}],
            "Overloaded",
        ),
        (
            [tool("read"), *[delta("input_json_delta", partial_json="x" * 130_000)] * 2],
            "Exceeded tool-call argument buffer limit",
        ),
    ],
)
def test_what_ends_for_no_good_reason_is_an_error(chunks, words):
    with pytest.raises(ProviderError, match=words):
        read(*chunks)


def test_what_is_no_event_is_ignored():
    found = read("null", "[]", '{"type":"new"}', delta("new_delta"), stop("end_turn"))
    assert found == [StreamEnd("stop")]
