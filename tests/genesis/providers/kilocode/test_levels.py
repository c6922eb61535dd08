"""Thinking levels: rows E31 to E35."""

import pytest

from genesis.providers.kilocode.levels import after_complaint, clamp, default_level, read_level


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("ultrathink", "high"),
        ("think-hard", "low"),
        ("think", "minimal"),
        ("on", "low"),
        ("med", "medium"),
        ("bogus", None),
        ("auto", "adaptive"),
        ("X high", "xhigh"),
        ("extra_high", "xhigh"),
        ("MAX", "max"),
        ("off", "off"),
    ],
)
def test_E33_a_word_is_read(word, level):
    assert read_level(word) == level


@pytest.mark.parametrize(
    ("asked", "given"), [("adaptive", "medium"), ("xhigh", "high"), ("max", "high"), ("low", "low")]
)
def test_E31_a_level_is_clamped(asked, given):
    assert clamp(asked) == given


def test_E32_the_default_follows_the_catalog_unless_somebody_says():
    assert default_level(None, None, reasons=True) == "medium"
    assert default_level(None, None, reasons=False) == "off"
    assert default_level(None, "low", reasons=True) == "low"
    assert default_level("high", "low", reasons=False) == "high"


@pytest.mark.parametrize(
    ("text", "tried", "level"),
    [
        ("Reasoning is mandatory for this endpoint and cannot be disabled.", ["off"], "minimal"),
        (
            "Reasoning is mandatory for this endpoint and cannot be disabled.",
            ["off", "minimal"],
            None,
        ),
        ("Bad effort. Supported values are: 'low', 'medium'.", ["high"], "low"),
        ("Supported values are: 'low', 'medium'.", ["high", "low"], "medium"),
        ("reasoning_effort is not supported with this model", ["high"], "off"),
        ("insufficient credits", ["high"], None),
    ],
)
def test_E34_E35_a_complaint_asks_for_another_level(text, tried, level):
    assert after_complaint(text, tried) == level
