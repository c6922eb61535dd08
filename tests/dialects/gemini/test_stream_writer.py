"""Streams, written: read again they are the same answer; they end as they must."""

import json
from typing import Any

import pytest

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Failed,
    Finished,
    Started,
    TextDelta,
    collect,
    deltas_of,
)
from kilo_gateway.dialects.gemini.answers import read_answer
from kilo_gateway.dialects.gemini.deltas import Reader
from kilo_gateway.dialects.gemini.stream_writer import Writer, error_of_upstream
from kilo_gateway.dialects.hub import Shown
from tests.dialects.gemini.test_answers import essence
from tests.dialects.gemini.wire import SHOWN, needs_recordings, wholes


def bodies(wire: bytes) -> list[Any]:
    return [json.loads(event.removeprefix(b"data: ")) for event in wire.split(b"\n\n") if event]


@needs_recordings
def test_every_recorded_answer_is_streamed_as_it_is_told_whole() -> None:
    differing = []
    for one in wholes():
        answer = read_answer(one.reply)
        assert answer is not None
        writer = Writer(SHOWN)
        wire = b"".join(writer.write([delta]) for delta in deltas_of(answer))
        wire += writer.finish(answer.usage, None)
        reader = Reader()
        again = collect([*reader.feed(wire), *reader.finish()])
        if essence(again) != essence(answer):
            differing.append(one.id)
    assert not differing


def test_a_call_is_held_back_until_it_is_complete() -> None:
    writer = Writer(SHOWN)
    out = writer.write([Started("id", "m"), CallStarted(0, "c", "f"), CallDelta(0, '{"a"')])
    assert out == b""
    out = writer.write([CallDelta(0, ":1}"), TextDelta("and")])
    (body,) = bodies(out)
    parts = body["candidates"][0]["content"]["parts"]
    assert [next(iter(part)) for part in parts] == ["functionCall", "text"]
    assert parts[0]["functionCall"]["args"] == {"a": 1}


def test_the_last_chunk_tells_why_and_how_much() -> None:
    writer = Writer(SHOWN)
    writer.write([TextDelta("a"), Finished("length")])
    (body,) = bodies(writer.finish(Usage(input_tokens=3, output_tokens=2), 5_000_000))
    assert body["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert body["usageMetadata"] == {
        "promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5, "cost": 0.005,
    }  # fmt: skip
    assert writer.finish(Usage(), None) == b""


def test_a_failure_is_an_error_and_the_end() -> None:
    writer = Writer(SHOWN)
    out = writer.write([TextDelta("a"), Failed(b'{"message":"broke","code":503}'), TextDelta("b")])
    assert bodies(out)[-1]["error"]["message"] == "broke"
    assert len(bodies(out)) == 2
    assert writer.finish(Usage(), None) == b""


def test_without_events_it_is_one_array() -> None:
    writer = Writer(Shown("req_1", "m", 1))
    out = writer.write([TextDelta("a"), TextDelta("b"), Finished("stop")]) + writer.finish(
        Usage(), None
    )
    assert len(json.loads(out)) == 3


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (b'{"code":429,"message":"slow"}', 429, "slow"),
        (b'{"error":{"type":"overloaded_error","message":"busy"}}', 502, "busy"),
        (b'"text"', 502, "text"),
        (b"{", 502, "The upstream failed in the middle of its answer. Try again, or use another model."),
        (b'{"code":"rate_limit"}', 502, "The upstream failed in the middle of its answer. Try again, or use another model."),
    ],
)  # fmt: skip
def test_errors_of_all_vendors_get_googles_shape(error: bytes, code: int, message: str) -> None:
    told = json.loads(error_of_upstream(error))["error"]
    assert (told["code"], told["message"]) == (code, message)
    assert told["status"]
