"""Tool calls, their results and the questions before them, as lines."""

from rich.console import Console
from rich.text import Text

from genesis.core.events import ApprovalAsked
from genesis.core.message import ImageBlock, ToolResultMessage
from genesis.core.text import one_line, stripped, visible

_INDENT = "  "
_QUESTIONS = {"exec": "Run this command?", "write": "Write this file?", "edit": "Make this change?"}
_DIFF_STYLES = (
    ("+++", "diff.file"),
    ("---", "diff.file"),
    ("@@", "diff.at"),
    ("+", "diff.add"),
    ("-", "diff.del"),
)
DECIDED = {
    "once": "allowed once",
    "always": "allowed, and from now on",
    "deny": "denied",
}


def tool_line(summary: str, mark: str, style: str, seconds: float | None, width: int) -> Text:
    """`exec: ls -l  ✓ 0.2s`: the summary gives way where the line is narrow, the outcome does not."""
    took = "" if seconds is None else f" {duration(seconds)}"
    outcome = f"  {mark}{took}"
    words = Text(one_line(summary, 500), "tool")
    name, colon, _ = words.plain.partition(":")
    if colon:
        words.stylize("tool.name", 0, len(name))
    words.truncate(max(width - len(_INDENT) - len(outcome), 8), overflow="ellipsis")
    return Text.assemble(_INDENT, words, "  ", (mark, style), (took, "quiet"))


def error_lines(text: str, width: int) -> list[Text]:
    """The first line of a tool's error, under its call."""
    first = next((line for line in stripped(text).splitlines() if line.strip()), "")
    line = Text.assemble((_INDENT * 2 + "└ ", "quiet"), (one_line(first, 500), "tool.bad"))
    line.truncate(width, overflow="ellipsis")
    return [line] if first else []


def result_text(result: ToolResultMessage) -> str:
    """A tool's whole output, safe to show; pictures by their kind."""
    parts = [
        f"[picture: {block.media_type}]" if isinstance(block, ImageBlock) else block.text
        for block in result.content
    ]
    return stripped("\n".join(parts))


def output_lines(console: Console, summary: str, text: str, width: int) -> list[Text]:
    """A tool's call and its full output."""
    lines = [Text.assemble(_INDENT, (one_line(summary, 500), "tool.name"))]
    body = text.rstrip("\n").split("\n") if text.strip() else ["(no output)"]
    for line in body:
        lines += _folded(console, Text(line, "quiet"), width, _INDENT * 2)
    return lines


def approval_lines(console: Console, asked: ApprovalAsked, width: int) -> list[Text]:
    """The question with the exact command or diff, nothing of it left out or hidden."""
    question = _QUESTIONS.get(asked.name, f"Allow {asked.name}?")
    about = one_line(asked.summary.partition(": ")[2], 60)
    is_told = about.rstrip("…") in one_line(asked.detail or asked.summary, 1000)
    first = Text.assemble(_INDENT, (question, "ask"), ("" if is_told else f"  {about}", "quiet"))
    first.truncate(width, overflow="ellipsis")
    lines = [first]
    detail = visible(asked.detail or asked.summary).rstrip("\n").split("\n")
    is_diff = any(line.startswith("@@") for line in detail)
    for line in detail:
        style = _diff_style(line) if is_diff else "bold"
        lines += _folded(console, Text(line, style), width, _INDENT * 2)
    return lines


def approval_keys() -> Text:
    """The keys that answer."""
    keys = (("y", "once"), ("a", "always"), ("n", "deny"), ("ctrl-c", "deny and stop"))
    parts = [part for key, word in keys for part in ((key, "key"), (f" {word}   ", "quiet"))]
    return Text.assemble(_INDENT, *parts)


def duration(seconds: float) -> str:
    """`0.2s`, `12s`, `2m 05s`."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s"
    return f"{int(seconds) // 60}m {int(seconds) % 60:02d}s"


def _diff_style(line: str) -> str:
    return next((style for start, style in _DIFF_STYLES if line.startswith(start)), "")


def _folded(console: Console, line: Text, width: int, indent: str) -> list[Text]:
    line.expand_tabs(4)
    parts = line.wrap(console, max(width - len(indent), 10), overflow="fold") or [Text("")]
    return [Text.assemble(indent, part) for part in parts]
