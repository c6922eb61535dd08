"""Requests, written: each member by its server's name, and every recorded request comes back as it was read."""

import json

import jsonschema
import msgspec
import pytest

from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import (
    Conversation,
    Message,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolChoice,
)
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_chat.reading import read_request
from kilo_gateway.dialects.openai_chat.writing import write_request
from tests.dialects.openai_chat.targets import (
    CLAUDE,
    DEEPSEEK,
    MISTRAL,
    OPENAI,
    PLAIN,
    REASONER,
    ROUTED,
    target_of,
)
from tests.dialects.recordings import FILES, TRAFFIC, WHY_SKIPPED, recordings

CHAT = tuple(file for file, (dialect, _) in FILES.items() if dialect == "openai_chat")
SPEC = TRAFFIC.parent / "specs" / "openai" / "openapi.json"
# What does not come back from a recorded request, and why.
EXCEPTIONS = {
    "unknown": "what is not known is not written",
    "wants_usage": "usage is always asked for in streams, and never without",
    "sampling.count": "one answer is read, so one is asked for",
    "account.service_tier": "groq's on_demand: only OpenAI and routers are sent a tier",
    "tool_choice": "without tools it says nothing, and servers refuse it",
    "reasoning.is_on": "only a quirk tells the server's own switch (enable_thinking)",
}


def asked(**members) -> Conversation:
    return Conversation((Message("user", (Text("hello"),)),), **members)


def written(conversation: Conversation, target: Target) -> dict:
    return json.loads(write_request(conversation, target))


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
@pytest.mark.parametrize("file", CHAT)
def test_every_recorded_request_comes_back(file):
    differing = {}
    for recording in recordings(file):
        if recording.request is None or not isinstance(recording.request.get("messages"), list):
            continue
        one = read_request(read_fields(json.dumps(recording.request).encode()))
        other = read_request(read_fields(write_request(one, target_of(recording))))
        if plain(one) != plain(other):
            differing[recording.id] = (plain(one), plain(other))
    assert not differing


@pytest.mark.skipif(not SPEC.is_file(), reason=WHY_SKIPPED)
def test_what_is_written_for_openai_is_as_its_specification_says():
    spec = json.loads(SPEC.read_bytes())
    schema = {
        "$ref": "#/components/schemas/CreateChatCompletionRequest",
        "components": spec["components"],
    }
    validator = jsonschema.Draft202012Validator(schema)
    for recording in recordings("openai-chat")[::15]:
        if recording.request is not None and recording.request.get("messages"):
            one = read_request(read_fields(json.dumps(recording.request).encode()))
            errors = validator.iter_errors(written(one, OPENAI))
            assert [error.message for error in errors] == [], recording.id


def plain(conversation: Conversation) -> Conversation:
    """A conversation without what is excepted."""
    sampling, account = conversation.sampling, conversation.account
    reasoning, choice = conversation.reasoning, conversation.tool_choice
    sampling = msgspec.structs.replace(sampling, count=None)
    if account.service_tier == "on_demand":
        account = msgspec.structs.replace(account, service_tier="")
    if not any(not tool.server for tool in conversation.tools):
        choice = ToolChoice()
    if reasoning.effort is None:
        reasoning = msgspec.structs.replace(reasoning, is_on=None)
    return msgspec.structs.replace(
        conversation,
        sampling=sampling,
        account=account,
        reasoning=reasoning,
        tool_choice=choice,
        unknown=(),
        wants_usage=False,
    )


@pytest.mark.parametrize(
    ("target", "name"),
    [(OPENAI, "max_tokens"), (REASONER, "max_completion_tokens"), (ROUTED, "max_tokens"), (MISTRAL, "max_tokens"),
     (Target("x", quirks=frozenset({"max_completion_tokens"})), "max_completion_tokens")],
)  # fmt: skip
def test_the_limit_has_the_name_that_the_model_wants(target, name):
    body = written(asked(sampling=Sampling(max_tokens=5)), target)
    assert {key for key in body if key.startswith("max")} == {name}


def test_the_limit_is_never_above_the_models_own():
    target = msgspec.structs.replace(PLAIN, max_output=4_096)
    assert written(asked(sampling=Sampling(max_tokens=64_000)), target)["max_tokens"] == 4_096


@pytest.mark.parametrize(
    ("target", "reasoning", "expected"),
    [
        (REASONER, Reasoning(effort="max"), {"reasoning_effort": "xhigh"}),
        (REASONER, Reasoning(budget_tokens=10_000), {"reasoning_effort": "medium"}),
        (REASONER, Reasoning(is_on=False), {"reasoning_effort": "none"}),
        (REASONER, Reasoning(is_adaptive=True), {}),
        (PLAIN, Reasoning(effort="minimal"), {"reasoning_effort": "low"}),
        (PLAIN, Reasoning(effort="xhigh"), {"reasoning_effort": "high"}),
        (PLAIN, Reasoning(is_on=False), {}),
        (DEEPSEEK, Reasoning(is_on=False), {"thinking": {"type": "disabled"}}),
        (CLAUDE, Reasoning(effort="max"), {"reasoning": {"effort": "max"}}),
        (
            CLAUDE,
            Reasoning(is_on=True, budget_tokens=9),
            {"reasoning": {"max_tokens": 9, "enabled": True}},
        ),
        (CLAUDE, Reasoning(is_shown=False), {"reasoning": {"exclude": True}}),
        (CLAUDE, Reasoning(is_on=False, effort="none"), {"reasoning": {"effort": "none"}}),
        (Target("m", capabilities=frozenset({"tools"})), Reasoning(effort="low"), {}),
    ],
)
def test_reasoning_is_asked_for_in_the_servers_way(target, reasoning, expected):
    body = written(asked(reasoning=reasoning), target)
    assert {
        name: body[name] for name in ("reasoning", "reasoning_effort", "thinking") if name in body
    } == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (PLAIN, {"stream": True, "stream_options": {"include_usage": True}}),
        (MISTRAL, {"stream": True}),
    ],
)
def test_usage_of_a_stream_is_asked_for_unless_the_server_refuses(target, expected):
    body = written(asked(is_stream=True), target)
    assert {name: value for name, value in body.items() if name.startswith("stream")} == expected


def test_tools_that_are_not_allowed_stay_here_where_the_server_has_no_field_for_it():
    tools = (Tool("f"), Tool("g"))
    conversation = asked(tools=tools, tool_choice=ToolChoice("required", allowed=("f",)))
    assert [tool["function"]["name"] for tool in written(conversation, PLAIN)["tools"]] == ["f"]
    body = written(conversation, OPENAI)
    assert len(body["tools"]) == 2
    assert body["tool_choice"]["allowed_tools"]["mode"] == "required"


def test_a_forced_custom_tool():
    conversation = asked(tools=(Tool("c", is_custom=True),), tool_choice=ToolChoice("tool", "c"))
    body = written(conversation, OPENAI)
    assert body["tools"] == [{"type": "custom", "custom": {"name": "c", "description": ""}}]
    assert body["tool_choice"] == {"type": "custom", "custom": {"name": "c"}}


def test_the_grammar_of_a_custom_tool():
    tool = Tool("c", is_custom=True, grammar="start: A", grammar_syntax="lark")
    (told,) = written(asked(tools=(tool,)), OPENAI)["tools"]
    grammar = {"definition": "start: A", "syntax": "lark"}
    assert told["custom"]["format"] == {"type": "grammar", "grammar": grammar}


def test_a_schema_gets_a_name():
    body = written(asked(output=OutputFormat("schema", msgspec.Raw(b'{"type":"object"}'))), PLAIN)
    schema = {"name": "answer", "schema": {"type": "object"}}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}


def test_mistral_has_a_seed_of_its_own_name():
    assert written(asked(sampling=Sampling(seed=3)), MISTRAL)["random_seed"] == 3
