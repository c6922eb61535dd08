"""Which models the settings choose."""

from typing import Any

import pytest

from genesis.config.schema import (
    AgentDefaults,
    Agents,
    ModelChoice,
    ModelEntry,
    Settings,
)
from genesis.config.schema_models import ModelDefinition, Models, ProviderSettings
from genesis.core.refs import ModelRef, parse
from genesis.failover.choice import choose
from genesis.providers.provider import Manifest

KILO = Manifest("kilocode", "Kilo Gateway", "http://127.0.0.1:1/", "openai-completions", default_model="kilo/auto")  # fmt: skip
MANIFESTS = {"kilocode": KILO}


def settings(**defaults: Any) -> Settings:
    return Settings(agents=Agents(defaults=AgentDefaults(**defaults)))


def test_without_settings_the_built_in_model_answers() -> None:
    choice = choose(Settings(), MANIFESTS)
    assert (choice.primary, choice.is_configured) == (ModelRef("kilocode", "kilo/auto"), False)


def test_a_configured_provider_stands_in_when_the_built_in_one_has_no_key() -> None:
    block = ProviderSettings(base_url="http://127.0.0.1:9", models=(ModelDefinition(id="llama", name="L"),))  # fmt: skip
    given = Settings(models=Models(providers={"ollama": block}))
    assert choose(given, MANIFESTS, lambda _: False).primary == ModelRef("ollama", "llama")
    assert choose(given, MANIFESTS).primary == ModelRef("kilocode", "kilo/auto")


def test_without_any_provider_nothing_is_chosen() -> None:
    assert choose(Settings(), {}).primary is None


def test_the_parts_of_a_choice() -> None:
    choice = choose(
        settings(
            model=ModelChoice(primary="fast", fallbacks=("kilocode/x", "nvidia/moonshotai/k2")),
            image_model="kilocode/vision",
            models={"anthropic/sonnet": ModelEntry(alias="Fast"), "kilocode/x": ModelEntry()},
        ),
        MANIFESTS,
    )
    assert choice.primary == ModelRef("anthropic", "sonnet")
    assert choice.fallbacks == (ModelRef("kilocode", "x"), ModelRef("nvidia", "moonshotai/k2"))
    assert choice.image == ModelRef("kilocode", "vision")
    assert choice.aliases == {"Fast": "anthropic/sonnet"}
    assert [ref.model for ref in choice.in_use] == ["sonnet", "x", "moonshotai/k2", "vision"]
    assert choice.default_provider == "anthropic"


def test_a_bad_reference_is_passed_over_with_its_place() -> None:
    choice = choose(settings(model=ModelChoice(primary="kilocode/", fallbacks=("/",))), MANIFESTS)
    assert choice.primary == ModelRef("kilocode", "kilo/auto")
    assert choice.warnings[0] == (
        "Invalid model reference: kilocode/ at agents.defaults.model: it is passed over."
    )
    assert len(choice.warnings) == 2


def test_a_bare_model_is_guessed_aloud() -> None:
    choice = choose(settings(model="gpt-x"), MANIFESTS)
    assert choice.primary == ModelRef("kilocode", "gpt-x")
    assert 'Falling back to "kilocode/gpt-x"' in choice.warnings[0]


def test_a_persons_text_is_resolved_with_the_aliases() -> None:
    choice = choose(settings(models={"a/b": ModelEntry(alias="Fast")}), MANIFESTS)
    assert choice.resolve("FAST") == (ModelRef("a", "b"), None)


PLAIN, NAMED, TUNED = ModelEntry(), ModelEntry(alias="x"), ModelEntry(params={"temperature": 0})


@pytest.mark.parametrize(
    ("models", "wanted", "expected"),
    [
        ({}, "anthropic/a", True),
        ({"kilocode/one": PLAIN, "kilocode/two": NAMED}, "kilocode/three", True),
        ({"kilocode/one": PLAIN, "kilocode/two": NAMED}, "anthropic/a", True),
        ({"kilocode/one": TUNED}, "kilocode/three", False),
        ({"kilocode/one": TUNED, "kilocode/two": PLAIN}, "kilocode/two", True),
        ({"kilocode/one": TUNED}, "kilocode/usual", True),
        ({"anthropic/a": PLAIN}, "kilocode/three", True),
        ({"anthropic/a": PLAIN}, "anthropic/b", False),
        ({"anthropic/a": PLAIN}, "anthropic/a", True),
        ({"anthropic/a": TUNED}, "kilocode/three", False),
        ({"kilocode/usual": TUNED}, "kilocode/three", True),
    ],
)
def test_what_a_command_wrote_is_no_list_of_what_may_be_chosen(
    models: dict[str, ModelEntry], wanted: str, expected: bool
) -> None:
    choice = choose(settings(models=models), MANIFESTS)
    assert choice.allows(parse(wanted), {"kilocode/usual"}) is expected
