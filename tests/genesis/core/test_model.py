"""A model as `models.json` has it."""

import msgspec

from genesis.core.model import Cost, Model


def test_the_names_of_the_file_are_the_settings_own():
    model = Model("a/b", "B", cost=Cost(1.0, 2.0, 0.1, 0.2), context_tokens=5)
    assert msgspec.to_builtins(model) == {
        "id": "a/b",
        "name": "B",
        "reasoning": False,
        "input": ("text",),
        "cost": {"input": 1.0, "output": 2.0, "cacheRead": 0.1, "cacheWrite": 0.2},
        "contextWindow": 1_000_000,
        "maxTokens": 128_000,
        "contextTokens": 5,
    }
    assert msgspec.convert(msgspec.to_builtins(model), Model) == model


def test_a_smaller_window_that_nobody_asked_for_is_not_written():
    assert "contextTokens" not in msgspec.to_builtins(Model("a", "A"))
