"""A ChatRequest as the JSON of an OpenAI-compatible request (genesis.md 6.1, 6.2)."""

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
    UserMessage,
    text_of,
)
from genesis.providers.compatible.pairing import paired, wire_id
from genesis.providers.provider import ChatRequest, ToolSpec

SEE_IMAGE = "(see attached image)"
IMAGES_FOLLOW = "Attached image(s) from tool result:"
IMAGE_LEFT_OUT = "(an image was left out: this model reads text only)"
# Under which names servers send a model's thoughts, and take them back.
THOUGHTS = ("reasoning_content", "reasoning", "reasoning_text")
_PARAMS = (
    ("max_completion_tokens", ("maxTokens", "max_tokens")),
    ("temperature", ("temperature",)),
    ("tool_choice", ("toolChoice", "tool_choice")),
)
Json = dict[str, Any]


def body_of(request: ChatRequest) -> Json:
    """The body without what a provider's wrapper adds. `extra_body` is not in it: it is merged last."""
    sees_images = "image" in request.model.input
    messages = list(_messages(paired(request.messages), sees_images=sees_images))
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: Json = {
        "model": request.model.id,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    for name, keys in _PARAMS:
        for key in keys:
            if request.params.get(key) is not None:
                body[name] = request.params[key]
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


def encoded(body: Json) -> bytes:
    """The body as it is sent. A half of a character pair, as file names may have them, becomes a question mark."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(_scrubbed(body))


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_scrubbed(name): _scrubbed(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(one) for one in value]
    return value


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


def _messages(messages: Iterable[Message], *, sees_images: bool) -> Iterable[Json]:
    images: list[ImageBlock] = []
    for message in messages:
        if isinstance(message, ToolResultMessage):
            yield _tool_result(message)
            images += [one for one in message.content if isinstance(one, ImageBlock)]
            continue
        # Pictures of tools can be a user's only; results of one answer may not be torn apart.
        yield from _attached(images, sees_images=sees_images)
        images = []
        if isinstance(message, UserMessage):
            yield {"role": "user", "content": _parts(message.content, sees_images=sees_images)}
        elif (wire := _assistant(message)) is not None:
            yield wire
    yield from _attached(images, sees_images=sees_images)


def _attached(images: Sequence[ImageBlock], *, sees_images: bool) -> Iterable[Json]:
    if images and sees_images:
        follow = {"type": "text", "text": IMAGES_FOLLOW}
        yield {"role": "user", "content": [follow, *map(_image, images)]}


def _parts(content: Sequence[TextBlock | ImageBlock], *, sees_images: bool) -> str | list[Json]:
    images = [block for block in content if isinstance(block, ImageBlock)]
    texts = [block.text for block in content if isinstance(block, TextBlock)]
    if images and sees_images:
        return [*({"type": "text", "text": text} for text in texts), *map(_image, images)]
    return "\n".join(texts) or (IMAGE_LEFT_OUT if images else "")


def _image(block: ImageBlock) -> Json:
    url = f"data:{block.media_type};base64,{block.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _assistant(message: AssistantMessage) -> Json | None:
    text = text_of(message)
    wire: Json = {"role": "assistant", "content": text or None}
    for block in message.content:
        # Only the names that servers know: a saved session is not trusted with others.
        if isinstance(block, ThinkingBlock) and block.field in THOUGHTS and block.thinking:
            wire[block.field] = wire.get(block.field, "") + block.thinking
    calls = [_call(block) for block in message.content if isinstance(block, ToolCallBlock)]
    if calls:
        wire["tool_calls"] = calls
    return wire if calls or text else None


def _call(block: ToolCallBlock) -> Json:
    function = {"name": block.name, "arguments": block.arguments or "{}"}
    return {"id": wire_id(block.id), "type": "function", "function": function}


def _tool_result(message: ToolResultMessage) -> Json:
    has_image = any(isinstance(block, ImageBlock) for block in message.content)
    text = text_of(message) or (SEE_IMAGE if has_image else "")
    return {"role": "tool", "tool_call_id": wire_id(message.tool_call_id), "content": text}
