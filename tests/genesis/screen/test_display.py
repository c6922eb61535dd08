"""What the screen remembers between turns."""

import pytest

from genesis.screen.display import Display


@pytest.mark.parametrize(
    ("before", "after"), [("folded", "shown"), ("shown", "folded"), ("hidden", "shown")]
)
def test_thinking_is_folded_and_unfolded(before, after):
    display = Display(thinking=before)
    assert display.toggle_thinking() == display.thinking == after


def test_at_first_there_is_nothing_to_open():
    assert (Display().last_tool, Display().last_thinking) == (None, "")
