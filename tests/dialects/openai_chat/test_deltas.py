"""Streams: every recorded one is read, however it is cut; a whole reply and its stream are the same; what is written is read again."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.answer import (
    Answer,
    Delta,
    Failed,
    Started,
    TextDelta,
    UsageTold,
    collect,
)
from kilo_gateway.dialects.conversation import Text, Thinking, ToolCall
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.openai_chat.answers import read_answer
from kilo_gateway.dialects.openai_chat.deltas import Reader
from kilo_gateway.dialects.openai_chat.stream_writer import Writer
from tests.dialects.openai_chat.test_answers import comparable, read_usage, told_usage
from tests.dialects.recordings import FILES, TRAFFIC, WHY_SKIPPED, recordings

CHAT = tuple(file for file, (dialect, _) in FILES.items() if dialect == "openai_chat")
SHOWN = Shown("call_7", "some/model", 1_700_000_000)
needs_traffic = pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)


def read(wire: bytes, cuts=()) -> list[Delta]:
    reader, start = Reader("chat"), 0
    found: list[Delta] = []
    for cut in (*cuts, len(wire)):
        found += reader.feed(wire[start:cut])
        start = cut
    return [*found, *reader.finish()]


def wire(*chunks: dict[str, Any] | bytes, done=True) -> bytes:
    events = [chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode() for chunk in chunks]
    return b"".join(b"data: %b\n\n" % event for event in (*events, *([b"[DONE]"] if done else [])))


def said(reason=None, **delta) -> dict[str, Any]:
    return {"id": "r", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def essence(answer: Answer) -> tuple[Any, ...]:
    """What was said, thought and called, and how it ended, in whichever order."""
    parts = answer.parts
    text = "".join(part.text for part in parts if isinstance(part, Text))
    thoughts = "".join(part.text for part in parts if isinstance(part, Thinking))
    calls = [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]
    return text, thoughts, calls, answer.stop


def streams(file):
    for recording in recordings(file):
        if recording.is_good and recording.is_stream:
            yield recording


def chunks_of(reply: bytes) -> list[dict[str, Any]]:
    """The JSON of a stream's events, taken out by this test's own means."""
    lines = [
        line.partition(b":")[2].strip() for line in reply.splitlines() if line.startswith(b"data:")
    ]
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def whole_of(chunks: list[dict[str, Any]]) -> bytes:
    """The whole reply that a stream's first choice makes, put together by this test's own rules."""
    message: dict[str, Any] = {"content": ""}
    calls: dict[Any, dict[str, Any]] = {}
    reason = None
    for chunk in chunks:
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue
            reason = choice.get("finish_reason") or reason
            add(message, calls, choice.get("delta") or {})
    if calls:
        message["tool_calls"] = list(calls.values())
    usage = next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)
    groq = next(
        (chunk["x_groq"] for chunk in chunks if (chunk.get("x_groq") or {}).get("usage")), None
    )
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": usage,
        "x_groq": groq,
    }
    return json.dumps(body).encode()


def add(message: dict[str, Any], calls: dict[Any, dict[str, Any]], delta: dict[str, Any]) -> None:
    content = delta.get("content")
    if isinstance(content, list):
        for piece in content:
            if piece["type"] == "thinking":
                text = "".join(one["text"] for one in piece["thinking"])
                message["reasoning"] = message.get("reasoning", "") + text
            else:
                message["content"] += piece["text"]
    elif content:
        message["content"] += content
    details = [
        one.get("text") or one.get("summary") or "" for one in delta.get("reasoning_details") or ()
    ]
    thought = delta.get("reasoning_content") or delta.get("reasoning") or "".join(details)
    if thought:
        message["reasoning"] = message.get("reasoning", "") + thought
    for wire_call in delta.get("tool_calls") or ():
        key = (
            wire_call.get("index") if wire_call.get("index") not in {None, -1} else wire_call["id"]
        )
        call = calls.setdefault(
            key, {"id": wire_call.get("id"), "function": {"name": "", "arguments": ""}}
        )
        function = wire_call.get("function") or {}
        call["function"]["name"] = call["function"]["name"] or function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_a_recorded_stream_is_what_its_whole_reply_would_be(file):
    wrong = []
    for recording in streams(file):
        found = read(recording.reply)
        if any(isinstance(delta, Failed) for delta in found):
            continue
        whole = read_answer(whole_of(chunks_of(recording.reply)))
        assert whole is not None
        answer = collect(found)
        if essence(whole) != essence(answer) or read_usage(whole.usage) != read_usage(answer.usage):
            wrong.append(recording.id)
    assert not wrong


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_usage_of_a_recorded_stream(file):
    for recording in streams(file):
        chunks = chunks_of(recording.reply)
        told = [one for one in chunks if one.get("usage") or (one.get("x_groq") or {}).get("usage")]
        wanted = told_usage(told[-1]) if told else (None,) * 4
        assert read_usage(collect(read(recording.reply)).usage) == wanted, recording.id


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_any_way_of_cutting_a_recorded_stream_gives_the_same(file):
    for recording in streams(file):
        dice, size = random.Random(recording.id), len(recording.reply)
        cuts = sorted(dice.randrange(size + 1) for _ in range(dice.choice([1, 5, 40])))
        assert read(recording.reply, cuts) == read(recording.reply), recording.id


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_a_recorded_stream_comes_back_as_it_was_told(file):
    wrong = []
    for recording in streams(file):
        found = read(recording.reply)
        answer = collect(found)
        again = collect(read(written(found, answer.usage)))
        if comparable(again) != comparable(answer):
            wrong.append(recording.id)
    assert not wrong


def written(deltas, usage: Usage = UNKNOWN_USAGE, cost=None, shown=SHOWN) -> bytes:
    writer = Writer(shown)
    return b"".join(writer.write([delta]) for delta in deltas) + writer.finish(usage, cost)


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_what_is_written_is_what_openais_own_types_take(file):
    for recording in list(streams(file))[:40]:
        found = read(recording.reply)
        if any(isinstance(delta, Failed) for delta in found):
            continue
        for chunk in chunks_of(written(found, collect(found).usage)):
            ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True)


def test_an_error_is_read_after_what_stands_beside_it():
    chunk = said(content="x") | {
        "error": {"code": 400},
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    kinds = [type(delta) for delta in read(wire(chunk, said(content="never")))]
    assert kinds == [Started, TextDelta, UsageTold, Failed]


@pytest.mark.parametrize(
    "body",
    [b'event: error\ndata: {"message":"x"}\n\n', b"event: error\ndata: not json\n\n", b'{"error":{"code":500}}', b'data: {"error":"x"}\n\n'],
)  # fmt: skip
def test_an_error_instead_of_a_stream(body):
    (found,) = read(body)
    assert isinstance(found, Failed)


def test_a_whole_reply_instead_of_a_stream_is_an_answer():
    body = {"id": "r", "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    assert collect(read(json.dumps(body, indent=2).encode())).parts == (Text("hi"),)


def test_a_stream_may_end_without_done_if_it_has_finished():
    assert collect(read(wire(said(content="x"), said("stop"), done=False))).stop == "stop"
    assert read(b"") == []
    assert read(b": waiting\n\n") == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (wire(said(content="x"), done=False), Kind.UPSTREAM_DISCONNECT),
        (b'data: {"choices":[{"del', Kind.UPSTREAM_DISCONNECT),
        (b"<html>no</html>", Kind.UPSTREAM_GARBAGE),
        (b"{}", Kind.UPSTREAM_GARBAGE),
    ],
)
def test_a_stream_that_is_cut_or_is_none(body, kind):
    with pytest.raises(Fault) as caught:
        read(body)
    assert caught.value.kind is kind


def test_only_the_first_of_several_choices_is_read():
    other = {
        "id": "r",
        "choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}],
    }
    answer = collect(read(wire(said(content="yes"), other, said("stop"))))
    assert (answer.parts, answer.stop) == ((Text("yes"),), "stop")


def test_what_comes_after_the_finish_reason_still_counts():
    answer = collect(
        read(
            wire(
                said("tool_calls", content="a"),
                said(content="b"),
                {"choices": [], "usage": {"prompt_tokens": 1}},
            )
        )
    )
    assert answer == Answer((Text("ab"),), "tool_calls", answer.usage, "r", raw_stop="tool_calls")
    assert answer.usage.input_tokens == 1


def test_the_reader_says_when_it_is_done():
    reader = Reader("chat")
    reader.feed(wire(said("stop", content="x"), done=False))
    assert not reader.is_done
    reader.feed(b"data: [DONE]\n\n")
    assert reader.is_done


def test_calls_without_an_id_are_named_alike_in_whole_replies_and_streams():
    call = {"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    streamed = collect(read(wire(said(tool_calls=[call | {"index": 0}]), said("stop"))))
    body = {
        "id": "r",
        "choices": [{"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "stop"}],
    }
    whole = read_answer(json.dumps(body).encode())
    assert whole is not None
    assert streamed.parts == whole.parts
    assert isinstance(whole.parts[0], ToolCall)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_any_bytes_are_deltas_or_a_fault_however_they_are_cut(body, cuts):
    for one in (body, b"data: " + body + b"\n\n", wire(said(content="x"), body)):
        outcomes = []
        for places in ((), sorted(min(cut, len(one)) for cut in cuts)):
            try:
                outcomes.append(read(one, places))
            except Fault as fault:
                outcomes.append(fault.kind)
        assert outcomes[0] == outcomes[1]
