"""The styles fit every terminal."""

import ast
import re
from pathlib import Path

import pytest
from rich.theme import Theme

import genesis.screen
from genesis.screen.theme import background_of, styles_for

DEFAULTS = Theme(inherit=True).styles
OURS = {name: one for name, one in styles_for("dark").styles.items() if name not in DEFAULTS}
FOLDER = Path(genesis.screen.__file__).parent


@pytest.mark.parametrize(
    ("colours", "background"),
    [("15;0", "dark"), ("0;15", "light"), ("0;default;7", "light"), ("", "dark"), ("x", "dark")],
)
def test_the_terminal_tells_its_background(colours, background):
    assert background_of({"COLORFGBG": colours}) == background
    assert background_of({}) == "dark"


def test_only_the_terminals_own_colours_are_used():
    colours = [one for style in OURS.values() for one in (style.color, style.bgcolor) if one]
    assert all(colour.is_default or colour.number < 16 for colour in colours)


def test_inline_code_can_be_read_on_both():
    assert styles_for("dark").styles["md.code"] != styles_for("light").styles["md.code"]


def test_every_style_of_ours_that_is_named_is_there():
    texts = (path.read_text() for path in FOLDER.glob("*.py"))
    nodes = (node for text in texts for node in ast.walk(ast.parse(text)))
    words = {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}  # fmt: skip
    named = {
        word for word in words if re.fullmatch(r"(?:md|tool|diff)\.[a-z]{2,}|md\.h[1-3]", word)
    }
    assert "md.h1" in named
    assert named <= set(OURS)
