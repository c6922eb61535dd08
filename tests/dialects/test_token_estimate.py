"""The estimate grows with what is sent, and is the same for the same."""

import msgspec
import pytest

from kilo_gateway.dialects.conversation import (
    Conversation,
    Media,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.token_estimate import estimate_tokens


def of(*parts, **more) -> int:
    return estimate_tokens(Conversation((Message("user", parts),), **more))


def test_a_sentence_is_about_a_token_for_four_characters() -> None:
    assert of(Text("The quick brown fox jumps over the lazy dog. " * 40)) == pytest.approx(
        454, rel=0.02
    )


def test_nothing_is_at_least_one() -> None:
    assert estimate_tokens(Conversation(())) == 1


@pytest.mark.parametrize(
    "part",
    [
        Text("x" * 40),
        Text("日本語" * 9),
        Media("image", data="AAAA"),
        Media("document", data="A" * 4000),
        Media("audio", data="A" * 4000),
        ToolCall("id", "f", '{"a":1}'),
        ToolResult("id", (Text("done"),)),
    ],
)
def test_every_part_counts(part) -> None:
    assert of(Text("a"), part) > of(Text("a"))


def test_tools_count() -> None:
    tool = Tool("f", "does it", msgspec.Raw(b'{"type":"object"}'))
    assert of(Text("a"), tools=(tool,)) > of(Text("a"))
