"""Markdown within a line."""

import pytest
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from genesis.screen.inline import inline_text

PARSER = MarkdownIt("commonmark").enable("strikethrough")


def drawn(text):
    root = SyntaxTreeNode(PARSER.parse(text))
    return inline_text(root.children[0].children[0])


def styles(text, words):
    """The styles of a part of what is drawn."""
    shown = drawn(text)
    start = shown.plain.index(words)
    spans = (one for one in shown.spans if one.start <= start and one.end >= start + len(words))
    return {word for one in spans for word in str(one.style).split()}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a **b** *c* ~~d~~ `e`", "a b c d e"),
        ("one\ntwo", "one\ntwo"),
        ("one  \ntwo", "one\ntwo"),
        ("[docs](https://a.example)", "docs (https://a.example)"),
        ("<https://a.example>", "https://a.example"),
        ("<me@a.example>", "me@a.example"),
        (
            "[https://good.example](https://bad.example)",
            "https://good.example (https://bad.example)",
        ),
        ("[x]()", "x"),
        ("![a cat](cat.png)", "[a cat] cat.png"),
        ("![](cat.png)", "[picture] cat.png"),
    ],
)
def test_what_is_read(text, plain):
    assert drawn(text).plain == plain


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("a **b**", "b", {"bold"}),
        ("a *b*", "b", {"italic"}),
        ("***b***", "b", {"bold", "italic"}),
        ("~~b~~", "b", {"strike"}),
        ("`b`", "b", {"md.code"}),
        ("<https://a.example>", "https://a.example", {"underline"}),
        ("[docs](https://a.example)", "https://a.example", {"md.url"}),
        ("**[docs](https://a.example)**", "docs", {"bold"}),
    ],
)
def test_how_it_looks(text, words, expected):
    assert styles(text, words) == expected
