"""What commands change in the plain file."""

import pytest

from genesis.commands import model_edits
from genesis.config.schema import Settings
from genesis.config.validate import read_settings
from genesis.core.fault import GenesisError
from genesis.core.refs import parse
from genesis.failover.choice import Choice, choose

A, B = parse("p/a"), parse("p/b@mine")


def choice_of(raw: dict) -> Choice:
    settings, issues = read_settings(raw)
    assert issues == ()
    return choose(settings, {})


def defaults(**content: object) -> dict:
    return {"agents": {"defaults": content}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {"primary": "p/b@mine"}),
        ("x/y", {"primary": "p/b@mine"}),
        (" ", {"primary": "p/b@mine"}),
        ({"primary": "x/y", "fallbacks": ["p/a"]}, {"primary": "p/b@mine", "fallbacks": ["p/a"]}),
    ],
)
def test_the_primary_keeps_its_key_and_the_fallbacks(before, after):
    raw = defaults(model=before)
    model_edits.set_primary(raw, B)
    assert raw == defaults(model=after, models={"p/b": {}})


def test_an_entry_that_is_there_stays_as_it_is():
    raw = defaults(models={"p/a": {"alias": "x"}})
    model_edits.ensure_listed(raw, A)
    assert raw == defaults(models={"p/a": {"alias": "x"}})


def test_a_fallback_is_there_once_under_whichever_name():
    raw = defaults(model={"fallbacks": ["quick"]}, models={"p/a": {"alias": "quick"}})
    model_edits.add_fallback(raw, A, choice_of(raw))
    assert raw["agents"]["defaults"]["model"]["fallbacks"] == ["quick"]
    model_edits.remove_fallback(raw, A, choice_of(raw))
    assert raw["agents"]["defaults"]["model"]["fallbacks"] == []


def test_what_is_no_fallback_is_not_removed():
    raw = defaults(model={"primary": "p/a", "fallbacks": ["p/c", "/"]})
    with pytest.raises(GenesisError, match=r"Fallback not found: p/a"):
        model_edits.remove_fallback(raw, A, choice_of(defaults()))
    assert raw["agents"]["defaults"]["model"]["fallbacks"] == ["p/c", "/"]


@pytest.mark.parametrize("alias", ["kilo", "a.b_c:d-1"])
def test_what_an_alias_may_be(alias):
    assert model_edits.checked_alias(f" {alias} ") == alias


@pytest.mark.parametrize("alias", ["", " ", "a b", "a/b", "é"])
def test_what_it_may_not_be(alias):
    with pytest.raises(GenesisError, match=r"^Alias "):
        model_edits.checked_alias(alias)


def test_a_name_belongs_to_one_model():
    raw = defaults(models={"p/a": {"alias": "Quick"}})
    with pytest.raises(GenesisError, match=r"Alias quick already points to p/a\."):
        model_edits.add_alias(raw, "quick", B, choice_of(raw))
    model_edits.add_alias(raw, "quick", A, choice_of(raw))
    assert raw["agents"]["defaults"]["models"] == {"p/a": {"alias": "quick"}}


def test_a_name_is_taken_away_whatever_its_case():
    raw = defaults(models={"p/a": {"alias": "Quick", "params": {"x": 1}}})
    model_edits.remove_alias(raw, " QUICK ")
    assert raw["agents"]["defaults"]["models"] == {"p/a": {"params": {"x": 1}}}
    with pytest.raises(GenesisError, match=r"Alias not found: quick"):
        model_edits.remove_alias(raw, "quick")


def test_an_edited_file_is_read_without_issues():
    raw: dict = {}
    nothing = choose(Settings(), {})
    model_edits.set_primary(raw, A)
    model_edits.add_fallback(raw, B, nothing)
    model_edits.add_alias(raw, "b", B, nothing)
    choice = choice_of(raw)
    assert (choice.primary, [ref.model for ref in choice.fallbacks]) == (A, ["b"])
    assert choice.aliases == {"b": "p/b"}
