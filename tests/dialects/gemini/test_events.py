"""The identity path of streams."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.gemini.events import Stream, error_event, keep_alive
from tests.dialects.gemini.wire import events, needs_recordings, streams

TWO = events(
    {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}], "usageMetadata": {"promptTokenCount": 3}},
    {"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}],
     "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}},
)  # fmt: skip


@needs_recordings
def test_every_recorded_stream_passes_as_it_came() -> None:
    for one in streams():
        stream = Stream("chat")
        out = b"".join(stream.feed(one.reply[at : at + 50]) for at in range(0, len(one.reply), 50))
        out += stream.finish()
        assert out.rstrip() == one.reply.rstrip(), one.id
        assert stream.finish_reason, one.id


@given(st.lists(st.integers(0, len(TWO)), max_size=6))
def test_any_chunking_gives_the_same(cuts: list[int]) -> None:
    stream, out, last = Stream("chat"), b"", 0
    for cut in [*sorted(cuts), len(TWO)]:
        out += stream.feed(TWO[last:cut])
        last = cut
    assert out + stream.finish() == TWO
    assert (stream.usage.input_tokens, stream.usage.output_tokens) == (3, 2)
    assert stream.finish_reason == "STOP"


def test_an_array_is_one_whole() -> None:
    stream = Stream("chat", is_array=True)
    out = stream.feed(TWO[:40]) + stream.feed(TWO[40:]) + stream.finish()
    assert len(json.loads(out)) == 2


def test_the_last_chunk_tells_the_cost() -> None:
    stream = Stream("chat", cost_of=lambda _: 2_000_000)
    out = stream.feed(TWO) + stream.finish()
    assert out.count(b'"cost":0.002') == 1


def test_an_error_is_the_end() -> None:
    stream = Stream("chat")
    out = stream.feed(events({"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}))
    assert stream.has_ended
    assert stream.failed_at_once
    assert b"UNAVAILABLE" in out


@pytest.mark.parametrize(
    "body", [b'{"error":{"code":400,"message":"x"}}', b'[{"error":{"code":400,"message":"x"}}]']
)
def test_plain_json_instead_of_events_is_an_error(body: bytes) -> None:
    stream = Stream("chat")
    stream.feed(body)
    stream.finish()
    assert stream.error is not None


def test_a_stream_without_an_end_is_cut() -> None:
    stream = Stream("chat")
    stream.feed(events({"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]}))
    with pytest.raises(Fault) as caught:
        stream.finish()
    assert caught.value.kind is Kind.UPSTREAM_DISCONNECT


def test_a_fault_in_the_middle_is_the_last_chunk() -> None:
    fault = Fault(Kind.UPSTREAM_TIMEOUT, "Late.")
    assert (
        json.loads(error_event(fault, "r").removeprefix(b"data: "))["error"]["message"] == "Late."
    )
    whole = b'[{"a":1}' + error_event(fault, "r", is_array=True)
    assert json.loads(whole)[1]["error"]["message"] == "Late."
    assert keep_alive().startswith(b":")
    assert keep_alive(is_array=True).strip() == b""
