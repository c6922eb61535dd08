"""Requests as Conversations: everything recorded, written again and read again; and what has no place is named."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.bedrock.reading import read_request
from kilo_gateway.dialects.bedrock.writing import write_request
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import Cache, Reasoning, Text, ToolChoice
from kilo_gateway.dialects.hub import Target
from tests.dialects.bedrock.wire import checked, plain
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

CLOSED = "objects of the schema say that they have no further members"
# Recorded requests that are not the same when they are written and read again, and why.
EXCEPTIONS = {
    "bedrock.bedrock-converse.84135f9d": CLOSED,
    "bedrock.bedrock-converse.2cc72229": CLOSED,
    "bedrock.bedrock-converse.801eaeb5": CLOSED,
    "bedrock.bedrock-converse.7a4cd8b8": "the name of a search result in plain characters",
    "bedrock.bedrock-converse.f1033e14": "two messages of the user in a row are one",
    "bedrock.bedrock-converse-stream.b2c17526": "two messages of the user in a row are one",
}


def read(**members):
    body = {"model": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}], **members}
    return read_request(read_fields(json.dumps(body).encode()))


def more(**fields):
    return read(additionalModelRequestFields=fields)


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_recorded_requests_written_again_are_the_same():
    differing, count = set(), 0
    for recording in recordings("bedrock"):
        if recording.request is None or recording.model == "unknown":
            continue
        one = read_request(read_fields(json.dumps(recording.request).encode()))
        vendor = "anthropic" if "claude" in recording.model else ""
        body = write_request(one, Target(recording.model, vendor))
        if '"format": "video/mp4"' not in json.dumps(recording.request):
            checked("ConverseRequest", json.loads(body))
        count += 1
        again = read_request(read_fields(body))
        if plain(msgspec.structs.replace(one, unknown=())) != plain(again):
            differing.add(recording.id)
    assert count > 200
    assert differing == set(EXCEPTIONS)


def test_members_that_have_no_place_are_named():
    guard = {"text": {"text": "g"}}
    found = read(
        guardrailConfig={},
        new=1,
        nothing=None,
        additionalModelRequestFields={"anthropic_beta": ["x"], "thinking": 1},
        system=[{"text": "s"}, {"guardContent": guard}, {"cachePoint": {"type": "default"}}],
    )
    assert set(found.unknown) == {
        "guardrailConfig",
        "new",
        "additionalModelRequestFields.anthropic_beta",
        "additionalModelRequestFields.thinking",
        "guardContent",
    }
    assert found.system == (Text("s"), Text("g", Cache()))


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, Reasoning(True, budget_tokens=9)),
        (
            {"reasoning_config": {"type": "enabled", "budget_tokens": 9}},
            Reasoning(True, budget_tokens=9),
        ),
        ({"reasoning_config": "high"}, Reasoning(effort="high")),
        ({"reasoning_effort": "low"}, Reasoning(effort="low")),
        (
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            Reasoning(True, "low"),
        ),
        (
            {
                "thinking": {"type": "adaptive", "display": "omitted"},
                "output_config": {"effort": "max"},
            },
            Reasoning(True, "max", is_adaptive=True, is_shown=False),
        ),
        ({"thinking": {"type": "disabled"}}, Reasoning(False)),
    ],
)
def test_thinking_in_the_words_of_each_vendor(fields, reasoning):
    found = more(**fields)
    assert (found.reasoning, found.unknown) == (reasoning, ())


def test_top_k_in_the_words_of_each_vendor():
    assert more(top_k=7).sampling.top_k == 7
    assert more(inferenceConfig={"topK": 8}).sampling.top_k == 8
    assert more(reasoning_effort="odd").unknown == ("reasoning_effort odd",)


def test_tools_and_choices():
    spec = {"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}
    point, own = {"cachePoint": {"type": "default"}}, {"systemTool": {"name": "nova_grounding"}}
    found = read(toolConfig={"tools": [spec, point, own], "toolChoice": {"tool": {"name": "look"}}})
    assert [(tool.name, tool.server, tool.cache) for tool in found.tools] == [
        ("look", "", Cache()),
        ("nova_grounding", "nova_grounding", None),
    ]
    assert found.tool_choice == ToolChoice("tool", "look")
    assert read(toolConfig={"toolChoice": {"any": {}}}).tool_choice.mode == "required"
    assert read(toolConfig={"toolChoice": {"auto": {}}}).tool_choice.mode == "auto"
    assert read(toolConfig={"tools": [point]}).unknown == ("cachePoint",)


def test_format_tier_and_labels():
    schema = {"schema": '{"type":"object"}', "name": "n", "description": "d"}
    config = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    found = read(
        outputConfig=config | {"effort": "low"},
        serviceTier={"type": "flex"},
        requestMetadata={"a": "b"},
        inferenceConfig={"maxTokens": 1, "temperature": 0.5, "topP": 1, "stopSequences": ["x"]},
        stream=True,
    )
    assert (found.output.kind, bytes(found.output.schema)) == ("schema", b'{"type":"object"}')
    assert (found.output.name, found.output.description) == ("n", "d")
    assert (found.account.service_tier, bytes(found.account.metadata)) == ("flex", b'{"a":"b"}')
    assert found.reasoning.effort == "low"
    sampling = found.sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.stop) == (1, 0.5, ("x",))
    assert found.is_stream


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": [{"role": "bot", "content": []}]}, "messages[0].role"),
        ({"messages": [{"content": []}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages[0].content"),
        ({"inferenceConfig": {"maxTokens": "many"}}, "inferenceConfig.maxTokens"),
        ({"toolConfig": {"tools": [{"toolSpec": {}}]}}, "toolConfig.tools[0].toolSpec.name"),
        ({"toolConfig": {"tools": [1]}}, "toolConfig.tools[0]"),
        ({"system": {}}, "system"),
        ({"additionalModelRequestFields": []}, "additionalModelRequestFields"),
    ],
)
def test_a_request_that_is_not_as_it_should_be(members, param):
    with pytest.raises(Fault) as raised:
        read(**members)
    assert (raised.value.kind, raised.value.param) == (Kind.INVALID_REQUEST, param)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["text", "toolUse", "toolResult", "content", "role", "image", "source", "bytes", "cachePoint", "type", "tools"]
    ), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(
    JSON, st.sampled_from(["messages", "system", "toolConfig", "outputConfig", "inferenceConfig"])
)
def test_any_json_is_read_or_a_fault(value, name):
    try:
        found = read(**{name: value})
        write_request(found, Target("claude-sonnet-4-5", "anthropic"))
    except Fault as fault:
        assert fault.kind in {Kind.INVALID_REQUEST, Kind.UNSUPPORTED_FIELD}  # noqa: PT017
