"""The catalog: rows C of the cases."""

import asyncio

import pytest

from genesis.catalog import file
from genesis.catalog.catalog import Catalog, build
from genesis.catalog.discovery import Discovery
from genesis.catalog.merge import merged
from genesis.config.schema_models import CostSettings, ModelDefinition, ProviderSettings
from genesis.core.fault import GenesisError
from genesis.core.model import Cost, Model
from genesis.core.refs import ModelRef
from genesis.providers.provider import Manifest

AUTO = Model("kilo/auto", "Kilo Auto", reasoning=True, input=("text", "image"))
KILO = Manifest("kilocode", "Kilo Gateway", "http://x/", "openai-completions", models=(AUTO,))


def test_C4_a_model_of_the_settings_is_taken_as_it_is_defined():
    defined = ModelDefinition(
        id="google/gemini-3-pro-preview",
        name="Gemini 3 Pro Preview",
        input=("text", "image"),
        reasoning=True,
        context_window=1048576,
    )
    [model] = merged([], [defined])
    assert (model.name, model.input, model.reasoning, model.context_window) == (
        "Gemini 3 Pro Preview",
        ("text", "image"),
        True,
        1048576,
    )


def test_C6_the_settings_correct_what_was_discovered():
    found = Model(
        "m", "Found", reasoning=True, input=("text",), context_window=1000000, max_tokens=100000
    )
    defined = ModelDefinition(
        id="m",
        name="Mine",
        input=("image",),
        reasoning=False,
        cost=CostSettings(input=123),
        context_window=2000000,
        max_tokens=200000,
    )
    [model] = merged([found], [defined])
    assert (model.input, model.reasoning, model.cost) == (("text",), False, Cost(input=123))
    assert (model.context_window, model.max_tokens, model.name) == (2000000, 200000, "Mine")


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


RECORD = file.ProviderRecord("http://x/", "openai-completions", (AUTO,), "KILOCODE_API_KEY")


def test_C2_C3_models_are_kept_privately_and_not_written_again(tmp_path):
    path = tmp_path / "agent" / "models.json"
    assert file.write(path, {"kilocode": RECORD})
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert text.startswith('{\n  "providers": {\n    "kilocode"')
    assert text.endswith("}\n")
    assert not file.write(path, {"kilocode": RECORD})
    assert file.read(path) == {"kilocode": RECORD}


def test_nothing_is_written_where_there_is_nothing(tmp_path):
    assert not file.write(tmp_path / "models.json", {})
    assert not (tmp_path / "models.json").exists()


@pytest.mark.parametrize(("mode", "kept"), [("merge", True), ("replace", False)])
def test_C11_the_marker_replaces_a_key_and_other_providers_stay_or_go(tmp_path, mode, kept):
    path = tmp_path / "models.json"
    path.write_text(
        '{"providers":{"kilocode":{"baseUrl":"b","api":"a","apiKey":"old-plain"},"other":{"baseUrl":"c","api":"a"}}}'
    )
    file.write(path, {"kilocode": RECORD}, mode)
    assert "old-plain" not in path.read_text()
    assert ("other" in file.read(path)) is kept


def test_a_broken_file_is_none(tmp_path):
    (tmp_path / "models.json").write_text("{")
    assert file.read(tmp_path / "models.json") == {}


async def test_two_that_ask_share_one_load_and_an_empty_one_is_not_kept():
    answers, asked = [[], [AUTO], [AUTO]], []
    gate = asyncio.Event()

    async def ask(name):
        asked.append(name)
        await gate.wait()
        return answers.pop(0)

    mark = [1]
    discovery = Discovery(lambda: ["kilocode"], ask, lambda: mark[0])
    both = asyncio.gather(discovery.load(), discovery.load())
    await asyncio.sleep(0)
    gate.set()
    assert await both == [{}, {}]
    assert len(asked) == 1
    assert await discovery.load() == {"kilocode": [AUTO]}
    assert await discovery.load() == {"kilocode": [AUTO]}
    assert len(asked) == 2  # nothing changed
    mark[0] = 2
    await discovery.load()
    assert len(asked) == 3
    await discovery.close()
