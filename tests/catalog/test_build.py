"""Building the catalog: names, merging, and which word on a price or a limit wins."""

from pathlib import Path

import pytest

from kilo_gateway.catalog.build import Knowledge, build
from kilo_gateway.catalog.facts import Facts, load_facts
from kilo_gateway.catalog.source import Listed, Override, Source
from kilo_gateway.core.deployment import Limits, Site, Width
from kilo_gateway.core.money import Price
from kilo_gateway.upstreams.discovery import parse_listing
from kilo_gateway.upstreams.profiles import profiles

SHARED = Path(__file__).parents[3] / "shared" / "data" / "catalog"
CHAT = ("chat", "completions", "embeddings")


def book(provider: str, model: str) -> Price | None:
    return Price(input=7, output=7, source="book") if provider == "openai" else None


def source(upstream: str, *ids: str, **facts) -> Source:
    return Source(upstream, tuple(Listed(name) for name in ids), **{"prefix": upstream, **facts})


def made(*sources: Source, aliases=None, overrides=None):
    return build(sources, aliases or {}, Knowledge(load_facts(), book, overrides or {}))


def ids(catalog, name: str) -> list[str]:
    return [deployment.id for deployment in catalog.candidates(name)]


def test_a_model_is_named_by_prefix_and_id():
    catalog = made(
        source("u1", "Gpt-X", prefix="openai"),
        source(
            "fw",
            "accounts/fireworks/models/k2",
            prefix="fireworks",
            strip="accounts/fireworks/models/",
        ),
        source("or", "meta/llama", "bare", prefix="groq", ids_have_vendor=True),
        source("raw", "as-it-is", prefix=""),
    )
    assert [model.id for model in catalog.models.values()] == [
        "openai/Gpt-X", "fireworks/k2", "meta/llama", "groq/bare", "as-it-is",
    ]  # fmt: skip
    assert catalog.candidates("fireworks/k2")[0].upstream_model == "accounts/fireworks/models/k2"


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4.5",
        "OPENAI/GPT-4.5",
        " openai/gpt-4.5 ",
        "gpt-4.5",
        "gpt-4-5",
        "openai/gpt-4-5",
        "main/gpt-4.5",
    ],
)
def test_every_spelling_stands_for_the_model(name):
    assert ids(made(source("main", "gpt-4.5", prefix="openai")), name) == ["main/gpt-4.5"]


def test_an_ambiguous_bare_name_stands_for_nothing():
    catalog = made(source("a", "llama"), source("b", "llama"))
    assert ids(catalog, "llama") == []
    assert ids(catalog, "a/llama") == ["a/llama"]


def test_the_same_model_at_two_upstreams_is_one_model_in_order_of_priority():
    catalog = made(
        source("openrouter", "openai/gpt-4.5", prefix="", ids_have_vendor=True, priority=2),
        source("openai", "gpt-4-5", priority=1),
    )
    assert list(catalog.models) == ["openai/gpt-4.5"]
    assert ids(catalog, "openai/gpt-4.5") == ["openai/gpt-4-5", "openrouter/openai/gpt-4.5"]
    assert ids(catalog, "openrouter/openai/gpt-4.5") == ["openrouter/openai/gpt-4.5"]
    assert {deployment.model for deployment in catalog.candidates("gpt-4.5")} == {"openai/gpt-4.5"}


def test_a_lone_dated_model_is_the_undated_one_of_another_upstream():
    catalog = made(
        source("anthropic", "claude-x-4-5-20250929"),
        source("openrouter", "anthropic/claude-x-4.5", prefix="", ids_have_vendor=True),
    )
    both = ["anthropic/claude-x-4-5-20250929", "openrouter/anthropic/claude-x-4.5"]
    for name in (
        "anthropic/claude-x-4.5",
        "anthropic/claude-x-4-5",
        "claude-x-4.5",
        "claude-x-4-5-20250929",
    ):
        assert ids(catalog, name) == both, name


def test_dated_models_beside_an_undated_one_stay_apart():
    catalog = made(
        source("openai", "gpt-x", "gpt-x-2024-08-06"),
        source("openrouter", "openai/gpt-x", prefix="", ids_have_vendor=True),
    )
    assert ids(catalog, "openai/gpt-x-2024-08-06") == ["openai/gpt-x-2024-08-06"]
    assert ids(catalog, "openai/gpt-x") == ["openai/gpt-x", "openrouter/openai/gpt-x"]


def test_an_undated_name_finds_the_only_dated_model():
    catalog = made(source("anthropic", "claude-x-4-5-20250929"))
    assert ids(catalog, "anthropic/claude-x-4-5") == ["anthropic/claude-x-4-5-20250929"]
    assert ids(catalog, "claude-x-4.5") == ["anthropic/claude-x-4-5-20250929"]


def test_an_alias_stands_for_its_targets_in_order():
    catalog = made(
        source("a", "one", priority=5),
        source("b", "two", priority=-5),
        aliases={"Best": ("a/one", "b/two", "a/one", "nothing")},
    )
    assert ids(catalog, "best") == ["a/one", "b/two"]
    first, second = catalog.candidates("BEST")
    assert (first.place, second.place) == (0, 1)
    assert (first.priority, second.priority) == (5, -5)


def test_targets_of_aliases_within_aliases_have_places_of_their_own():
    catalog = made(
        source("a", "one", "two", "three"),
        aliases={"first": ("a/one", "a/two"), "all": ("first", "a/three")},
    )
    assert [one.place for one in catalog.candidates("all")] == [0, 1, 2]
    assert [one.place for one in catalog.candidates("a/two")] == [0]


def test_a_deployment_knows_its_site_its_parameters_and_its_policy():
    site = Site(names=frozenset({"a"}), collects_data=False)
    listed = (Listed("one", parameters=("tools", "seed")), Listed("two"))
    made_of = Source("a", listed, prefix="a", site=site)
    knowledge = Knowledge(
        facts=Facts({}),
        price_of=lambda _provider, _model: None,
        overrides={"a/two": Override(policy="cheapest")},
        policy="weighted",
    )
    one, two = (
        build([made_of], {}, knowledge).candidates(f"a/{name}")[0] for name in ("one", "two")
    )
    assert (one.site, one.parameters, one.policy) == (site, {"tools", "seed"}, "weighted")
    assert (two.policy, two.parameters) == ("cheapest", frozenset())


def test_aliases_may_name_aliases_but_not_run_in_circles():
    catalog = made(
        source("a", "one"),
        aliases={"x": ("y",), "y": ("x", "a/one"), "one": ("one",), "self": ("self",)},
    )
    assert ids(catalog, "x") == ["a/one"]
    assert ids(catalog, "one") == ["a/one"]
    assert ids(catalog, "self") == []


LISTED = Listed(
    "gpt-5.2",
    context=5,
    price=Price(input=1, output=1, source="upstream"),
    capabilities=frozenset({"x"}),
)


@pytest.mark.parametrize(
    ("upstream", "override", "expected"),
    [
        (Source("openai", (LISTED,), prefix="openai", price_provider="openai"),
         Override(price=Price(input=9, source="config"), limits=Limits(context=3)), ("config", 3)),
        (Source("openai", (LISTED,), prefix="openai", price_provider="openai"), None, ("upstream", 5)),
        (source("openai", "gpt-5.2", price_provider="openai", vendor="openai"), None, ("book", 400_000)),
        (source("openai", "gpt-5.2", price_provider="groq"), None, (None, 400_000)),
        (source("openai", "gpt-5.2"), None, (None, 400_000)),
        (source("openai", "gpt-5.2", is_free=True, is_self_hosted=True), None, ("free", None)),
    ],
)  # fmt: skip
def test_the_operators_word_wins_then_the_upstreams_then_what_is_shipped(
    upstream, override, expected
):
    catalog = made(upstream, overrides={"openai/gpt-5.2": override} if override else {})
    model = catalog.model("openai/gpt-5.2")
    assert model is not None
    assert (model.price.source if model.price else None, model.limits.context) == expected


def test_an_override_names_a_model_in_any_spelling_or_one_deployment():
    for name in ("OpenAI/GPT-5-2", "main/gpt-5.2"):
        catalog = made(
            source("main", "gpt-5.2", prefix="openai"), overrides={name: Override(name="Mine")}
        )
        assert catalog.models["openai/gpt-5.2"].name == "Mine"


def test_models_that_we_cannot_serve_are_left_out():
    catalog = made(
        source("openai", "whisper-1", "gpt-image-1", "text-embedding-9", operations=("chat",))
    )
    assert list(catalog.models) == []


def test_operations_come_from_the_list_then_the_facts_then_the_name():
    catalog = made(
        Source("a", (Listed("x-embed", operations=("chat",)),), prefix="a", operations=CHAT),
        source("openai", "gpt-5.2", "gpt-5-pro", "brand-new", operations=CHAT, vendor="openai"),
    )
    assert catalog.candidates("a/x-embed")[0].operations == ("chat",)
    assert catalog.candidates("openai/gpt-5.2")[0].operations == ("chat",)
    assert catalog.candidates("openai/brand-new")[0].operations == ("chat", "completions")
    assert "openai/gpt-5-pro" not in catalog.models


@pytest.mark.parametrize(
    "name",
    ["gpt-5-pro", "gpt-5.5-pro-2026-04-23", "o1-pro", "o3-pro", "gpt-5.1-codex-max", "codex-mini-latest",
     "o3-deep-research", "o4-mini-deep-research-2025-06-26"],
)  # fmt: skip
def test_models_that_openai_serves_in_responses_alone_are_asked_there(name):
    row = profiles()["openai"]
    catalog = made(
        source("openai", name, "gpt-5.2", "sora-2-pro", operations=row.operations, vendor="openai",
               also=tuple(row.also.items()), only=tuple(row.only.items())),
    )  # fmt: skip
    lone, usual = catalog.candidates(f"openai/{name}")[0], catalog.candidates("openai/gpt-5.2")[0]
    assert (lone.dialect, lone.operations) == ("openai_responses", ("chat", "count_tokens"))
    assert {lone.spoken(one, "chat") for one in ("openai_chat", "openai_responses", "gemini")} == {
        "openai_responses"
    }
    assert lone.spoken("openai_chat", "completions") is None
    assert usual.spoken("openai_chat", "chat") == "openai_chat"
    assert "openai/sora-2-pro" not in catalog.models


def test_the_width_of_well_known_embeddings_is_known():
    catalog = made(source("openai", "text-embedding-3-small", "gpt-5", operations=CHAT))
    assert catalog.candidates("openai/text-embedding-3-small")[0].width == Width(1536)
    assert catalog.candidates("openai/gpt-5")[0].width is None


def test_what_nobody_told_is_not_known():
    catalog = made(source("x", "mystery"))
    model = catalog.models["x/mystery"]
    assert (model.capabilities, model.capabilities_known, model.price, model.limits) == (
        frozenset(), False, None, Limits(),
    )  # fmt: skip


def test_a_model_listed_twice_is_served_once():
    assert len(made(source("a", "m", "M.", "m")).candidates("a/m")) == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="the catalogues are not beside this checkout")
def test_the_real_list_of_openrouter_makes_a_catalog():
    listed = parse_listing((SHARED / "models.dev" / "openrouter-models-api-dump.json").read_bytes())
    catalog = made(
        Source("openrouter", listed, ids_have_vendor=True, operations=("chat", "completions"))
    )
    assert len(catalog.models) == 364
    for row in listed:
        assert ids(catalog, row.id) == [f"openrouter/{row.id}"]


def test_claudes_cache_of_an_hour_has_a_price_whoever_told_the_others():
    listed = (Listed("claude-x", price=Price(input=3)), Listed("gpt-x", price=Price(input=3)))
    told = Override(price=Price(input=5, cache_write_1h=7))
    catalog = made(Source("r", listed), Source("s", listed), overrides={"s/claude-x": told})
    hours = {
        one.id: one.price.cache_write_1h
        for name in ("claude-x", "gpt-x")
        for one in catalog.candidates(name)
    }
    assert hours == {"r/claude-x": 6, "s/claude-x": 7, "r/gpt-x": None, "s/gpt-x": None}
