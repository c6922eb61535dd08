"""The body of a request: tools, choices, what a model cannot have."""

import json

import msgspec

from kilo_gateway.dialects.bedrock.writing import dropped_for, write_request
from kilo_gateway.dialects.conversation import (
    Cache,
    Conversation,
    Media,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.dialects.bedrock.wire import CLAUDE, NOVA, OTHER, checked

HELLO = Message("user", (Text("hello"),))
TOOL = Tool("look", "Looks.", msgspec.Raw(b'{"properties":{}}'), cache=Cache())
OWN = Tool(
    "web", server="web", dialect="bedrock", raw=msgspec.Raw(b'{"systemTool":{"name":"web"}}')
)
CALLED = (
    HELLO,
    Message("assistant", (ToolCall("i", "look", "{}"),)),
    Message("user", (ToolResult("i", (Text("r"),)),)),
)


def written(target=CLAUDE, messages=(HELLO,), **members):
    body = json.loads(write_request(Conversation(messages, **members), target))
    checked("ConverseRequest", body)
    return body


def test_tools():
    config = written(tools=(TOOL, Tool("free", is_custom=True, is_strict=True), OWN))["toolConfig"]
    look, point, free, own = config["tools"]
    assert look["toolSpec"]["inputSchema"]["json"] == {"type": "object", "properties": {}}
    assert (point, own) == ({"cachePoint": {"type": "default"}}, {"systemTool": {"name": "web"}})
    assert free["toolSpec"]["inputSchema"]["json"]["required"] == ["input"]
    assert free["toolSpec"]["strict"] is True
    assert len(written(NOVA, tools=(TOOL,))["toolConfig"]["tools"]) == 1


def test_choices():
    def choice(*args, **more):
        made = written(tools=(TOOL, Tool("other")), tool_choice=ToolChoice(*args, **more))
        return made.get("toolConfig", {}).get("toolChoice")

    assert choice("auto") == {"auto": {}}
    assert choice("required") == {"any": {}}
    assert choice("tool", "look") == {"tool": {"name": "look"}}
    assert choice() is None
    assert choice("none") is None
    allowed = written(
        tools=(TOOL, Tool("other")), tool_choice=ToolChoice("auto", allowed=("other",))
    )
    assert [one["toolSpec"]["name"] for one in allowed["toolConfig"]["tools"]] == ["other"]


def test_tools_that_were_called_are_declared():
    (tool,) = written(messages=CALLED)["toolConfig"]["tools"]
    assert tool["toolSpec"] == {
        "name": "look",
        "inputSchema": {"json": {"type": "object", "properties": {}}},
    }
    config = written(messages=CALLED, tools=(Tool("other"),), tool_choice=ToolChoice("none"))[
        "toolConfig"
    ]
    assert [one["toolSpec"]["name"] for one in config["tools"]] == ["look"]
    assert "toolConfig" not in written()


def test_json_without_a_schema_is_a_sentence():
    assert "JSON object" in written(output=OutputFormat("json"))["system"][0]["text"]


def test_what_a_model_cannot_have_is_named():
    parts = (
        Thinking("t", "s", "google"),
        SealedThinking("x", "openai"),
        Text("a", Cache(), signature="g", vendor="google"),
        Opaque("gemini", "code"),
    )
    asked = Conversation(
        (HELLO, Message("assistant", parts)),
        tools=(Tool("s", server="web_search", dialect="anthropic_messages"),),
        reasoning=Reasoning(effort="high"),
    )
    assert dropped_for(asked, OTHER) == (
        "reasoning effort",
        "server tools",
        "cache breakpoints",
        "thinking in messages",
        "thinking signatures",
        "sealed thinking",
        "tool call signatures",
        "parts of one dialect only: code",
    )
    assert dropped_for(Conversation((HELLO,)), OTHER) == ()


def test_a_large_picture_is_passed_on_as_it_is():
    data = "iVBORw0K" * 100_000
    body = written(messages=(Message("user", (Media("image", "image/png", data),)),))
    assert body["messages"][0]["content"][0]["image"]["source"]["bytes"] == data
