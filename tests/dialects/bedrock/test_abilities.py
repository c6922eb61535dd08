"""What a model takes, by its name on Bedrock."""

import pytest

from kilo_gateway.dialects.bedrock.abilities import abilities_of
from kilo_gateway.dialects.hub import Target

# name -> (family, thinks, adaptive, budgets, sampling, either)
ROWS = [
    ("anthropic.claude-v2", ("claude", False, False, False, True, False)),
    ("anthropic.claude-3-5-sonnet-20240620-v1:0", ("claude", False, False, False, True, False)),
    ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", ("claude", True, False, True, True, False)),
    ("us.anthropic.claude-sonnet-4-20250514-v1:0", ("claude", True, False, True, True, False)),
    ("us.anthropic.claude-opus-4-1-20250805-v1:0", ("claude", True, False, True, True, True)),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", ("claude", True, False, True, True, True)),
    ("us.anthropic.claude-sonnet-4-6", ("claude", True, True, True, True, True)),
    ("us.anthropic.claude-opus-4-8", ("claude", True, True, False, False, False)),
    ("us.anthropic.claude-fable", ("claude", True, True, False, False, False)),
    ("us.amazon.nova-2-lite-v1:0", ("nova-2", True, False, False, True, False)),
    ("us.amazon.nova-micro-v1:0", ("nova", False, False, False, True, False)),
    ("openai.gpt-oss-120b-1:0", ("gpt-oss", True, False, False, True, False)),
    ("qwen.qwen3-32b-v1:0", ("qwen3", True, False, False, True, False)),
    ("mistral.mistral-large-3-675b-instruct", ("mistral", False, False, False, True, False)),
    ("us.meta.llama4-maverick-17b-instruct-v1:0", ("other", False, False, False, True, False)),
]


@pytest.mark.parametrize(("model", "wanted"), ROWS)
def test_abilities_by_name(model, wanted):
    able = abilities_of(Target(model))
    assert wanted == (
        able.family,
        able.thinks,
        able.is_adaptive,
        able.takes_budgets,
        able.takes_sampling,
        able.is_either,
    )
    assert able.takes_cache == (able.family in {"claude", "nova", "nova-2"})


def test_a_profile_that_does_not_name_its_model_is_known_by_its_vendor():
    arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"
    assert abilities_of(Target(arn, reads_thinking="anthropic")).family == "claude"
    assert abilities_of(Target(arn)).family == "other"
