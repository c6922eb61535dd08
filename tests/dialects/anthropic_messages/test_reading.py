"""A client's request as a Conversation."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.anthropic_messages.reading import read_request
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import (
    Account,
    Cache,
    Message,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolChoice,
)


def asked(**members):
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **members}
    return read_request(read_fields(json.dumps(body).encode()))


def test_a_plain_request():
    told = asked(
        max_tokens=9, stream=True, system="s", temperature=0, top_k=3, stop_sequences=["x"]
    )
    assert told.messages == (Message("user", (Text("hello"),)),)
    assert told.system == (Text("s"),)
    assert told.sampling == Sampling(9, 0.0, top_k=3, stop=("x",))
    assert (told.is_stream, told.wants_usage, told.unknown) == (True, True, ())
    assert told.dialect == "anthropic_messages"


@pytest.mark.parametrize(
    ("members", "reasoning"),
    [
        ({}, Reasoning()),
        ({"thinking": {"type": "disabled"}}, Reasoning(False)),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            Reasoning(True, budget_tokens=2000),
        ),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            Reasoning(True, is_adaptive=True, is_shown=False),
        ),
        ({"output_config": {"effort": "max"}}, Reasoning(effort="max")),
        ({"thinking": {"type": "between_tools"}}, Reasoning(True)),
    ],
)
def test_thinking_is_read(members, reasoning):
    assert asked(**members).reasoning == reasoning


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        (None, ToolChoice()),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required", is_parallel=False)),
        ({"type": "tool", "name": "t"}, ToolChoice("tool", "t")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "new"}, ToolChoice()),
    ],
)  # fmt: skip
def test_the_choice_of_tools_is_read(wire, choice):
    assert asked(tool_choice=wire).tool_choice == choice


def test_tools_are_the_clients_or_the_vendors():
    schema = {"type": "object"}
    own, vendors = asked(
        tools=[
            {"name": "t", "description": "d", "input_schema": schema, "strict": True,
             "cache_control": {"type": "ephemeral"}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        ]
    ).tools  # fmt: skip
    assert own == Tool("t", "d", own.parameters, True, cache=Cache())
    assert json.loads(bytes(own.parameters)) == schema
    assert (vendors.server, vendors.dialect) == ("web_search_20250305", "anthropic_messages")
    assert json.loads(bytes(vendors.raw))["max_uses"] == 3


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_structured_output_has_two_places(name):
    form = {"type": "json_schema", "schema": {"type": "object"}}
    output = asked(**{name: form if name == "output_format" else {"format": form}}).output
    assert output == OutputFormat("schema", output.schema)
    assert json.loads(bytes(output.schema)) == {"type": "object"}


def test_labels_are_read():
    account = asked(metadata={"user_id": "u", "a": 1}, service_tier="standard_only").account
    assert account == Account("u", service_tier="standard_only", metadata=account.metadata)
    assert bytes(account.metadata) == b'{"a":1}'


def test_a_mark_for_all_is_put_where_the_api_puts_it():
    message = {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "a"},
            {"type": "thinking", "thinking": "t", "signature": "s"},
        ],
    }
    told = asked(
        cache_control={"type": "ephemeral", "ttl": "1h"},
        system=[{"type": "text", "text": "s"}],
        messages=[message],
    )
    assert told.system == (Text("s", Cache("1h")),)
    assert told.messages[0].parts == (
        Text("a", Cache("1h")),
        Thinking("t", "s", "anthropic"),
    )


def test_what_has_no_place_is_named_and_no_fault():
    told = asked(
        new_beta={"a": 1},
        nothing=None,
        models=["b"],
        provider={},
        thinking={"type": "between_tools"},
        tool_choice={"type": "new"},
        output_config={"effort": "huge", "format": {"type": "grammar"}},
        tools=[{"name": "t", "input_schema": {}, "defer_loading": True}],
        system=[{"type": "new"}],
    )
    assert set(told.unknown) == {
        "new_beta",
        "thinking between_tools",
        "tool_choice new",
        "output_config.effort huge",
        "output_config.format grammar",
        "tools.defer_loading",
        "system blocks that are not text",
    }


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"max_tokens": "9"}, "max_tokens"),
        ({"temperature": []}, "temperature"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"stop_sequences": [5]}, "stop_sequences[0]"),
        ({"thinking": {"type": "enabled", "budget_tokens": "9"}}, "thinking.budget_tokens"),
        ({"tools": [{"name": 5}]}, "tools[0].name"),
        ({"tools": [{"description": "d"}]}, "tools[0].name"),
        ({"messages": {}}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"system": 5}, "system"),
        ({"metadata": 5}, "metadata"),
    ],
)
def test_a_field_of_a_wrong_type_is_named(members, param):
    with pytest.raises(Fault) as caught:
        asked(**members)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, param)


@given(
    st.dictionaries(
        st.sampled_from(["messages", "system", "tools", "thinking", "metadata", "output_config"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["role", "content", "type", "name"]), inner)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_request_crashes_a_reader(body):
    with contextlib.suppress(Fault):
        read_request(read_fields(json.dumps(body).encode()))
