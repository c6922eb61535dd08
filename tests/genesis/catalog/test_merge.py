"""One list of what was discovered, what the settings define and what is static: rows C4, C5, C6, C15."""

import msgspec
import pytest

from genesis.catalog.merge import merged
from genesis.config.schema_models import CostSettings, ModelDefinition
from genesis.core.model import Cost, Model

STATIC = Model("kilo/auto", "Kilo Auto", reasoning=True, input=("text", "image"))
LIVE = Model("kilo/auto", "Kilo: Auto", True, ("text", "image"), Cost(5.0, 25.0))
SONNET = Model("anthropic/claude-sonnet-4", "Sonnet", context_window=200000)


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


def test_C5_an_id_is_there_once_in_whatever_case():
    defined = ModelDefinition(id="Kilo/Auto", name="Kilo Auto")
    assert [(one.id, one.name) for one in merged([STATIC], [defined], [STATIC])] == [
        ("kilo/auto", "Kilo Auto")
    ]


def test_C6_the_settings_correct_what_was_discovered():
    found = Model("m", "Found", True, ("text",), Cost(), 1000000, 100000)
    defined = ModelDefinition(
        id="m",
        name="Mine",
        input=("image",),
        reasoning=False,
        cost=CostSettings(input=123),
        context_window=2000000,
        max_tokens=200000,
    )
    assert merged([found], [defined]) == [
        Model("m", "Mine", False, ("text",), Cost(input=123), 2000000, 200000)
    ]


@pytest.mark.parametrize("size", [0.0, -1.0, float("inf"), float("nan")])
def test_a_size_that_is_none_is_not_taken(size):
    defined = ModelDefinition(id=SONNET.id, name="S", context_window=size, context_tokens=size)
    [model] = merged([SONNET], [defined])
    assert (model.context_window, model.context_tokens) == (200000, msgspec.UNSET)


def test_C15_a_list_of_the_settings_hides_nothing():
    defined = ModelDefinition(id="kilo/auto", name="Mine")
    assert [one.id for one in merged([LIVE, SONNET], [defined], [STATIC])] == [LIVE.id, SONNET.id]


def test_what_onboarding_writes_does_not_hide_what_the_gateway_says_now():
    written = msgspec.convert(msgspec.to_builtins(STATIC), ModelDefinition)
    assert merged([SONNET, LIVE], [written], [STATIC]) == [LIVE, SONNET]
    assert merged([], [written], [STATIC]) == [STATIC]


def test_the_static_model_stands_last_where_discovery_does_not_know_it():
    assert merged([SONNET], [], [STATIC]) == [SONNET, STATIC]
    assert merged([LIVE], [], [STATIC]) == [LIVE]
