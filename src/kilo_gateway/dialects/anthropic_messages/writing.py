"""A Conversation as the body for an upstream of this dialect: `turns` are its messages, `settings` all the rest, here are the tools.

JSON without a schema has no member here: the model is told by a sentence in the system prompt. A tool of free text takes
an object with one string, `input`. Allowed tools: the others are not offered.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from kilo_gateway.dialects.anthropic_messages.schema import NAME, UNREADABLE, Raw
from kilo_gateway.dialects.anthropic_messages.settings import may_send, settings_of
from kilo_gateway.dialects.anthropic_messages.turns import Blocks, Turns, mark, unmark
from kilo_gateway.dialects.body import Fields, write_fields
from kilo_gateway.dialects.conversation import (
    Conversation,
    Opaque,
    Part,
    SealedThinking,
    Text,
    Thinking,
    Tool,
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
    marked: Blocks = []
    tools = list(_tools(conversation, marked))
    turns = Turns(conversation, target, marked)
    if conversation.output.kind == "json":
        turns.system.append({"type": "text", "text": JSON_ALONE})
    body: dict[str, Any] = {"model": target.model, **settings_of(conversation, target).members}
    if turns.system:
        body["system"] = turns.system
    body["messages"] = turns.messages
    if tools:
        body["tools"] = tools
    unmark(marked)
    return msgspec.json.encode(body)


def dropped_for(conversation: Conversation, target: Target) -> tuple[str, ...]:
    """Names of what this one model cannot have of this request, though the dialect has a place for it."""
    names = dict.fromkeys(settings_of(conversation, target).lost)
    if any(tool.server and tool.dialect != NAME for tool in conversation.tools):
        names[Feature.SERVER_TOOLS.value] = None
    for message in conversation.messages:
        for part in message.parts:
            names |= dict.fromkeys(_left_out(part, target))
    return tuple(names)


def _left_out(part: Part, target: Target) -> Iterator[str]:
    match part:
        case Thinking() if not may_send(part, target):
            yield Feature.THINKING.value
            if part.signature:
                yield Feature.SIGNATURES.value
        case SealedThinking() if not may_send(part, target):
            yield Feature.SEALED_THINKING.value
        case Text() if any(citation.dialect != NAME for citation in part.citations):
            yield Feature.CITATIONS.value
        case Opaque() if part.dialect != NAME:
            yield f"{Feature.OPAQUE.value}: {part.kind}"
        case _:
            pass


def _tools(conversation: Conversation, marked: Blocks) -> Iterator[dict[str, Any] | Raw]:
    allowed = conversation.tool_choice.allowed
    for tool in conversation.tools:
        if allowed and tool.name not in allowed:
            continue
        if not tool.server:
            yield mark(_tool(tool), tool.cache, marked)
        elif tool.dialect == NAME:
            yield tool.raw


def _tool(tool: Tool) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": tool.name}
    if tool.description:
        wire["description"] = tool.description
    wire["input_schema"] = _FREE_TEXT if tool.is_custom else _schema(tool.parameters)
    if tool.is_strict is not None:
        wire["strict"] = tool.is_strict
    return wire


def _schema(parameters: Raw) -> Raw:
    """As the client wrote it; `type` is required, so it is added where it is missing."""
    try:
        members = _OBJECT.decode(parameters)
    except UNREADABLE:
        return _NO_PARAMETERS
    if "type" in members:
        return parameters
    return Raw(write_fields({"type": _TYPE_OBJECT, **members}))
