"""The rules of a configuration, for each deployment."""

import json

import msgspec

from kilo_gateway.core.call import Call, Hints
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.rules.table import in_force
from kilo_gateway.relay.mending import NO_MENDING, Mending

CLAUDE = Deployment("up", "anthropic/claude-x", "claude-x", "openai_chat")
OTHER = Deployment("up", "a/b", "b", "openai_chat")
NONE = frozenset[str]()


def call(**members: object) -> Call:
    fields = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in members.items()}
    return Call(
        "c", "openai_chat", "chat", "m", fields, 1, False, 0.0, 0.0, hints=Hints(session="s")
    )


def test_rules_are_found_once_for_a_deployment() -> None:
    mending = Mending()
    first = mending.rules_of("openai_chat", CLAUDE, NONE)
    assert mending.rules_of("openai_chat", CLAUDE, NONE) is first
    names = {rule.name for rule in first.rules}
    assert "cache_breakpoints" in names
    assert "cache_breakpoints" not in {
        rule.name for rule in mending.rules_of("openai_chat", OTHER, NONE).rules
    }


def test_a_request_is_mended_and_the_call_stays_as_it_is() -> None:
    asked = call(usage={"a": 1}, messages=[])
    mending = Mending()
    mended = mending.mend(
        mending.rules_of("openai_chat", OTHER, NONE), asked, Grant("k", "o"), "up"
    )
    assert mended.applied == ("strange_members",)
    assert "usage" in asked.fields
    assert "usage" not in mended.fields


def test_hashes_differ_from_upstream_to_upstream_and_need_a_salt() -> None:
    rules = in_force({"hashed_users": True})
    mending = Mending(rules, b"salt")
    found = mending.rules_of("openai_chat", OTHER, NONE)
    one, other = (
        mending.mend(found, call(messages=[]), Grant("k", "alice"), upstream).fields
        for upstream in ("up", "down")
    )
    assert one["user"] != other["user"]
    assert one["prompt_cache_key"] != one["user"]
    assert b"alice" not in bytes(one["user"])
    without = Mending(rules).mend(found, call(messages=[]), Grant("k", "alice"), "up")
    assert "user" not in without.fields


def test_without_rules_nothing_is_mended() -> None:
    assert not NO_MENDING.rules_of("openai_chat", CLAUDE, NONE).may_mend(
        {"tools": msgspec.Raw(b"[]")}
    )
