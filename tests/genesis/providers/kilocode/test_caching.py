"""Whose prompt cache ages: rows F8, F9."""

import pytest

from genesis.providers.kilocode.caching import is_cache_aged


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("kilocode", "anthropic/claude-opus-4.6", True),
        ("Kilocode", "anthropic/claude-opus-4.6", True),
        ("KILOCODE", "Anthropic/claude-opus-4.6", True),
        ("kilocode", "openai/gpt-5", False),
        ("openrouter", "anthropic/claude-opus-4.6", False),
        ("kilocode", "anthropic", False),
    ],
    ids=["F8a", "F8b", "F8c", "F9", "another provider", "no slash"],
)
def test_only_anthropics_models_through_kilo(provider, model, expected):
    assert is_cache_aged(provider, model) is expected
