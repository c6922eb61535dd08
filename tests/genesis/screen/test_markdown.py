"""Markdown as people see it, at 60 and at 200 columns."""

import pytest

from tests.genesis.screen.screens import emulated, plain, plain_renderer, renderer_of

BLOCKS = {
    "heading": ("## Title *x*", ["Title x"]),
    "bullets": ("- a\n- b\n  - c\n    - d", ["• a", "• b", "  ◦ c", "    ▪ d"]),
    "numbers": ("9. a\n10. b", ["9. a", "10. b"]),
    "tasks": ("- [ ] a\n- [x] b", ["☐ a", "☑ b"]),
    "quote": ("> a\n> > b", ["▎ a", "▎", "▎ ▎ b"]),
    "rule": ("---", ["─" * 40]),
    "code": ("```sh\nls\n\ncd\n```", ["  sh", "  ls", "", "  cd"]),
    "code-unknown-language": ("```nope\nx\n```", ["  nope", "  x"]),
    "link": ("[a](https://x.example/y)", ["a (https://x.example/y)"]),
    "link-bare": ("<https://x.example>", ["https://x.example"]),
    "picture": ("![alt](p.png)", ["[alt] p.png"]),
    "html": ("a <b>x</b>", ["a <b>x</b>"]),
    "html-block": ("<div>\nx\n</div>", ["<div>", "x", "</div>"]),
    "breaks": ("a\nb", ["a", "b"]),
    "table": ("|a|b|\n|-|-:|\n|1|22|", ["a    b", "──────", "1   22"]),
    "empty": ("", []),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(name):
    text, expected = BLOCKS[name]
    assert [line.rstrip() for line in plain(plain_renderer().render(text, 60))] == expected


@pytest.mark.parametrize("width", [20, 60, 200])
def test_no_line_is_wider_than_asked_and_no_word_is_lost(width):
    text = (
        "word " * 60 + "\n\n- " + "item " * 40 + "\n\n> " + "quote " * 40 + "\n\n```\n"
        "code(" + "argument, " * 40 + ")\n```\n\n|" + "cell |" * 3 + "\n" + "|-" * 3 + "|\n"
        "|" + "some more words here | " * 3 + "\n"
    )
    lines = plain_renderer().render(text, width)
    assert max(line.cell_len for line in lines) <= width
    for word in ("word", "item", "quote", "argument,"):
        assert sum(line.plain.count(word) for line in lines) >= 40


def test_a_long_word_is_folded_not_cut():
    lines = plain(plain_renderer().render("x" * 100, 30))
    assert "".join(lines) == "x" * 100


@pytest.mark.parametrize("columns", [60, 200])
def test_wide_characters_keep_their_width(columns):
    stream, terminal = emulated(columns)
    lines = renderer_of(terminal).render("日本語 " * 60, columns - 1)
    terminal.print_lines(lines)
    assert stream.text.replace(" ", "").replace("\n", "") == "日本語" * 60


def test_code_is_coloured_and_strings_over_lines_stay_strings():
    renderer = plain_renderer()
    [first, second] = renderer.code(["x = '''"], ["a", "b'''"], "python", 60)
    assert first.spans
    assert {str(span.style) for span in first.spans} == {str(span.style) for span in second.spans}
