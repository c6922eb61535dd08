"""OpenAI's models that reason, by name."""

import pytest

from kilo_gateway.dialects.openai_models import is_reasoner, takes_sampling


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5", True),
        ("openai/GPT-5.2-pro", True),
        ("o1-pro", True),
        ("o4-mini-deep-research", True),
        ("codex-mini-latest", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("gpt-oss-120b", False),
        ("claude-opus-5", False),
    ],
)
def test_which_names_are_those_of_models_that_reason(model: str, expected: bool) -> None:
    assert is_reasoner(model) is expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5", False),
        ("gpt-5-mini", False),
        ("gpt-5.1", True),
        ("openai/gpt-5.4-2026-03-05", True),
        ("gpt-5.4-pro", False),
        ("gpt-5.1-codex", False),
        ("o3", False),
        ("gpt-4.1", True),
        ("gpt-5-chat-latest", True),
    ],
)
def test_which_of_them_take_sampling(model: str, expected: bool) -> None:
    assert takes_sampling(model) is expected
