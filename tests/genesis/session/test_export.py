"""A session as a text."""

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
)
from genesis.session.export import Exported, title_of
from tests.genesis.session.fakes import said

MESSAGES: list[Message] = [
    said("Look at this"),
    UserMessage((TextBlock("and this"), ImageBlock("AAAA", "image/png"))),
    AssistantMessage(
        (ThinkingBlock("hm\nwell"), TextBlock("Let me see."), ToolCallBlock("1", "read", "{}")),
        "p",
        "m",
    ),
    ToolResultMessage("1", "read", (TextBlock("```\nfenced\n```"),), is_error=True),
    AssistantMessage((), "p", "m", "error", error="It failed."),
    AssistantMessage((TextBlock("half"),), "p", "m", "aborted"),
]
WHOLE = Exported("a0", "Look at this", 0.0, "p/m", MESSAGES)


def test_markdown_reads_as_it_was_said():
    assert WHOLE.written("markdown") == (
        "# Look at this\n\nSession a0, begun 1970-01-01 00:00 UTC\n\n"
        "## You\n\nLook at this\n\n## You\n\nand this\n\n*[picture: image/png]*\n\n"
        "## p/m\n\n> hm\n> well\n\nLet me see.\n\n**read**\n\n```json\n{}\n```\n\n"
        "**Result of read (failed)**\n\n````\n```\nfenced\n```\n````\n\n"
        "## p/m\n\n*It failed.*\n\n## p/m\n\nhalf\n\n*(stopped)*\n"
    )


def test_json_holds_everything():
    whole = msgspec.json.decode(WHOLE.written("json"))
    assert {name: one for name, one in whole.items() if name != "messages"} == {
        "id": "a0",
        "title": "Look at this",
        "createdAt": 0.0,
        "model": "p/m",
    }
    assert msgspec.convert(whole["messages"], list[Message]) == MESSAGES


def test_what_is_not_known_is_left_out():
    text = Exported("a0", "", None, None, []).written("markdown")
    assert text == "# Session\n\nSession a0\n"


@pytest.mark.parametrize(
    ("messages", "title"),
    [
        ([], ""),
        ([AssistantMessage((TextBlock("hi"),))], ""),
        ([said(" \n"), said("second\x1b one")], "second␛ one"),
        ([UserMessage((TextBlock("a"), ImageBlock("AA", "image/png"), TextBlock("b")))], "a b"),
        ([said("x" * 200)], "x" * 79 + "…"),
    ],
)
def test_the_title_is_the_first_thing_that_was_said(messages, title):
    assert title_of(messages) == title
