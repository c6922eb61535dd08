"""Tools and the choice of tools, read and written."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilo_gateway.dialects.body import starts_with
from kilo_gateway.dialects.conversation import Tool, ToolChoice, is_given
from kilo_gateway.dialects.openai_responses.content import NAME
from kilo_gateway.dialects.openai_responses.members import Members, decode, given, refused
from kilo_gateway.dialects.openai_responses.schema import WireChoice, WireTool

_TOOLS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_TOOL = msgspec.json.Decoder(WireTool)
_WORD = msgspec.json.Decoder(str)
_CHOICE = msgspec.json.Decoder(WireChoice)
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


def read_tools(members: Members, unknown: dict[str, None]) -> tuple[Tool, ...]:
    """`tools`. Functions and custom tools are the client's; any other type is run by the vendor."""
    found = members.read("tools", _TOOLS)
    return tuple(_tool(raw, f"tools[{at}]", unknown) for at, raw in enumerate(found or ()))


def _tool(raw: msgspec.Raw, place: str, unknown: dict[str, None]) -> Tool:
    wire = decode(raw, _TOOL, place)
    kind = wire.type or "function"
    if wire.defer_loading:
        unknown["defer_loading"] = None
    if kind == "custom":
        syntax, grammar = _grammar(wire)
        return Tool(
            _named(wire, place),
            wire.description or "",
            is_custom=True,
            grammar=grammar,
            grammar_syntax=syntax,
        )
    if kind != "function":
        return Tool(wire.name or kind, server=kind, dialect=NAME, raw=msgspec.Raw(bytes(raw)))
    nested = wire.function
    description, parameters, strict = wire.description, wire.parameters, wire.strict
    if nested is not None and not is_given(parameters):
        description = description or nested.description
        parameters, strict = nested.parameters, nested.strict if strict is None else strict
    return Tool(
        _named(wire, place),
        description or "",
        parameters if is_given(parameters) else msgspec.Raw(),
        strict,
    )


def _named(wire: WireTool, place: str) -> str:
    name = wire.name or (wire.function.name if wire.function is not None else None)
    if not name:
        raise refused(f"{place}.name", "is missing: a tool needs a name")
    return name


def _grammar(wire: WireTool) -> tuple[str, str]:
    form = wire.format
    if form is None or form.type != "grammar":
        return "", ""
    return form.syntax or "", form.definition or ""


def read_choice(members: Members) -> ToolChoice:
    """`tool_choice` and `parallel_tool_calls`."""
    is_parallel = members.truth("parallel_tool_calls")
    raw = members.raw("tool_choice")
    if not is_given(raw):
        return ToolChoice(is_parallel=is_parallel)
    if starts_with(raw, b'"'):
        return _by_word(decode(raw, _WORD, "tool_choice"), is_parallel)
    wire = decode(raw, _CHOICE, "tool_choice")
    if wire.type == "allowed_tools":
        names = tuple(one.name or one.type or "" for one in wire.tools or ())
        choice = _by_word(wire.mode or "auto", is_parallel)
        return msgspec.structs.replace(choice, allowed=tuple(name for name in names if name))
    return ToolChoice("tool", wire.name or wire.type or "", is_parallel=is_parallel)


def _by_word(word: str, is_parallel: bool | None) -> ToolChoice:
    match word:
        case "auto" | "none" | "required":
            return ToolChoice(word, is_parallel=is_parallel)
        case _:
            raise refused("tool_choice", "must be auto, none, required, or an object")


def write_tools(tools: Sequence[Tool]) -> list[Any]:
    """`tools`. A function is strict only if the client said so: this API's own default is the other way round."""
    return [written for tool in tools if (written := _written(tool)) is not None]


def _written(tool: Tool) -> Any:
    if tool.server:
        return tool.raw if tool.dialect == NAME else None
    if tool.is_custom:
        told: dict[str, Any] = {"type": "custom", "name": tool.name}
        if tool.grammar:
            told["format"] = {
                "type": "grammar",
                "syntax": tool.grammar_syntax,
                "definition": tool.grammar,
            }
        return told | given({"description": tool.description})
    return {
        "type": "function",
        "name": tool.name,
        **given({"description": tool.description}),
        "parameters": tool.parameters if is_given(tool.parameters) else _NO_PARAMETERS,
        "strict": tool.is_strict is True,
    }


def write_choice(choice: ToolChoice, tools: Sequence[Tool]) -> Any:
    """`tool_choice`, None if there is nothing to say."""
    if choice.allowed:
        return {
            "type": "allowed_tools",
            "mode": "required" if choice.mode == "required" else "auto",
            "tools": [_chosen(name, tools) for name in choice.allowed],
        }
    return _chosen(choice.name, tools) if choice.mode == "tool" else choice.mode


def _chosen(name: str, tools: Sequence[Tool]) -> dict[str, str]:
    tool = next((one for one in tools if one.name == name), None)
    if tool is not None and tool.server and tool.dialect == NAME:
        return {"type": tool.server}
    return {"type": "custom" if tool is not None and tool.is_custom else "function", "name": name}
