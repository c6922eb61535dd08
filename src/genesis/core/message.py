"""The messages of a conversation and the blocks they are made of; also the form in which sessions are saved."""

from typing import Literal

import msgspec

from genesis.core.usage import Usage

StopReason = Literal["stop", "length", "tool_use", "error", "aborted"]


class TextBlock(msgspec.Struct, frozen=True, tag="text", omit_defaults=True, rename="camel"):
    """Plain text, or Markdown of a model."""

    text: str


class ThinkingBlock(
    msgspec.Struct, frozen=True, tag="thinking", omit_defaults=True, rename="camel"
):
    """What a model thought. `field` is the wire's name that it came under, and goes back under."""

    thinking: str
    field: str = ""
    thinking_signature: str | None = None


class ImageBlock(msgspec.Struct, frozen=True, tag="image", omit_defaults=True, rename="camel"):
    """A picture: base64 `data` of that `media_type`."""

    data: str
    media_type: str


class ToolCallBlock(
    msgspec.Struct, frozen=True, tag="tool_call", omit_defaults=True, rename="camel"
):
    """A model wants a tool run. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str
    thought_signature: str | None = None


class UserMessage(msgspec.Struct, frozen=True, tag="user", tag_field="role", rename="camel"):
    """What the person said; `at` is seconds since the epoch."""

    content: tuple[TextBlock | ImageBlock, ...]
    at: float = 0.0


class AssistantMessage(
    msgspec.Struct, frozen=True, tag="assistant", tag_field="role", rename="camel"
):
    """What a model answered. `provider` and `model` answered; `error` is set when `stop_reason` is "error"."""

    content: tuple[TextBlock | ThinkingBlock | ToolCallBlock, ...]
    provider: str = ""
    model: str = ""
    stop_reason: StopReason = "stop"
    usage: Usage = Usage()
    error: str | None = None
    routed_model: str | None = None
    at: float = 0.0


class ToolResultMessage(
    msgspec.Struct, frozen=True, tag="tool_result", tag_field="role", rename="camel"
):
    """What a tool gave for the call with that id."""

    tool_call_id: str
    tool_name: str
    content: tuple[TextBlock | ImageBlock, ...]
    is_error: bool = False
    at: float = 0.0


Message = UserMessage | AssistantMessage | ToolResultMessage


def text_of(message: Message) -> str:
    """The plain text of a message, its text blocks joined by nothing."""
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))
