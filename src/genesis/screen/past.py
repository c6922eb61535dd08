"""What was said before, as lines: the last messages of a session that is opened again."""

from collections.abc import Iterable, Sequence

import msgspec
from rich.text import Text

from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    Message,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
    text_of,
)
from genesis.core.text import one_line, visible
from genesis.screen.display import Display
from genesis.screen.markdown import MarkdownRenderer
from genesis.screen.theme import SIGN
from genesis.screen.tool_lines import result_text, tool_line

_MESSAGES_SHOWN = 6
_USER_LINES_SHOWN = 12


def past_lines(
    renderer: MarkdownRenderer, display: Display, messages: Sequence[Message], width: int
) -> list[Text]:
    """The last messages, a blank line between them but not between tools; the last tool's output can be opened."""
    summaries = _summaries(messages)
    lines: list[Text] = []
    hidden = len(messages) - _MESSAGES_SHOWN
    if hidden > 0:
        lines += [Text(f"  … {hidden} earlier messages", "quiet"), Text("")]
    was_tool = False
    for message in messages[-_MESSAGES_SHOWN:]:
        is_tool = isinstance(message, ToolResultMessage)
        if is_tool and was_tool:
            lines.pop()
        if isinstance(message, ToolResultMessage):
            summary = summaries.get(message.tool_call_id, message.tool_name)
            display.last_tool = (summary, result_text(message))
            own = [_result_line(message, summary, width)]
        elif isinstance(message, UserMessage):
            own = _user_lines(message)
        else:
            own = renderer.render(visible(text_of(message)), width)
        if own:
            lines += [*own, Text("")]
            was_tool = is_tool
    return lines


def _summaries(messages: Iterable[Message]) -> dict[str, str]:
    """What each tool call was about, by its id: its name and the first text among its arguments."""
    calls = (
        block
        for message in messages
        if isinstance(message, AssistantMessage)
        for block in message.content
        if isinstance(block, ToolCallBlock)
    )
    return {call.id: _summary(call) for call in calls}


def _summary(call: ToolCallBlock) -> str:
    try:
        arguments = msgspec.json.decode(call.arguments)
    except msgspec.DecodeError:  # a model wrote them
        return call.name
    values = arguments.values() if isinstance(arguments, dict) else ()
    about = next((value for value in values if isinstance(value, str)), "")
    return f"{call.name}: {one_line(about)}" if about else call.name


def _result_line(result: ToolResultMessage, summary: str, width: int) -> Text:
    mark, style = ("✗", "tool.bad") if result.is_error else ("✓", "tool.ok")
    return tool_line(summary, mark, style, None, width)


def _user_lines(message: UserMessage) -> list[Text]:
    first = next((b.text for b in message.content if isinstance(b, TextBlock)), "")
    rows = visible(first).split("\n")
    lines = [Text.assemble((SIGN, "prompt"), rows[0])]
    lines += [Text(f"  {row}") for row in rows[1:_USER_LINES_SHOWN]]
    if len(rows) > _USER_LINES_SHOWN:
        lines.append(Text(f"  … {len(rows) - _USER_LINES_SHOWN} more lines", "quiet"))
    attached = len(message.content) - 1
    if attached > 0:
        pictures = sum(isinstance(block, ImageBlock) for block in message.content)
        parts = [_counted(attached - pictures, "file"), _counted(pictures, "picture")]
        lines.append(Text("  + " + ", ".join(part for part in parts if part), "quiet"))
    return lines


def _counted(count: int, word: str) -> str:
    if not count:
        return ""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
