"""Streams, read and written."""

import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import APIError, OpenAI

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.answer import (
    Answer,
    CallDelta,
    CallStarted,
    Failed,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    collect,
    deltas_of,
)
from kilo_gateway.dialects.conversation import Text, Thinking, ToolCall
from kilo_gateway.dialects.openai_responses.answers import read_answer, write_answer
from kilo_gateway.dialects.openai_responses.deltas import Reader, Writer
from tests.dialects.openai_responses.recorded import (
    SHOWN,
    answer_of,
    answers,
    essence,
    needs_recordings,
)
from tests.dialects.openai_responses.test_events import DELTA, event, events_in


def read(wire: bytes, *cuts: int):
    reader, found, at = Reader(), [], 0
    for cut in cuts:
        found += reader.feed(wire[at : at + cut])
        at += cut
    return [*found, *reader.feed(wire[at:]), *reader.finish()]


def written(answer: Answer, shown=SHOWN, cost=None) -> bytes:
    writer = Writer(shown)
    return b"".join(writer.write([delta]) for delta in deltas_of(answer)) + writer.finish(
        answer.usage, cost
    )


# Whose deltas and whole reply differ in the recording itself.
DIFFERING = {
    "openai.openai-responses.ed9f54f3": "three server tools end in another order than they began",
    "openai.openai-responses.0c12a649": "written by hand: one character of its deltas is another",
}


@needs_recordings
def test_every_recorded_stream_gives_what_its_last_event_tells_whole():
    count = 0
    for one in answers():
        if not one.is_stream or one.is_failed or one.is_chained or one.id in DIFFERING:
            continue
        whole = read_answer(json.dumps(one.last).encode())
        assert whole is not None
        streamed = answer_of(one)
        one_way = essence(streamed, is_sealed_alike=True)
        if not one.last["output"]:  # told in its items alone
            assert one_way.parts, one.id
            continue
        assert one_way == essence(whole, is_sealed_alike=True), one.id
        count += 1
    assert count > 140


@needs_recordings
def test_recorded_streams_may_be_cut_anywhere():
    for one in answers()[::3]:
        if one.is_stream and len(one.reply) < 60_000:
            assert read(one.reply, *([997] * (len(one.reply) // 997))) == read(one.reply), one.id


@needs_recordings
def test_every_recorded_answer_is_streamed_as_it_is_told_whole():
    for one in answers():
        answer = answer_of(one)
        if answer.stop in {None, "error"}:
            continue
        wire = written(answer)
        again = collect(read(wire))
        assert essence(again) == essence(answer), one.id
        told = events_in(wire)[-1]["response"]
        assert told == json.loads(write_answer(answer, SHOWN)), one.id


def test_events_come_as_the_real_api_sends_them():
    deltas = [
        Started(),
        ThinkingDelta("hm", is_summary=True),
        ThinkingSigned("s", "openai"),
        TextDelta("a"),
        TextDelta("b"),
        CallStarted(0, "c0", "f"),
        CallDelta(0, "{"),
        CallStarted(1, "c1", "g"),
        CallDelta(1, "{}"),
        CallDelta(0, "}"),
        Finished("tool_calls"),
    ]
    writer = Writer(SHOWN)
    wire = writer.write(deltas) + writer.finish(Usage(1, 2), None)
    events = events_in(wire)
    assert [one["type"].removeprefix("response.") for one in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert [one.arguments for one in collect(read(wire)).parts if isinstance(one, ToolCall)] == [
        "{}",
        "{}",
    ]
    names = [line[7:].decode() for line in wire.splitlines() if line.startswith(b"event: ")]
    assert names == [one["type"] for one in events]


def test_a_failure_becomes_an_error_and_a_terminal_event():
    writer = Writer(SHOWN)
    wire = writer.write(
        [Started(), TextDelta("a"), Failed(b'{"code":"x","message":"No."}'), TextDelta("b")]
    )
    *_, error, failed = events_in(wire)
    assert (error["type"], error["code"], error["error"]["message"]) == ("error", "x", "No.")
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["output"][0]["content"][0]["text"] == "a"
    assert writer.finish(UNKNOWN_USAGE, None) == b""
    assert collect(read(wire)).stop == "error"


def test_a_reply_that_failed_without_a_word_ends_as_failed():
    assert events_in(written(Answer((), "error")))[-1]["type"] == "response.failed"


def test_an_empty_reply_is_still_a_whole_stream():
    assert [one["type"] for one in events_in(Writer(SHOWN).finish(UNKNOWN_USAGE, None))] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]


def test_cost_and_tier_are_in_the_last_event():
    writer = Writer(SHOWN)
    wire = writer.write([Started(service_tier="flex")]) + writer.finish(Usage(1, 1), 1_000)
    told = events_in(wire)[-1]["response"]
    assert told["usage"]["cost"] == 0.000001
    assert told["service_tier"] == "flex"


def test_an_error_event_and_a_failed_response_are_failures():
    assert read(event("error", code="c", message="m"))[0].error.startswith(b'{"type":"error"')
    assert read(event("error", error={"code": "c"})) == [Failed(b'{"code":"c"}')]
    wire = event("response.failed", response={"error": {"code": "c"}, "usage": {"input_tokens": 1}})
    usage, failed = read(wire)
    assert usage.usage.input_tokens == 1
    assert failed == Failed(b'{"code":"c"}')
    assert read(b"event: error\ndata: broken\n\n") == [Failed(b"broken")]


def test_a_json_body_instead_of_a_stream():
    assert read(b'{"error":{"message":"no"}}') == [Failed(b'{"message":"no"}')]
    for body in (b"", b"<html>", b'{"output":[]}'):
        with pytest.raises(Fault) as raised:
            read(body)
        assert raised.value.kind is Kind.UPSTREAM_GARBAGE


def test_a_cut_stream_is_a_fault():
    with pytest.raises(Fault) as raised:
        read(DELTA)
    assert raised.value.kind is Kind.UPSTREAM_DISCONNECT


def test_a_stream_that_tells_all_at_the_end():
    item = {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}
    wire = event("response.completed", response={"model": "m", "output": [item]})
    answer = collect(read(wire))
    assert answer.parts[0].text == "hi"
    assert (answer.model, answer.stop) == ("m", "stop")


KINDS = st.sampled_from(
    [
        "response.created",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.reasoning_text.delta",
        "response.output_text.annotation.added",
        "response.completed",
        "error",
    ]
)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "reasoning", "function_call", "odd", 1]),
        "id": st.sampled_from(["a", "b", None]),
        "name": st.just("f"),
        "call_id": st.just("c"),
        "arguments": st.sampled_from(["", "{}", 1]),
        "content": st.sampled_from([None, "x", [], [{"type": "output_text", "text": "x"}], [1]]),
        "summary": st.sampled_from([None, [], [{"text": "s"}]]),
        "encrypted_content": st.sampled_from([None, "e", "kg1.google.call:x"]),
    },
)
EVENTS = st.builds(
    lambda kind, members: event(kind, **members),
    KINDS,
    st.fixed_dictionaries(
        {},
        optional={
            "item": ITEMS,
            "output_index": st.sampled_from([0, 1, None, "x"]),
            "delta": st.sampled_from(["d", 1]),
            "response": st.sampled_from([None, {}, {"output": [1]}, {"usage": {}}]),
            "annotation": st.sampled_from([None, {}, 1]),
        },
    ),
)


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=8), st.lists(st.integers(1, 60), max_size=20))
def test_any_events_in_any_pieces_give_the_same_deltas(events, cuts):
    wire = b"".join(events)
    try:
        whole = read(wire)
    except Fault:
        with pytest.raises(Fault):
            read(wire, *cuts)
        return
    assert read(wire, *cuts) == whole
    collect(whole)


@given(st.binary(max_size=300))
def test_any_bytes_are_deltas_or_a_fault(wire):
    kinds = set[Kind]()
    try:
        read(wire)
    except Fault as fault:
        kinds.add(fault.kind)
    assert kinds <= {Kind.UPSTREAM_GARBAGE, Kind.UPSTREAM_DISCONNECT}


def asked_by_the_sdk(wire: bytes) -> OpenAI:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=wire)

    transport = httpx.MockTransport(answer)
    return OpenAI(
        api_key="none",
        base_url="http://gateway.example/v1",
        max_retries=0,
        http_client=httpx.Client(transport=transport),
    )


def test_the_sdk_puts_a_stream_together():
    parts = (
        Thinking("hm", "s", "anthropic"),
        Text("a"),
        ToolCall("c0", "f", "{}"),
        ToolCall("c1", "g", "{}"),
    )
    wire = written(Answer(parts, "tool_calls", Usage(1, 2)))
    with asked_by_the_sdk(wire).responses.stream(model="m", input="x") as stream:
        response = stream.get_final_response()
    assert response.output_text == "a"
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert response.usage is not None
    assert response.usage.total_tokens == 3


def test_the_sdk_raises_a_failure():
    wire = Writer(SHOWN).write([Started(), TextDelta("a"), Failed(b'{"code":"x","message":"No."}')])
    with pytest.raises(APIError, match="No"):
        list(asked_by_the_sdk(wire).responses.create(model="m", input="x", stream=True))
