"""What a model takes follows from its words, else from its name."""

import pytest

from kilo_gateway.dialects.anthropic_messages.abilities import abilities

NO_WORDS: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("model", "is_adaptive", "takes_budgets", "takes_sampling", "takes_later_system"),
    [
        ("claude-3-7-sonnet-20250219", False, True, True, False),
        ("claude-sonnet-4", False, True, True, False),
        ("claude-opus-4-20250514", False, True, True, False),
        ("anthropic/claude-sonnet-4.5", False, True, True, False),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", False, True, True, False),
        ("claude-opus-4-6", True, True, True, False),
        ("claude-opus-4-7", True, False, False, False),
        ("claude-opus-4-8", True, False, False, True),
        ("claude-sonnet-5", True, False, False, False),
        ("claude-opus-5", True, False, False, True),
        ("deepseek-chat", False, True, True, False),
    ],
)
def test_by_name(model, is_adaptive, takes_budgets, takes_sampling, takes_later_system):
    able = abilities(model, NO_WORDS)
    assert able.is_adaptive is is_adaptive
    assert able.takes_budgets is takes_budgets
    assert able.takes_sampling is takes_sampling
    assert able.takes_later_system is takes_later_system


def test_words_decide_before_the_name_does():
    able = abilities("mine", frozenset({"adaptive_thinking", "later_system", "no_sampling"}))
    assert able.is_adaptive
    assert able.takes_later_system
    assert not able.takes_sampling
    assert not able.is_claude


def test_some_always_think():
    assert abilities("claude-mythos-5", NO_WORDS).always_thinks
    assert not abilities("claude-opus-5", NO_WORDS).always_thinks
