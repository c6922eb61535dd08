"""Messages as turns: results first, thoughts of the vendor alone, system messages where they may stand."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.anthropic_messages.turns import (
    Turns,
    input_of,
    mark,
    narrow_id,
    unmark,
)
from kilo_gateway.dialects.conversation import (
    Cache,
    Citation,
    Conversation,
    Media,
    Message,
    Opaque,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.hub import Target
from tests.dialects.anthropic_messages.wire import CLAUDE

HELLO = Message("user", (Text("hello"),))
LATER = Target("claude-opus-4-8", reads_thinking="anthropic")


def turns(*messages, target=CLAUDE, system=()):
    told = Turns(Conversation(messages, system), target, [])
    return json.loads(msgspec.json.encode(told.messages)), json.loads(
        msgspec.json.encode(told.system)
    )


def blocks(*parts, role="assistant"):
    return turns(HELLO, Message(role, parts), HELLO)[0][1]["content"]


def shape(messages):
    """Roles, each with the types or texts of its blocks."""
    return [
        (one["role"], [block.get("text", block["type"]) for block in one["content"]])
        for one in messages
    ]


def result(ident, *parts):
    return ToolResult(ident, parts)


def test_results_come_first_and_in_one_message():
    told, _ = turns(
        HELLO,
        Message("assistant", (ToolCall("a", "t"), ToolCall("b", "t"))),
        Message("user", (Text("look"), result("a"))),
        Message("user", (result("b"),)),
        Message("user", (Text("and?"),)),
    )
    assert shape(told)[2:] == [
        ("user", ["tool_result", "tool_result", "look"]),
        ("user", ["and?"]),
    ]
    assert [block["tool_use_id"] for block in told[2]["content"][:2]] == ["a", "b"]


def test_an_assistant_that_goes_on_is_one_turn():
    told, _ = turns(
        HELLO, Message("assistant", (Text("a"),)), Message("assistant", (ToolCall("i", "t"),))
    )
    assert shape(told)[1:] == [("assistant", ["a", "tool_use"])]


def test_system_messages_before_the_first_are_the_system_prompt():
    told, system = turns(Message("system", (Text("b"),)), HELLO, system=(Text("a"),))
    assert [block["text"] for block in system] == ["a", "b"]
    assert shape(told) == [("user", ["hello"])]


SYSTEM = Message("system", (Text("rule"),))
REPLY = Message("assistant", (Text("hi"),))


@pytest.mark.parametrize(
    ("messages", "target", "expected"),
    [
        ((HELLO, SYSTEM), LATER, [("user", ["hello"]), ("system", ["rule"])]),
        ((HELLO, SYSTEM, SYSTEM), LATER, [("user", ["hello"]), ("system", ["rule"]), ("system", ["rule"])]),
        ((HELLO, SYSTEM, REPLY), LATER, [("user", ["hello"]), ("system", ["rule"]), ("assistant", ["hi"])]),
        ((HELLO, SYSTEM, HELLO), LATER, [("user", ["hello"]), ("user", ["<system>\nrule\n</system>"]), ("user", ["hello"])]),
        ((HELLO, REPLY, SYSTEM), LATER, [("user", ["hello"]), ("assistant", ["hi"]), ("user", ["<system>\nrule\n</system>"])]),
        ((HELLO, SYSTEM), CLAUDE, [("user", ["hello"]), ("user", ["<system>\nrule\n</system>"])]),
    ],
)  # fmt: skip
def test_system_messages_in_between(messages, target, expected):
    assert shape(turns(*messages, target=target)[0]) == expected


def test_results_come_right_after_their_calls_whatever_stands_between():
    told, _ = turns(
        HELLO, Message("assistant", (ToolCall("i", "t"),)), SYSTEM, Message("user", (result("i"),))
    )
    assert shape(told)[2:] == [("user", ["tool_result", "<system>\nrule\n</system>"])]


def test_thoughts_of_the_vendor_alone():
    told = blocks(
        Thinking("own", "s", "anthropic"),
        Thinking("foreign", "s", "openai"),
        Thinking("unsigned"),
        SealedThinking("own", "anthropic"),
        SealedThinking("foreign", "google"),
        Text("a"),
    )
    assert told == [
        {"type": "thinking", "thinking": "own", "signature": "s"},
        {"type": "redacted_thinking", "data": "own"},
        {"type": "text", "text": "a"},
    ]


def test_what_only_this_dialect_has_goes_back_as_it_came():
    own = Opaque(
        "anthropic_messages", "server_tool_use", msgspec.Raw(b'{"type":"server_tool_use"}')
    )
    assert blocks(own, Opaque("gemini", "x", msgspec.Raw(b"{}"))) == [{"type": "server_tool_use"}]


def test_citations_of_ones_own_go_back_and_foreign_ones_do_not():
    own = Citation(raw=msgspec.Raw(b'{"type":"char_location"}'), dialect="anthropic_messages")
    [block] = blocks(Text("t", citations=(own, Citation("u"))))
    assert block["citations"] == [{"type": "char_location"}]


def test_empty_text_is_left_out():
    told, _ = turns(
        HELLO, Message("assistant", (Text(""),)), Message("user", (Text(" "), Text("a")))
    )
    assert shape(told) == [("user", ["hello"]), ("user", ["a"])]
    assert blocks(Text(" "), ToolCall("i", "t"))[0] == {"type": "text", "text": " "}


def test_the_last_words_of_the_assistant_end_with_no_white_space():
    assert shape(turns(HELLO, Message("assistant", (Text("so \n"),)))[0])[1] == (
        "assistant",
        ["so"],
    )
    two = (Text("a"), Text(" "))
    assert shape(turns(HELLO, Message("assistant", two))[0])[1] == ("assistant", ["a"])


def test_a_refusal_is_text():
    assert blocks(Refusal("no")) == [{"type": "text", "text": "no"}]


def test_a_result_holds_pictures_and_failures():
    picture = Media("image", "image/png", "AA==")
    result = ToolResult("i", (Text("t"), picture), is_error=True, cache=Cache())
    told = turns(Message("user", (result,)))[0][0]["content"]
    source = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    assert told == [
        {
            "type": "tool_result",
            "tool_use_id": "i",
            "content": [{"type": "text", "text": "t"}, {"type": "image", "source": source}],
            "is_error": True,
            "cache_control": {"type": "ephemeral"},
        }
    ]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (ToolCall("i", "t", ""), b"{}"),
        (ToolCall("i", "t", ' {"a": 1} '), b'{"a": 1}'),
        (ToolCall("i", "t", "[1]"), b'{"input":"[1]"}'),
        (ToolCall("i", "t", '{"a'), b'{"input":"{\\"a"}'),
        (ToolCall("i", "t", "{}", is_custom=True), b'{"input":"{}"}'),
        (ToolCall("i", "t", "\ud800"), b'{"input":"?"}'),
    ],
)
def test_input_is_an_object(call, expected):
    assert bytes(input_of(call)) == expected


def test_an_id_in_another_alphabet_is_its_hash_in_both_places():
    assert narrow_id("toolu_01-a") == "toolu_01-a"
    assert len(narrow_id("call.1")) == 64
    told, _ = turns(
        HELLO, Message("assistant", (ToolCall("a.b", "t"),)), Message("user", (result("a.b"),))
    )
    assert told[1]["content"][0]["id"] == told[2]["content"][0]["tool_use_id"] == narrow_id("a.b")


@pytest.mark.parametrize(("count", "kept"), [(1, [0]), (4, [0, 1, 2, 3]), (6, [0, 3, 4, 5])])
def test_the_first_and_the_last_three_marks_stay(count, kept):
    marked = []
    blocks = [mark({}, Cache("1h"), marked) for _ in range(count)]
    unmark(marked)
    assert [index for index, block in enumerate(blocks) if block] == kept
    assert blocks[0] == {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
