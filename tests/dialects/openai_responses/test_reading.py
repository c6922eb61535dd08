"""Requests of clients, read."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import (
    Conversation,
    OutputFormat,
    Reasoning,
    Text,
    ToolChoice,
)
from kilo_gateway.dialects.features import lost
from kilo_gateway.dialects.openai_responses.carries import CARRIES
from kilo_gateway.dialects.openai_responses.reading import read_request
from tests.dialects.openai_responses.recorded import needs_recordings, recordings


def read(**members) -> Conversation:
    return read_request(read_fields(json.dumps({"model": "gpt-5", **members}).encode()))


@needs_recordings
def test_every_recorded_request_is_read():
    count = 0
    for one in recordings():
        if one.request is not None:
            count += 1
            conversation = read_request(read_fields(json.dumps(one.request).encode()))
            assert conversation.messages or conversation.needs or not one.request.get("input"), (
                one.id
            )
    assert count > 650


def test_text_instructions_and_system_in_front():
    conversation = read(
        instructions="Be brief.",
        input=[{"role": "developer", "content": "In French."}, {"role": "user", "content": "Hi"}],
    )
    assert conversation.system == (Text("Be brief."), Text("In French."))
    assert [message.role for message in conversation.messages] == ["user"]
    assert read(input="Hi").messages[0].parts == (Text("Hi"),)
    assert read(instructions=[{"role": "system", "content": "A"}]).system == (Text("A"),)


def test_how_to_answer():
    conversation = read(
        input="x",
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=2,
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        parallel_tool_calls=False,
        stream=True,
        store=True,
        metadata={"a": "b"},
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        service_tier="flex",
    )
    sampling, account = conversation.sampling, conversation.account
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (9, 0.5, 0.9)
    assert (sampling.logprobs, sampling.top_logprobs) == (True, 2)
    assert (account.user, account.cache_key, account.service_tier) == ("s", "k", "flex")
    assert account.is_stored
    assert json.loads(bytes(account.metadata)) == {"a": "b"}
    assert conversation.tool_choice == ToolChoice(is_parallel=False)
    assert conversation.is_stream
    assert conversation.wants_usage
    assert conversation.unknown == ()


def test_reasoning():
    assert read(input="x", reasoning={"effort": "high", "summary": "auto"}).reasoning == Reasoning(
        is_on=True, effort="high", is_shown=True, summary="auto"
    )
    assert read(input="x", reasoning={"effort": "none"}).reasoning.is_on is False
    assert read(input="x", reasoning=None).reasoning == Reasoning()
    odd = read(input="x", reasoning={"effort": "enormous", "context": "all_turns"})
    assert odd.reasoning == Reasoning()
    assert odd.unknown == ("reasoning.effort", "reasoning.context")


def test_output_formats():
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    output = read(input="x", text={"format": schema, "verbosity": "low"}).output
    assert (output.kind, output.name, output.is_strict, output.verbosity) == (
        "schema",
        "n",
        True,
        "low",
    )
    assert json.loads(bytes(output.schema)) == {"type": "object"}
    assert read(input="x", text={"format": {"type": "json_object"}}).output.kind == "json"
    assert read(input="x", text={"format": {"type": "text"}}).output == OutputFormat()


def test_what_is_unknown_is_named():
    conversation = read(
        input=[{"role": "assistant", "content": "x", "phase": "commentary"}],
        brand_new=1,
        truncation="auto",
        include=["web_search_call.action.sources"],
        max_tool_calls=3,
        prompt_cache_retention=None,
        stream_options={"include_obfuscation": False},
    )
    assert set(conversation.unknown) == {
        "brand_new",
        "phase",
        "truncation",
        "include",
        "max_tool_calls",
    }


@pytest.mark.parametrize(
    ("members", "need"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "compaction"),
    ],
)
def test_what_only_its_vendor_has_is_refused_elsewhere(members, need):
    conversation = read(**members)
    assert conversation.needs == (need,)
    with pytest.raises(Fault) as raised:
        lost(conversation, CARRIES, "Another")
    assert raised.value.kind is Kind.UNSUPPORTED_FIELD
    assert raised.value.param == need


def test_null_and_false_need_nothing():
    conversation = read(
        input="x", previous_response_id=None, conversation=None, background=False, prompt=None
    )
    assert conversation.needs == ()


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": 1}]}]}, "input[0].content[0].type"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{}]}, "input[0].type"),
        ({"temperature": "hot"}, "temperature"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"instructions": [{"role": "user", "content": "x"}]}, "instructions"),
    ],
)
def test_a_field_of_a_wrong_type_is_named(members, param):
    with pytest.raises(Fault) as raised:
        read(**members)
    assert raised.value.kind is Kind.INVALID_REQUEST
    assert raised.value.param == param
    assert param in raised.value.message


WORDS = st.sampled_from(
    [
        "type",
        "role",
        "content",
        "input",
        "tools",
        "reasoning",
        "text",
        "message",
        "user",
        "function_call",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(WORDS, JSON, max_size=6))
def test_any_object_is_read_or_refused(body):
    kinds = set[Kind]()
    try:
        read_request(read_fields(json.dumps(body).encode()))
    except Fault as fault:
        kinds.add(fault.kind)
    assert kinds <= {Kind.INVALID_REQUEST}
