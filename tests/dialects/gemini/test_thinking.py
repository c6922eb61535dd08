"""How much to think, in the words of each generation."""

import pytest

from kilo_gateway.dialects.conversation import Reasoning
from kilo_gateway.dialects.gemini.thinking import config, generation, needs_signatures
from kilo_gateway.dialects.hub import Target


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-2.5-pro", (2, 5)),
        ("google/gemini-3-pro-preview", (3, 0)),
        ("gemini-flash-latest", (3, 0)),
        ("gemini-live-2.5-flash", (2, 5)),
        ("gemma-3", None),
    ],
)
def test_the_generation_is_in_the_name(model, expected) -> None:
    assert generation(model) == expected


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        ("gemini-2.5-flash", Reasoning(effort="low"), {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", Reasoning(is_on=False), {"thinkingBudget": 0}),
        ("gemini-2.5-pro", Reasoning(is_on=False), {"thinkingBudget": 128}),
        ("gemini-2.5-flash", Reasoning(budget_tokens=99_999), {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-flash", Reasoning(True, is_adaptive=True), {"thinkingBudget": -1, "includeThoughts": True}),
        ("gemini-3-flash", Reasoning(effort="none"), {"thinkingLevel": "minimal"}),
        ("gemini-3-pro", Reasoning(effort="minimal"), {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3-pro", Reasoning(budget_tokens=5000), {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-3-pro", Reasoning(effort="high", is_shown=False), {"thinkingLevel": "high", "includeThoughts": False}),
        ("gemini-2.0-flash", Reasoning(effort="high"), {}),
        ("gemini-3-pro", Reasoning(), {}),
    ],
)  # fmt: skip
def test_effort_and_budget_become_levels_and_budgets(model, reasoning, expected) -> None:
    assert config(reasoning, Target(model)) == expected


def test_calls_without_a_signature_are_refused_from_3_on() -> None:
    assert needs_signatures("gemini-3-pro")
    assert not needs_signatures("gemini-2.5-pro")
