"""The table of what a request can carry agrees with what is written."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.conversation import (
    Account,
    Cache,
    Citation,
    Conversation,
    Media,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    Refusal,
    Sampling,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from kilo_gateway.dialects.features import Feature, Place, features_of, lost
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_responses.carries import CARRIES, carries_for
from kilo_gateway.dialects.openai_responses.writing import write_request

F = Feature
RAW = msgspec.Raw
TOOLS = (Tool("f"), Tool("g"))


def asked(*parts: Any, role: Any = "user", name: str = "", **members: Any) -> Conversation:
    return Conversation((Message(role, (*parts, Text("x")), name),), **members)


def sampled(**members: Any) -> Conversation:
    return asked(sampling=Sampling(**members))


# A conversation with each feature, and what stands in the body if it is carried ("" = that something is left out).
EXAMPLES: dict[Feature, tuple[Conversation, str]] = {
    F.TEMPERATURE: (sampled(temperature=0.25), '"temperature":0.25'),
    F.TOP_P: (sampled(top_p=0.25), '"top_p":0.25'),
    F.TOP_K: (sampled(top_k=77), "77"),
    F.MIN_P: (sampled(min_p=0.77), "0.77"),
    F.FREQUENCY_PENALTY: (sampled(frequency_penalty=0.77), "0.77"),
    F.PRESENCE_PENALTY: (sampled(presence_penalty=0.77), "0.77"),
    F.REPETITION_PENALTY: (sampled(repetition_penalty=0.77), "0.77"),
    F.SEED: (sampled(seed=77), "77"),
    F.STOP: (sampled(stop=("HALT",)), "HALT"),
    F.COUNT: (sampled(count=2), ""),
    F.LOGPROBS: (sampled(logprobs=True), "logprobs"),
    F.LOGIT_BIAS: (sampled(logit_bias=RAW(b'{"77":1}')), "77"),
    F.MAX_TOKENS: (sampled(max_tokens=77), '"max_output_tokens":77'),
    F.EFFORT: (asked(reasoning=Reasoning(effort="high")), '"effort":"high"'),
    F.BUDGET: (asked(reasoning=Reasoning(budget_tokens=9_000)), '"effort":"high"'),
    F.HIDDEN_THINKING: (asked(reasoning=Reasoning(is_shown=False)), ""),
    F.THINKING: (asked(Thinking("hmm", "m", "openai", is_summary=True), role="assistant"), "hmm"),
    F.SIGNATURES: (asked(Thinking("hmm", "mark", "openai"), role="assistant"), "mark"),
    F.SEALED_THINKING: (asked(SealedThinking("mark", "openai"), role="assistant"), "mark"),
    F.CALL_SIGNATURES: (
        asked(ToolCall("c", "f", signature="mark", vendor="google"), role="assistant"),
        "mark",
    ),
    F.TOOLS: (asked(tools=TOOLS), '"name":"f"'),
    F.STRICT_TOOLS: (asked(tools=(Tool("f", is_strict=True),)), '"strict":true'),
    F.CUSTOM_TOOLS: (asked(tools=(Tool("f", is_custom=True),)), '"type":"custom"'),
    F.SERVER_TOOLS: (asked(tools=(Tool("s", server="s", dialect="gemini"),)), "tools"),
    F.FORCED_TOOL: (asked(tools=TOOLS, tool_choice=ToolChoice("tool", "f")), '"tool_choice":{'),
    F.ALLOWED_TOOLS: (asked(tools=TOOLS, tool_choice=ToolChoice(allowed=("f",))), "allowed_tools"),
    F.SERIAL_TOOLS: (
        asked(tools=TOOLS, tool_choice=ToolChoice(is_parallel=False)),
        '"parallel_tool_calls":false',
    ),
    F.FAILED_RESULTS: (asked(ToolResult("c", (Text("r"),), is_error=True)), "Error"),
    F.RESULT_MEDIA: (asked(ToolResult("c", (Media("image", data="QUJD"),))), "QUJD"),
    F.JSON_OUTPUT: (asked(output=OutputFormat("json")), "json_object"),
    F.SCHEMA_OUTPUT: (
        asked(output=OutputFormat("schema", RAW(b'{"type":"object"}'))),
        "json_schema",
    ),
    F.VERBOSITY: (asked(output=OutputFormat(verbosity="low")), '"verbosity":"low"'),
    F.OUTPUT_MEDIA: (asked(output=OutputFormat(modalities=("audio",))), ""),
    F.IMAGE_DATA: (asked(Media("image", "image/png", "QUJD")), "QUJD"),
    F.IMAGE_URL: (asked(Media("image", url="https://a.b/c")), "https://a.b/c"),
    F.DOCUMENT_DATA: (asked(Media("document", "application/pdf", "QUJD")), "QUJD"),
    F.DOCUMENT_URL: (asked(Media("document", url="https://a.b/c")), "https://a.b/c"),
    F.AUDIO: (asked(Media("audio", "audio/wav", "QUJD")), "QUJD"),
    F.VIDEO: (asked(Media("video", "video/mp4", "QUJD")), "QUJD"),
    F.FILE_ID: (asked(Media("document", file_id="file-7")), "file-7"),
    F.LATER_SYSTEM: (asked(role="system"), '"role":"system"'),
    F.NAMES: (asked(name="Ada"), "Ada"),
    F.CACHE_MARKS: (asked(Text("y", cache=Cache())), "prompt_cache_breakpoint"),
    F.CITATIONS: (
        asked(Text("y", citations=(Citation("https://a.b/c"),)), role="assistant"),
        "https://a.b/c",
    ),
    F.REFUSALS: (asked(Refusal("never"), role="assistant"), "never"),
    F.OPAQUE: (asked(Opaque("gemini", "x", RAW(b'{"odd":1}'))), "odd"),
    F.CACHE_KEY: (asked(account=Account(cache_key="key-7")), "key-7"),
    F.SERVICE_TIER: (asked(account=Account(service_tier="flex")), '"service_tier":"flex"'),
    F.METADATA: (asked(account=Account(metadata=RAW(b'{"a":"77"}'))), "77"),
    F.STORED: (asked(account=Account(is_stored=True)), '"store":true'),
}


def test_every_feature_has_its_row_and_its_example():
    assert set(CARRIES) == set(Feature) == set(EXAMPLES)


@pytest.mark.parametrize("feature", list(Feature))
def test_the_body_shows_what_the_table_says(feature):
    conversation, mark = EXAMPLES[feature]
    assert feature in set(features_of(conversation))
    carry = CARRIES[feature]
    if carry.place is Place.REFUSED:
        with pytest.raises(Fault):
            lost(conversation, CARRIES, "OpenAI Responses")
        return
    names = lost(conversation, CARRIES, "OpenAI Responses")
    assert (feature.value in names) == (carry.place is Place.DROPPED)
    capabilities = frozenset({"cache_breakpoints"})
    target = Target("m", reads_thinking="openai", capabilities=capabilities)
    body = json.dumps(json.loads(write_request(conversation, target)), separators=(",", ":"))
    if mark:
        assert (mark in body) == (carry.place is not Place.DROPPED)


@pytest.mark.parametrize(
    "feature",
    [F.TEMPERATURE, F.TOP_P, F.FREQUENCY_PENALTY, F.PRESENCE_PENALTY, F.LOGPROBS],
)
@pytest.mark.parametrize(
    ("model", "quirks", "is_taken"),
    [
        ("gpt-5-pro", frozenset[str](), False),
        ("gpt-5-pro", frozenset({"ids_have_vendor"}), True),
        ("gpt-4.1", frozenset[str](), True),
    ],
)
def test_openais_models_that_reason_are_not_told_how_to_sample(
    feature: Feature, model: str, quirks: frozenset[str], is_taken: bool
) -> None:
    conversation, mark = EXAMPLES[feature]
    target = Target(model, reads_thinking="openai", quirks=quirks)
    names = lost(conversation, carries_for(target), "OpenAI Responses")
    assert (feature.value in names) is not is_taken
    body = json.dumps(json.loads(write_request(conversation, target)), separators=(",", ":"))
    assert (mark in body) is is_taken
