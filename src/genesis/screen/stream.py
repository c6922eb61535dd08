"""Markdown that is still being written: what is finished is given out once, the rest is a tail that may change.

Rules. A top-level block is finished when a block follows it, or a blank line where no kind of it goes on after one.
Items of a list are finished when the next one begins; lines of code a few at a time. Only whole lines decide: the last,
half-written line may turn out to be anything. So the text that is looked at again stays short, however long the answer is.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from markdown_it.token import Token
from rich.text import Text

from genesis.screen.markdown import MarkdownRenderer, language_of

# Fewer renderings of code at the price of a few lines more in the tail.
_CODE_LINES_AT_ONCE = 6
# Beyond it a tail is shown as it is written: rendering a huge paragraph again and again would cost more than it gives.
_TAIL_CHARACTERS = 12_000
_ENDS_AT_ONCE = {"heading_open", "hr"}
_ENDS_AT_BLANK = {"paragraph_open", "table_open", *_ENDS_AT_ONCE}
_LISTS = {"bullet_list_open", "ordered_list_open"}


@dataclasses.dataclass
class _Code:
    """A code block whose end has not come: lines before `pending` that have been given out."""

    closes: re.Pattern[str]
    indent: int
    language: str
    before: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class _ListSoFar:
    """A list whose first items have been given out."""

    kind: str
    markup: str
    next_number: int
    is_tight: bool


@dataclasses.dataclass(frozen=True)
class _Block:
    tokens: Sequence[Token]
    start: int
    end: int

    @property
    def kind(self) -> str:
        return self.tokens[0].type


class MarkdownStream:
    """One answer. `feed` text that is safe to show; take `finished` lines and the `tail` whenever a frame is due."""

    def __init__(self, renderer: MarkdownRenderer) -> None:
        self._renderer = renderer
        self._pending = ""
        self._references: dict[str, Any] = {}
        self._code: _Code | None = None
        self._list: _ListSoFar | None = None
        self._has_given = False
        self._has_new_line = False

    def feed(self, text: str) -> None:
        """More of the answer."""
        self._pending += text
        self._has_new_line = self._has_new_line or "\n" in text

    @property
    def is_empty(self) -> bool:
        """True if nothing waits to be given out."""
        return self._code is None and not self._pending.strip()

    def finished(self, width: int) -> list[Text]:
        """The lines that have become final since the last time."""
        if not self._has_new_line:
            return []
        self._has_new_line = False
        lines: list[Text] = []
        while True:
            more = self._finished_code(width) if self._code else self._finished_blocks(width)
            if more is None:
                return lines
            lines += more

    def close(self, width: int) -> list[Text]:
        """All that is left, final now."""
        lines = self.finished(width)
        lines += self._rest(width, self._pending)
        self._pending, self._code, self._list = "", None, None
        return lines

    def tail(self, width: int, rows: int) -> list[Text]:
        """The last lines of what is not final, at most `rows`."""
        text = self._pending
        if len(text) > _TAIL_CHARACTERS:
            lines = [Text(line) for line in text[-_TAIL_CHARACTERS:].split("\n")[-rows:]]
            return [part for line in lines for part in line.wrap(self._renderer.console, width)][
                -rows:
            ]
        return self._rest(width, text if self._code else _mended(text))[-rows:]

    def _rest(self, width: int, text: str) -> list[Text]:
        if self._code is not None:
            lines = text.removesuffix("\n").split("\n") if text else []
            return self._code_lines(self._code, lines, width)
        before = self._has_given, self._list
        rendered: list[Text] = []
        # What is half-written must define no link: a copy.
        known = {"references": dict(self._references.get("references", {}))}
        for block in self._parse(text, known):
            rendered += self._give(block, width)
        self._has_given, self._list = before
        return rendered

    def _parse(self, text: str, references: dict[str, Any]) -> list[_Block]:
        tokens = self._renderer.parse(text, references)
        blocks: list[_Block] = []
        first = 0
        for position, token in enumerate(tokens):
            if token.level == 0 and token.nesting <= 0:
                start, end = tokens[first].map or (0, 0)
                blocks.append(_Block(tokens[first : position + 1], start, end))
                first = position + 1
        return blocks

    def _finished_blocks(self, width: int) -> list[Text] | None:
        """Give out what is final at the front; None if nothing is."""
        whole = self._pending[: self._pending.rfind("\n") + 1]
        blocks = self._parse(whole, self._references)
        if not blocks:
            return None
        last = blocks.pop()
        lines: list[Text] = []
        for block in blocks:
            lines += self._give(block, width)
        cut = last.start
        source = whole.split("\n")
        if last.kind == "fence":
            lines += self._open_code(last, source[last.start])
            cut = last.start + 1
        elif last.kind in _LISTS:
            lines_of_items, cut = self._give_items(last, width)
            lines += lines_of_items
        elif _is_over(last, source):
            lines += self._give(last, width)
            cut = last.end
        if cut == 0:
            return None
        self._pending = "\n".join(source[cut:]) + self._pending[len(whole) :]
        return lines

    def _give(self, block: _Block, width: int) -> list[Text]:
        """A block's lines, with what stands between it and the one before."""
        so_far, self._list = self._list, None
        first = block.tokens[0]
        goes_on = so_far is not None and (so_far.kind, so_far.markup) == (first.type, first.markup)
        if so_far is not None and goes_on and so_far.kind == "ordered_list_open":
            first.attrSet("start", str(so_far.next_number))
        gap = self._has_given and not (goes_on and so_far is not None and so_far.is_tight)
        self._has_given = True
        return [Text(""), *self._renderer.block(block.tokens, width)][0 if gap else 1 :]

    def _give_items(self, block: _Block, width: int) -> tuple[list[Text], int]:
        """All items but the last one, which may grow; and the line where that one begins."""
        tokens = block.tokens
        items = [i for i, t in enumerate(tokens) if t.type == "list_item_open" and t.level == 1]
        start = (tokens[items[-1]].map or (block.start, 0))[0]
        if len(items) < 2:
            return [], block.start
        first = tokens[0]
        so_far = self._list
        lines = self._give(_Block([*tokens[: items[-1]], tokens[-1]], block.start, start), width)
        number = int(first.attrs.get("start", 1)) + len(items) - 1
        is_tight = all(t.hidden for t in tokens if t.type == "paragraph_open" and t.level == 2)
        # Once a blank line stood between items it stands between all: the last item alone looks tight.
        is_tight = is_tight and (so_far is None or so_far.is_tight)
        self._list = _ListSoFar(first.type, first.markup, number, is_tight)
        return lines, start

    def _open_code(self, block: _Block, opening: str) -> list[Text]:
        token = block.tokens[0]
        mark = re.escape(token.markup[0])
        closes = re.compile(f" {{0,3}}{mark}{{{len(token.markup)},}}[ \t]*$")
        self._code = _Code(closes, len(opening) - len(opening.lstrip(" ")), language_of(token.info))
        self._list = None
        head = self._renderer.code_head(self._code.language)
        lines = [Text(""), *head] if self._has_given else head
        self._has_given = True
        self._has_new_line = True
        return lines

    def _finished_code(self, width: int) -> list[Text] | None:
        code = self._code
        if code is None:
            return None
        *whole, rest = self._pending.split("\n")
        end = next((i for i, line in enumerate(whole) if code.closes.match(line)), None)
        if end is None and len(whole) < _CODE_LINES_AT_ONCE:
            return None
        given = whole if end is None else whole[:end]
        lines = self._code_lines(code, given, width)
        code.before += [_dedented(line, code.indent) for line in given]
        if end is not None:
            self._code = None
            whole = whole[end + 1 :]
            self._pending = "\n".join([*whole, rest])
        else:
            self._pending = rest
        return lines

    def _code_lines(self, code: _Code, lines: list[str], width: int) -> list[Text]:
        if lines and code.closes.match(lines[-1]):
            lines = lines[:-1]
        piece = [_dedented(line, code.indent) for line in lines]
        return self._renderer.code(code.before, piece, code.language, width) if piece else []


def _dedented(line: str, indent: int) -> str:
    """The line without the indentation that its fence has."""
    front = len(line) - len(line.lstrip(" "))
    return line[min(front, indent) :]


def _is_over(block: _Block, source: Sequence[str]) -> bool:
    if block.kind in _ENDS_AT_ONCE:
        return block.tokens[0].markup not in {"=", "-"} or block.end < len(source)
    # The source ends with an empty string after its last newline: a blank line is one more.
    is_blank_after = block.end < len(source) - 1 and not source[block.end].strip()
    return block.kind in _ENDS_AT_BLANK and is_blank_after


def _mended(text: str) -> str:
    """Half-written emphasis and code closed, so that marks do not flash up and vanish."""
    start = text.rfind("\n\n") + 1
    last = text[start:]
    if last.lstrip().startswith(("```", "~~~", "    ")) or text.endswith("`"):
        return text
    if last.count("`") % 2:
        return text + "`"
    if last.count("**") % 2:
        return text.rstrip("* ") + "**" if not text.endswith("**") else text[:-2]
    return text
