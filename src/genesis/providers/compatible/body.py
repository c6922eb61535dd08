"""A ChatRequest as the JSON of an OpenAI-compatible request (genesis.md 6.1, 6.2)."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    Message,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
    text_of,
)
from genesis.providers.provider import ChatRequest, ToolSpec

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")
_ID_CHARACTERS = 40
_SEE_IMAGE = "(see attached image)"
_IMAGES_FOLLOW = "Attached image(s) from tool result:"
Json = dict[str, Any]


def body_of(request: ChatRequest) -> Json:
    """The body without what a provider's wrapper adds. `extra_body` is not in it: it is merged last."""
    params = request.params
    sees_images = "image" in request.model.input
    messages = list(_messages(_paired(request.messages), sees_images=sees_images))
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: Json = {
        "model": request.model.id,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    for name, keys in (
        ("max_completion_tokens", ("maxTokens", "max_tokens")),
        ("temperature", ("temperature",)),
        ("tool_choice", ("toolChoice", "tool_choice")),
    ):
        for key in keys:
            if params.get(key) is not None:
                body[name] = params[key]
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    elif any(_has_tools(message) for message in request.messages):
        body["tools"] = []
    return body


def extra_body(request: ChatRequest) -> Json:
    """What the settings want in the body whatever we generate."""
    for name in ("extraBody", "extra_body"):
        extra = request.params.get(name)
        if isinstance(extra, dict):
            return extra
    return {}


def wire_id(ident: str) -> str:
    """A tool call's id as every server takes it."""
    return _NOT_IN_IDS.sub("_", ident.partition("|")[0])[:_ID_CHARACTERS]


def _tool(tool: ToolSpec) -> Json:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _has_tools(message: Message) -> bool:
    if isinstance(message, ToolResultMessage):
        return True
    return any(isinstance(block, ToolCallBlock) for block in message.content)


def _paired(messages: Sequence[Message]) -> list[Message]:
    """The messages without failed answers, results that belong to no call, and calls that have no result."""
    sent = [
        one
        for one in messages
        if not (isinstance(one, AssistantMessage) and one.stop_reason in {"error", "aborted"})
    ]
    called = {
        b.id
        for m in sent
        if isinstance(m, AssistantMessage)
        for b in m.content
        if isinstance(b, ToolCallBlock)
    }
    answered = {one.tool_call_id for one in sent if isinstance(one, ToolResultMessage)}
    results_kept = [
        m for m in sent if not isinstance(m, ToolResultMessage) or m.tool_call_id in called
    ]
    return [_answered(m, answered) if isinstance(m, AssistantMessage) else m for m in results_kept]


def _answered(message: AssistantMessage, answered: set[str]) -> AssistantMessage:
    """The message without tool calls that nobody answered."""
    content = tuple(
        b for b in message.content if not isinstance(b, ToolCallBlock) or b.id in answered
    )
    if content == message.content:
        return message
    return AssistantMessage(content, message.provider, message.model, message.stop_reason)


def _messages(messages: Iterable[Message], *, sees_images: bool) -> Iterable[Json]:
    for message in messages:
        if isinstance(message, UserMessage):
            yield {"role": "user", "content": _parts(message.content, sees_images=sees_images)}
        elif isinstance(message, AssistantMessage):
            wire = _assistant(message)
            if wire is not None:
                yield wire
        else:
            yield from _tool_result(message, sees_images=sees_images)


def _parts(content: Sequence[TextBlock | ImageBlock], *, sees_images: bool) -> str | list[Json]:
    images = [block for block in content if isinstance(block, ImageBlock)] if sees_images else []
    texts = [block.text for block in content if isinstance(block, TextBlock)]
    if not images:
        return "\n".join(texts)
    return [*({"type": "text", "text": text} for text in texts), *map(_image, images)]


def _image(block: ImageBlock) -> Json:
    return {
        "type": "image_url",
        "image_url": {"url": f"data:{block.media_type};base64,{block.data}"},
    }


def _assistant(message: AssistantMessage) -> Json | None:
    text = text_of(message)
    wire: Json = {"role": "assistant", "content": text or None}
    for block in message.content:
        if isinstance(block, ThinkingBlock) and block.field and block.thinking:
            wire[block.field] = wire.get(block.field, "") + block.thinking
    calls = [
        {
            "id": wire_id(block.id),
            "type": "function",
            "function": {"name": block.name, "arguments": block.arguments or "{}"},
        }
        for block in message.content
        if isinstance(block, ToolCallBlock)
    ]
    if calls:
        wire["tool_calls"] = calls
    return wire if calls or text else None


def _tool_result(message: ToolResultMessage, *, sees_images: bool) -> Iterable[Json]:
    images = [block for block in message.content if isinstance(block, ImageBlock)]
    text = text_of(message) or (_SEE_IMAGE if images else "")
    yield {"role": "tool", "tool_call_id": wire_id(message.tool_call_id), "content": text}
    if images and sees_images:
        yield {
            "role": "user",
            "content": [{"type": "text", "text": _IMAGES_FOLLOW}, *map(_image, images)],
        }
