"""Keys as text: rows M32 to M34."""

import pytest

from genesis.auth.texts import clean_paste, mask, normalise, preview


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "missing"),
        (" short ", "s...t"),
        (" ab ", "a...b"),
        (" abcdefghijklmnop ", "ab...op"),
        ("x" * 40, "x" * 8 + "..." + "x" * 8),
    ],
)
def test_M32_a_key_is_masked(text, shown):
    assert mask(text) == shown


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  sk-\r\nabc\n123  ", "sk-abc123"),
        ("key-\u0417\u2502-token", "key--token"),
        ("  café token  ", "café token"),
        (None, ""),
        (7, ""),
    ],
)
def test_M33_a_key_is_cleaned(text, clean):
    assert normalise(text) == clean


@pytest.mark.parametrize(
    ("pasted", "key"),
    [
        ('export KILOCODE_API_KEY="abc";', '"abc"'),
        ("KILOCODE_API_KEY='abc'", "abc"),
        ("`abc`", "abc"),
        ("abc;", "abc"),
        ("  abc ", "abc"),
    ],
)
def test_M34_what_is_pasted_becomes_a_key(pasted, key):
    assert clean_paste(pasted) == key


def test_a_preview_shows_little():
    assert [preview(text) for text in ("", "abcdefgh", "abcdefghij")] == ["…", "ab…gh", "abcd…ghij"]
