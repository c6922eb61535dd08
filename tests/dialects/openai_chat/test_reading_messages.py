"""Messages, read: parts of all kinds, results of tools, thoughts that clients send back, ids that are missing."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import (
    Cache,
    Citation,
    Media,
    Message,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.openai_chat.reading_messages import Messages, read_messages


def read(*messages) -> Messages:
    return read_messages(msgspec.json.decode(json.dumps(messages).encode(), type=list[Fields]))


def parts(**members):
    return read(members).messages[0].parts


def content(*pieces):
    return parts(role="user", content=list(pieces))


def test_what_stands_first_is_the_systems_and_a_later_word_stays_where_it_was():
    found = read(
        {"role": "system", "content": "one"},
        {"role": "developer", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "three"},
    )
    assert found.system == (Text("one"), Text("two"))
    assert found.messages == (Message("user", (Text("hi"),)), Message("system", (Text("three"),)))


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ({"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}}, Text("t", Cache())),
        (
            {"type": "text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}},
            Text("t", Cache()),
        ),
        ({"type": "image_url", "image_url": "https://x/y"}, Media("image", url="https://x/y")),
        (
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"},
            },
            Media("image", "image/png", "AAAA", detail="low"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            Media("audio", "audio/wav", "AAAA"),
        ),
        (
            {
                "type": "file",
                "file": {"filename": "f", "file_data": "data:application/pdf;base64,AAAA"},
            },
            Media("document", "application/pdf", "AAAA", name="f"),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, Media("document", file_id="file-1")),
        (
            {"type": "document_url", "document_url": "https://x/y"},
            Media("document", url="https://x/y"),
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x/y"}},
            Media("video", url="https://x/y"),
        ),
        ({"type": "refusal", "refusal": "no"}, Refusal("no")),
        ("bare", Text("bare")),
    ],
)
def test_a_part_of_content(piece, expected):
    assert content(piece) == (expected,)


def test_a_part_that_is_new_is_kept_as_it_is():
    (part,) = content({"type": "hologram", "hologram": {"x": 1}})
    assert (part.dialect, part.kind) == ("openai_chat", "hologram")
    assert json.loads(bytes(part.raw)) == {"type": "hologram", "hologram": {"x": 1}}


def test_results_that_follow_each_other_are_one_turn():
    found = read(
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [{"type": "text", "text": "2"}],
            "name": "f",
        },
        {"role": "user", "content": "go on"},
    )
    results = (ToolResult("a", (Text("1"),)), ToolResult("b", (Text("2"),), "f"))
    assert found.messages == (Message("user", results), Message("user", (Text("go on"),)))


def test_what_has_no_place_in_a_result_is_named():
    found = read({"role": "tool", "tool_call_id": "a", "content": [{"type": "hologram"}]})
    assert found.unknown == ("messages.content.hologram",)


def test_a_call_without_an_id_gets_the_one_of_its_result():
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    found = read(
        {"role": "assistant", "tool_calls": [call | {"id": ""}, call]},
        {"role": "tool", "content": "1"},
        {"role": "tool", "tool_call_id": "", "content": "2"},
    )
    calls = [part.id for part in found.messages[0].parts if isinstance(part, ToolCall)]
    results = [part.call_id for part in found.messages[1].parts if isinstance(part, ToolResult)]
    assert calls == results
    assert len(set(calls)) == 2


def test_the_old_way_to_call_a_function():
    found = read(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    )
    (call,), (result,) = found.messages[0].parts, found.messages[1].parts
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (call.name, result.name) == ("f", "f")
    assert call.id == result.call_id != ""


def test_thoughts_that_a_client_sends_back():
    details = [
        {
            "type": "reasoning.text",
            "text": "t",
            "signature": "s",
            "format": "anthropic-claude-v1",
            "index": 0,
        },
        {
            "type": "reasoning.encrypted",
            "data": "d",
            "format": "openai-responses-v1",
            "id": "rs_1",
            "index": 1,
        },
        {"type": "reasoning.summary", "summary": "u", "format": "openai-responses-v1", "index": 2},
    ]
    found = parts(role="assistant", content="hi", reasoning="t", reasoning_details=details)
    assert found == (
        Thinking("t", "s", "anthropic"),
        SealedThinking("d", "openai", "rs_1"),
        Thinking("u", is_summary=True),
        Text("hi"),
    )


def test_pieces_of_a_stream_that_a_client_saved_one_by_one_are_put_together():
    pieces = [{"type": "reasoning.text", "text": text, "index": 0} for text in ("a", "b")]
    pieces.append(
        {"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1", "index": 0}
    )
    found = parts(role="assistant", content="", reasoning_details=pieces)
    assert found == (Thinking("ab", "s", "anthropic"),)


def test_geminis_signature_of_a_call_in_both_places():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    extra = {"extra_content": {"google": {"thought_signature": "s"}}}
    detail = {"type": "reasoning.encrypted", "data": "s", "format": "google-gemini-v1", "id": "c"}
    expected = (ToolCall("c", "f", "{}", signature="s", vendor="google"),)
    assert parts(role="assistant", tool_calls=[call | extra]) == expected
    assert parts(role="assistant", tool_calls=[call], reasoning_details=[detail]) == expected
    assert parts(role="assistant", tool_calls=[call], **extra) == expected


def test_the_signature_of_a_text():
    extra = {"google": {"thought_signature": "s"}}
    found = parts(role="assistant", content="hi", extra_content=extra)
    assert found == (Text("hi", signature="s", vendor="google"),)


def test_what_a_text_cites():
    told = {"url": "https://x", "title": "t", "start_index": 1, "end_index": 2}
    found = parts(
        role="assistant", content="hi", annotations=[{"type": "url_citation", "url_citation": told}]
    )
    assert found == (Text("hi", citations=(Citation("https://x", "t", start=1, end=2),)),)


def test_mistrals_thoughts_and_a_sound_by_its_id():
    pieces = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]},
        {"type": "text", "text": "a"},
    ]
    found = parts(role="assistant", content=pieces, audio={"id": "audio_1"})
    assert found == (Thinking("t"), Text("a"), Media("audio", file_id="audio_1"))


def test_a_member_of_a_message_that_is_new_is_named_unless_it_says_nothing():
    found = read({"role": "assistant", "content": "a", "prefix": True, "weight": None, "tags": []})
    assert found.unknown == ("messages.prefix",)
