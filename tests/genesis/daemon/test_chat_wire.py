"""Messages of the OpenAI wire as ours."""

import pytest

from genesis.core.events import StreamEnd
from genesis.core.fault import GenesisError
from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from genesis.core.usage import Usage
from genesis.daemon.chat_wire import Replies, read_messages, read_tools, usage_of


def test_a_conversation_with_a_tool_is_read():
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
    system, messages = read_messages(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "developer", "content": [{"type": "text", "text": "And short."}]},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "seen"},
            {"role": "assistant", "content": "done"},
        ]
    )
    assert system == "Be kind.\n\nAnd short."
    assert messages == (
        UserMessage((TextBlock("hi"),)),
        AssistantMessage((ToolCallBlock("c1", "look", '{"a":1}'),)),
        ToolResultMessage("c1", "look", (TextBlock("seen"),)),
        AssistantMessage((TextBlock("done"),)),
    )


def test_pictures_are_data():
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    _, [message] = read_messages([{"role": "user", "content": [part]}])
    assert message.content == (ImageBlock("AAAA", "image/png"),)


BAD = {
    "a fetched picture": [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}],
    "sound": [{"type": "input_audio", "input_audio": {}}],
    "no part": [5],
    "a number": 5,
    "text that is none": [{"type": "text", "text": 5}],
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_what_is_not_understood_is_named(content):
    with pytest.raises(GenesisError, match=r"messages\[0\]"):
        read_messages([{"role": "user", "content": content}])


def test_a_call_without_a_function_is_named():
    with pytest.raises(GenesisError, match=r"messages\[0\]\.tool_calls"):
        read_messages([{"role": "assistant", "tool_calls": [{"id": "x"}]}])


@pytest.mark.parametrize("tool", [{}, {"type": "function"}, {"type": "function", "function": {}}])
def test_a_tool_that_is_none_is_named(tool):
    with pytest.raises(GenesisError, match=r"tools\[0\]"):
        read_tools([tool])


def test_unknown_tokens_are_unknown():
    assert usage_of(Usage()) is None


def test_the_model_that_answered_is_named():
    whole = Replies("id", 1, "kilocode/kilo/auto").whole([StreamEnd("length", routed_model="a/b")])
    assert whole["model"] == "a/b"
    assert whole["choices"][0]["finish_reason"] == "length"
