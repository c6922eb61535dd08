"""Tools and their choice, either way."""

import json

import msgspec

from kilo_gateway.dialects.body import raw_json, read_fields
from kilo_gateway.dialects.conversation import Tool, ToolChoice
from kilo_gateway.dialects.openai_responses.members import Members
from kilo_gateway.dialects.openai_responses.tools import (
    read_choice,
    read_tools,
    write_choice,
    write_tools,
)


def tools(*given, unknown=None):
    members = Members(read_fields(json.dumps({"tools": given}).encode()))
    return read_tools(members, {} if unknown is None else unknown)


def choice(**members):
    return read_choice(Members(read_fields(json.dumps(members).encode())))


def again(*read):
    return json.loads(bytes(raw_json(write_tools(read))))


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FUNCTION = {
    "type": "function",
    "name": "f",
    "description": "d",
    "parameters": SCHEMA,
    "strict": True,
}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
CUSTOM = {"type": "custom", "name": "g", "format": GRAMMAR, "description": "d"}
SEARCH = {"type": "web_search", "search_context_size": "low"}


def test_each_kind_is_written_as_it_was_read():
    read = tools(FUNCTION, CUSTOM, SEARCH)
    assert again(*read) == [FUNCTION, CUSTOM, SEARCH]
    assert read[1].grammar_syntax == "lark"
    assert read[2].server == "web_search"


def test_a_function_is_not_strict_unless_the_client_said_so():
    (tool,) = tools({"type": "function", "name": "f"})
    assert tool.is_strict is None
    assert again(tool) == [
        {
            "type": "function",
            "name": "f",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ]


def test_a_function_nested_as_in_chat():
    nested = {"description": "d", "parameters": SCHEMA, "strict": True}
    (tool,) = tools({"type": "function", "name": "f", "function": nested})
    assert (tool.description, tool.is_strict) == ("d", True)
    assert json.loads(bytes(tool.parameters)) == SCHEMA
    (only,) = tools({"type": "function", "function": nested | {"name": "inner"}})
    assert only.name == "inner"


def test_loading_later_is_named():
    unknown: dict[str, None] = {}
    tools(FUNCTION | {"defer_loading": True}, unknown=unknown)
    assert list(unknown) == ["defer_loading"]


def test_server_tools_of_others_are_not_written():
    assert write_tools([Tool("x", server="x", dialect="gemini", raw=msgspec.Raw(b"{}"))]) == []


def test_choices():
    assert choice() == ToolChoice()
    assert choice(tool_choice="required", parallel_tool_calls=True) == ToolChoice(
        "required", is_parallel=True
    )
    assert choice(tool_choice={"type": "function", "name": "f"}) == ToolChoice("tool", "f")
    assert choice(tool_choice={"type": "web_search"}) == ToolChoice("tool", "web_search")
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
    }
    read = choice(tool_choice=allowed)
    assert read == ToolChoice("required", allowed=("f", "web_search"))
    assert write_choice(read, tools(FUNCTION, SEARCH)) == allowed


def test_choices_written():
    offered = tools(FUNCTION, CUSTOM, SEARCH)
    assert write_choice(ToolChoice(), offered) is None
    assert write_choice(ToolChoice("none"), offered) == "none"
    assert write_choice(ToolChoice("tool", "f"), offered) == {"type": "function", "name": "f"}
    assert write_choice(ToolChoice("tool", "g"), offered) == {"type": "custom", "name": "g"}
    assert write_choice(ToolChoice("tool", "web_search"), offered) == {"type": "web_search"}
