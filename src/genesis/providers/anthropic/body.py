"""A ChatRequest as the JSON of a request to the Messages API. Marks what stays the same for the prompt cache."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    Message,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
)
from genesis.providers.compatible.body import IMAGE_LEFT_OUT, extra_body
from genesis.providers.compatible.pairing import paired, wire_id
from genesis.providers.provider import ChatRequest, ToolSpec

# How many tokens a model may think for at each level; the answer comes on top.
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384}
FIELD = "thinking"
_ANSWER_TOKENS = 32_000
_LEAST_BUDGET = 1024
_CACHED = {"type": "ephemeral"}
Json = dict[str, Any]


def body_of(request: ChatRequest) -> Json:
    """The whole body, the settings' own extra body over it."""
    params, model = request.params, request.model
    history = paired(request.messages)
    asked = params.get("max_tokens") or params.get("maxTokens")
    most = int(asked or min(model.max_tokens or _ANSWER_TOKENS, _ANSWER_TOKENS))
    messages = _merged(_messages(history, sees_images="image" in model.input))
    _mark_last(messages)
    body: Json = {"model": model.id, "max_tokens": most, "messages": messages, "stream": True}
    if request.system:
        body["system"] = [{"type": "text", "text": request.system, "cache_control": _CACHED}]
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if params.get("temperature") is not None:
        body["temperature"] = params["temperature"]
    budget = min(_budget(request), most - 1)
    if budget >= _LEAST_BUDGET and _may_think(history):
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        body.pop("temperature", None)  # the API refuses both
    return body | extra_body(request)


def _budget(request: ChatRequest) -> int:
    level = request.thinking
    if not request.model.reasoning or level in {None, "off"}:
        return 0
    return BUDGETS.get("medium" if level == "adaptive" else level or "", BUDGETS["high"])


def _may_think(history: Sequence[Message]) -> bool:
    """The API wants the signed thoughts in front of a tool call whose result it is to read next."""
    for message in reversed(history):
        if isinstance(message, ToolResultMessage):
            continue
        if not isinstance(message, AssistantMessage):
            return True
        return any(isinstance(one, ThinkingBlock) and _is_signed(one) for one in message.content)
    return True


def _is_signed(block: ThinkingBlock) -> bool:
    return block.field == FIELD and bool(block.thinking_signature)


def _messages(history: Iterable[Message], *, sees_images: bool) -> Iterable[Json]:
    for message in history:
        if isinstance(message, AssistantMessage):
            yield {"role": "assistant", "content": _answer(message)}
        elif isinstance(message, ToolResultMessage):
            result = {
                "type": "tool_result",
                "tool_use_id": wire_id(message.tool_call_id),
                "content": _parts(message.content, sees_images=sees_images),
                "is_error": message.is_error,
            }
            yield {"role": "user", "content": [result]}
        else:
            yield {"role": "user", "content": _parts(message.content, sees_images=sees_images)}


def _merged(messages: Iterable[Json]) -> list[Json]:
    """The API wants roles in turn: what one side says in a row becomes one message. Empty ones go."""
    merged: list[Json] = []
    for message in messages:
        if not message["content"]:
            continue
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += message["content"]
        else:
            merged.append(message)
    return merged


def _mark_last(messages: list[Json]) -> None:
    """All up to here comes again with the next request: the cache may keep it."""
    if messages and messages[-1]["role"] == "user":
        last = messages[-1]["content"][-1]
        messages[-1]["content"][-1] = last | {"cache_control": _CACHED}


def _answer(message: AssistantMessage) -> list[Json]:
    blocks: list[Json] = []
    for block in message.content:
        if isinstance(block, TextBlock) and block.text.strip():
            blocks.append({"type": "text", "text": block.text})
        elif isinstance(block, ToolCallBlock):
            call = {"id": wire_id(block.id), "name": block.name, "input": _input(block.arguments)}
            blocks.append({"type": "tool_use"} | call)
        elif isinstance(block, ThinkingBlock) and _is_signed(block):
            signed = {"thinking": block.thinking, "signature": block.thinking_signature}
            blocks.append({"type": "thinking"} | signed)
    return blocks


def _input(arguments: str) -> Json:
    """A call's arguments as an object; what a model wrote that is none was refused then, and is empty now."""
    try:
        value = msgspec.json.decode(arguments or "{}")
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _parts(content: Sequence[TextBlock | ImageBlock], *, sees_images: bool) -> list[Json]:
    parts: list[Json] = []
    for block in content:
        if isinstance(block, TextBlock):
            parts += [{"type": "text", "text": block.text}] if block.text.strip() else []
        elif sees_images:
            source = {"type": "base64", "media_type": block.media_type, "data": block.data}
            parts.append({"type": "image", "source": source})
    if not parts and content:
        is_picture = any(isinstance(block, ImageBlock) for block in content)
        parts.append({"type": "text", "text": IMAGE_LEFT_OUT if is_picture else "(empty)"})
    return parts


def _tool(tool: ToolSpec) -> Json:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": dict(tool.parameters),
    }
