"""Limits, sampling, thinking and the rest, in the words of each model's vendor."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.bedrock.settings import may_send, settings_of
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
    ToolCall,
    ToolChoice,
    ToolResult,
)
from kilo_gateway.dialects.hub import Target
from tests.dialects.bedrock.wire import ADAPTIVE, CLAUDE, NOVA, OTHER

HELLO = Message("user", (Text("hello"),))
BOTH = Target("us.anthropic.claude-sonnet-4-6", reads_thinking="anthropic")
OLD = Target("anthropic.claude-3-5-sonnet-20240620-v1:0", reads_thinking="anthropic")
GPT = Target("openai.gpt-oss-120b-1:0")
QWEN = Target("qwen.qwen3-32b-v1:0")
SCHEMA = msgspec.Raw(b'{"type":"object","properties":{"a":{"type":"object"}}}')


def made(target, **members):
    found = settings_of(Conversation((HELLO,), **members), target)
    return found.members.get("additionalModelRequestFields", {}), found.members, found.lost


def thought(target, *args, **more):
    fields, _, lost = made(target, reasoning=Reasoning(*args, **more))
    return fields, lost


@pytest.mark.parametrize(
    ("target", "reasoning", "fields", "lost"),
    [
        (CLAUDE, Reasoning(effort="high"), {"thinking": {"type": "enabled", "budget_tokens": 16_384}}, ()),
        (CLAUDE, Reasoning(True), {"thinking": {"type": "enabled", "budget_tokens": 8_192}}, ()),
        (CLAUDE, Reasoning(budget_tokens=10), {"thinking": {"type": "enabled", "budget_tokens": 1_024}}, ()),
        (CLAUDE, Reasoning(False), {"thinking": {"type": "disabled"}}, ()),
        (CLAUDE, Reasoning(True, budget_tokens=2_000, is_shown=False), {"thinking": {"type": "enabled", "budget_tokens": 2_000, "display": "omitted"}}, ()),
        (BOTH, Reasoning(budget_tokens=3_000), {"thinking": {"type": "enabled", "budget_tokens": 3_000}}, ()),
        (BOTH, Reasoning(effort="xhigh"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, ()),
        (ADAPTIVE, Reasoning(effort="xhigh"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}, ()),
        (ADAPTIVE, Reasoning(budget_tokens=3_000), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, ()),
        (ADAPTIVE, Reasoning(effort="minimal"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, ()),
        (ADAPTIVE, Reasoning(True), {"thinking": {"type": "adaptive"}}, ()),
        (NOVA, Reasoning(effort="max"), {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, ()),
        (NOVA, Reasoning(False), {"reasoningConfig": {"type": "disabled"}}, ()),
        (GPT, Reasoning(effort="none"), {"reasoning_effort": "low"}, ()),
        (GPT, Reasoning(effort="medium", is_shown=False), {"reasoning_effort": "medium"}, ("reasoning hidden",)),
        (QWEN, Reasoning(effort="high"), {"reasoning_config": "high"}, ()),
        (QWEN, Reasoning(False), {}, ()),
        (OTHER, Reasoning(effort="high", budget_tokens=5), {}, ("reasoning effort", "reasoning budget")),
        (OTHER, Reasoning(True), {}, ("thinking",)),
        (OTHER, Reasoning(False), {}, ()),
        (OLD, Reasoning(True), {}, ("thinking",)),
        (CLAUDE, Reasoning(), {}, ()),
    ],
)  # fmt: skip
def test_thinking(target, reasoning, fields, lost):
    found, _, left = made(target, reasoning=reasoning)
    assert (found, left) == (fields, lost)


def test_a_budget_fits_below_the_limit():
    _, members, _ = made(
        CLAUDE, reasoning=Reasoning(budget_tokens=5_000), sampling=Sampling(max_tokens=2_000)
    )
    assert members["inferenceConfig"]["maxTokens"] == 7_000
    fields, members, _ = made(
        CLAUDE, reasoning=Reasoning(effort="max"), sampling=Sampling(max_tokens=9_000)
    )
    assert (fields["thinking"]["budget_tokens"], members["inferenceConfig"]["maxTokens"]) == (
        6_144,
        9_000,
    )
    small = msgspec.structs.replace(CLAUDE, max_output=4_000)
    fields, members, _ = made(
        small, reasoning=Reasoning(budget_tokens=9_000), sampling=Sampling(max_tokens=100)
    )
    assert (fields["thinking"]["budget_tokens"], members["inferenceConfig"]["maxTokens"]) == (
        3_999,
        4_000,
    )


def test_nova_takes_no_limits_beside_its_highest_effort():
    fields, _, _ = made(NOVA, reasoning=Reasoning(effort="high"), sampling=Sampling(max_tokens=9))
    assert fields["reasoningConfig"]["maxReasoningEffort"] == "medium"


def test_no_budget_beside_a_forced_tool_or_in_the_middle_of_lost_thoughts():
    _, _, lost = made(CLAUDE, reasoning=Reasoning(effort="low"), tool_choice=ToolChoice("required"))
    assert lost == ("reasoning effort",)
    call = Message("assistant", (ToolCall("i", "n", "{}"),))
    result = Message("user", (ToolResult("i", (Text("r"),)),))
    asked = Conversation((HELLO, call, result), reasoning=Reasoning(budget_tokens=2_000))
    assert settings_of(asked, CLAUDE).lost == ("reasoning budget",)
    kept = Message("assistant", (Thinking("t", "s", "anthropic"), *call.parts))
    asked = msgspec.structs.replace(asked, messages=(HELLO, kept, result))
    assert settings_of(asked, CLAUDE).lost == ()


@pytest.mark.parametrize(
    ("target", "sampling", "inference", "fields", "lost"),
    [
        (CLAUDE, Sampling(temperature=1.5, top_p=0.5), {"temperature": 1}, {}, ("top_p",)),
        (OLD, Sampling(temperature=0.5, top_p=0.5, top_k=3), {"temperature": 0.5, "topP": 0.5}, {"top_k": 3}, ()),
        (ADAPTIVE, Sampling(temperature=0.5, top_k=3), None, {}, ("temperature", "top_k")),
        (NOVA, Sampling(top_k=3), None, {"inferenceConfig": {"topK": 3}}, ()),
        (OTHER, Sampling(top_k=3, top_p=0.1), {"topP": 0.1}, {}, ("top_k",)),
        (OTHER, Sampling(stop=("a", " ")), {"stopSequences": ["a"]}, {}, ()),
    ],
)  # fmt: skip
def test_sampling(target, sampling, inference, fields, lost):
    found, members, left = made(target, sampling=sampling)
    assert (members.get("inferenceConfig"), found, left) == (inference, fields, lost)


def test_sampling_beside_thinking_is_what_claude_takes():
    sampling = Sampling(temperature=0.5, top_p=0.99, top_k=3)
    _, members, lost = made(CLAUDE, sampling=sampling, reasoning=Reasoning(True))
    assert (members["inferenceConfig"], lost) == ({"topP": 0.99}, ("temperature", "top_k"))


def test_a_schema_is_a_text_and_closed_for_claude():
    _, members, _ = made(CLAUDE, output=OutputFormat("schema", SCHEMA, "n", "d"))
    told = members["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert (told["name"], told["description"]) == ("n", "d")
    assert json.loads(told["schema"])["properties"]["a"]["additionalProperties"] is False
    _, members, _ = made(NOVA, output=OutputFormat("schema", SCHEMA))
    told = members["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert told == {"schema": bytes(SCHEMA).decode(), "name": "answer"}


def test_tier_and_labels():
    labels = msgspec.Raw(json.dumps({"a": "b", "n": 1, "long": "x" * 300}).encode())
    _, members, _ = made(OTHER, account=Account(service_tier="auto", metadata=labels))
    assert members == {"requestMetadata": {"a": "b"}}
    _, members, _ = made(OTHER, account=Account(service_tier="priority"))
    assert members == {"serviceTier": {"type": "priority"}}


def test_only_a_vendors_own_thoughts_are_sent():
    assert may_send(Thinking("t", "s", "anthropic"), CLAUDE)
    assert may_send(SealedThinking("t", "anthropic"), CLAUDE)
    assert not may_send(Thinking("t", "", "anthropic"), CLAUDE)
    assert not may_send(Thinking("t", "s", "google"), CLAUDE)
    assert not may_send(Thinking("t"), OTHER)
