"""Messages as turns: order, merging, results, marks of the cache, thoughts."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.answer import Answer
from kilo_gateway.dialects.bedrock.schema import Raw
from kilo_gateway.dialects.bedrock.turns import (
    Turns,
    answer_blocks,
    input_of,
    link_of,
    narrow_id,
    wire_citation,
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
from tests.dialects.bedrock.wire import CLAUDE, NOVA, OTHER, checked

POINT = {"cachePoint": {"type": "default"}}


def turns(*messages, target=CLAUDE, system=()):
    made = Turns(Conversation(messages, system), target)
    told = json.loads(msgspec.json.encode({"messages": made.messages, "system": made.system}))
    checked("ConverseRequest", told)
    return told


def user(*parts):
    return Message("user", parts)


def assistant(*parts):
    return Message("assistant", parts)


def roles(told):
    return [
        (one["role"], [next(iter(block)) for block in one["content"]]) for one in told["messages"]
    ]


def test_what_follows_its_like_is_one_turn():
    told = turns(
        user(Text("a")),
        user(Text("b")),
        assistant(Text("c")),
        assistant(Text("d ")),
        user(Text("")),
    )
    assert roles(told) == [("user", ["text", "text"]), ("assistant", ["text", "text"])]
    assert told["messages"][1]["content"][1] == {"text": "d"}


def test_results_come_first_in_their_turn():
    call = assistant(ToolCall("i", "n", '{"a":1}'), ToolCall("j/k", "n"))
    told = turns(
        user(Text("a")),
        call,
        user(Text("look"), ToolResult("i", (Text("r"),))),
        user(ToolResult("j/k", (), is_error=True)),
    )
    assert roles(told)[2] == ("user", ["toolResult", "toolResult", "text"])
    second = told["messages"][2]["content"][1]["toolResult"]
    assert second["toolUseId"] == told["messages"][1]["content"][1]["toolUse"]["toolUseId"]
    assert (second["status"], second["content"]) == ("error", [{"text": "(no output)"}])


def test_system_messages():
    told = turns(
        Message("system", (Text("s", Cache()),)),
        user(Text("a")),
        Message("system", (Text("t"),)),
        system=(Text("r"), Text(" ")),
    )
    assert told["system"] == [{"text": "r"}, {"text": "s"}, POINT]
    assert told["messages"] == [
        {"role": "user", "content": [{"text": "a"}, {"text": "<system>\nt\n</system>"}]}
    ]


def test_marks_of_the_cache():
    marked = user(Text("a", Cache("1h")), Media("image", "image/png", "UA==", cache=Cache()))
    told = turns(marked)
    assert told["messages"][0]["content"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert turns(marked, target=NOVA)["messages"][0]["content"][1] == POINT
    assert "cachePoint" not in json.dumps(turns(marked, target=OTHER))
    many = [user(Text(str(number), Cache())) for number in range(9)]
    content = turns(*many, system=(Text("s", Cache()),))
    assert content["system"] == [{"text": "s"}, POINT]
    assert [block for block in content["messages"][0]["content"][-6:] if block == POINT] == [
        POINT
    ] * 3
    assert json.dumps(content).count("cachePoint") == 4


def test_thoughts_of_the_vendor_alone():
    parts = (
        Thinking("t", "s", "anthropic"),
        SealedThinking("ab", "anthropic"),
        Thinking("g", "x", "google"),
        Text("a"),
    )
    told = turns(user(Text("q")), assistant(*parts), user(Text("q")))
    assert told["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "YWI="}},
        {"text": "a"},
    ]


def test_a_document_has_words_beside_it():
    told = turns(user(Media("document", "application/pdf", "JVBE")))
    assert told["messages"][0]["content"][1] == {"text": "document 1"}
    told = turns(user(Media("document", "application/pdf", "JVBE"), Text("Read!")))
    assert len(told["messages"][0]["content"]) == 2


def test_white_space_stays_beside_other_parts():
    told = turns(user(Text("a"), Text("\n", Cache()), Text("")))
    assert told["messages"][0]["content"] == [{"text": "a"}, {"text": "\n"}, POINT]
    assert turns(user(Text("\n")))["messages"] == []


def test_parts_of_this_dialect_alone():
    own = Opaque(
        "bedrock",
        "toolUse",
        Raw(b'{"toolUse":{"toolUseId":"i","name":"n","input":{},"type":"server_tool_use"}}'),
    )
    told = turns(
        user(Text("q")),
        assistant(own, Opaque("gemini", "x", Raw(b"{}")), Refusal("No.")),
        user(Text("q")),
    )
    assert roles(told)[1] == ("assistant", ["toolUse", "text"])


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [("", {}), ('{"a": 1}', {"a": 1}), ("[1]", {"input": "[1]"}), ("no", {"input": "no"}), ("\ud800", {"input": "?"})],
)  # fmt: skip
def test_input_is_an_object(arguments, wanted):
    assert json.loads(bytes(input_of(ToolCall("i", "n", arguments)))) == wanted


def test_ids_are_narrow():
    assert narrow_id("tooluse_1.a:b-c") == "tooluse_1.a:b-c"
    assert len(narrow_id("a b")) == len(narrow_id("x" * 65)) == len(narrow_id("")) == 64


def test_a_replys_blocks():
    call = ToolCall("any id/", "n", "{}")
    cited = Text("a", citations=(Citation("https://u", "t", "q"), Citation(document=1, quote="qq")))
    parts = (
        cited,
        Refusal("r"),
        call,
        Media("image", "image/png", "UA=="),
        Opaque("gemini", "x"),
        ToolResult("i", ()),
    )
    blocks = json.loads(msgspec.json.encode(list(answer_blocks(Answer(parts, "stop")))))
    assert [next(iter(block)) for block in blocks] == [
        "citationsContent",
        "text",
        "toolUse",
        "text",
    ]
    assert blocks[2]["toolUse"]["toolUseId"] == "any id/"
    web, place = blocks[0]["citationsContent"]["citations"]
    assert (web["title"], web["location"]) == ("t", {"web": {"url": "https://u"}})
    assert place["location"] == {"documentChar": {"documentIndex": 1, "start": 0, "end": 2}}
    assert blocks[3]["text"] == "![image](data:image/png;base64,UA==)"
    assert link_of(Media("audio", url="https://a")) == "[audio](https://a)"
    own = Raw(b'{"title":"t"}')
    assert wire_citation(Citation(raw=own, dialect="bedrock")) is own
