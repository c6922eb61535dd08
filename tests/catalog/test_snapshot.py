"""The world that one call sees, and the order of `kilo/auto`."""

from kilo_gateway.catalog.build import Knowledge, build
from kilo_gateway.catalog.facts import load_facts
from kilo_gateway.catalog.snapshot import MAX_AUTO_GROUPS, make_snapshot
from kilo_gateway.catalog.source import Listed, Source
from kilo_gateway.core.money import Price


def catalog(*sources: Source):
    return build(sources, {}, Knowledge(load_facts(), lambda *_: None))


def source(upstream: str, *listed: Listed | str, **facts) -> Source:
    rows = tuple(Listed(row) if isinstance(row, str) else row for row in listed)
    return Source(
        upstream, rows, **{"prefix": upstream, "operations": ("chat", "embeddings"), **facts}
    )


WORLD = catalog(
    source("local", "tiny"),
    source("sim", "fast"),
    source("openai", "gpt-9", "gpt-9-mini", Listed("gpt-9-pro", price=Price(input=30_000_000_000)), "gpt-8",
           "text-embedding-9"),
    source("anthropic", Listed("claude-sonnet-8", created=200), Listed("claude-sonnet-7", created=100)),
    source("other", "odd"),
)  # fmt: skip


def groups(snapshot) -> list[str]:
    return [group[0].model for group in snapshot.auto_candidates()]


def test_auto_takes_the_preferred_first_and_the_local_model_last_and_never_the_simulator():
    snapshot = make_snapshot(WORLD, ("anthropic/claude-sonnet-*", "openai/gpt-*"))
    assert groups(snapshot) == [
        "anthropic/claude-sonnet-8", "anthropic/claude-sonnet-7", "openai/gpt-9", "openai/gpt-8", "openai/gpt-9-pro",
        "openai/gpt-9-mini", "other/odd", "local/tiny",
    ]  # fmt: skip
    assert snapshot.preferred[:2] == ("anthropic/claude-sonnet-8", "anthropic/claude-sonnet-7")
    assert "other/odd" not in snapshot.preferred


def test_auto_with_only_the_local_model_uses_it():
    assert groups(make_snapshot(catalog(source("local", "tiny"), source("sim", "fast")))) == [
        "local/tiny"
    ]


def test_auto_of_an_empty_catalog_has_no_groups():
    assert make_snapshot(catalog()).auto_candidates() == ()


def test_the_groups_are_bounded_and_keep_the_last_resort():
    world = catalog(source("many", *(f"m{n}" for n in range(200))), source("local", "tiny"))
    found = groups(make_snapshot(world))
    assert len(found) == MAX_AUTO_GROUPS
    assert found[-1] == "local/tiny"


def test_a_snapshot_answers_for_its_catalog():
    snapshot = make_snapshot(WORLD, made_at=5.0)
    assert snapshot.candidates("gpt-9") == WORLD.candidates("openai/gpt-9")
    assert snapshot.nearest("openai/gpt9")[0] == "openai/gpt-9"
    assert snapshot.made_at == 5.0


def test_a_name_is_ours_with_or_without_a_variant():
    snapshot = make_snapshot(WORLD, own_names=frozenset({"openai"}))
    assert [snapshot.is_ours(name) for name in ("openai", "openai/eu", "alibaba")] == [
        True,
        True,
        False,
    ]
