"""A session as Markdown for people, or as JSON for programs; the same from a command and in a chat."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

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
from genesis.core.text import one_line
from genesis.session.conversation import SessionView

Form = Literal["markdown", "json"]
_TITLE = 80


class Exported(msgspec.Struct, frozen=True, rename="camel"):
    """What is written of a session. `model` is the one that was chosen for it."""

    id: str
    title: str
    created_at: float | None
    model: str | None
    messages: Sequence[Message]

    def written(self, form: Form) -> str:
        """All of it as a text."""
        return _json(self) if form == "json" else _markdown(self)


def of_view(view: SessionView) -> Exported:
    """Of a session that is open."""
    return Exported(view.id, title_of(view.messages), view.created_at, view.model, view.messages)


def as_title(text: str) -> str:
    """A title made of what was said."""
    return one_line(text[:2_000], _TITLE)


def title_of(messages: Sequence[Message]) -> str:
    """Made of the first thing that the person said."""
    said = (message for message in messages if isinstance(message, UserMessage))
    return next((title for message in said if (title := as_title(_words(message)))), "")


def _words(message: UserMessage) -> str:
    return " ".join(block.text for block in message.content if isinstance(block, TextBlock))


def _json(session: Exported) -> str:
    return msgspec.json.format(msgspec.json.encode(session), indent=2).decode() + "\n"


def _markdown(session: Exported) -> str:
    parts = [f"# {session.title or 'Session'}", f"Session {session.id}{_begun(session)}"]
    for message in session.messages:
        parts += _message(message)
    return "\n\n".join(parts) + "\n"


def _begun(session: Exported) -> str:
    if session.created_at is None:
        return ""
    return f", begun {datetime.fromtimestamp(session.created_at, UTC):%Y-%m-%d %H:%M} UTC"


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
