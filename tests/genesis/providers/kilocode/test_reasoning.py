"""The `reasoning` object: rows E12 to E29."""

import pytest

from genesis.providers.kilocode.reasoning import with_reasoning

HIGH = {"effort": "high"}
ROWS = {
    "E12": ("anthropic/claude-sonnet-4", "high", {}, {"reasoning": HIGH}),
    "E13": (
        "openai/gpt-5.4",
        "high",
        {"config": {"a": -1}},
        {"config": {"a": -1}, "reasoning": HIGH},
    ),
    "E14": ("kilo/auto", "high", {"config": {"a": -1}}, {"config": {"a": -1}}),
    "E15": ("x-ai/grok-3", "high", {"reasoning_effort": "high"}, {}),
    "E16": (" X-AI/Grok-4 ", "high", {}, {}),
    "E17": ("grok-3", "low", {}, {"reasoning": {"effort": "low"}}),
    "E18": ("openai/x-ai", "low", {}, {"reasoning": {"effort": "low"}}),
    "E19a": ("Kilo/Auto", "low", {}, {"reasoning": {"effort": "low"}}),
    "E19b": ("kilo/auto-free", "low", {}, {"reasoning": {"effort": "low"}}),
    "E21": ("a/b", "off", {"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
    "E22": ("a/b", None, {}, {}),
    "E23": ("a/b", "high", {"reasoning": {"max_tokens": 500}}, {"reasoning": {"max_tokens": 500}}),
    "E24": ("a/b", "high", {"reasoning": {}}, {"reasoning": HIGH}),
    "E25": ("a/b", "high", {"reasoning": ["x"]}, {"reasoning": ["x"]}),
    "E26": ("a/b", "high", {"reasoning": None}, {"reasoning": HIGH}),
    "E29a": ("a/b", "adaptive", {}, {"reasoning": {"effort": "medium"}}),
    "E29b": ("a/b", "max", {}, {"reasoning": {"effort": "xhigh"}}),
    "slash first": ("/x-ai/y", "low", {}, {"reasoning": {"effort": "low"}}),
}


@pytest.mark.parametrize(("model", "level", "body", "expected"), ROWS.values(), ids=ROWS)
def test_the_payload_is_normalised(model, level, body, expected):
    before = dict(body)
    assert with_reasoning(body, model, level) == expected
    assert body == before
