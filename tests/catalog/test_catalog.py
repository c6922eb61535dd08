"""Looking names up, and names for those who mistype."""

import pytest

from kilo_gateway.catalog.build import Knowledge, build
from kilo_gateway.catalog.facts import load_facts
from kilo_gateway.catalog.source import Listed, Source

IDS = (
    "openai/gpt-4o",
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4.5",
    "google/gemini-2.5-pro",
    "x/llama-3.3-70b",
)
CATALOG = build(
    [Source("or", tuple(map(Listed, IDS)), ids_have_vendor=True)],
    {"fast": ("openai/gpt-4o-mini",)},
    Knowledge(load_facts(), lambda *_: None),
)


def test_an_unknown_name_has_no_candidates():
    assert CATALOG.candidates("openai/gpt-99") == ()
    assert CATALOG.candidates("") == ()
    assert CATALOG.model("nothing") is None


def test_a_model_is_found_by_any_name():
    for name in ("openai/gpt-4o-mini", "GPT-4o-mini", "fast", "or/openai/gpt-4o-mini"):
        model = CATALOG.model(name)
        assert model is not None
        assert model.id == "openai/gpt-4o-mini"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-4oo", "openai/gpt-4o"),
        ("gpt4o", "openai/gpt-4o"),
        ("claude-sonet-4.5", "anthropic/claude-sonnet-4.5"),
        ("Gemini-2.5-Prp", "google/gemini-2.5-pro"),
        ("fas", "fast"),
    ],
)
def test_the_likest_name_is_offered(name, expected):
    assert CATALOG.nearest(name)[0] == expected


def test_nothing_is_offered_for_nonsense_and_never_more_than_asked():
    assert CATALOG.nearest("zzzzqqqq") == ()
    assert CATALOG.nearest("x" * 1_000_000) == ()
    assert len(CATALOG.nearest("openai/gpt-4", n=1)) == 1
