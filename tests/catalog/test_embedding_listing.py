"""Embedding models for those who make an index: gateway-case M18."""

from typing import Any

import msgspec
import pytest

from kilo_gateway.catalog.build import Knowledge, build
from kilo_gateway.catalog.embedding_listing import render_embeddings
from kilo_gateway.catalog.facts import Facts
from kilo_gateway.catalog.source import Listed, Source
from kilo_gateway.core.grant import Grant


def told(
    *ids: str, grant: Grant | None = None, aliases: dict[str, tuple[str, ...]] | None = None
) -> dict[str, Any] | None:
    source = Source(
        "x",
        tuple(Listed(one, operations=("embeddings",)) for one in ids),
        operations=("chat", "embeddings"),
        ids_have_vendor=True,
    )
    catalog = build([source], aliases or {}, Knowledge(Facts({}), lambda *_: None))
    body = render_embeddings(catalog, grant)
    return None if body is None else dict(msgspec.json.decode(body))


def test_models_of_known_width_are_listed() -> None:
    found = told("openai/text-embedding-3-small", "cohere/embed-english-v3.0", "x/unheard-of")
    assert found is not None
    assert found["models"] == [
        {
            "id": "openai/text-embedding-3-small",
            "name": "text-embedding-3-small",
            "dimension": 1536,
            "scoreThreshold": 0.4,
        },
        {
            "id": "cohere/embed-english-v3.0",
            "name": "embed-english-v3.0",
            "dimension": 1024,
            "scoreThreshold": 0.4,
            "dimensionMode": "fixed",
        },
    ]


@pytest.mark.parametrize(
    ("ids", "best"),
    [
        (("openai/text-embedding-3-small", "mistralai/codestral-embed"), "mistralai/codestral-embed"),
        (("cohere/embed-english-v3.0", "a/bge-m3"), "cohere/embed-english-v3.0"),
    ],
)  # fmt: skip
def test_the_default_is_one_of_them(ids: tuple[str, ...], best: str) -> None:
    found = told(*ids)
    assert found is not None
    assert found["defaultModel"] == best
    assert best in {model["id"] for model in found["models"]}


def test_codestrals_vectors_are_less_alike() -> None:
    found = told("mistralai/codestral-embed-2505")
    assert found is not None
    assert found["models"][0]["scoreThreshold"] == 0.35


def test_aliases_stand_for_listed_models() -> None:
    names = {"embed": ("openai/text-embedding-3-small",), "other": ("x/unheard-of",)}
    found = told("openai/text-embedding-3-small", "x/unheard-of", aliases=names)
    assert found is not None
    assert found["aliases"] == {"embed": "openai/text-embedding-3-small"}


def test_there_may_be_none() -> None:
    assert told("x/unheard-of") is None
    grant = Grant("k", "o", models=("other/*",))
    assert told("openai/text-embedding-3-small", grant=grant) is None
