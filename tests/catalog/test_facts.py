"""Shipped facts: small, quick to read, found in every spelling."""

from importlib.resources import files

import pytest

from kilo_gateway.catalog.facts import folded, load_facts, operations_by_name, undated

FACTS = load_facts()


def test_the_data_file_is_small():
    assert len(files("kilo_gateway.catalog").joinpath("data/facts.json").read_bytes()) <= 150_000
    assert files("kilo_gateway.catalog").joinpath("data/PROVENANCE.md").is_file()


def test_a_well_known_model_is_known():
    fact = FACTS.of("openai", "gpt-5.2")
    assert fact is not None
    assert (fact.name, fact.context, fact.output, fact.operations) == (
        "GPT-5.2",
        400_000,
        128_000,
        ("chat",),
    )
    assert {"tools", "vision", "reasoning"} <= fact.capabilities


@pytest.mark.parametrize(
    ("vendor", "model_id", "is_exact"),
    [
        ("anthropic", "Claude-Sonnet-4-5-20250929", True),
        ("openrouter", "anthropic/claude-sonnet-4.5", False),
        ("openrouter", "anthropic/claude-sonnet-4.5:free", False),
        ("azure", "gpt-4o-2024-08-06", False),
        ("nobody", "gpt-4o-2099-01-01", False),
        ("nobody", "mistral-small-latest", False),
        ("groq", "openai/gpt-oss-120b", True),
    ],
)
def test_a_model_is_found_in_every_spelling(vendor, model_id, is_exact):
    fact = FACTS.of(vendor, model_id)
    assert fact is not None
    assert fact.is_exact is is_exact


@pytest.mark.parametrize("model_id", ["", "x", "gpt", "my-model", "gpt-5.2x", "/"])
def test_an_unknown_model_is_unknown(model_id):
    assert FACTS.of("openai", model_id) is None


def test_models_of_a_vendor_without_a_list():
    ids = {listed.id for listed in FACTS.models_of("perplexity")}
    assert {"sonar", "sonar-pro"} <= ids
    assert "gpt-5-pro" not in {listed.id for listed in FACTS.models_of("openai")}
    assert FACTS.models_of("nobody") == ()


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        ("gpt-99", ("chat", "completions")),
        ("text-embedding-9", ("embeddings",)),
        ("BAAI/bge-large-en", ("embeddings",)),
        ("whisper-large-v9", ("transcriptions",)),
        ("gpt-image-9", ("images",)),
        ("tts-1-hd", ("speech",)),
        ("gpt-realtime-9", ()),
        ("omni-moderation-latest", ("moderations",)),
        ("davinci-002", ("completions",)),
        ("gpt-3.5-turbo-instruct-0914", ("completions",)),
        ("llava-vision-image", ()),
        ("qwen3-vl", ("chat", "completions")),
    ],
)
def test_a_name_tells_what_an_undescribed_model_is_for(model_id, expected):
    assert operations_by_name(model_id) == expected


def test_spellings():
    assert folded("Claude-Sonnet-4.5") == "claude-sonnet-4-5"
    assert undated("claude-sonnet-4-5-20250929") == "claude-sonnet-4-5"
    assert undated("gpt-4o-2024-08-06") == "gpt-4o"
    assert undated("kimi-k2-0905") == "kimi-k2"
    assert undated("gpt-4o") == "gpt-4o"
