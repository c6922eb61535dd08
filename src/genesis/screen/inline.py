"""Markdown within a line: emphasis, code, links, pictures, as one styled text."""

from collections.abc import Callable, Mapping

from markdown_it.tree import SyntaxTreeNode
from rich.text import Text

_Draw = Callable[[SyntaxTreeNode, Text, str], None]


def inline_text(node: SyntaxTreeNode, style: str = "") -> Text:
    """The text of an inline node and all within it."""
    text = Text(style=style)
    _children(node, text, "")
    return text


def _children(node: SyntaxTreeNode, text: Text, style: str) -> None:
    for child in node.children:
        draw = _DRAW.get(child.type)
        if draw is None:
            text.append(child.content, style or None)
        else:
            draw(child, text, style)


def _styled(own: str) -> _Draw:
    def draw(node: SyntaxTreeNode, text: Text, style: str) -> None:
        _children(node, text, f"{style} {own}".strip())

    return draw


def _code(node: SyntaxTreeNode, text: Text, _style: str) -> None:
    text.append(node.content, "md.code")


def _break(_node: SyntaxTreeNode, text: Text, _style: str) -> None:
    text.append("\n")


def _link(node: SyntaxTreeNode, text: Text, style: str) -> None:
    """The words and then the address, readable: a link must not lead elsewhere than it says."""
    start = len(text)
    _children(node, text, style)
    address = str(node.attrs.get("href", ""))
    words = text.plain[start:]
    if words in {address, address.removeprefix("mailto:")}:
        text.stylize("underline", start)
    elif address:
        text.append(" (")
        text.append(address, "md.url")
        text.append(")")


def _image(node: SyntaxTreeNode, text: Text, _style: str) -> None:
    text.append(f"[{node.content or 'picture'}] ", "md.image")
    text.append(str(node.attrs.get("src", "")), "md.url")


_DRAW: Mapping[str, _Draw] = {
    "strong": _styled("bold"),
    "em": _styled("italic"),
    "s": _styled("strike"),
    "code_inline": _code,
    "softbreak": _break,
    "hardbreak": _break,
    "link": _link,
    "image": _image,
}
