"""Streams taken apart: everything recorded, any cut, whole and streamed alike, and any bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.answer import Failed, MediaMade, collect
from kilo_gateway.dialects.bedrock.answers import read_answer
from kilo_gateway.dialects.bedrock.deltas import Reader
from kilo_gateway.dialects.bedrock.schema import NAME
from kilo_gateway.dialects.conversation import (
    Media,
    Opaque,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.frames import event_frame, exception_frame
from tests.dialects.bedrock.wire import same_answer, told_usage, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings


def frame(name, **payload):
    return event_frame(name, json.dumps(payload).encode())


def start(index, **begun):
    return frame("contentBlockStart", contentBlockIndex=index, start=begun)


def delta(index, **grown):
    return frame("contentBlockDelta", contentBlockIndex=index, delta=grown)


def stop(index):
    return frame("contentBlockStop", contentBlockIndex=index)


def read(*frames, size=1_000_000):
    reader, wire = Reader(), b"".join(frames)
    found = [one for at in range(0, len(wire), size) for one in reader.feed(wire[at : at + size])]
    return [*found, *reader.finish()]


BEGIN = frame("messageStart", role="assistant")
END = frame("messageStop", stopReason="end_turn")
USED = frame("metadata", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, metrics={})
BLOCKS = [
    delta(0, reasoningContent={"text": "Hm"}),
    delta(0, reasoningContent={"text": "m."}),
    delta(0, reasoningContent={"signature": "s1"}),
    stop(0),
    delta(1, reasoningContent={"redactedContent": "YWI="}),
    stop(1),
    delta(2, text="Hi"),
    delta(2, text="!"),
    delta(2, citation={"title": "t", "location": {"web": {"url": "https://u"}}}),
    stop(2),
    delta(3, text="More"),
    stop(3),
    start(4, toolUse={"toolUseId": "i", "name": "n"}),
    start(5, toolUse={"toolUseId": "j", "name": "m"}),
    delta(4, toolUse={"input": '{"a"'}),
    delta(5, toolUse={"input": ""}),
    delta(4, toolUse={"input": ":1}"}),
    stop(4),
    stop(5),
]
WHOLE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "s1"}}},
                {"reasoningContent": {"redactedContent": "YWI="}},
                {
                    "citationsContent": {
                        "content": [{"text": "Hi!"}],
                        "citations": [{"title": "t", "location": {"web": {"url": "https://u"}}}],
                    }
                },
                {"text": "More"},
                {"toolUse": {"toolUseId": "i", "name": "n", "input": {"a": 1}}},
                {"toolUse": {"toolUseId": "j", "name": "m", "input": {}}},
            ],
        }
    },
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
}


def test_whole_and_streamed_are_the_same():
    answer = collect(read(BEGIN, *BLOCKS, END, USED))
    assert [type(part) for part in answer.parts] == [
        Thinking,
        SealedThinking,
        Text,
        Text,
        ToolCall,
        ToolCall,
    ]
    wire = json.dumps(WHOLE, separators=(",", ":")).encode()
    assert same_answer(answer, read_answer(wire))


@given(st.integers(1, 200))
def test_any_cut_gives_the_same(size):
    wire = (BEGIN, *BLOCKS, END, USED)
    assert same_answer(collect(read(*wire, size=size)), collect(read(*wire)))


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
@pytest.mark.parametrize("size", [5, 1_000, 1_000_000])
def test_everything_recorded_is_read(size):
    count = 0
    for recording in recordings("bedrock"):
        if recording.is_stream and recording.is_good:
            answer = collect(read(recording.reply, size=size))
            assert answer.parts, recording.id
            assert answer.stop not in {None, "error"}
            assert usage_by_hand(answer.usage) == usage_by_hand(told_usage(recording)), recording.id
            count += 1
    assert count == 37


def test_the_services_own_tools_are_kept_whole():
    call = start(0, toolUse={"toolUseId": "i", "name": "code", "type": "server_tool_use"})
    result = start(1, toolResult={"toolUseId": "i", "type": "code_result", "status": "success"})
    grown = delta(0, toolUse={"input": '{"x":1}'}), delta(1, toolResult=[{"json": {"exitCode": 0}}])
    answer = collect(read(BEGIN, call, grown[0], stop(0), result, grown[1], stop(1), END, USED))
    first, second = answer.parts
    assert isinstance(first, Opaque)
    assert (first.dialect, first.kind) == (NAME, "toolUse")
    told = json.loads(bytes(first.raw))["toolUse"]
    assert told == {"toolUseId": "i", "name": "code", "input": {"x": 1}, "type": "server_tool_use"}
    told = json.loads(bytes(second.raw))["toolResult"]
    assert (told["type"], told["content"]) == ("code_result", [{"json": {"exitCode": 0}}])


def test_a_picture_is_made_whole():
    begun = start(0, image={"format": "png"})
    found = read(BEGIN, begun, delta(0, image={"source": {"bytes": "UA=="}}), stop(0), END)
    assert MediaMade(Media("image", "image/png", "UA==")) in found


def test_usage_may_come_first_and_blocks_may_stay_open():
    reader = Reader()
    found = reader.feed(
        BEGIN + delta(0, reasoningContent={"text": "a", "signature": "s"}) + USED + END
    )
    assert reader.is_done
    (part,) = collect(found).parts
    assert part == Thinking("a", "s", "anthropic")
    assert reader.feed(BEGIN) == reader.finish() == []


def test_an_exception_ends_it():
    failed = exception_frame("throttlingException", b'{"message":"slow"}')
    *_, last = read(BEGIN, delta(0, text="a"), failed, END)
    assert isinstance(last, Failed)
    assert json.loads(last.error) == {"message": "slow", "type": "throttlingException", "code": 429}


@pytest.mark.parametrize("wire", [b"", BEGIN, BEGIN + END[:-1], b"data: {}\n\n"])
def test_a_cut_stream_is_a_fault(wire):
    reader = Reader()
    with pytest.raises(Fault) as raised:  # noqa: PT012 - either may find it out
        reader.feed(wire)
        reader.finish()
    assert raised.value.kind in {Kind.UPSTREAM_DISCONNECT, Kind.UPSTREAM_GARBAGE}


NAMES = st.sampled_from(
    ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "ping"]
)  # fmt: skip
PIECES = st.sampled_from([b"", b"{}", b"[]", b"null", b'{"start":{"toolUse":{}}}', b'{"delta":{"toolUse":{"input":"x"}}}', b'{"delta":{"text":"a"}}', b'{"delta":{"reasoningContent":{"redactedContent":"%"}}}', b'{"delta":{"citation":3}}', b'{"start":{"toolUse":{"type":"server_tool_use"}}}', b'{"usage":7}', b'{"contentBlockIndex":1}'])  # fmt: skip


@given(st.lists(st.tuples(NAMES, PIECES), max_size=12))
def test_any_events_give_deltas(events):
    reader = Reader()
    collect(reader.feed(b"".join(event_frame(name, payload) for name, payload in events)))
