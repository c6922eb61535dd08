"""A session as Markdown for people, or as JSON for programs."""

from datetime import UTC, datetime

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
)
from genesis.session.transcript import Session


class _Exported(msgspec.Struct, rename="camel"):
    id: str
    title: str
    created_at: float
    model: str | None
    messages: list[Message]


def as_json(session: Session, title: str) -> str:
    """All of it, indented."""
    head = session.head
    whole = _Exported(head.id, title, head.created_at, session.chosen.model, session.messages)
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def as_markdown(session: Session, title: str) -> str:
    """What was said, with tool calls and their results."""
    began = datetime.fromtimestamp(session.head.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    parts = [f"# {title or 'Session'}", f"Session {session.id}, begun {began}"]
    for message in session.messages:
        parts += _message(message)
    return "\n\n".join(parts) + "\n"


def _message(message: Message) -> list[str]:
    if isinstance(message, UserMessage):
        return ["## You", *(_block(block) for block in message.content)]
    if isinstance(message, ToolResultMessage):
        failed = " (failed)" if message.is_error else ""
        body = "\n".join(_plain(block) for block in message.content)
        return [f"**Result of {message.tool_name}{failed}**", _fenced(body)]
    return _answer(message)


def _answer(message: AssistantMessage) -> list[str]:
    parts = [f"## {message.provider}/{message.model}"]
    parts += [_block(block) for block in message.content]
    if message.stop_reason == "aborted":
        parts.append("*(stopped)*")
    if message.error:
        parts.append(f"*{message.error}*")
    return parts


def _block(block: TextBlock | ThinkingBlock | ImageBlock | ToolCallBlock) -> str:
    match block:
        case TextBlock(text=text):
            return text
        case ThinkingBlock(thinking=thinking):
            return "\n".join(f"> {line}" for line in thinking.splitlines())
        case ToolCallBlock(name=name, arguments=arguments):
            return f"**{name}**\n\n{_fenced(arguments, 'json')}"
        case ImageBlock():
            return f"*{_plain(block)}*"


def _plain(block: TextBlock | ImageBlock) -> str:
    return block.text if isinstance(block, TextBlock) else f"[picture: {block.media_type}]"


def _fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
