"""Streams, read: any chunks, any order, every recorded one; whole and streamed are the same."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Failed,
    Finished,
    OpaqueMade,
    Started,
    TextCited,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
    collect,
)
from kilo_gateway.dialects.anthropic_messages.answers import read_answer
from kilo_gateway.dialects.anthropic_messages.deltas import Reader
from kilo_gateway.dialects.conversation import Refusal, SealedThinking, Text, Thinking, ToolCall
from tests.dialects.anthropic_messages.wire import first_message, told, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

USAGE = {"input_tokens": 9, "output_tokens": 1, "service_tier": "standard"}
START = {"type": "message_start", "message": {"id": "m", "model": "claude-x", "usage": USAGE}}
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 5},
}
STOP = {"type": "message_stop"}


def wire(*events):
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in events
    )


def begin(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def more(index, kind, **members):
    delta = {"type": f"{kind}_delta", **members}
    return {"type": "content_block_delta", "index": index, "delta": delta}


def close(index):
    return {"type": "content_block_stop", "index": index}


def read(*events):
    reader = Reader()
    deltas = [*reader.feed(wire(*events)), *reader.finish()]
    assert reader.is_done
    return deltas


def test_a_text_is_read():
    deltas = read(
        START,
        begin(0, type="text", text=""),
        {"type": "ping"},
        more(0, "text", text="a"),
        more(0, "text", text=""),
        more(0, "text", text="b"),
        close(0),
        END,
        STOP,
    )
    assert deltas[0] == Started("m", "claude-x", service_tier="standard")
    assert deltas[2:5] == [TextDelta("a"), TextDelta("b"), Finished("stop", "end_turn")]
    assert usage_by_hand(deltas[-1].usage) == (9, 5, 0, 0, 0)
    assert isinstance(deltas[1], UsageTold)


def body(*events):
    return read(START, *events, END, STOP)[2:-2]


def test_thoughts_are_signed_at_their_end():
    assert body(
        begin(0, type="thinking", thinking="", signature=""),
        more(0, "thinking", thinking="a"),
        more(0, "signature", signature="s1"),
        more(0, "signature", signature="s2"),
        close(0),
        begin(1, type="thinking", thinking="", signature=""),
        more(1, "signature", signature="kg1.openai.s3"),
        close(1),
        begin(2, type="redacted_thinking", data="d"),
        close(2),
    ) == [
        ThinkingDelta("a"),
        ThinkingSigned("s1s2", "anthropic"),
        ThinkingDelta("", begins=True),
        ThinkingSigned("s3", "openai"),
        ThinkingSealed("d", "anthropic"),
    ]


def test_calls_are_counted_and_may_be_interleaved():
    assert body(
        begin(1, type="tool_use", id="i", name="n", input={}),
        begin(4, type="tool_use", id="j", name="m", input={}),
        more(1, "input_json", partial_json=""),
        more(4, "input_json", partial_json='{"a'),
        more(1, "input_json", partial_json="{}"),
        more(4, "input_json", partial_json='":1}'),
        close(4),
        close(1),
        begin(5, type="tool_use", id="k", name="o", input={}),
        close(5),
    ) == [
        CallStarted(0, "i", "n"),
        CallStarted(1, "j", "m"),
        CallDelta(1, '{"a'),
        CallDelta(0, "{}"),
        CallDelta(1, '":1}'),
        CallStarted(2, "k", "o"),
        CallDelta(2, "{}"),
    ]


def test_a_block_that_is_never_stopped_ends_with_the_message():
    deltas = body(begin(0, type="tool_use", id="i", name="n", input={"whole": 1}))
    assert deltas == [CallStarted(0, "i", "n"), CallDelta(0, '{"whole": 1}')]


def test_texts_begin_anew_and_are_cited():
    cited = {"type": "char_location", "document_index": 0, "cited_text": "c"}
    deltas = body(
        begin(0, type="text", text="a"),
        close(0),
        begin(1, type="text", text="", citations=[]),
        more(1, "citations", citation=cited),
        more(1, "text", text="b"),
        close(1),
        begin(2, type="text", text=""),
        close(2),
    )
    assert deltas[:2] == [TextDelta("a"), TextDelta("", begins=True)]
    assert isinstance(deltas[2], TextCited)
    assert json.loads(bytes(deltas[2].citation.raw)) == cited
    assert deltas[3:] == [TextDelta("b"), TextDelta("", begins=True)]


def opaque(*events):
    [made] = body(*events)
    assert isinstance(made, OpaqueMade)
    return json.loads(bytes(made.part.raw))


def test_blocks_of_this_dialect_are_made_whole():
    assert opaque(
        begin(0, type="server_tool_use", id="s", name="web_search", input={}),
        more(0, "input_json", partial_json='{"q":'),
        more(0, "input_json", partial_json='"x"}'),
        close(0),
    ) == {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}
    assert opaque(
        begin(0, type="compaction", content=None),
        more(0, "compaction", content="so "),
        more(0, "compaction", content="far", n=1),
        close(0),
    ) == {"type": "compaction", "content": "so far"}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    assert opaque(begin(0, **result), close(0)) == result


def test_why_the_api_declined_is_a_refusal():
    details = {"type": "refusal", "explanation": "No."}
    end = {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}
    answer = collect(read(START, end, STOP))
    assert (answer.parts, answer.stop) == ((Refusal("No."),), "refusal")


def test_an_error_ends_it():
    reader = Reader()
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}
    deltas = reader.feed(wire(START, error, END, STOP))
    assert json.loads(deltas[-1].error) == error["error"]
    assert isinstance(deltas[-1], Failed)
    assert (list(reader.feed(wire(STOP))), list(reader.finish())) == ([], [])
    assert not reader.is_done


@pytest.mark.parametrize(
    "data", [b"event: error\ndata: gone\n\n", b'event: error\ndata: {"a":1}\n\n']
)
def test_an_error_without_an_object_is_told_as_it_is(data):
    [failed] = Reader().feed(data)
    assert failed.error in data


def test_json_instead_of_a_stream_is_an_error():
    reader = Reader()
    assert reader.feed(b'{"type":"error","error":{"message":"m"}}') == []
    assert reader.finish() == [Failed(b'{"message":"m"}')]


def test_a_stream_without_its_last_event_is_whole():
    assert read(START, END)[-2:][0] == Finished("stop", "end_turn")
    assert read(START, STOP)[-1] == Finished(None)
    reader = Reader()
    reader.feed(wire(START, END).rstrip())
    assert reader.finish()
    assert reader.is_done


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.UPSTREAM_GARBAGE),
        (b"<html>", Kind.UPSTREAM_GARBAGE),
        (wire(START), Kind.UPSTREAM_DISCONNECT),
        (wire(START) + b'data: {"type":"mess', Kind.UPSTREAM_DISCONNECT),
        (b"data: {\n\n", Kind.UPSTREAM_DISCONNECT),
    ],
)
def test_a_stream_that_is_cut_or_none_is_a_fault(data, kind):
    reader = Reader()
    with pytest.raises(Fault) as caught:
        [*reader.feed(data), *reader.finish()]
    assert caught.value.kind is kind


def test_what_cannot_be_read_is_passed_over():
    odd = [
        {"type": "message_start", "message": 5},
        {"type": "content_block_start", "index": "x", "content_block": 5},
        {"type": "content_block_delta", "index": 7, "delta": 5},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta"}},
        {"type": "content_block_stop", "index": 9},
        {"type": "new"},
    ]
    reader = Reader()
    reader.feed(wire(*odd) + b'data: [DONE]\n\ndata: "x"\n\n' + wire(STOP))
    assert reader.is_done


PIECES = st.sampled_from(
    [
        b"event: content_block_delta\n",
        b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text"}}\n\n',
        b'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use"}}\n\n',
        b'data: {"type":"content_block_start","index":1,"content_block":{"type":"x"}}\n\n',
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}\n\n',
        b'data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{"}}\n\n',
        b'data: {"type":"content_block_stop","index":0}\n\n',
        b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n',
        b"\n\n",
        b": hello\n\n",
        b"data: ",
    ]
) | st.binary(max_size=8)


@given(st.lists(PIECES, max_size=12))
def test_no_bytes_crash_a_reader(pieces):
    reader = Reader()
    try:
        deltas = [delta for piece in pieces for delta in reader.feed(piece)]
        collect([*deltas, *reader.finish()])
    except Fault:
        pass


def _good_streams():
    if not TRAFFIC.is_dir():
        return []
    return [one for one in recordings("anthropic-messages") if one.is_good and one.is_stream]


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_every_recorded_stream_is_read_as_the_whole_reply_would_be():
    seen = 0
    for recording in _good_streams():
        reader = Reader()
        streamed = collect([*reader.feed(recording.reply), *reader.finish()])
        whole = read_answer(json.dumps(put_together(first_message(recording.reply))).encode())
        assert reader.is_done
        assert told(with_compact(streamed)) == told(with_compact(whole)), recording.id
        seen += 1
    assert seen > 120


def put_together(stream):
    """The whole message, as the vendor's SDKs accumulate it. Written independently of the reader."""
    message, inputs = {}, {}
    for line in stream.decode().splitlines():
        if not line.startswith("data:"):
            continue
        event = json.loads(line.partition(":")[2])
        content = message.get("content")
        if event["type"] == "message_start":
            message = event["message"]
        elif event["type"] == "content_block_start":
            content.append(event["content_block"])
        elif event["type"] == "content_block_delta":
            block, delta = content[event["index"]], event["delta"]
            if delta["type"] == "input_json_delta":
                inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
            elif delta["type"] == "citations_delta":
                block.setdefault("citations", []).append(delta["citation"])
            else:
                name = delta["type"].removesuffix("_delta")
                block[name] = block.get(name, "") + delta[name]
        elif event["type"] == "content_block_stop" and inputs.get(event["index"]):
            content[event["index"]]["input"] = json.loads(inputs[event["index"]])
        elif event["type"] == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
    return message


def with_compact(answer):
    """JSON that the model or the server wrote, without its white space."""
    return answer.__class__(
        tuple(_compact(part) for part in answer.parts),
        *[getattr(answer, name) for name in answer.__struct_fields__[1:]],
    )


def _compact(part):
    if isinstance(part, ToolCall):
        return (part.id, part.name, json.loads(part.arguments))
    if isinstance(part, Text):
        return (part.text, [json.loads(bytes(one.raw)) for one in part.citations])
    if isinstance(part, Thinking | SealedThinking):
        return part
    return (part.kind, json.loads(bytes(part.raw)))


STREAMS = sorted(_good_streams(), key=lambda one: len(one.reply))[:60]


@pytest.mark.skipif(not STREAMS, reason=WHY_SKIPPED)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_chunks_give_the_same_deltas(data):
    recording = data.draw(st.sampled_from(STREAMS))
    cuts = data.draw(st.lists(st.integers(0, len(recording.reply)), max_size=12))
    reader, at, deltas = Reader(), 0, []
    for cut in [*sorted(cuts), len(recording.reply)]:
        deltas += reader.feed(recording.reply[at:cut])
        at = cut
    deltas += reader.finish()
    once = Reader()
    assert deltas == [*once.feed(recording.reply), *once.finish()]


def test_usage_is_unknown_where_it_is_not_told():
    start = {"type": "message_start", "message": {"id": "m"}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    assert collect(read(start, end, STOP)).usage == Usage()
