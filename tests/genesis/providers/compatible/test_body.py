"""The body of a request: rows F1 to F10."""

import msgspec
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
from genesis.providers.compatible.body import IMAGE_LEFT_OUT, body_of, encoded, extra_body
from genesis.providers.provider import ChatRequest, ToolSpec

PLAIN = Model("a/b", "B")
SEES = Model("a/c", "C", input=("text", "image"))
PICTURE = ImageBlock("AAAA", "image/png")
PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def sent(*messages, model=PLAIN, **more):
    return body_of(ChatRequest(model, messages, **more))


def messages_of(*messages, model=PLAIN):
    return sent(*messages, model=model)["messages"]


def user(*blocks):
    return UserMessage(blocks)


def test_F2_F3_the_least_that_is_sent():
    assert sent(user(TextBlock("hi")), model=Model("kilo/auto", "Auto")) == {
        "model": "kilo/auto",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_F4_the_system_prompt_comes_first_as_system():
    [first, _] = sent(user(TextBlock("hi")), system="Be brief.")["messages"]
    assert first == {"role": "system", "content": "Be brief."}


def test_F6_a_history_of_tools_wants_a_list_of_tools():
    call = AssistantMessage((ToolCallBlock("1", "read", ""),))
    assert sent(call, ToolResultMessage("1", "read", ()))["tools"] == []
    assert "tools" not in sent(user(TextBlock("hi")))


def test_a_tool_has_no_strict():
    [tool] = sent(user(TextBlock("x")), tools=(ToolSpec("read", "Reads.", {"a": 1}),))["tools"]
    function = {"name": "read", "description": "Reads.", "parameters": {"a": 1}}
    assert tool == {"type": "function", "function": function}


@pytest.mark.parametrize(
    ("params", "added"),
    [
        ({"max_tokens": 9}, {"max_completion_tokens": 9}),
        ({"maxTokens": 9, "temperature": 0}, {"max_completion_tokens": 9, "temperature": 0}),
        ({"toolChoice": "none"}, {"tool_choice": "none"}),
        ({"temperature": None, "store": True}, {}),
    ],
)
def test_parameters_are_sent_when_they_are_set(params, added):
    body = sent(user(TextBlock("x")), params=params)
    assert {name: body[name] for name in set(body) - set(sent(user(TextBlock("x"))))} == added


@pytest.mark.parametrize("name", ["extra_body", "extraBody"])
def test_an_extra_body_is_a_plain_object(name):
    assert extra_body(ChatRequest(PLAIN, (), params={name: {"top_k": 1}})) == {"top_k": 1}
    assert extra_body(ChatRequest(PLAIN, (), params={name: ["top_k"]})) == {}


def test_F10_a_model_that_reads_text_gets_no_picture():
    [both, only] = messages_of(user(TextBlock("look"), PICTURE), user(PICTURE))
    assert (both["content"], only["content"]) == ("look", IMAGE_LEFT_OUT)


def test_a_model_that_sees_gets_pictures_as_data():
    [message] = messages_of(user(TextBlock("look"), PICTURE), model=SEES)
    assert message["content"] == [{"type": "text", "text": "look"}, PART]


def test_pictures_of_tools_follow_all_results():
    call = AssistantMessage((ToolCallBlock("1", "read", "{}"), ToolCallBlock("2", "read", "{}")))
    results = [ToolResultMessage(ident, "read", (PICTURE,)) for ident in "12"]
    _, one, two, follow = messages_of(call, *results, model=SEES)
    assert (one["content"], two["role"]) == ("(see attached image)", "tool")
    text = {"type": "text", "text": "Attached image(s) from tool result:"}
    assert follow == {"role": "user", "content": [text, PART, PART]}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text"])
def test_thoughts_go_back_under_their_name(field):
    thought = (ThinkingBlock("a", field), ThinkingBlock("b", field), TextBlock("hi"))
    [message] = messages_of(AssistantMessage(thought))
    assert message == {"role": "assistant", "content": "hi", field: "ab"}


@pytest.mark.parametrize("field", ["", "thinking", "role", "content"])
def test_thoughts_under_another_name_stay_here(field):
    thought = AssistantMessage((ThinkingBlock("a", field), TextBlock("hi")))
    assert messages_of(thought) == [{"role": "assistant", "content": "hi"}]


def test_an_answer_without_text_or_calls_goes():
    assert messages_of(AssistantMessage((TextBlock(""),)), user(TextBlock("x"))) == [
        {"role": "user", "content": "x"}
    ]


def test_half_a_character_does_not_stop_a_request():
    body = sent(user(TextBlock("a\udce9b")))
    assert msgspec.json.decode(encoded(body))["messages"][0]["content"] == "a?b"
