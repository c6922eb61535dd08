"""The catalog: rows C of the cases."""

import msgspec
import pytest

from genesis.catalog.catalog import Catalog, build
from genesis.config.schema_models import ModelDefinition, ProviderSettings
from genesis.core.fault import GenesisError
from genesis.core.model import Model
from genesis.core.refs import ModelRef
from genesis.providers.provider import Manifest

AUTO = Model("kilo/auto", "Kilo Auto", reasoning=True, input=("text", "image"))
KILO = Manifest("kilocode", "Kilo Gateway", "http://x/", "openai-completions", models=(AUTO,))


def test_C15_a_list_of_the_settings_hides_nothing():
    block = ProviderSettings(
        base_url="http://x", models=(ModelDefinition(id="kilo/auto", name="Kilo Auto"),)
    )
    found = [Model("kilo/auto", "Kilo: Auto"), Model("anthropic/claude-sonnet-4", "Sonnet")]
    catalog = build({"kilocode": KILO}, {"kilocode": block}, {"kilocode": found})
    assert [model.id for model in catalog.of("kilocode")] == [
        "kilo/auto",
        "anthropic/claude-sonnet-4",
    ]


def test_C16_a_model_that_no_list_has_is_asked_where_the_provider_decides():
    catalog = build({"kilocode": KILO}, {}, {})
    assert catalog.find(ModelRef("kilocode", "vendor/unlisted-model")) is None
    assert (
        catalog.model_for(ModelRef("kilocode", "vendor/unlisted-model")).id
        == "vendor/unlisted-model"
    )
    with pytest.raises(GenesisError, match="Unknown model: openai/gpt-5"):
        catalog.model_for(ModelRef("openai", "gpt-5"))


def test_the_list_is_sorted_by_provider_and_name():
    catalog = Catalog({"z": [Model("b", "A"), Model("a", "B")], "a": [Model("x", "X")], "none": []})
    assert catalog.references() == [ModelRef("a", "x"), ModelRef("z", "b"), ModelRef("z", "a")]
    assert catalog.providers == ["a", "z"]


def test_an_unlisted_model_has_the_sizes_of_the_first_listed_one():
    block = ProviderSettings(
        base_url="http://x",
        models=(ModelDefinition(id="mine", name="Mine", context_window=8192, max_tokens=512),),
    )
    model = build({}, {"local": block}, {}).model_for(ModelRef("local", "other"))
    assert (model.context_window, model.max_tokens) == (8192, 512)
    assert (model.reasoning, model.input, model.cost.input) == (False, ("text",), 0)


def test_a_provider_that_knows_its_models_takes_no_others():
    strict = msgspec.structs.replace(KILO, id="strict", takes_any_model=False)
    catalog = build({"strict": strict}, {}, {})
    assert catalog.model_for(ModelRef("strict", "kilo/auto")) == AUTO
    with pytest.raises(GenesisError, match="Unknown model: strict/other"):
        catalog.model_for(ModelRef("strict", "other"))
