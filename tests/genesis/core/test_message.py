"""Messages as they are saved: who reads an old session must understand it."""

import msgspec
import pytest

from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    Message,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
    text_of,
)
from genesis.core.usage import Usage

WHOLE = AssistantMessage(
    (ThinkingBlock("hm", "reasoning", "sig"), TextBlock("a"), ToolCallBlock("1", "t", "{}", "s")),
    "p",
    "m",
    "tool_use",
    Usage(1, 2),
    routed_model="r/m",
    at=2.0,
)


@pytest.mark.parametrize(
    "message",
    [
        UserMessage((TextBlock("hi"), ImageBlock("AAAA", "image/png")), at=1.0),
        WHOLE,
        ToolResultMessage("1", "t", (TextBlock("out"),), is_error=True, at=3.0),
    ],
)
def test_what_is_saved_is_read_back_as_the_same(message):
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


def test_the_saved_names_are_these():
    saved = msgspec.to_builtins(WHOLE)
    assert saved["role"] == "assistant"
    assert saved["stopReason"] == "tool_use"
    assert saved["routedModel"] == "r/m"
    assert [block["type"] for block in saved["content"]] == ["thinking", "text", "tool_call"]
    assert saved["content"][0]["thinkingSignature"] == "sig"


def test_an_older_message_lacks_what_came_later():
    old = b'{"role":"assistant","content":[{"type":"text","text":"a"}]}'
    assert msgspec.json.decode(old, type=Message) == AssistantMessage((TextBlock("a"),))


def test_the_text_of_a_message_is_its_text_blocks():
    assert text_of(WHOLE) == "a"
    assert text_of(UserMessage((TextBlock("a"), ImageBlock("", ""), TextBlock("b")))) == "ab"
