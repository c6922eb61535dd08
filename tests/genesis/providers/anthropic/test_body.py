"""A request as the Messages API wants it."""

import pytest

from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from genesis.core.model import Model
from genesis.providers.anthropic.body import body_of
from genesis.providers.provider import ChatRequest, ToolSpec

CLAUDE = Model(
    "claude-sonnet-4-5", "Claude", reasoning=True, input=("text", "image"), max_tokens=64000
)
MARK = {"cache_control": {"type": "ephemeral"}}


def user(text):
    return UserMessage((TextBlock(text),))


def text(words):
    return {"type": "text", "text": words}


def sent(*messages, model=CLAUDE, **more):
    return body_of(ChatRequest(model, messages, **more))


def test_the_least_that_is_sent():
    assert sent(user("hi")) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 32000,
        "messages": [{"role": "user", "content": [text("hi") | MARK]}],
        "stream": True,
    }


def test_system_and_tools():
    body = sent(user("hi"), system="Be brief.", tools=(ToolSpec("read", "Reads.", {"a": 1}),))
    assert body["system"] == [text("Be brief.") | MARK]
    assert body["tools"] == [{"name": "read", "description": "Reads.", "input_schema": {"a": 1}}]


def test_roles_take_turns_and_results_come_first():
    call = AssistantMessage((TextBlock("look"), ToolCallBlock("a|1", "read", '{"p":1}')))
    result = ToolResultMessage("a|1", "read", (TextBlock("x"),), is_error=True)
    first, answer, last = sent(user("a"), user("b"), call, result, user("c"))["messages"]
    assert first["content"] == [text("a"), text("b")]
    assert answer["content"] == [
        text("look"),
        {"type": "tool_use", "id": "a", "name": "read", "input": {"p": 1}},
    ]
    told = {"type": "tool_result", "tool_use_id": "a", "content": [text("x")], "is_error": True}
    assert last["content"] == [told, text("c") | MARK]


@pytest.mark.parametrize("arguments", ["", "{", "[1]", '"x"'])
def test_arguments_that_are_no_object_are_empty(arguments):
    call = AssistantMessage((ToolCallBlock("1", "read", arguments),))
    messages = sent(call, ToolResultMessage("1", "read", ()))["messages"]
    assert messages[0]["content"][0]["input"] == {}


@pytest.mark.parametrize("sees", [True, False])
def test_pictures_are_sent_to_a_model_that_sees(sees):
    model = CLAUDE if sees else Model("m", "M", max_tokens=10)
    picture = UserMessage((ImageBlock("AAAA", "image/png"),))
    [part] = sent(picture, model=model)["messages"][0]["content"]
    assert part["type"] == ("image" if sees else "text")


@pytest.mark.parametrize(
    ("level", "params", "budget"),
    [
        ("off", {}, None),
        (None, {}, None),
        ("minimal", {}, 1024),
        ("medium", {}, 8192),
        ("adaptive", {}, 8192),
        ("max", {}, 16384),
        ("high", {"max_tokens": 5000, "temperature": 1}, 4999),
        ("high", {"max_tokens": 500}, None),
    ],
)
def test_a_level_is_a_budget(level, params, budget):
    thinking = sent(user("x"), thinking=level, params=params).get("thinking")
    assert (thinking and thinking["budget_tokens"]) == budget


def test_thoughts_go_back_signed_or_not_at_all():
    signed = ThinkingBlock("hm", "thinking", "sig")
    call = ToolCallBlock("1", "read", "{}")
    result = ToolResultMessage("1", "read", (TextBlock("x"),))
    body = sent(user("a"), AssistantMessage((signed, call)), result, thinking="low")
    assert body["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": "hm",
        "signature": "sig",
    }
    assert "thinking" in body
    foreign = AssistantMessage((ThinkingBlock("hm", "reasoning"), call))
    other = sent(user("a"), foreign, result, thinking="low")
    assert [one["type"] for one in other["messages"][1]["content"]] == ["tool_use"]
    assert "thinking" not in other  # the API would refuse it in front of an unsigned call
