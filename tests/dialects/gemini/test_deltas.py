"""Streams, read: any chunking gives the same, and the same as a whole reply."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.answer import Delta, Failed, collect
from kilo_gateway.dialects.conversation import Media, Opaque, Text, ToolCall
from kilo_gateway.dialects.gemini.answers import read_answer
from kilo_gateway.dialects.gemini.deltas import Reader
from tests.dialects.gemini.wire import events, needs_recordings, one_of, reply, streams


def read(wire: bytes, step: int = 1_000_000) -> list[Delta]:
    reader = Reader()
    found: list[Delta] = []
    for at in range(0, len(wire), step):
        found += reader.feed(wire[at : at + step])
    return [*found, *reader.finish()]


def chunk(*parts: object, **candidate: object) -> dict[str, object]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **candidate}]}


@needs_recordings
def test_every_recorded_stream_is_read_under_any_chunking() -> None:
    seen = 0
    for one in streams():
        whole = read(one.reply)
        assert read(one.reply, 37) == whole, one.id
        text = "".join(
            part.get("text", "")
            for line in one.reply.splitlines()
            if line.startswith(b"data:")
            for candidate in json.loads(line[5:]).get("candidates", [])
            for part in (candidate.get("content") or {}).get("parts") or []
            if not part.get("thought")
        )
        answer = collect(whole)
        assert "".join(part.text for part in answer.parts if isinstance(part, Text)) == text, one.id
        assert answer.stop, one.id
        seen += 1
    assert seen > 70


@needs_recordings
def test_a_json_error_under_the_name_of_a_stream_is_one() -> None:
    recording = one_of("c861e687")
    (failed,) = [one for one in read(recording.reply) if isinstance(one, Failed)]
    assert json.loads(failed.error)["code"] >= 400


def test_a_whole_reply_is_read_as_its_stream_is() -> None:
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": "s1"},
        {"text": "Hel"},
        {"text": "lo", "thoughtSignature": "s2"},
        {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s3"},
        {"functionCall": {"name": "g"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"executableCode": {"code": "1"}},
    ]
    whole = read_answer(reply(*parts, responseId="r"))
    pieces = [chunk(part) | {"responseId": "r"} for part in parts]
    streamed = collect(read(events(*pieces, chunk({"text": ""}, finishReason="STOP"))))
    assert whole is not None
    assert [type(part) for part in streamed.parts] == [type(part) for part in whole.parts]
    assert streamed.parts[:5] == whole.parts[:5]
    assert isinstance(whole.parts[-1], Opaque)
    assert whole.parts[-2] == Media("image", "image/png", "AAAA")


def test_arguments_in_pieces_are_put_together() -> None:
    started = {"functionCall": {"name": "f", "willContinue": True}}
    more = {
        "functionCall": {
            "partialArgs": [{"jsonPath": "$.city", "stringValue": "Ber"}],
            "willContinue": True,
        }
    }
    last = {"functionCall": {"partialArgs": [{"jsonPath": "$.city", "stringValue": "lin"}]}}
    answer = collect(
        read(events(chunk(started), chunk(more), chunk(last), chunk(finishReason="STOP")))
    )
    (call,) = answer.parts
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"city": "Berlin"}


@pytest.mark.parametrize(
    ("reason", "parts", "stop"),
    [
        ("STOP", [{"text": "a"}], "stop"),
        ("STOP", [{"functionCall": {"name": "f"}}], "tool_calls"),
        ("UNEXPECTED_TOOL_CALL", [{"functionCall": {"name": "f"}}], "tool_calls"),
        ("UNEXPECTED_TOOL_CALL", [], "error"),
        ("MALFORMED_FUNCTION_CALL", [{"functionCall": {"name": "f"}}], "error"),
        ("OTHER", [{"text": "a"}], "error"),
        ("MAX_TOKENS", [{"functionCall": {"name": "f"}}], "length"),
        ("SPII", [], "content_filter"),
        ("A_NEW_ONE", [{"text": "a"}], "stop"),
        (5, [{"text": "a"}], "error"),
    ],
)
def test_why_it_stopped(reason: object, parts: list[object], stop: str) -> None:
    answer = read_answer(reply(*parts, candidate={"finishReason": reason}))
    assert answer is not None
    assert answer.stop == stop


def test_usage_that_grows_is_told_at_its_last() -> None:
    one = chunk({"text": "a"}) | {"usageMetadata": {"promptTokenCount": 3}}
    two = chunk({"text": "b"}, finishReason="STOP") | {
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    }
    assert collect(read(events(one, two))).usage.output_tokens == 2


def test_sources_are_citations_of_the_text() -> None:
    grounding = {
        "groundingChunks": [
            {"web": {"uri": "https://a.example", "title": "A"}},
            {"web": {"uri": "https://b.example"}},
        ],
        "groundingSupports": [{"segment": {"text": "said"}, "groundingChunkIndices": [0]}],
    }
    answer = collect(
        read(events(chunk({"text": "said"}, finishReason="STOP", groundingMetadata=grounding)))
    )
    (text,) = answer.parts
    assert isinstance(text, Text)
    assert [(one.url, one.quote) for one in text.citations] == [
        ("https://a.example", "said"),
        ("https://b.example", ""),
    ]


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (events(chunk({"text": "a"})), Kind.UPSTREAM_DISCONNECT),
        (b"<html>", Kind.UPSTREAM_GARBAGE),
        (b"", Kind.UPSTREAM_GARBAGE),
    ],
)
def test_what_is_cut_or_no_stream_is_a_fault(wire: bytes, kind: Kind) -> None:
    with pytest.raises(Fault) as caught:
        read(wire)
    assert caught.value.kind is kind


def test_a_server_that_writes_done_is_done() -> None:
    reader = Reader()
    reader.feed(events(chunk({"text": "a"}, finishReason="STOP")) + b"data: [DONE]\n\n")
    assert reader.is_done
    assert reader.finish() == []


PIECES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["candidates", "content", "parts", "text", "functionCall", "name", "args", "partialArgs", "jsonPath",
                         "finishReason", "inlineData", "error", "usageMetadata", "groundingMetadata", "promptFeedback"]),
        inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=4).map(lambda bodies: events(*bodies)) | st.binary(max_size=60))
def test_no_bytes_break_it(wire: bytes) -> None:
    kinds = set[Kind]()
    try:
        collect(read(wire))
    except Fault as fault:
        kinds.add(fault.kind)
    assert kinds <= {Kind.UPSTREAM_GARBAGE, Kind.UPSTREAM_DISCONNECT}
