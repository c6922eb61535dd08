"""Colours as the terminal and the person want them; a size always."""

import io

import pytest
from rich.text import Text

from genesis.screen.terminal import Terminal
from genesis.screen.theme import background_of

LINE = Text("red", "bold red")


@pytest.mark.parametrize(
    ("environ", "color", "expected"),
    [
        ({"TERM": "xterm-256color"}, "auto", "\x1b[1;31mred\x1b[0m"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "auto", "red"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "always", "\x1b[1;31mred\x1b[0m"),
        ({"TERM": "xterm-256color"}, "never", "red"),
        ({"TERM": "dumb"}, "auto", "red"),
    ],
)
def test_colours(environ, color, expected):
    terminal = Terminal(io.StringIO(), environ, color=color)
    assert terminal.ansi(LINE) == expected


def test_a_stream_without_a_size_has_a_usual_one():
    assert Terminal(io.StringIO(), {}).size == (80, 24)


@pytest.mark.parametrize(
    ("environ", "reflows"),
    [
        ({"TERM": "tmux"}, True),
        ({"TERM": "linux"}, False),
        ({"XTERM_VERSION": "XTerm(390)"}, False),
    ],
)
def test_who_wraps_lines_anew(environ, reflows):
    assert Terminal(io.StringIO(), environ).reflows is reflows


@pytest.mark.parametrize(
    ("value", "background"),
    [("15;0", "dark"), ("0;15", "light"), ("", "dark"), ("0;default;7", "light")],
)
def test_the_background(value, background):
    assert background_of({"COLORFGBG": value}) == background
