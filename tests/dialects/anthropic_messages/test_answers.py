"""Whole replies: read, written, and every recorded one there and back."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer
from kilo_gateway.dialects.anthropic_messages.answers import (
    read_answer,
    stop_of,
    stop_word,
    wire_citation,
    write_answer,
)
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
from tests.dialects.anthropic_messages.wire import SHOWN, checked, told, usage_by_hand
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings


def reply(**members):
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [],
        "stop_reason": "end_turn",
        **members,
    }
    return json.dumps(body).encode()


def written(*parts, stop="stop", cost=None, **members):
    body = json.loads(write_answer(Answer(parts, stop, **members), SHOWN, cost))
    checked("Message", body)
    return body


def test_a_reply_is_read():
    content = [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "i", "name": "n", "input": {"a": 1}},
    ]
    usage = {"input_tokens": 1, "output_tokens": 2, "service_tier": "priority"}
    answer = read_answer(reply(content=content, stop_reason="tool_use", usage=usage))
    assert told(answer) == Answer(
        (Thinking("t", "s", "anthropic"), Text("a"), ToolCall("i", "n", '{"a": 1}')),
        "tool_calls",
        Usage(1, 2),
        "msg_1",
        "claude-x",
        raw_stop="tool_use",
        service_tier="priority",
    )


def test_a_signature_of_another_vendors_model_is_not_anthropics():
    content = [{"type": "thinking", "thinking": "t", "signature": "s"}]
    answer = read_answer(reply(content=content, model="MiniMax-M2"))
    assert answer.parts == (Thinking("t", "s", ""),)
    shown = json.loads(write_answer(answer, SHOWN))
    assert shown["content"][0]["signature"] == "kg1.unknown.s"


def test_why_the_api_declined_is_a_refusal():
    details = {"type": "refusal", "category": "bio", "explanation": "No."}
    answer = read_answer(reply(stop_reason="refusal", stop_details=details))
    assert (answer.parts, answer.stop) == ((Refusal("No."),), "refusal")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":"error","error":{}}', b"\xff"])
def test_what_is_no_message_is_none(body):
    assert read_answer(body) is None


@given(st.binary(max_size=60) | st.from_regex(rb'\{"content":\[.{0,40}\]\}'))
def test_no_bytes_crash_a_reader(body):
    read_answer(body)


def test_an_answer_is_written_with_all_that_the_api_sends():
    usage = Usage(20, 9, 5, 3, 4, cache_write_1h_tokens=1)
    body = written(Text("a"), usage=usage, id="msg_1", model="m", cost=1_500_000)
    assert body == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "a"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 5,
            "output_tokens": 9,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1},
            "output_tokens_details": {"thinking_tokens": 4},
            "cost": 0.0015,
        },
    }


def test_what_upstream_did_not_tell_is_made_up():
    body = written()
    assert (body["id"], body["model"]) == ("msg_req_1", "claude/asked")
    assert body["usage"]["input_tokens"] == body["usage"]["output_tokens"] == 0
    assert body["usage"]["cache_read_input_tokens"] is None


def test_every_part_of_another_dialect_finds_its_place():
    body = written(
        Thinking("t", "s", "google"),
        Thinking("u"),
        SealedThinking("d", "openai"),
        ToolCall("i", "n", "oh no"),
        ToolCall("j", "n", "text", is_custom=True),
        Refusal("no"),
        Media("image", "image/png", "AA=="),
        Media("audio", text="spoken"),
        Media("document", url="u"),
        Opaque("gemini", "x", msgspec.Raw(b"{}")),
    )
    assert body["content"] == [
        {"type": "thinking", "thinking": "t", "signature": "kg1.google.s"},
        {"type": "thinking", "thinking": "u", "signature": ""},
        {"type": "redacted_thinking", "data": "kg1.openai.d"},
        {"type": "tool_use", "id": "i", "name": "n", "input": {"input": "oh no"}},
        {"type": "tool_use", "id": "j", "name": "n", "input": {"input": "text"}},
        {"type": "text", "text": "no"},
        {"type": "text", "text": "![image](data:image/png;base64,AA==)"},
        {"type": "text", "text": "spoken"},
        {"type": "text", "text": "[document](u)"},
    ]


@pytest.mark.parametrize(
    ("citation", "kind"),
    [
        (Citation("https://x", "T", "q"), "web_search_result_location"),
        (Citation(quote="quote", document=1), "char_location"),
        (Citation(), "web_search_result_location"),
    ],
)
def test_foreign_citations_are_told_in_our_words(citation, kind):
    body = written(Text("a", citations=(citation,)))
    assert body["content"][0]["citations"] == [wire_citation(citation)]
    assert wire_citation(citation)["type"] == kind


@pytest.mark.parametrize(
    ("stop", "word"),
    [
        ("stop", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("context", "model_context_window_exceeded"),
        ("tool_calls", "tool_use"),
        ("pause", "pause_turn"),
        ("content_filter", "refusal"),
        ("refusal", "refusal"),
        ("error", "end_turn"),
        (None, "end_turn"),
    ],
)
def test_every_stop_has_its_word(stop, word):
    assert stop_word(stop, has_calls=False) == word
    assert written(stop=stop)["stop_reason"] == word


def test_calls_are_waited_for_whatever_the_server_says():
    assert stop_word("stop", has_calls=True) == stop_word(None, has_calls=True) == "tool_use"
    assert stop_word("length", has_calls=True) == "max_tokens"
    assert stop_of("new_word") == "stop"
    assert stop_of("") is stop_of(None) is None


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_every_recorded_reply_is_read_and_comes_back():
    seen = 0
    for recording in recordings("anthropic-messages"):
        if not recording.is_good or recording.is_stream:
            continue
        body = json.loads(recording.reply)
        answer = read_answer(recording.reply)
        assert answer is not None, recording.id
        assert usage_by_hand(answer.usage) == usage_by_hand(body["usage"]), recording.id
        assert len(answer.parts) == len(body["content"])
        again = write_answer(answer, SHOWN)
        assert told(read_answer(again)) == told(answer), recording.id
        assert json.loads(again)["content"] == [
            {name: value for name, value in block.items() if has_place(block, name)}
            for block in body["content"]
        ]
        seen += 1
    assert seen > 400


def has_place(block, name):
    """Who called a tool is told by the API and not kept; no citations is as good as none."""
    if block["type"] == "text" and not block.get("citations"):
        return name != "citations"
    return not (block["type"] == "tool_use" and name == "caller")


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_what_is_written_of_recorded_replies_is_what_the_sdk_takes():
    seen = 0
    for recording in recordings("anthropic-messages"):
        if recording.is_good and not recording.is_stream:
            answer = read_answer(recording.reply)
            if any(isinstance(part, Opaque) for part in answer.parts):
                continue
            checked("Message", json.loads(write_answer(answer, SHOWN)))
            seen += 1
    assert seen > 300
