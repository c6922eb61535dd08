"""Whole replies, both ways; and every recorded one told again."""

import json

import msgspec
import pytest
from google.genai import types

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer
from kilo_gateway.dialects.conversation import (
    Citation,
    Media,
    Opaque,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.gemini.answers import read_answer, write_answer
from tests.dialects.gemini.wire import SHOWN, needs_recordings, one_of, reply, wholes


def essence(answer: Answer) -> Answer:
    """Without what a telling changes: raw usage, the vendor's own word, the layout and citations' places."""
    usage = msgspec.structs.replace(
        answer.usage, raw=b"", cache_read_tokens=answer.usage.cache_read_tokens or None,
        reasoning_tokens=answer.usage.reasoning_tokens or None,
    )  # fmt: skip
    parts = tuple(
        msgspec.structs.replace(part, raw=msgspec.Raw()) if isinstance(part, Opaque) else part
        for part in answer.parts
    )
    return msgspec.structs.replace(
        answer, usage=usage, raw_stop="", parts=parts, created=0, model=answer.model or "some/model", id=answer.id or "req_1"
    )  # fmt: skip


@needs_recordings
def test_every_recorded_reply_is_told_again() -> None:
    told, differing = 0, []
    for one in wholes():
        answer = read_answer(one.reply)
        assert answer is not None, one.id
        again = read_answer(write_answer(answer, SHOWN))
        assert again is not None, one.id
        told += 1
        if essence(again) != essence(answer):
            differing.append(one.id)
    assert told > 450
    assert not differing


@needs_recordings
def test_every_reply_is_what_the_sdk_takes() -> None:
    for one in wholes():
        answer = read_answer(one.reply)
        assert answer is not None
        types.GenerateContentResponse.model_validate_json(write_answer(answer, SHOWN))


@needs_recordings
def test_parallel_calls_keep_their_order_and_the_signature_its_place() -> None:
    answer = read_answer(one_of("31244b7f").reply)
    assert answer is not None
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    assert len(calls) > 1
    assert [bool(call.signature) for call in calls] == [True] + [False] * (len(calls) - 1)
    assert len({call.id for call in calls}) == len(calls)
    assert answer.stop == "tool_calls"
    assert read_answer(one_of("31244b7f").reply) == answer  # the same ids again


@needs_recordings
def test_a_prompt_that_was_blocked_is_an_answer_without_words() -> None:
    answer = read_answer(one_of("f9bb798b").reply)
    assert answer is not None
    assert (answer.parts, answer.stop, answer.raw_stop) == ((), "content_filter", "MODEL_ARMOR")


@needs_recordings
@pytest.mark.parametrize(
    ("ident", "stop"), [("37f3aa63", "content_filter"), ("79cde3bb", "tool_calls")]
)
def test_odd_ends_are_known(ident: str, stop: str) -> None:
    answer = read_answer(one_of(ident).reply)
    assert answer is not None
    assert answer.stop == stop


def test_every_kind_of_part_has_its_place() -> None:
    answer = Answer(
        (
            Thinking("hm", "sig", "anthropic", is_summary=True),
            SealedThinking("sealed", "openai"),
            Text("hi", citations=(Citation(url="https://a.example", title="A", quote="hi"),)),
            ToolCall("c1", "f", '{"a":1}', signature="s", vendor="google"),
            ToolCall("c2", "free", "4 + 4", is_custom=True),
            Media("image", "image/png", "AAAA"),
        ),
        "tool_calls",
        Usage(input_tokens=9, output_tokens=7, reasoning_tokens=3, cache_read_tokens=4),
        "id",
        "m",
    )
    again = read_answer(write_answer(answer, SHOWN))
    assert again is not None
    assert again.parts[0] == answer.parts[0]
    assert again.parts[1] == answer.parts[1]
    assert again.parts[3] == answer.parts[3]
    assert again.parts[4] == ToolCall("c2", "free", '{"input":"4 + 4"}')
    assert again.usage.output_tokens == 7
    assert again.usage.reasoning_tokens == 3


def test_the_cost_is_told_and_a_refusal_is_text() -> None:
    body = json.loads(write_answer(Answer((Refusal("No."),), "refusal"), SHOWN, 1_000_000))
    assert body["usageMetadata"]["cost"] == 0.001
    assert body["candidates"][0]["content"]["parts"] == [{"text": "No."}]
    assert body["candidates"][0]["finishReason"] == "SAFETY"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"error":{"code":1,"message":"x"}}'])
def test_what_is_no_answer_is_none(body: bytes) -> None:
    assert read_answer(body) is None


def test_only_the_first_candidate_is_read() -> None:
    body = json.loads(reply({"text": "one"}))
    body["candidates"].append(
        {"index": 1, "content": {"parts": [{"text": "two"}]}, "finishReason": "STOP"}
    )
    answer = read_answer(json.dumps(body).encode())
    assert answer is not None
    assert answer.parts == (Text("one"),)


def test_what_is_unknown_is_not_told_as_nothing() -> None:
    answer = Answer((Text("a"),), "stop", Usage(output_tokens=9))
    body = write_answer(answer, SHOWN)
    assert json.loads(body)["usageMetadata"] == {"candidatesTokenCount": 9}
    again = read_answer(body)
    assert again is not None
    assert again.usage.input_tokens is None


def test_a_source_that_is_recited_again_and_again_is_told_once() -> None:
    recited = [{}, {"uri": "https://a.example"}, {"uri": "https://b.example"}] * 3
    answer = read_answer(reply({"text": "a"}, candidate={"citationMetadata": {"citations": recited}}))  # fmt: skip
    assert answer is not None
    (text,) = answer.parts
    assert isinstance(text, Text)
    assert [one.url for one in text.citations] == ["https://a.example", "https://b.example"]
