"""Widths of well-known embeddings, however their names are written."""

import pytest

from kilo_gateway.catalog.widths import width_of
from kilo_gateway.core.deployment import Width


@pytest.mark.parametrize(
    ("model", "most", "is_fixed"),
    [
        ("text-embedding-3-small", 1536, False),
        ("openai/text-embedding-3-large", 3072, False),
        ("text-embedding-ada-002", 1536, True),
        ("mistral-embed-2312", 1024, True),
        ("codestral-embed-2505", 3072, False),
        ("gemini-embedding-001", 3072, False),
        ("models/text-embedding-004", 768, False),
        ("embed-v4.0", 1536, False),
        ("embed-english-light-v3.0", 384, True),
        ("Cohere-embed-v3-english", 1024, True),
        ("voyage-3", 1024, True),
        ("voyage-3-lite", 512, True),
        ("voyage-3-large", 2048, False),
        ("voyage-3.5-lite", 2048, False),
        ("bge-m3:567m", 1024, True),
        ("BAAI/bge-base-en-v1.5", 768, True),
        ("nomic-embed-text:latest", 768, False),
        ("sentence-transformers/all-MiniLM-L6-v2", 384, True),
        ("Qwen/Qwen3-Embedding-8B", 4096, False),
        ("amazon.titan-embed-text-v2:0", 1024, False),
    ],
)
def test_a_known_model_has_its_width(model, most, is_fixed):
    assert width_of(model) == Width(most, is_fixed)


@pytest.mark.parametrize(
    "model", ["gpt-5", "embed", "voyage-3-m-exp", "text-embedding-9", "e5-mistral-7b-instruct"]
)
def test_of_others_nothing_is_known(model):
    assert width_of(model) is None
