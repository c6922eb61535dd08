"""Model references: rows K of the cases."""

import pytest

from genesis.core.fault import GenesisError
from genesis.core.refs import ModelRef, key, parse, resolve

ROWS = {
    "K1": ("kilocode/kilo/auto", "", ("kilocode", "kilo/auto", None)),
    "K3": ("nvidia/moonshotai/kimi-k2.5", "", ("nvidia", "moonshotai/kimi-k2.5", None)),
    "K4": ("claude-3-5-sonnet", "anthropic", ("anthropic", "claude-3-5-sonnet", None)),
    "K5": (" KILOCODE / kilo/auto ", "", ("kilocode", "kilo/auto", None)),
    "K11": ("kilocode/kilo/auto@work", "", ("kilocode", "kilo/auto", "work")),
    "K12": ("openai/gpt-5@work", "", ("openai", "gpt-5", "work")),
    "K14": ("openai/@cf/openai/gpt-oss-20b", "", ("openai", "@cf/openai/gpt-oss-20b", None)),
    "K15": (
        "openai/@cf/openai/gpt-oss-20b@cf:default",
        "",
        ("openai", "@cf/openai/gpt-oss-20b", "cf:default"),
    ),
    "K16": ("provider/foo@bar/baz", "", ("provider", "foo@bar/baz", None)),
    "K19": (
        "custom/vertex-ai_claude-haiku-4-5@20251001@work",
        "",
        ("custom", "vertex-ai_claude-haiku-4-5@20251001", "work"),
    ),
    "K20a": (
        "lmstudio-mb-pro/gemma-4-31b-it@q8_0",
        "",
        ("lmstudio-mb-pro", "gemma-4-31b-it@q8_0", None),
    ),
    "K20b": ("lm/gemma@4bit", "", ("lm", "gemma@4bit", None)),
    "K20c": ("lm/gemma@8bit", "", ("lm", "gemma@8bit", None)),
    "K21": ("lm/gemma-4-31b-it@q8_0@work", "", ("lm", "gemma-4-31b-it@q8_0", "work")),
    "alias of a provider": ("z.ai/glm-5", "", ("zai", "glm-5", None)),
}


@pytest.mark.parametrize(("text", "default", "expected"), ROWS.values(), ids=ROWS)
def test_a_reference_is_read(text, default, expected):
    assert parse(text, default) == ModelRef(*expected)


@pytest.mark.parametrize("text", ["", "  ", "/", "kilocode/", "/model"])
def test_K7_what_names_no_model_is_refused(text):
    with pytest.raises(GenesisError, match="Invalid model reference:"):
        parse(text)


def test_K9_K10_the_key_does_not_double_the_provider():
    assert key(ModelRef("kilocode", "kilo/auto")) == "kilocode/kilo/auto"
    assert key(ModelRef("openrouter", "openrouter/hunter-alpha")) == "openrouter/hunter-alpha"


@pytest.mark.parametrize("text", ["fast", "FAST"])
def test_K22_an_alias_is_found_in_any_case(text):
    ref, warning = resolve(text, "openai", {"fast": "anthropic/sonnet"})
    assert (ref, warning) == (ModelRef("anthropic", "sonnet"), None)


def test_K23_the_profile_is_no_part_of_an_alias():
    ref, _ = resolve("kimi@nvidia:default", "openai", {"kimi": "nvidia/moonshotai/kimi-k2.5"})
    assert ref == ModelRef("nvidia", "moonshotai/kimi-k2.5", "nvidia:default")


def test_K24_a_bare_id_that_one_provider_has_is_meant():
    ref, warning = resolve("claude-opus-4-6", "google", {}, ["anthropic/claude-opus-4-6"])
    assert (ref, warning) == (ModelRef("anthropic", "claude-opus-4-6"), None)


def test_K25_a_bare_id_that_nobody_has_is_the_default_providers_with_a_warning():
    ref, warning = resolve("claude-3-5-sonnet", "google", {}, ["openai/gpt-5"])
    assert ref == ModelRef("google", "claude-3-5-sonnet")
    assert 'Falling back to "google/claude-3-5-sonnet"' in (warning or "")


def test_a_bare_id_is_found_beside_keys_that_are_no_references_and_twice_with_other_profiles():
    ref, warning = resolve("m", "google", {}, ["nonsense", "/", "a/m", "a/m@work"])
    assert (ref, warning) == (ModelRef("a", "m"), None)


def test_K26_a_bare_id_of_two_providers_is_not_guessed():
    ref, warning = resolve("m", "google", {}, ["a/m", "b/m"])
    assert ref == ModelRef("google", "m")
    assert warning
