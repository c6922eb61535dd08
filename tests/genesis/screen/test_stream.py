"""What streams in pieces reads as what came at once, and is given out once."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.screen.stream import MarkdownStream
from tests.genesis.screen.screens import plain, plain_renderer

TEXTS = {
    "paragraphs": "One *line*.\nTwo lines.\n\nAnother **paragraph** with `code`.\n",
    "headings": "# First\n\nText\nSecond\n======\nmore\n## Third\ntext\n",
    "code": "Look:\n\n```python\ndef f():\n    '''a\n\n    b'''\n"
    + "    x = 1\n" * 30
    + "```\nEnd.\n",
    "code-tildes": "~~~~\na ``` b\n~~~\n~~~~\nend",
    "code-open": "```rust\nfn main() {\n\n",
    "code-indented": "- item\n\n  ```\n  x\n  ```\n\nend\n",
    "code-fence-indent": "  ```js\n  let a;\n    b\n  ```\nend",
    "tight": "Intro:\n- a\n- b\n  - c\n  - d\n- e\n\nEnd\n",
    "loose": "- a\n\n- b\n\n- c\n\nEnd\n",
    "numbers": "Do:\n\n3. three\n\n4. four\n\n   more of four\n\n5. five\n",
    "two-lists": "- a\n- b\n\n* c\n* d\n\n1. x\n2. y\n",
    "quote": "> a\n> b\n\n> c\n\ntext\n",
    "table": "| a | b |\n|---|--:|\n| 1 | 2 |\n| 3 | 4 |\n\nafter\n",
    "rule": "a\n\n---\n\nb\n***\nc",
    "html": "a <b>c</b>\n\n<div>\nx\n</div>\n\nend\n",
    "blank": "\n\n\na\n\n\n\nb\n\n\n",
    "references": "[a]: https://a.example\n\nsee [a]\n\n- x\n\nsee [a] again\n",
    "empty-item": "- \n- a\n-\n",
}


def streamed(text, cuts, width=60):
    """Given out in pieces, with a tail drawn in between as frames do."""
    renderer = plain_renderer()
    stream = MarkdownStream(renderer)
    lines = []
    for start, end in itertools.pairwise(sorted({0, *cuts, len(text)})):
        stream.feed(text[start:end])
        lines += stream.finished(width)
        stream.tail(width, 8)
    lines += stream.close(width)
    return plain(lines)


def at_once(text, width=60):
    return plain(plain_renderer().render(text, width))


@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_pieces_read_as_the_whole(name, data):
    text = TEXTS[name]
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=30))
    assert streamed(text, cuts) == at_once(text)


@pytest.mark.parametrize("name", TEXTS)
def test_single_characters_read_as_the_whole(name):
    text = TEXTS[name]
    assert streamed(text, range(len(text))) == at_once(text)


def fed(text):
    stream = MarkdownStream(plain_renderer())
    stream.feed(text)
    return stream


def test_a_paragraph_is_final_when_a_blank_line_follows():
    stream = fed("One.\n")
    assert stream.finished(60) == []
    stream.feed("\n")
    assert plain(stream.finished(60)) == ["One."]


def test_a_line_that_may_become_a_heading_waits():
    stream = fed("One\n")
    assert stream.finished(60) == []
    stream.feed("===\n")
    assert plain(stream.finished(60)) == ["One"]


def test_items_of_a_list_are_final_when_the_next_begins():
    stream = fed("1. a\n2. b\n3. c\n")
    assert plain(stream.finished(60)) == ["1. a", "2. b"]
    assert plain(stream.close(60)) == ["3. c"]


def test_code_comes_out_before_its_end():
    stream = fed("```\n" + "line\n" * 10)
    assert plain(stream.finished(60)) == ["  line"] * 10


def test_the_tail_is_bounded():
    stream = fed("- a\n" + "  more\n" * 100)
    assert len(stream.tail(60, 7)) == 7


def test_a_huge_paragraph_has_a_bounded_tail():
    stream = fed("word " * 20_000)
    assert len(stream.tail(60, 7)) == 7


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a **bol", "a bol"), ("a `cod", "a cod"), ("a **", "a "), ("**a** b", "a b"), ("``", "``")],
)
def test_half_written_marks_do_not_flash(text, shown):
    assert plain(fed(text).tail(60, 5)) == [shown.rstrip()]


def test_drawing_a_tail_changes_nothing():
    stream = fed("a\n\n- b\n- c")
    before = stream.finished(60)
    assert plain(stream.tail(60, 9)) == plain(stream.tail(60, 9))
    assert plain(before + stream.close(60)) == at_once("a\n\n- b\n- c")
