"""What a model thinks, folded or shown."""

import io

import pytest
from rich.console import Console

from genesis.screen.display import Display
from genesis.screen.thinking import ThinkingLines, thinking_lines

CONSOLE = Console(file=io.StringIO(), width=40)


def thought(mode, *pieces):
    lines = ThinkingLines(CONSOLE, Display(thinking=mode))
    for piece in pieces:
        lines.feed(piece)
    return lines


def plain(lines):
    return [line.plain for line in lines]


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (["one two"], 2),
        (["one", " two"], 2),
        (["o", "n", "e"], 1),
        (["one ", "two"], 2),
        ([" ", "\n"], 0),
        (["one\n", "", "two"], 2),
    ],
)
def test_words_are_counted_however_they_come(pieces, words):
    assert thought("folded", *pieces).words == words


def test_folded_it_is_one_line_that_counts():
    lines = thought("folded", "one\ntwo\n")
    assert lines.finished(40) == []
    assert plain(lines.tail(40, 5)) == plain(lines.close(40)) == ["  thinking… 2 words"]
    assert plain(thought("folded", "one").close(40)) == ["  thinking… 1 word"]


def test_nothing_is_shown_before_the_first_word():
    assert thought("folded", " ").tail(40, 5) == []


def test_shown_whole_lines_are_finished_and_the_rest_may_still_change():
    lines = thought("shown", "one\ntw")
    assert plain(lines.finished(40)) == ["  one"]
    assert lines.finished(40) == []
    assert plain(lines.tail(40, 5)) == ["  tw"]
    lines.feed("o")
    assert plain(lines.close(40)) == ["  two"]


def test_a_long_line_is_wrapped_and_only_its_end_is_live():
    lines = thought("shown", "word " * 40)
    shown = plain(lines.tail(20, 3))
    assert len(shown) == 3
    assert all(len(line) <= 20 for line in shown)


def test_hidden_it_leaves_nothing():
    lines = thought("hidden", "one\n")
    assert (lines.finished(40), lines.close(40)) == ([], [])


def test_it_can_be_printed_afterwards():
    display = Display()
    ThinkingLines(CONSOLE, display).feed("one\ntwo")
    assert display.last_thinking == "one\ntwo"
    assert plain(thinking_lines(CONSOLE, display.last_thinking, 40)) == ["  one", "  two"]
