"""Texts made safe to show."""

import pytest

from genesis.tools.printable import on_one_line, without_sequences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 漢 👍\n\t", "plain é 漢 👍\n\t"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]52;c;ZXZpbA==\x1b\\x", "x"),
        ("\x9b31mred", "red"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\\x0db"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x1b", "\\x1b"),
    ],
)
def test_output(text: str, expected: str) -> None:
    assert without_sequences(text) == expected


def test_one_line() -> None:
    assert on_one_line("a\n b\t\x1b[2Jc", 100) == "a b \\x1b[2Jc"
    assert on_one_line("x" * 300) == "x" * 199 + "…"
