"""Nothing that a terminal obeys, and nothing that hides, gets through."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.core.text import one_line, printable, stripped, visible

SHOWN = {
    "escape": ("a\x1b[2Jb", "a␛[2Jb"),
    "title": ("\x1b]0;owned\x07x", "␛]0;owned␇x"),
    "bell-backspace": ("a\x07\b", "a␇␈"),
    "return": ("safe\rrm -rf", "safe␍rm -rf"),
    "windows-lines": ("a\r\nb", "a\nb"),
    "c1": ("a\x9b31mb", "a⟨U+009B⟩31mb"),
    "delete": ("a\x7f", "a␡"),
    "bidi-override": ("rm \u202etxt.exe", "rm ⟨U+202E⟩txt.exe"),
    "bidi-isolate": ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
    "zero-width": ("pass\u200bword", "pass⟨U+200B⟩word"),
    "tags": ("a\U000e0041", "a⟨U+E0041⟩"),
    "soft-hyphen": ("pass\xadword", "pass⟨U+00AD⟩word"),
    "surrogate": ("a\ud800", "a\ufffd"),
    "kept": ("tab\there\nnew 👩\u200d💻 ﷼ é", "tab\there\nnew 👩\u200d💻 ﷼ é"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_controls_and_hidden_marks_are_shown(name):
    given_text, expected = SHOWN[name]
    assert visible(given_text) == expected


STRIPPED = {
    "colours": ("\x1b[1;31mred\x1b[0m", "red"),
    "title": ("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "xlink"),
    "progress": ("10%\r50%\r100%\ndone", "100%\ndone"),
    "windows-lines": ("a\r\nb\r\n", "a\nb\n"),
    "clipboard": ("\x1b]52;c;ZXZpbA==\x1b\\x\x9b31m", "x"),
    "bold-by-backspace": ("b\bbo\bold", "bold"),
    "half-a-sequence": ("a\x1b[", "a␛["),
    "endless-title": ("\x1b]0;never ends\nnext", "␛]0;never ends\nnext"),
}


@pytest.mark.parametrize("name", STRIPPED)
def test_output_of_programs_reads_as_a_terminal_would_leave_it(name):
    given_text, expected = STRIPPED[name]
    assert stripped(given_text) == expected


@given(st.text())
def test_no_control_is_left_whatever_comes(text):
    for clean in (visible(text), stripped(text)):
        left = {c for c in clean if unicodedata.category(c) in {"Cc", "Cs"}}
        assert left <= {"\n", "\t"}


def test_one_line_is_short_and_has_no_breaks():
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("a\n b\t\x1b[2Jc", 100) == "a b ␛[2Jc"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
    assert one_line("x" * 300) == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("a\x1b[2Jb", "a[2Jb"), ("a\nb\u202ec\x07", "abc"), ("", "")],
)
def test_only_what_prints_is_left(text, shown):
    assert printable(text) == shown
