"""What the words of a command may become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.session.shell_words import MOST, UNKNOWN, read_script

KNOWN = {"HOME": ("/h",), "A": ("1",)}


def words(text: str) -> list[list[str]]:
    script = read_script(text, KNOWN)
    return [["|".join(word) for word in command] for command in script.commands]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [["a", "b"]]),
        ("a;b&&c|d\ne", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a'b'\"c\"d", [["abcd"]]),
        ("a '' \"\"", [["a", "", ""]]),
        ("a>b <c", [["a", "b", "c"]]),
        ("a ~ ~/x b~ x=~/y '~'", [["a", "/h", "/h/x", "b~", "x=/h/y", "~"]]),
        ("a $A ${A}x $A$HOME \"$A\" '$A'", [["a", "1", "1x", "1/h", "1", "$A"]]),
        ("a $UNSET/x $ $1", [["a", "/x", "$", UNKNOWN]]),
        ("A=2; a $A", [["A=2"], ["a", "1|2"]]),
        ("for x in p q; do a $x; done", [["for", "x", "in", "p", "q"], ["do", "a", "p|q"], ["done"]]),
        ("read x; a $x", [["read", "x"], ["a", UNKNOWN]]),
        ("a $(b c)d", [["b", "c"], ["a", f"{UNKNOWN}d"]]),
        ("a `b c`", [["b", "c"], ["a", UNKNOWN]]),
        ("a $((1+2))", [["a", UNKNOWN]]),
        ("a ${A:-~/x} ${B-y} ${A#1}", [["a", "1|/h/x", "|y", UNKNOWN]]),
        ("a $'\\x41\\'b'", [["a", "A'b"]]),
        ("a \\\nb", [["a", "b"]]),
    ],
)  # fmt: skip
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_what_a_word_may_become_is_bounded() -> None:
    text = "x=a; x=b; x=c; y=$x$x$x$x$x$x$x$x"
    script = read_script(text, {})
    assert all(len(word) <= MOST for command in script.commands for word in command)
    assert UNKNOWN in script.variables["y"]


@given(st.text(alphabet="ab $(){}'\"`\\~=;|&<>\n*$?#!-:", max_size=60))
def test_every_text_is_read_to_its_end(text: str) -> None:
    read_script(text, KNOWN)
