"""Words of strangers before people read them."""

import pytest

from genesis.core.text import printable, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("a\x1b[2Jb", "a[2Jb"), ("a\nb\u202ec\x07", "abc"), ("", "")],
)
def test_nothing_steers_a_terminal(text, shown):
    assert printable(text) == shown


def test_what_is_quoted_is_one_short_line():
    assert quoted(" a\n\n b\tc\x1b ") == "a b c"
    assert quoted("x" * 400) == "x" * 300
    assert quoted("abcdef", 3) == "abc"
