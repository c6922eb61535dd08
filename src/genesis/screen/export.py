"""A session as a file that people read (Markdown) or programs do (JSON)."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from genesis.core.fault import GenesisError
from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    Message,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    UserMessage,
)

_SUFFIXES = {"markdown": ".md", "json": ".json"}
_FORMATS = {"markdown": "markdown", "md": "markdown", "json": "json"}


def export_session(
    session: str, messages: Sequence[Message], folder: Path, arguments: Sequence[str]
) -> Path:
    """Write a new file: `[markdown|json] [file]`. Never over one that is there."""
    rest = list(arguments)
    kind = _FORMATS.get(rest[0].lower()) if rest else None
    if kind is not None:
        del rest[0]
    path = folder / Path(rest[0]).expanduser() if rest else None
    if kind is None:
        kind = "json" if path is not None and path.suffix == ".json" else "markdown"
    path = path or folder / f"genesis-{session}{_SUFFIXES[kind]}"
    data = _json(messages) if kind == "json" else markdown_of(session, messages).encode()
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise GenesisError(
            f"{path} is there already. Name another file: /export {kind} <file>"
        ) from None
    except OSError as error:
        raise GenesisError(
            f"{path} cannot be written: {error.strerror}. Name another file: /export {kind} <file>"
        ) from None
    return path


def markdown_of(session: str, messages: Sequence[Message]) -> str:
    """The whole conversation as Markdown."""
    parts = [f"# Session {session}"]
    for message in messages:
        parts.append(f"## {_who(message)}")
        parts += [_block(block) for block in message.content]
    return "\n\n".join(part for part in parts if part) + "\n"


def _json(messages: Sequence[Message]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(list(messages)), indent=2) + b"\n"


def _who(message: Message) -> str:
    if isinstance(message, UserMessage):
        return "You"
    if isinstance(message, AssistantMessage):
        return f"{message.provider}/{message.model}".strip("/") or "Model"
    return f"Tool: {message.tool_name}"


def _block(block: TextBlock | ThinkingBlock | ToolCallBlock | ImageBlock) -> str:
    match block:
        case TextBlock():
            return block.text.strip()
        case ThinkingBlock():
            return "\n".join(f"> {line}" for line in block.thinking.strip().splitlines())
        case ToolCallBlock():
            return f"`{block.name}` with:\n\n```json\n{block.arguments}\n```"
        case ImageBlock():
            return f"[picture: {block.media_type}]"
