"""Messages, written: results before the rest, thoughts only to their own vendor, ids and arguments that servers take."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.conversation import (
    Cache,
    Conversation,
    Media,
    Message,
    Opaque,
    Refusal,
    Role,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_chat.writing import write_request
from tests.dialects.openai_chat.targets import (
    ALL,
    CLAUDE,
    DEEPSEEK,
    GEMINI,
    MISTRAL,
    OPENAI,
    PLAIN,
    REASONER,
    ROUTED,
)

SIGNED = Thinking("signed", "sig", "anthropic")
SEALED = SealedThinking("seal", "openai", "rs_1")
CALL = ToolCall("call_1", "f", "{}")


def written(target: Target, *parts, role: Role = "assistant", system=()):
    conversation = Conversation((Message(role, parts),), system=tuple(system))
    return json.loads(write_request(conversation, target))["messages"]


def test_the_system_speaks_as_the_model_wants_it():
    system = (Text("one"), Text("two"))
    assert written(PLAIN, Text("x"), system=system)[0] == {
        "role": "system",
        "content": "one\n\ntwo",
    }
    assert written(REASONER, Text("x"), system=system[:1])[0] == {
        "role": "developer",
        "content": "one",
    }
    assert [part["text"] for part in written(ROUTED, Text("x"), system=system)[0]["content"]] == [
        "one",
        "two",
    ]


def test_results_stand_before_what_else_the_user_says():
    result = ToolResult("call_1", (Text("5"),))
    found = written(PLAIN, Text("go on"), result, role="user")
    assert found == [
        {"role": "tool", "tool_call_id": "call_1", "content": "5"},
        {"role": "user", "content": "go on"},
    ]


def test_a_picture_that_a_tool_gave_stands_behind_all_results():
    picture = Media("image", "image/png", "AAAA")
    results = (ToolResult("a", (Text("5"), picture)), ToolResult("b", (Text("6"),)))
    found = written(PLAIN, *results, role="user")
    assert [message["role"] for message in found] == ["tool", "tool", "user"]
    assert found[2]["content"][1]["image_url"]["url"] == "data:image/png;base64,AAAA"
    routed = written(ROUTED, *results, role="user")
    assert [message["role"] for message in routed] == ["tool", "tool"]
    assert [part["type"] for part in routed[0]["content"]] == ["text", "image_url"]


@pytest.mark.parametrize(
    ("texts", "expected"), [(("no",), "Error: no"), (("Error 5",), "Error 5"), ((), "Error: ")]
)
def test_a_failed_result_says_so(texts, expected):
    result = ToolResult("a", tuple(Text(text) for text in texts), is_error=True)
    assert written(PLAIN, result, role="user")[0]["content"] == expected
    assert expected.strip() in json.dumps(written(ROUTED, result, role="user"))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (CLAUDE, {"reasoning_details": [("reasoning.text", "anthropic-claude-v1")]}),
        (Target("openai/gpt-x", "openai", CLAUDE.quirks), {"reasoning_details": [("reasoning.encrypted", "openai-responses-v1")]}),
        (ROUTED, {"reasoning": "signedplain"}),
        (DEEPSEEK, {"reasoning_content": "signedplain"}),
        (PLAIN, {}),
        (OPENAI, {}),
        (GEMINI, {}),
    ],
)  # fmt: skip
def test_thoughts_go_back_to_their_own_vendor_alone(target, expected):
    parts = (SIGNED, SEALED, Thinking("plain"), Text("x"))
    if "openai" in target.model:
        parts = (SIGNED, SEALED, Text("x"))
    (found,) = written(target, *parts)
    details = [(one["type"], one["format"]) for one in found.get("reasoning_details", ())]
    told = {name: found[name] for name in ("reasoning", "reasoning_content") if name in found}
    assert told | ({"reasoning_details": details} if details else {}) == expected


@pytest.mark.parametrize(
    "target", [target for target in ALL if target.reads_thinking != "anthropic"]
)
def test_nobody_gets_the_signature_of_another_vendor(target):
    assert (
        b"sig" not in json.dumps(written(target, SIGNED, Text("x"))).replace("signed", "").encode()
    )


def test_a_summary_goes_with_what_it_sums_up():
    target = Target("openai/gpt-x", "openai", CLAUDE.quirks)
    (found,) = written(target, Thinking("sum", is_summary=True), SEALED, Text("x"))
    kinds = [(one["type"], one["format"]) for one in found["reasoning_details"]]
    form = "openai-responses-v1"
    assert kinds == [("reasoning.summary", form), ("reasoning.encrypted", form)]


def test_mistral_gets_thoughts_as_parts():
    (found,) = written(MISTRAL, Thinking("t"), Text("x"))
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}
    assert found["content"] == [thought, {"type": "text", "text": "x"}]


def test_geminis_signature_of_a_call_even_if_the_client_dropped_it():
    target = Target("gemini-x", "google", signature_of=lambda ident: f"kept {ident}")
    signed = ToolCall("b", "f", "{}", signature="own", vendor="google")
    (found,) = written(target, CALL, signed)
    marks = [call["extra_content"]["google"]["thought_signature"] for call in found["tool_calls"]]
    assert marks == ["kept call_1", "own"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", "{}"), ('{"a": 1}', '{"a": 1}'), ("5", '{"input":"5"}'), ("{", '{"input":"{"}')],
)
def test_arguments_are_a_json_object(arguments, expected):
    (found,) = written(PLAIN, ToolCall("a", "f", arguments))
    assert found["tool_calls"][0]["function"]["arguments"] == expected
    assert found["content"] is None


def test_a_custom_call_is_told_as_one_where_there_are_such():
    call = ToolCall("a", "f", "free", is_custom=True)
    assert written(OPENAI, call)[0]["tool_calls"][0]["custom"] == {"name": "f", "input": "free"}
    assert written(PLAIN, call)[0]["tool_calls"][0]["function"]["arguments"] == '{"input":"free"}'


@pytest.mark.parametrize(
    ("target", "ident", "expected"),
    [
        (PLAIN, "x.y" * 20, "x.y" * 20),
        (MISTRAL, "abcdefgh9", "abcdefgh9"),
        (MISTRAL, "call_1", "6d8c7bbb1"),
        (CLAUDE, "a-b_c", "a-b_c"),
        (CLAUDE, "a.b", "2a61cb2c47f6c1b3b5ac1fc5cb3fd1ac5ae6b0a4c4e9d95bcb5ef8d65b3b4b1f"),
        (OPENAI, "x" * 41, "call_"),
    ],
)
def test_ids_are_the_servers_for_calls_and_results_alike(target, ident, expected):
    call = written(target, ToolCall(ident, "f"))[0]["tool_calls"][0]["id"]
    result = written(target, ToolResult(ident, (Text("5"),)), role="user")[0]["tool_call_id"]
    assert call == result
    assert len(call) == len(expected) or call.startswith(expected)
    assert (call == ident) == (expected == ident)


def test_a_refusal_has_a_field_or_is_text():
    assert written(OPENAI, Refusal("no"))[0] == {
        "role": "assistant",
        "refusal": "no",
        "content": None,
    }
    assert written(PLAIN, Refusal("no"))[0] == {"role": "assistant", "content": "no"}


def test_cache_marks_stand_on_the_part_or_on_the_result():
    part = written(CLAUDE, Text("x", Cache("1h")), role="user")[0]["content"][0]
    assert part["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    result = written(CLAUDE, ToolResult("a", (Text("x"),), cache=Cache()), role="user")[0]
    assert result["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert written(PLAIN, Text("x", Cache()), role="user")[0]["content"] == "x"


@pytest.mark.parametrize("target", ALL)
def test_a_message_of_which_nothing_is_left_is_not_sent(target):
    foreign = Opaque("gemini", "x", msgspec.Raw(b"{}"))
    assert written(target, foreign) == []
    assert written(target, foreign, role="user") == []
    assert written(target, foreign, CALL)[0]["content"] is None


def test_a_sound_of_the_models_own_is_named_by_its_id():
    (found,) = written(OPENAI, Media("audio", data="AAAA", file_id="audio_1"))
    assert found["audio"] == {"id": "audio_1"}
