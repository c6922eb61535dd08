"""Whole replies: every recorded one is read, and what is written is what OpenAI's own types take and is read again."""

import json
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

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
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.openai_chat.answers import read_answer, write_answer
from kilo_gateway.dialects.openai_chat.wording import tier_of
from tests.dialects.recordings import FILES, TRAFFIC, WHY_SKIPPED, recordings

CHAT = tuple(file for file, (dialect, _) in FILES.items() if dialect == "openai_chat")
SPEC = TRAFFIC.parent / "specs" / "openai" / "openapi.json"
SHOWN = Shown("call_7", "some/model", 1_700_000_000)
needs_traffic = pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
USAGE = Usage(10, 5, 4, 3, 2)


def replies(file):
    """Recorded whole replies that are answers."""
    for recording in recordings(file):
        if recording.is_good and not recording.is_stream:
            body = json.loads(recording.reply)
            if body.get("choices") is not None:
                yield recording, body


TOP = {"token": "y", "logprob": -2.5, "bytes": [121]}
LIKELY = {"token": "x", "logprob": -0.25, "bytes": [120], "top_logprobs": [TOP]}


def comparable(answer: Answer) -> Answer:
    """An answer without what a writer adds or has no place for.

    raw_stop: the word is OpenAI's. usage.raw: another object. stop None: told as "stop".
    arguments "": told as "{}". service_tier: in OpenAI's words. id, model, created: ours where upstream gave none.
    """
    parts = tuple(
        msgspec.structs.replace(part, arguments=part.arguments or "{}")
        if isinstance(part, ToolCall)
        else part
        for part in answer.parts
    )
    return msgspec.structs.replace(
        answer,
        parts=parts,
        stop=answer.stop or "stop",
        raw_stop="",
        service_tier=tier_of(answer.service_tier),
        usage=msgspec.structs.replace(answer.usage, raw=b""),
        id=answer.id or SHOWN.call_id,
        model=answer.model or SHOWN.model,
        created=answer.created or SHOWN.created,
    )


def first(usage: dict[str, Any], *paths: str) -> Any:
    """The first of these places that holds something."""
    for path in paths:
        value: Any = usage
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def told_usage(body: dict[str, Any]) -> tuple[Any, ...]:
    """Usage, read from the JSON by rules of this test's own."""
    usage = body.get("usage") or (body.get("x_groq") or {}).get("usage") or {}
    output, reasoning = (
        usage.get("completion_tokens"),
        first(usage, "completion_tokens_details.reasoning_tokens", "reasoning_tokens"),
    )
    total = usage.get("total_tokens")
    if reasoning and usage["prompt_tokens"] + output + reasoning == total:
        output += reasoning
    read = first(
        usage,
        "prompt_tokens_details.cached_tokens",
        "prompt_cache_hit_tokens",
        "cached_tokens",
        "num_cached_tokens",
        "cache_read_input_tokens",
    )
    return usage.get("prompt_tokens"), output, read, reasoning


def read_usage(usage: Usage) -> tuple[Any, ...]:
    return usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.reasoning_tokens


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_every_recorded_reply_is_read_with_its_words_calls_and_usage(file):
    wrong = []
    for recording, body in replies(file):
        answer = read_answer(recording.reply)
        assert answer is not None
        message = body["choices"][0].get("message") or {} if body["choices"] else {}
        text = "".join(part.text for part in answer.parts if isinstance(part, Text))
        calls = [part.name for part in answer.parts if isinstance(part, ToolCall)]
        wanted = [
            (one.get("function") or one["custom"])["name"]
            for one in message.get("tool_calls") or ()
        ]
        told = message.get("content")
        if isinstance(told, str) and told != text:
            wrong.append((recording.id, "text"))
        if wanted and wanted != calls:
            wrong.append((recording.id, "calls"))
        if read_usage(answer.usage) != told_usage(body):
            wrong.append((recording.id, "usage"))
    assert not wrong


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_every_recorded_reply_comes_back_as_it_was_told(file):
    wrong = []
    for recording, _ in replies(file):
        answer = read_answer(recording.reply)
        assert answer is not None
        again = read_answer(write_answer(answer, SHOWN))
        assert again is not None
        if comparable(again) != comparable(answer):
            wrong.append(recording.id)
    assert not wrong


@needs_traffic
@pytest.mark.parametrize("file", CHAT)
def test_what_is_written_is_what_openais_own_types_take(file):
    for recording, _ in replies(file):
        answer = read_answer(recording.reply)
        assert answer is not None
        plain = [
            part for part in answer.parts if not isinstance(part, Opaque)
        ]  # Groq's and OpenRouter's own
        answer = msgspec.structs.replace(answer, parts=tuple(plain))
        ChatCompletion.model_validate_json(write_answer(answer, SHOWN), strict=True)


@cache
def validator() -> Any:
    spec = json.loads(SPEC.read_bytes())
    schema = {
        "$ref": "#/components/schemas/CreateChatCompletionResponse",
        "components": spec["components"],
    }
    return jsonschema.Draft202012Validator(schema)


FULL = Answer(
    (
        Thinking("signed", "sig", "anthropic"),
        Thinking("sum", is_summary=True, id="rs_1"),
        SealedThinking("seal", "openai", "rs_1"),
        Text("hello ", citations=(Citation("https://x", "t", "q", start=0, end=5),)),
        Media("image", "image/png", "AAAA"),
        ToolCall("call_1", "f", '{"a":1}', signature="mark", vendor="google"),
        ToolCall("call_2", "g", "{}"),
        Media("audio", data="AAAA", file_id="audio_1", text="words"),
    ),
    "tool_calls",
    USAGE,
    "id_1",
    "model_1",
    1_700_000_001,
    "tool_use",
    service_tier="priority",
)


@pytest.mark.skipif(not SPEC.is_file(), reason=WHY_SKIPPED)
@pytest.mark.parametrize(
    "answer", [FULL, Answer((Text("x"),), "length"), Answer((Refusal("no"),), "refusal")]
)
def test_what_is_written_is_as_the_specification_says(answer):
    body = json.loads(write_answer(answer, SHOWN, 1_000))
    assert [error.message for error in validator().iter_errors(body)] == []


def test_an_answer_with_everything_comes_back():
    again = read_answer(write_answer(FULL, SHOWN))
    assert again is not None
    assert comparable(again) == comparable(FULL)


def test_thoughts_stand_where_clients_look_for_them():
    message = json.loads(write_answer(FULL, SHOWN))["choices"][0]["message"]
    assert message["reasoning"] == message["reasoning_content"] == "signedsum"
    formats = [detail["format"] for detail in message["reasoning_details"]]
    assert formats == ["anthropic-claude-v1", "unknown", "openai-responses-v1", "google-gemini-v1"]
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "mark"}}


def test_ids_and_names_are_the_gateways_where_upstream_gave_none():
    body = json.loads(write_answer(Answer((Text("x"),), "stop"), SHOWN))
    assert (body["id"], body["model"], body["created"]) == ("call_7", "some/model", 1_700_000_000)
    assert "usage" not in body


def test_a_citation_moves_with_its_part():
    parts = (Text("12345"), Text("678", citations=(Citation("u", start=1, end=2),)))
    message = json.loads(write_answer(Answer(parts, "stop"), SHOWN))["choices"][0]["message"]
    assert message["content"] == "12345678"
    assert message["annotations"][0]["url_citation"]["start_index"] == 6


def test_a_part_of_another_dialect_has_no_place():
    parts = (Opaque("anthropic_messages", "server_tool_use", msgspec.Raw(b"{}")), Text("x"))
    again = read_answer(write_answer(Answer(parts, "stop"), SHOWN))
    assert again is not None
    assert again.parts == (Text("x"),)


@pytest.mark.parametrize(
    ("reason", "native", "message", "stop"),
    [
        ("stop", None, {"content": "x"}, "stop"),
        ("stop", None, {"tool_calls": [{"id": "a", "function": {"name": "f"}}]}, "tool_calls"),
        ("eos_token", None, {"content": "x"}, "stop"),
        ("stop", None, {"refusal": "no"}, "refusal"),
        ("stop", "pause_turn", {"content": "x"}, "pause"),
        ("stop", "refusal", {"content": "x"}, "refusal"),
        ("content_filter", "refusal", {"content": "x"}, "refusal"),
        ("length", "model_context_window_exceeded", {"content": "x"}, "context"),
        ("", None, {"content": "x"}, None),
        ("brand_new", None, {"content": "x"}, None),
    ],
)
def test_why_the_model_stopped(reason, native, message, stop):
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": reason,
        "native_finish_reason": native,
    }
    answer = read_answer(json.dumps({"choices": [choice]}).encode())
    assert answer is not None
    assert (answer.stop, answer.raw_stop) == (stop, reason)


def test_the_first_of_several_choices_is_the_answer():
    choices = [{"index": at, "message": {"content": str(at)}} for at in (1, 0, 2)]
    answer = read_answer(json.dumps({"choices": choices}).encode())
    assert answer is not None
    assert answer.parts == (Text("0"),)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"content": [LIKELY], "refusal": None}, {"content": [LIKELY], "refusal": None}),
        ({"content": [], "refusal": None}, None),
        ({"tokens": ["x"], "token_logprobs": [-1]}, None),
        ("odd", None),
    ],
)
def test_log_probabilities_in_openais_form_are_passed_on(told, expected):
    choice = {"index": 0, "message": {"content": "x"}, "logprobs": told}
    answer = read_answer(json.dumps({"choices": [choice]}).encode())
    assert answer is not None
    assert json.loads(write_answer(answer, SHOWN))["choices"][0]["logprobs"] == expected


def test_members_of_odd_types_are_left_out_one_by_one():
    odd = {"content": "x", "tool_calls": "none", "reasoning": 5, "refusal": {}}
    body = {
        "id": ["x"],
        "created": "today",
        "choices": [{"index": 0, "message": odd}, 7],
        "usage": {"prompt_tokens": 3},
    }
    answer = read_answer(json.dumps(body).encode())
    assert answer is not None
    assert (answer.parts, answer.usage.input_tokens, answer.id) == ((Text("x"),), 3, "")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"error":{"code":502}}', b"<html>", b'{"choices":', b"\xff"]
)
def test_what_is_no_answer_is_none(body):
    assert read_answer(body) is None


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_none(body):
    for one in (body, b'{"choices":[{"message":' + body + b"}]}"):
        answer = read_answer(one)
        assert answer is None or isinstance(answer, Answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "message", "delta", "content", "tool_calls", "function", "reasoning_details", "type", "index",
             "data", "images", "annotations", "audio", "usage", "id", "created", "extra_content", "google"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_any_json_is_an_answer_or_none(value):
    answer = read_answer(msgspec.json.encode({"choices": [{"message": value}]}))
    assert answer is None or read_answer(write_answer(answer, SHOWN)) is not None
