"""Every rule has a name of its own, says what it does, and can be switched."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.dialects.rules.rule import Facts, concerning
from kilo_gateway.dialects.rules.table import NAMES, RULES, in_force

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8)
    | st.sampled_from(["assistant", "tool", "user", "tool_use", "tool_result", "a\0", "$ref", "function_call"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["role", "content", "type", "id", "tool_calls", "tool_call_id", "reasoning_details", "function", "name", "text"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def test_names_are_unique_and_purposes_are_sentences() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(rule.purpose.endswith(".") for rule in RULES)


def test_the_operator_switches_them() -> None:
    on = {rule.name for rule in in_force({})}
    assert "tool_turns" in on
    assert "hashed_users" not in on
    switched = {rule.name for rule in in_force({"tool_turns": False, "hashed_users": True})}
    assert switched == on - {"tool_turns"} | {"hashed_users"}


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["messages", "input", "tools", "provider", "thinking", "reasoning", "cache_control",
                         "system", "metadata", "usage"]),
        JSON, max_size=5),
    st.sampled_from(["openai_chat", "anthropic_messages", "openai_responses"]),
    st.sampled_from(["claude", "gemini", "mistral", "qwen-plus"]),
)  # fmt: skip
def test_no_request_breaks_a_rule(members, dialect, model) -> None:
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in members.items()}
    facts = Facts(
        model,
        quirks=frozenset({"ids_have_vendor", "routes_providers", "no_routing_fields"}),
        user_hash="u",
    )
    concerning(RULES, dialect, facts).mend(fields)
