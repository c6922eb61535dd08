"""What the table says is kept shows in the body, and what it says is dropped does not."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.bedrock.carries import CARRIES, carries_for
from kilo_gateway.dialects.bedrock.writing import write_request
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
from kilo_gateway.dialects.features import Feature, Place, features_of
from kilo_gateway.dialects.hub import Target

TARGET = Target("us.anthropic.claude-opus-4-5-v1:0", reads_thinking="anthropic", max_output=64_000)
HELLO = Message("user", (Text("hello"),))
OBJECT = msgspec.Raw(b'{"type":"object","additionalProperties":false}')
TOOL = Tool("look", "Looks.", OBJECT)
OWN = "bedrock"


def asked(**members):
    return Conversation((HELLO,), **members)


def said(*parts, role="assistant", name=""):
    return Conversation((HELLO, Message(role, parts, name), HELLO))


# feature -> (a request with it, what shows of it in the body)
SHOWS = {
    Feature.TEMPERATURE: (asked(sampling=Sampling(temperature=0.25)), "0.25"),
    Feature.TOP_P: (asked(sampling=Sampling(top_p=0.25)), "0.25"),
    Feature.TOP_K: (asked(sampling=Sampling(top_k=77)), "77"),
    Feature.MIN_P: (asked(sampling=Sampling(min_p=0.25)), "0.25"),
    Feature.FREQUENCY_PENALTY: (asked(sampling=Sampling(frequency_penalty=0.25)), "0.25"),
    Feature.PRESENCE_PENALTY: (asked(sampling=Sampling(presence_penalty=0.25)), "0.25"),
    Feature.REPETITION_PENALTY: (asked(sampling=Sampling(repetition_penalty=0.25)), "0.25"),
    Feature.SEED: (asked(sampling=Sampling(seed=777)), "777"),
    Feature.STOP: (asked(sampling=Sampling(stop=("STOP",))), "STOP"),
    Feature.LOGPROBS: (asked(sampling=Sampling(logprobs=True)), "logprobs"),
    Feature.LOGIT_BIAS: (asked(sampling=Sampling(logit_bias=msgspec.Raw(b'{"777":1}'))), "777"),
    Feature.MAX_TOKENS: (asked(sampling=Sampling(max_tokens=777)), "777"),
    Feature.EFFORT: (asked(reasoning=Reasoning(effort="high")), "16384"),
    Feature.BUDGET: (asked(reasoning=Reasoning(True, budget_tokens=7777)), "7777"),
    Feature.HIDDEN_THINKING: (asked(reasoning=Reasoning(True, is_shown=False)), "omitted"),
    Feature.THINKING: (said(Thinking("mused", "sig", "anthropic"), Text("a")), "mused"),
    Feature.SIGNATURES: (said(Thinking("mused", "sig-1", "anthropic"), Text("a")), "sig-1"),
    Feature.SEALED_THINKING: (said(SealedThinking("sealed-1", "anthropic"), Text("a")), "c2VhbGVkLTE="),
    Feature.CALL_SIGNATURES: (said(ToolCall("i", "t", "{}", signature="sig-2", vendor="google")), "sig-2"),
    Feature.TOOLS: (asked(tools=(TOOL,)), "Looks."),
    Feature.STRICT_TOOLS: (asked(tools=(msgspec.structs.replace(TOOL, is_strict=True),)), '"strict":true'),
    Feature.CUSTOM_TOOLS: (asked(tools=(Tool("look", "Looks.", is_custom=True),)), "Looks."),
    Feature.SERVER_TOOLS: (
        asked(tools=(Tool("s", server="web", dialect=OWN, raw=msgspec.Raw(b'{"systemTool":{"name":"web"}}')),)),
        '"systemTool":{"name":"web"}',
    ),
    Feature.FORCED_TOOL: (asked(tools=(TOOL,), tool_choice=ToolChoice("tool", "look")), '{"tool":{"name":"look"}}'),
    Feature.ALLOWED_TOOLS: (asked(tools=(TOOL,), tool_choice=ToolChoice("auto", allowed=("look",))), "look"),
    Feature.SERIAL_TOOLS: (asked(tools=(TOOL,), tool_choice=ToolChoice(is_parallel=False)), "disable_parallel_tool_use"),
    Feature.FAILED_RESULTS: (said(ToolResult("i", (), is_error=True), role="user"), '"status":"error'),
    Feature.RESULT_MEDIA: (said(ToolResult("i", (Media("image", "image/png", "UElD"),)), role="user"), "UElD"),
    Feature.JSON_OUTPUT: (asked(output=OutputFormat("json")), "JSON object"),
    Feature.SCHEMA_OUTPUT: (asked(output=OutputFormat("schema", OBJECT)), "json_schema"),
    Feature.VERBOSITY: (asked(output=OutputFormat(verbosity="terse")), "terse"),
    Feature.IMAGE_DATA: (said(Media("image", "image/png", "UElD"), role="user"), "UElD"),
    Feature.IMAGE_URL: (said(Media("image", url="s3://p/q"), role="user"), "s3://p/q"),
    Feature.DOCUMENT_DATA: (said(Media("document", "application/pdf", "UERG"), role="user"), "UERG"),
    Feature.DOCUMENT_URL: (said(Media("document", "application/pdf", url="s3://d/e"), role="user"), "s3://d/e"),
    Feature.AUDIO: (said(Media("audio", "audio/wav", "QVVE"), role="user"), "QVVE"),
    Feature.VIDEO: (said(Media("video", "video/mp4", "VklE"), role="user"), "VklE"),
    Feature.LATER_SYSTEM: (said(Text("rule"), role="system"), "<system>"),
    Feature.NAMES: (said(Text("hi"), role="user", name="Ada"), "Ada"),
    Feature.CACHE_MARKS: (said(Text("hi", Cache())), "cachePoint"),
    Feature.CITATIONS: (
        said(Text("hi", citations=(Citation(raw=msgspec.Raw(b'{"a":"cited"}'), dialect=OWN),))),
        "cited",
    ),
    Feature.REFUSALS: (said(Refusal("I decline.")), "I decline."),
    Feature.OPAQUE: (said(Opaque(OWN, "x", msgspec.Raw(b'{"opaque-1":{}}'))), "opaque-1"),
    Feature.CACHE_KEY: (asked(account=Account(cache_key="key-1")), "key-1"),
    Feature.SERVICE_TIER: (asked(account=Account(service_tier="flex")), "flex"),
    Feature.METADATA: (asked(account=Account(metadata=msgspec.Raw(b'{"a":"label"}'))), "label"),
    Feature.STORED: (asked(account=Account(is_stored=True)), "store"),
}  # fmt: skip


def test_the_table_has_every_feature():
    assert set(CARRIES) == set(Feature)
    refused = {feature for feature, carry in CARRIES.items() if carry.place is Place.REFUSED}
    assert set(SHOWS) == set(Feature) - refused
    assert refused == {Feature.COUNT, Feature.OUTPUT_MEDIA, Feature.FILE_ID}
    assert all(CARRIES[feature].note for feature in refused)
    assert carries_for(TARGET) is CARRIES


@pytest.mark.parametrize("feature", SHOWS)
def test_the_body_holds_what_the_table_says(feature):
    conversation, shown = SHOWS[feature]
    assert feature in set(features_of(conversation))
    body = write_request(conversation, TARGET).decode()
    json.loads(body)
    assert (shown in body) is (CARRIES[feature].place is not Place.DROPPED)
