"""Limits, thinking, sampling and choice, in the words of each kind of model."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.anthropic_messages.settings import (
    BUDGETS,
    closed,
    may_send,
    settings_of,
)
from kilo_gateway.dialects.conversation import (
    Account,
    Conversation,
    Message,
    OutputFormat,
    Reasoning,
    Sampling,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from kilo_gateway.dialects.hub import Target
from tests.dialects.anthropic_messages.wire import ADAPTIVE, CLAUDE, OTHER

HELLO = (Message("user", (Text("hello"),)),)
BOTH = Target("claude-opus-4-6", reads_thinking="anthropic")
TOOL = (Tool("t"),)
SHOWN = {"type": "adaptive", "display": "summarized"}


def settings(target=CLAUDE, messages=HELLO, **members):
    return settings_of(Conversation(messages, **members), target)


def thinking(reasoning, target, max_tokens=100_000):
    told = settings(target, reasoning=reasoning, sampling=Sampling(max_tokens)).members
    return told.get("thinking"), told.get("output_config", {}).get("effort"), told["max_tokens"]


@pytest.mark.parametrize(
    ("reasoning", "budgeted", "adaptive"),
    [
        (Reasoning(), (None, None), (None, None)),
        (Reasoning(False), ({"type": "disabled"}, None), ({"type": "disabled"}, None)),
        (Reasoning(effort="none"), ({"type": "disabled"}, None), ({"type": "disabled"}, None)),
        (
            Reasoning(True),
            ({"type": "enabled", "budget_tokens": 8192}, None),
            (SHOWN, None),
        ),
        (
            Reasoning(effort="minimal"),
            ({"type": "enabled", "budget_tokens": 1024}, None),
            (SHOWN, "low"),
        ),
        (
            Reasoning(effort="xhigh"),
            ({"type": "enabled", "budget_tokens": 32768}, None),
            (SHOWN, "xhigh"),
        ),
        (
            Reasoning(True, budget_tokens=5000),
            ({"type": "enabled", "budget_tokens": 5000}, None),
            (SHOWN, "medium"),
        ),
        (
            Reasoning(True, budget_tokens=90_000),
            ({"type": "enabled", "budget_tokens": 90_000}, None),
            (SHOWN, "max"),
        ),
        (
            Reasoning(True, budget_tokens=1),
            ({"type": "enabled", "budget_tokens": 1024}, None),
            (SHOWN, "low"),
        ),
        (
            Reasoning(True, "low", is_shown=False),
            ({"type": "enabled", "budget_tokens": 2048, "display": "omitted"}, None),
            ({"type": "adaptive", "display": "omitted"}, "low"),
        ),
    ],
)
def test_thinking_in_both_ways(reasoning, budgeted, adaptive):
    assert thinking(reasoning, CLAUDE) == (*budgeted, 100_000)
    assert thinking(reasoning, ADAPTIVE) == (*adaptive, 100_000)


def test_models_between_take_both_and_no_xhigh():
    assert thinking(Reasoning(True, budget_tokens=3000), BOTH)[0] == {
        "type": "enabled",
        "budget_tokens": 3000,
    }
    assert thinking(Reasoning(effort="xhigh"), BOTH)[:2] == (SHOWN, "high")


def test_models_that_always_think_are_not_told_to_stop():
    assert thinking(Reasoning(False), Target("claude-mythos-5"))[0] is None


def test_other_vendors_are_not_told_what_to_show():
    told = thinking(Reasoning(effort="low", is_shown=True), OTHER)[0]
    assert told == {"type": "enabled", "budget_tokens": 2048}


def test_a_limit_is_always_told():
    assert settings().members["max_tokens"] == 8192
    assert settings(Target("claude-x", max_output=64_000)).members["max_tokens"] == 64_000
    assert settings(sampling=Sampling(5)).members["max_tokens"] == 5


def test_a_budget_that_was_asked_for_raises_the_limit():
    reasoning = Reasoning(True, budget_tokens=5000)
    assert thinking(reasoning, CLAUDE, 1000)[2] == 6000
    small = Target("claude-sonnet-4-5", max_output=4000)
    told, _, limit = thinking(reasoning, small, 1000)
    assert (told["budget_tokens"], limit) == (3999, 4000)


def test_a_budget_of_the_table_is_halved_until_it_fits():
    told, _, limit = thinking(Reasoning(effort="high"), CLAUDE, 5000)
    assert (told["budget_tokens"], limit) == (4096, 5000)
    told, _, limit = thinking(Reasoning(effort="low"), CLAUDE, 100)
    assert (told["budget_tokens"], limit) == (1024, 1124)


@given(
    st.sampled_from([*BUDGETS, "none", None]),
    st.none() | st.integers(0, 10**6),
    st.none() | st.integers(0, 10**6),
    st.none() | st.integers(2000, 10**5),
    st.sampled_from([CLAUDE.model, ADAPTIVE.model, BOTH.model, OTHER.model]),
)
def test_a_budget_is_always_one_that_the_api_takes(effort, budget, limit, most, model):
    told, _, max_tokens = thinking(
        Reasoning(None, effort, budget), Target(model, max_output=most), limit
    )
    if told is not None and told["type"] == "enabled":
        assert 1024 <= told["budget_tokens"] < max_tokens


def test_a_forced_tool_and_a_budget_exclude_each_other():
    members = {"tools": TOOL, "tool_choice": ToolChoice("tool", "t")}
    told = settings(CLAUDE, reasoning=Reasoning(True, "low"), **members)
    assert "thinking" not in told.members
    assert told.lost == ("reasoning effort",)
    told = settings(CLAUDE, reasoning=Reasoning(True, budget_tokens=2000), **members)
    assert told.lost == ("reasoning budget",)
    assert settings(CLAUDE, reasoning=Reasoning(True), **members).lost == ("thinking",)
    told = settings(ADAPTIVE, reasoning=Reasoning(True, "low"), **members)
    assert (told.members["thinking"], told.lost) == (SHOWN, ())


@pytest.mark.parametrize(
    ("thought", "thinks"),
    [
        (Thinking("t", "s", "anthropic"), True),
        (SealedThinking("d", "anthropic"), True),
        (Thinking("t", "s", "openai"), False),
        (Thinking("t"), False),
    ],
)
def test_between_calls_a_budget_needs_the_thoughts(thought, thinks):
    call = Message("assistant", (thought, ToolCall("i", "t")))
    messages = (*HELLO, call, Message("user", (ToolResult("i", ()),)))
    told = settings(CLAUDE, messages, reasoning=Reasoning(True, budget_tokens=2000))
    assert ("thinking" in told.members) is thinks
    assert "thinking" in settings(ADAPTIVE, messages, reasoning=Reasoning(True)).members


def test_thoughts_go_back_to_their_vendor_alone():
    assert may_send(Thinking("t", "s", "anthropic"), CLAUDE)
    assert not may_send(Thinking("t", "", "anthropic"), CLAUDE)
    assert not may_send(SealedThinking("t", "openai"), CLAUDE)
    assert may_send(Thinking("t"), OTHER)
    assert not may_send(Thinking("t", "s", "anthropic"), OTHER)


UNSAID = Reasoning()


def sampled(target, reasoning=UNSAID, **numbers):
    told = settings(target, sampling=Sampling(**numbers), reasoning=reasoning)
    return {name: told.members[name] for name in numbers if name in told.members}, told.lost


ALL = {"temperature": 0.5, "top_p": 0.9, "top_k": 5}


def test_sampling_is_kept_where_it_may_be():
    assert sampled(Target("claude-3-5-haiku"), **ALL) == (ALL, ())
    assert sampled(OTHER, **ALL) == (ALL, ())
    assert sampled(OTHER, Reasoning(True), **ALL) == (ALL, ())
    assert sampled(CLAUDE, temperature=1.7) == ({"temperature": 1}, ())


def test_some_take_one_of_temperature_and_top_p():
    assert sampled(CLAUDE, **ALL) == ({"temperature": 0.5, "top_k": 5}, ("top_p",))
    assert sampled(CLAUDE, top_p=0.9) == ({"top_p": 0.9}, ())


def test_new_models_take_none():
    assert sampled(ADAPTIVE, **ALL) == ({}, ("temperature", "top_p", "top_k"))


def test_beside_thinking_only_what_changes_nothing():
    assert sampled(BOTH, Reasoning(True), **ALL) == ({}, ("temperature", "top_p", "top_k"))
    assert sampled(BOTH, Reasoning(True), temperature=1.0) == ({"temperature": 1.0}, ())
    assert sampled(BOTH, Reasoning(True), top_p=0.95) == ({"top_p": 0.95}, ())


def test_stop_sequences_of_white_space_are_left_out():
    assert settings(sampling=Sampling(stop=("x", " \n"))).members["stop_sequences"] == ["x"]
    assert "stop_sequences" not in settings(sampling=Sampling(stop=("\n",))).members


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice(), None),
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("tool", "t"), {"type": "tool", "name": "t"}),
        (ToolChoice("none", is_parallel=False), {"type": "none"}),
        (ToolChoice(is_parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(is_parallel=True), None),
        (
            ToolChoice("required", is_parallel=True),
            {"type": "any", "disable_parallel_tool_use": False},
        ),
    ],
)
def test_the_choice_of_tools(choice, wire):
    assert settings(tools=TOOL, tool_choice=choice).members.get("tool_choice") == wire
    assert "tool_choice" not in settings(tool_choice=choice).members


@pytest.mark.parametrize(
    ("tier", "wire"),
    [
        ("", None),
        ("standard_only", "standard_only"),
        ("flex", "standard_only"),
        ("priority", "auto"),
    ],
)
def test_a_tier_of_service(tier, wire):
    assert settings(account=Account("u", service_tier=tier)).members.get("service_tier") == wire
    assert settings(account=Account("u")).members["metadata"] == {"user_id": "u"}


def test_objects_of_a_schema_say_that_they_are_closed():
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "list": {"type": "array", "items": {"type": "object", "properties": {}}},
            "open": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    told = json.loads(bytes(closed(msgspec.Raw(json.dumps(schema).encode()))))
    assert told["additionalProperties"] is False
    assert told["properties"]["list"]["items"]["additionalProperties"] is False
    assert told["properties"]["open"]["additionalProperties"] == {"type": "string"}
    assert told["properties"]["type"] == {"type": "string"}


def test_a_schema_that_says_so_stays_as_it_was():
    own = msgspec.Raw(b'{ "type":"object","additionalProperties":false }')
    assert closed(own) is own
    assert bytes(closed(msgspec.Raw(b"{"))) == b"{"
    output = OutputFormat("schema", own, name="n")
    told = settings(output=output).members["output_config"]["format"]
    assert told == {"type": "json_schema", "schema": own}
