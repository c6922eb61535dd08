"""A Conversation as the body for an upstream of this dialect: `turns` are its messages, `settings` all the rest, here are the tools.

The service wants tools declared where the messages hold calls: a request without tools gets those that were called, by their names.
No choice says "none": then no tools are offered, but for those that were called. A tool of free text takes an object with
one string, `input`. JSON without a schema has no member: the model is told by a sentence in the system prompt.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from kilo_gateway.dialects.bedrock.abilities import abilities_of
from kilo_gateway.dialects.bedrock.schema import NAME, UNREADABLE, Raw
from kilo_gateway.dialects.bedrock.settings import may_send, settings_of
from kilo_gateway.dialects.bedrock.turns import Turns
from kilo_gateway.dialects.body import Fields, write_fields
from kilo_gateway.dialects.conversation import (
    Conversation,
    Opaque,
    Part,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
)
from kilo_gateway.dialects.features import Feature
from kilo_gateway.dialects.hub import Target

JSON_ALONE = "Answer with one JSON object and nothing else: no words around it, no code fence."
_OBJECT = msgspec.json.Decoder(Fields)
_TYPE_OBJECT = Raw(b'"object"')
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
_FREE_TEXT = Raw(b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}')


def write_request(conversation: Conversation, target: Target) -> bytes:
    """The body. Raises Fault unsupported_field for a part that no block can hold."""
    offered = list(_offered(conversation))
    marks = abilities_of(target).family == "claude" and any(tool.cache for tool in offered)
    turns = Turns(conversation, target, int(marks))
    if conversation.output.kind == "json":
        turns.system.append({"text": JSON_ALONE})
    body: dict[str, Any] = {"messages": turns.messages}
    if turns.system:
        body["system"] = turns.system
    tools = list(_tools(offered, turns, marked=marks))
    tools = tools or [_spec(Tool(name)) for name in _called(conversation)]
    if tools:
        body["toolConfig"] = {"tools": tools}
        choice = _choice(conversation) if offered else None
        if choice is not None:
            body["toolConfig"]["toolChoice"] = choice
    body |= settings_of(conversation, target).members
    return msgspec.json.encode(body)


def dropped_for(conversation: Conversation, target: Target) -> tuple[str, ...]:
    """Names of what this one model cannot have of this request, though the dialect has a place for it."""
    names = dict.fromkeys(settings_of(conversation, target).lost)
    able = abilities_of(target)
    if any(tool.server and tool.dialect != NAME for tool in conversation.tools):
        names[Feature.SERVER_TOOLS.value] = None
    if not able.takes_cache and _has_marks(conversation):
        names[Feature.CACHE_MARKS.value] = None
    for message in conversation.messages:
        for part in message.parts:
            names |= dict.fromkeys(_left_out(part, target))
    return tuple(names)


def _has_marks(conversation: Conversation) -> bool:
    parts = (part for message in conversation.messages for part in message.parts)
    return any(
        getattr(one, "cache", None) is not None
        for one in (*conversation.system, *conversation.tools, *parts)
    )


def _left_out(part: Part, target: Target) -> Iterator[str]:
    match part:
        case Thinking() if not may_send(part, target):
            yield Feature.THINKING.value
            if part.signature:
                yield Feature.SIGNATURES.value
        case SealedThinking() if not may_send(part, target):
            yield Feature.SEALED_THINKING.value
        case Opaque() if part.dialect != NAME:
            yield f"{Feature.OPAQUE.value}: {part.kind}"
        case Text() if part.signature:
            yield Feature.CALL_SIGNATURES.value
        case _:
            pass


def _offered(conversation: Conversation) -> Iterator[Tool]:
    choice = conversation.tool_choice
    if choice.mode == "none":
        return
    for tool in conversation.tools:
        is_allowed = not choice.allowed or tool.name in choice.allowed
        if is_allowed and (not tool.server or tool.dialect == NAME):
            yield tool


def _called(conversation: Conversation) -> tuple[str, ...]:
    calls = (
        part.name
        for message in conversation.messages
        for part in message.parts
        if isinstance(part, ToolCall)
    )
    return tuple(dict.fromkeys(calls))


def _tools(offered: list[Tool], turns: Turns, *, marked: bool) -> Iterator[dict[str, Any] | Raw]:
    """One point of the cache at most, behind the last tool that has one."""
    last = max((index for index, tool in enumerate(offered) if tool.cache), default=-1)
    for index, tool in enumerate(offered):
        yield tool.raw if tool.server else _spec(tool)
        if marked and index == last and tool.cache is not None:
            yield turns.point(tool.cache)


def _spec(tool: Tool) -> dict[str, Any]:
    schema = _FREE_TEXT if tool.is_custom else _schema(tool.parameters)
    spec: dict[str, Any] = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": schema}
    if tool.is_strict is not None:
        spec["strict"] = tool.is_strict
    return {"toolSpec": spec}


def _schema(parameters: Raw) -> Raw:
    """As the client wrote it; `type` is required, so it is added where it is missing."""
    try:
        members = _OBJECT.decode(parameters)
    except UNREADABLE:
        return _NO_PARAMETERS
    if "type" in members:
        return parameters
    return Raw(write_fields({"type": _TYPE_OBJECT, **members}))


def _choice(conversation: Conversation) -> dict[str, Any] | None:
    choice = conversation.tool_choice
    if choice.mode is None:
        return None
    if choice.mode == "tool":
        return {"tool": {"name": choice.name}}
    return {"any": {}} if choice.mode == "required" else {"auto": {}}
