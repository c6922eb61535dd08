"""Requests, read: every member has its place, what is new is named, what is wrong is told by field."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import (
    Account,
    Cache,
    Conversation,
    OutputFormat,
    Reasoning,
    Sampling,
    Tool,
    ToolChoice,
)
from kilo_gateway.dialects.openai_chat.reading import read_request
from tests.dialects.recordings import FILES, TRAFFIC, WHY_SKIPPED, recordings

CHAT = tuple(file for file, (dialect, _) in FILES.items() if dialect == "openai_chat")


def read(**members) -> Conversation:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **members}
    return read_request(read_fields(json.dumps(body).encode()))


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
@pytest.mark.parametrize("file", CHAT)
def test_every_recorded_request_is_read(file):
    unread = []
    for recording in recordings(file):
        if recording.request is None or not isinstance(recording.request.get("messages"), list):
            continue
        conversation = read_request(read_fields(json.dumps(recording.request).encode()))
        if not conversation.messages and not conversation.system:
            unread.append(recording.id)
    assert not unread


def test_sampling_has_its_members():
    found = read(
        max_tokens=9, max_completion_tokens=7, temperature=1, top_p=0.5, top_k=3, min_p=0.1, seed=4, n=2,
        frequency_penalty=0.1, presence_penalty=0.2, repetition_penalty=1.1, stop="end", logprobs=True, top_logprobs=2,
    )  # fmt: skip
    assert found.sampling == Sampling(7, 1.0, 0.5, 3, 0.1, 0.1, 0.2, 1.1, 4, ("end",), 2, True, 2)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"reasoning_effort": "low"}, Reasoning(effort="low")),
        ({"reasoning_effort": "none"}, Reasoning(is_on=False, effort="none")),
        (
            {"reasoning": {"max_tokens": 9, "exclude": True}},
            Reasoning(budget_tokens=9, is_shown=False),
        ),
        ({"reasoning": {"enabled": True, "effort": "max"}}, Reasoning(is_on=True, effort="max")),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 5}},
            Reasoning(is_on=True, budget_tokens=5),
        ),
        ({"thinking": {"type": "adaptive"}}, Reasoning(is_adaptive=True)),
        ({"enable_thinking": False}, Reasoning(is_on=False)),
        ({"include_reasoning": False}, Reasoning(is_shown=False)),
    ],
)
def test_reasoning_is_asked_for_in_many_ways(members, expected):
    found = read(**members)
    assert (found.reasoning, found.unknown) == (expected, ())


def test_an_effort_that_is_new_is_named_and_not_refused():
    assert read(reasoning_effort="default").unknown == ("reasoning_effort",)


def test_members_that_are_new_are_named_and_null_is_nothing():
    found = read(
        moderation={}, stop=None, tools=None, usage={"include": True}, provider={}, models=[]
    )
    assert found.unknown == ("moderation",)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"tool_choice": "any"}, ToolChoice("required")),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, ToolChoice("tool", "f")),
        ({"tool_choice": {"type": "tool", "name": "f"}}, ToolChoice("tool", "f")),
        ({"tool_choice": {"type": "custom", "custom": {"name": "f"}}}, ToolChoice("tool", "f")),
        ({"function_call": {"name": "f"}}, ToolChoice("tool", "f")),
        (
            {"function_call": "auto", "parallel_tool_calls": False},
            ToolChoice("auto", is_parallel=False),
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "required", "tools": [{"function": {"name": "f"}}]},
                }
            },
            ToolChoice("required", allowed=("f",)),
        ),
    ],
)
def test_the_choice_of_tools(members, expected):
    assert read(**members).tool_choice == expected


def test_tools_of_all_kinds():
    custom = {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}
    found = read(
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "strict": True},
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
            custom,
            {"type": "openrouter:web_search"},
        ],
        functions=[{"name": "g"}],
        web_search_options={},
    ).tools
    kinds = [(tool.name, tool.is_custom, tool.server) for tool in found]
    assert kinds == [
        ("f", False, ""),
        ("c", True, ""),
        ("openrouter:web_search", False, "openrouter:web_search"),
        ("g", False, ""),
        ("web_search", False, "web_search_options"),
    ]
    assert found[0] == Tool("f", "d", is_strict=True, cache=Cache("1h"))
    assert json.loads(bytes(found[1].raw)) == custom


def test_the_grammar_of_a_custom_tool():
    form = {"type": "grammar", "grammar": {"definition": "start: A", "syntax": "lark"}}
    (tool,) = read(tools=[{"type": "custom", "custom": {"name": "c", "format": form}}]).tools
    assert (tool.grammar, tool.grammar_syntax) == ("start: A", "lark")


def test_output_and_account():
    schema = {"name": "n", "strict": True, "schema": {"type": "object"}}
    found = read(
        response_format={"type": "json_schema", "json_schema": schema},
        verbosity="low",
        modalities=["text"],
        user="u",
        prompt_cache_key="k",
        service_tier="flex",
        store=True,
    )
    plain = msgspec.structs.replace(found.output, schema=msgspec.Raw())
    assert plain == OutputFormat(
        "schema", name="n", is_strict=True, verbosity="low", modalities=("text",)
    )
    assert found.account == Account("u", "k", "flex", is_stored=True)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"function": {"name": 1}}]}, "tools[0].function.name"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": 1}]}]},
         "messages[0].content[0].image_url"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": 1}]}]}, "messages[0].tool_calls[0].id"),
    ],
)  # fmt: skip
def test_a_member_of_a_wrong_type_is_named(members, param):
    with pytest.raises(Fault) as caught:
        read(**members)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, param)
    assert param in caught.value.message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "role", "content", "function", "name", "id", "image_url", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "messages",
        "tools",
        "tool_choice",
        "stop",
        "reasoning",
        "thinking",
        "response_format",
        "functions",
        "metadata",
    ]
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_json_is_read_or_refused_by_name(members):
    try:
        found: Conversation | Fault = read(**members)
    except Fault as fault:
        found = fault
    assert isinstance(found, Conversation) or (found.kind is Kind.INVALID_REQUEST and found.param)
