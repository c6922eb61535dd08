"""Markdown blocks as lines of a width. One block in, its lines out: what stands between blocks is `stream`'s matter."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genesis.screen.highlight import Highlighter
from genesis.screen.inline import inline_text

_BULLETS = "•◦▪"
_TASKS = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}
_MIN_TEXT = 10
_INDENT = "  "


def new_parser() -> MarkdownIt:
    """The Markdown that models write: CommonMark with tables and strikethrough; HTML is shown as it is written."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class MarkdownRenderer:
    """Turns Markdown into lines. `console` only measures and wraps."""

    def __init__(self, console: Console, highlighter: Highlighter) -> None:
        self._console = console
        self._highlighter = highlighter
        self._parser = new_parser()
        self._blocks: Mapping[str, Callable[[SyntaxTreeNode, int, int], list[Text]]] = {
            "paragraph": self._paragraph,
            "heading": self._heading,
            "fence": self._fence,
            "code_block": self._fence,
            "bullet_list": self._list,
            "ordered_list": self._list,
            "blockquote": self._quote,
            "hr": self._rule,
            "table": self._table,
        }

    @property
    def console(self) -> Console:
        """What measures and wraps."""
        return self._console

    def parse(self, text: str, references: dict[str, Any] | None = None) -> list[Token]:
        """The tokens of a Markdown text. Targets of links that it defines are kept in `references`."""
        return self._parser.parse(text, references)

    def render(self, text: str, width: int) -> list[Text]:
        """A whole text as lines, a blank one between blocks."""
        return self._many(SyntaxTreeNode(self.parse(text)).children, width, 0)

    def block(self, tokens: Sequence[Token], width: int) -> list[Text]:
        """One top-level block's tokens as lines."""
        return self._many(SyntaxTreeNode(tokens).children, width, 0)

    def code(self, before: list[str], piece: list[str], language: str, width: int) -> list[Text]:
        """Lines of code that follow others; wrapped, never cut: what is code must be there to read."""
        lines: list[Text] = []
        for line in self._highlighter.piece(before, piece, language):
            lines += self._wrapped(line, width - len(_INDENT), _INDENT)
        return lines

    @staticmethod
    def code_head(language: str) -> list[Text]:
        """What stands over code: its language."""
        return [Text(_INDENT + language, "md.language")] if language else []

    def _wrapped(self, text: Text, width: int, indent: str = "") -> list[Text]:
        lines = text.wrap(self._console, max(width, _MIN_TEXT), overflow="fold") or [Text("")]
        for line in lines:
            line.rstrip()
        return [_joined(indent, line) for line in lines]

    def _many(
        self, nodes: Sequence[SyntaxTreeNode], width: int, depth: int, *, is_tight: bool = False
    ) -> list[Text]:
        lines: list[Text] = []
        for node in nodes:
            own = self._blocks.get(node.type, self._plain)(node, width, depth)
            if lines and own and not is_tight:
                lines.append(Text(""))
            lines += own
        return lines

    def _plain(self, node: SyntaxTreeNode, width: int, _depth: int) -> list[Text]:
        return self._wrapped(Text(node.content.rstrip("\n")), width)

    def _paragraph(self, node: SyntaxTreeNode, width: int, _depth: int) -> list[Text]:
        return self._wrapped(inline_text(node.children[0]), width)

    def _heading(self, node: SyntaxTreeNode, width: int, _depth: int) -> list[Text]:
        style = f"md.h{min(int(node.tag[1:]), 3)}"
        return self._wrapped(inline_text(node.children[0], style), width)

    def _fence(self, node: SyntaxTreeNode, width: int, _depth: int) -> list[Text]:
        language = language_of(node.info)
        code = node.content.removesuffix("\n").split("\n")
        return self.code_head(language) + self.code([], code, language, width)

    def _list(self, node: SyntaxTreeNode, width: int, depth: int) -> list[Text]:
        is_ordered = node.type == "ordered_list"
        number = int(node.attrs.get("start", 1)) if is_ordered else 0
        is_tight = is_tight_list(node)
        lines: list[Text] = []
        for position, item in enumerate(node.children):
            if lines and not is_tight:
                lines.append(Text(""))
            bullet = f"{number + position}. " if is_ordered else f"{_BULLETS[depth % 3]} "
            lines += self._item(item, bullet, width, depth, is_tight=is_tight)
        return lines

    def _item(
        self, item: SyntaxTreeNode, bullet: str, width: int, depth: int, *, is_tight: bool
    ) -> list[Text]:
        body = self._many(item.children, width - len(bullet), depth + 1, is_tight=is_tight)
        body = body or [Text("")]
        mark = Text(bullet, "md.bullet")
        task = _TASKS.get(body[0].plain[:4])
        if task is not None:
            mark, body[0] = Text(task, "md.bullet"), body[0][4:]
        pad = " " * len(bullet)
        return [_joined(mark if i == 0 else pad, line) for i, line in enumerate(body)]

    def _quote(self, node: SyntaxTreeNode, width: int, depth: int) -> list[Text]:
        lines = self._many(node.children, width - 2, depth)
        for line in lines:
            line.stylize("md.quote")
        bar = Text("▎ ", "md.bar")
        return [_joined(bar, line) for line in lines]

    def _rule(self, _node: SyntaxTreeNode, width: int, _depth: int) -> list[Text]:
        return [Text("─" * min(width, 40), "md.rule")]

    def _table(self, node: SyntaxTreeNode, width: int, _depth: int) -> list[Text]:
        rows = [row for part in node.children for row in part.children]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="md.head", show_edge=False)
        for cell in rows[0].children if rows else []:
            table.add_column(_cell(cell), justify=_justify(cell), overflow="fold")
        for row in rows[1:]:
            table.add_row(*(_cell(cell) for cell in row.children))
        options = self._console.options.update(width=width, height=None)
        drawn = self._console.render_lines(table, options, pad=False)
        lines = [Text.assemble(*((part.text, part.style or "") for part in line)) for line in drawn]
        for line in lines:
            line.rstrip()
        return lines


def language_of(info: str) -> str:
    """The language that a fence names: its first word."""
    return info.strip().split(" ", 1)[0].split(",", 1)[0].lower() if info.strip() else ""


def is_tight_list(node: SyntaxTreeNode) -> bool:
    """True if no blank line stands between the items: their paragraphs are marked as hidden then."""
    paragraphs = [
        part for item in node.children for part in item.children if part.type == "paragraph"
    ]
    return all(part.hidden for part in paragraphs)


def _joined(front: Text | str, line: Text) -> Text:
    """Both in one; neither's own style spreads to the other."""
    return Text.assemble(front, line) if front else line


def _cell(cell: SyntaxTreeNode) -> Text:
    return inline_text(cell.children[0]) if cell.children else Text("")


def _justify(cell: SyntaxTreeNode) -> Literal["left", "center", "right"]:
    style = str(cell.attrs.get("style", ""))
    if style.endswith("right"):
        return "right"
    return "center" if style.endswith("center") else "left"
