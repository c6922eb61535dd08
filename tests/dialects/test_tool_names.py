"""Names of tools: what a vendor does not take is told otherwise, and comes back as it was, whole and streamed."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.answer import Answer, CallStarted, collect, deltas_of
from kilo_gateway.dialects.conversation import (
    Conversation,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.dialects.tool_names import ALPHABETS, Names, renamed, told
from kilo_gateway.dialects.translate import hub_of, passage
from kilo_gateway.relay.marks import Marks

MARKS = Marks().of("k")
LONG = "mcp__" + "server_" * 12 + "tool"
ODD = ("1st", "-dash", "mcp.read:file", "größe", "with space", LONG, "a" * 64 + "b")


def test_every_dialect_that_is_translated_has_an_alphabet() -> None:
    named = {name.removesuffix("_array") for name in DIALECTS}
    assert set(ALPHABETS) == named - {"bedrock_anthropic"}


@given(st.text(max_size=90), st.sampled_from(sorted(ALPHABETS)))
def test_what_is_told_is_taken_and_stays(name: str, dialect: str) -> None:
    written = told(name, dialect)
    assert not name or ALPHABETS[dialect].whole.fullmatch(written)
    assert told(written, dialect) == written


@pytest.mark.parametrize("dialect", ALPHABETS)
def test_plain_names_stay_and_odd_ones_do_not_meet(dialect: str) -> None:
    assert told("get_weather-2", dialect) == "get_weather-2"
    odd = ["a b", "a.b", "a/b", "a" * 200 + "1", "a" * 200 + "2"]
    assert len({told(name, dialect) for name in odd}) == len(odd)


def test_google_takes_dots_and_colons_but_no_digit_in_front() -> None:
    assert told("mcp.read:file", "gemini") == "mcp.read:file"
    assert re.fullmatch(r"_1st_[0-9a-f]{8}", told("1st", "gemini"))
    assert told("1st", "openai_chat") == "1st"


def test_every_place_of_a_name_is_changed() -> None:
    conversation = Conversation(
        (
            Message("assistant", (Text("x"), ToolCall("c", "a b", "{}"))),
            Message("user", (ToolResult("c", (Text("r"),), "a b"),)),
        ),
        tools=(Tool("a b"), Tool("ok"), Tool("a b", server="web", dialect="gemini")),
        tool_choice=ToolChoice("tool", "a b", ("a b", "ok")),
    )
    changed, name = renamed(conversation, "openai_chat"), told("a b", "openai_chat")
    assert [tool.name for tool in changed.tools] == [name, "ok", "a b"]
    assert (changed.tool_choice.name, changed.tool_choice.allowed) == (name, (name, "ok"))
    call, result = changed.messages[0].parts[1], changed.messages[1].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (call.name, result.name) == (name, name)


def test_a_conversation_in_order_is_the_same_object() -> None:
    conversation = Conversation((), tools=(Tool("ok"),))
    assert renamed(conversation, "gemini") is conversation


def test_the_request_is_read_only_for_a_name_that_may_be_a_told_one() -> None:
    asked = list[int]()

    def read() -> Conversation:
        asked.append(1)
        return Conversation((), tools=(Tool("a b"), Tool("x_0123abcd")))

    names = Names("openai_chat", read)
    assert names.of("get_weather") == "get_weather"
    assert not asked
    assert names.of(told("a b", "openai_chat")) == "a b"
    assert names.of("x_0123abcd") == "x_0123abcd"
    assert names.of("made_up_0123abcd") == "made_up_0123abcd"
    assert len(asked) == 1


def call_of(name: str, *, is_stream: bool = False) -> Call:
    function = {"name": name, "parameters": {"type": "object"}}
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": "?"}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": name}},
    }
    fields = {key: msgspec.Raw(json.dumps(value).encode()) for key, value in body.items()}
    return Call("c", "openai_chat", "chat", "m", fields, 1, is_stream, 0.0, 0.0)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("target", ["gemini", "anthropic_messages", "openai_responses", "bedrock"])
def test_a_chat_clients_tool_is_called_by_its_own_name(target: str, name: str) -> None:
    way = passage("openai_chat", target)
    deployment = Deployment("u", "m", "m", target)
    sent = way.outbound(call_of(name), deployment, frozenset(), MARKS)
    known = told(name, target)
    assert json.dumps(known).encode() in sent.body
    assert sent.dropped == ()
    answer = Answer((ToolCall("id", known, "{}"),), "tool_calls")
    upstream = hub_of(target)
    shown = Shown("c", "m", 1, request={"alt": msgspec.Raw(b'"sse"')})
    whole = way.answer(
        call_of(name), upstream.write_answer(answer, shown), UNKNOWN_USAGE, None, MARKS
    )
    assert json.loads(whole)["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == name
    writer, stream = upstream.writer(shown), way.stream(call_of(name, is_stream=True), None, MARKS)
    wire = writer.write(deltas_of(answer)) + writer.finish(UNKNOWN_USAGE, None)
    told_back = stream.feed(wire) + (b"" if stream.has_ended else stream.finish())
    reader = hub_of("openai_chat").reader("chat")
    deltas = [*reader.feed(told_back)]
    assert [one.name for one in deltas if isinstance(one, CallStarted)] == [name]
    assert collect(deltas).stop == "tool_calls"
