"""The walk over rules: which concern a call, what they change, and that a strange request passes."""

import msgspec

from kilo_gateway.dialects.rules.rule import REMOVED, Facts, Rule, concerning

SETS = Rule("sets", "Sets a.", ("one",), lambda fields, _, __: {"a": msgspec.Raw(b"1")})
DROPS = Rule(
    "drops", "Drops b.", ("one",), lambda fields, _, __: {"b": REMOVED}, needs=frozenset({"b"})
)
BREAKS = Rule("breaks", "Fails.", ("one",), lambda fields, _, __: msgspec.json.decode(b"{"))
FAMILY = Rule(
    "family",
    "Claude's.",
    ("one",),
    lambda fields, _, __: {"c": msgspec.Raw(b"1")},
    families=("claude",),
)
QUIRK = Rule(
    "quirk", "A router's.", ("one",), lambda fields, _, __: {"d": msgspec.Raw(b"1")}, quirk="routes"
)


def test_changes_are_made_to_a_copy_and_told() -> None:
    fields = {"b": msgspec.Raw(b"2")}
    mended = concerning((SETS, DROPS), "one", Facts("m")).mend(fields)
    assert mended.fields == {"a": msgspec.Raw(b"1")}
    assert mended.applied == ("sets", "drops")
    assert fields == {"b": msgspec.Raw(b"2")}


def test_a_rule_is_asked_only_where_it_concerns() -> None:
    rules = (FAMILY, QUIRK)
    assert concerning(rules, "one", Facts("gpt")).rules == ()
    assert concerning(rules, "two", Facts("claude-x")).rules == ()
    assert concerning(rules, "one", Facts("a", "claude-x", frozenset({"routes"}))).rules == rules


def test_one_look_tells_that_nothing_needs_mending() -> None:
    assert not concerning((DROPS,), "one", Facts("m")).may_mend({"a": msgspec.Raw(b"1")})
    assert concerning((DROPS, SETS), "one", Facts("m")).may_mend({})
    assert not concerning((), "one", Facts("m")).may_mend({"b": msgspec.Raw(b"1")})


def test_a_rule_with_a_word_is_asked_only_where_the_messages_hold_it() -> None:
    said = Rule(
        "said", "Sets a.", ("one",), lambda _, __, ___: {"a": msgspec.Raw(b"1")}, word=b'"w"'
    )
    rules = concerning((said, DROPS), "one", Facts("m"))
    without, within = msgspec.Raw(b'[{"v":1}]'), msgspec.Raw(b'[{"w":1}]')
    assert not rules.may_mend({})
    assert not rules.may_mend({"messages": without, "other": within})
    assert rules.may_mend({"messages": within})
    assert rules.may_mend({"messages": without, "b": msgspec.Raw(b"2")})
    assert concerning((said, SETS), "one", Facts("m")).may_mend({"messages": without})


def test_a_rule_that_cannot_read_a_request_leaves_it() -> None:
    assert concerning((BREAKS, SETS), "one", Facts("m")).mend({}).applied == ("sets",)
