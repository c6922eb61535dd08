"""Code in colours."""

import pytest

from genesis.screen.highlight import CONTEXT_LINES, Highlighter


def plain(lines):
    return [line.plain for line in lines]


def colours(line):
    return {str(span.style) for span in line.spans}


@pytest.mark.parametrize("code", ["", "a", "a\n", "\n\na\n\n", "\tx\n", "def f():\n    pass\n\n"])
@pytest.mark.parametrize("language", ["", "python", "no-such-language"])
def test_every_line_stays_in_its_place(code, language):
    assert plain(Highlighter().lines(code, language)) == code.expandtabs(4).split("\n")


def test_a_known_language_has_colours_and_an_unknown_one_none():
    [known] = Highlighter().lines("def f(): pass", "python")
    [unknown] = Highlighter().lines("def f(): pass", "")
    assert len(colours(known)) > 1
    assert colours(unknown) == set()


def test_a_piece_of_a_string_that_began_before_looks_like_a_string():
    highlighter = Highlighter()
    [alone] = highlighter.lines("not code", "python")
    [inside] = highlighter.piece(['text = """', "more"], ["not code"], "python")
    assert inside.plain == "not code"
    assert colours(inside) != colours(alone)


def test_a_piece_costs_the_same_however_long_its_block_is():
    seen = []

    class Watched(Highlighter):
        def lines(self, code, language):
            seen.append(code.count("\n") + 1)
            return super().lines(code, language)

    assert plain(Watched().piece(["x = 1"] * 5_000, ["y = 2"], "python")) == ["y = 2"]
    assert seen == [CONTEXT_LINES + 1]


def test_the_theme_follows_the_background_unless_one_was_chosen():
    looks = [
        frozenset(colours(one.lines("import os  # why", "python")[0]))
        for one in (Highlighter("dark"), Highlighter("light"), Highlighter("dark", "monokai"))
    ]
    assert len(set(looks)) == 3
