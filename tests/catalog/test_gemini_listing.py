"""Our models in Gemini's form."""

import msgspec

from kilo_gateway.catalog.catalog import Catalog, Model
from kilo_gateway.catalog.gemini_listing import render_gemini
from kilo_gateway.core.deployment import Deployment, Limits
from kilo_gateway.core.grant import Grant


def catalog(*ids: str) -> Catalog:
    models = {
        one: Model(
            one, one.title(), (Deployment("up", one, one, "gemini"),), limits=Limits(1000, 100)
        )
        for one in ids
    }
    return Catalog(models=models, aliases={}, index={})


def test_every_model_has_its_limits_and_methods() -> None:
    page = msgspec.json.decode(render_gemini(catalog("a/b"), (), None) or b"")
    (row,) = page["models"]
    assert (row["name"], row["inputTokenLimit"], row["outputTokenLimit"]) == (
        "models/a/b",
        1000,
        100,
    )
    assert "streamGenerateContent" in row["supportedGenerationMethods"]


def test_models_of_embeddings_have_methods_of_their_own() -> None:
    there = Deployment("up", "e", "e", "openai_chat", operations=("embeddings",))
    known = Catalog(models={"e": Model("e", "E", (there,))}, aliases={}, index={})
    row = msgspec.json.decode(render_gemini(known, (), None, "e") or b"")
    assert row["supportedGenerationMethods"] == ["embedContent", "batchEmbedContents"]


def test_auto_comes_first_where_there_is_one() -> None:
    page = msgspec.json.decode(render_gemini(catalog("a/b"), ("a/b",), None) or b"")
    assert [row["name"] for row in page["models"]] == ["models/kilo/auto", "models/a/b"]


def test_one_model_is_found_with_and_without_the_prefix() -> None:
    for name in ("a/b", "models/a/b", "A/B"):
        row = msgspec.json.decode(render_gemini(catalog("a/b"), (), None, name) or b"")
        assert row["name"] == "models/a/b"
    assert render_gemini(catalog("a/b"), (), None, "c") is None


def test_a_key_sees_what_it_may_use() -> None:
    grant = Grant("k", "o", models=("a/*",))
    page = msgspec.json.decode(render_gemini(catalog("a/b", "c/d"), (), grant) or b"")
    assert [row["name"] for row in page["models"]] == ["models/a/b"]
