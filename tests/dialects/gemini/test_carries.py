"""What the table says is kept shows in the body, and what it says is dropped does not."""

import json

import msgspec
import pytest

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
from kilo_gateway.dialects.features import DROPPED, Feature, Place, features_of
from kilo_gateway.dialects.gemini.carries import CARRIES, carries_for, dropped_for
from kilo_gateway.dialects.gemini.writing import write_request
from kilo_gateway.dialects.hub import Target

TARGET = Target("gemini-2.5-flash", reads_thinking="google", capabilities=frozenset({"reasoning"}))
HELLO = Message("user", (Text("hello"),))
OBJECT = msgspec.Raw(b'{"type":"object"}')
TOOL = Tool("look", "Looks.", OBJECT)


def asked(**members):
    return Conversation((HELLO,), **members)


def said(*parts, role="assistant", name=""):
    return Conversation((HELLO, Message(role, parts, name), HELLO))


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
    Feature.LOGPROBS: (asked(sampling=Sampling(logprobs=True)), "ogprobs"),
    Feature.LOGIT_BIAS: (asked(sampling=Sampling(logit_bias=msgspec.Raw(b'{"777":1}'))), "777"),
    Feature.MAX_TOKENS: (asked(sampling=Sampling(max_tokens=777)), "777"),
    Feature.EFFORT: (asked(reasoning=Reasoning(effort="high")), "24576"),
    Feature.BUDGET: (asked(reasoning=Reasoning(True, budget_tokens=7777)), "7777"),
    Feature.HIDDEN_THINKING: (asked(reasoning=Reasoning(True, is_shown=False)), '"includeThoughts":false'),
    Feature.THINKING: (said(Thinking("mused"), Text("a")), "mused"),
    Feature.SIGNATURES: (said(Thinking("mused", "sig-1", "google"), Text("a")), "sig-1"),
    Feature.SEALED_THINKING: (said(SealedThinking("sealed-1", "google"), Text("a")), "sealed-1"),
    Feature.CALL_SIGNATURES: (said(ToolCall("i", "t", "{}", signature="sig-2", vendor="google")), "sig-2"),
    Feature.TOOLS: (asked(tools=(TOOL,)), "Looks."),
    Feature.STRICT_TOOLS: (asked(tools=(msgspec.structs.replace(TOOL, is_strict=True),)), "strict"),
    Feature.CUSTOM_TOOLS: (asked(tools=(Tool("look", "Looks.", is_custom=True),)), "Looks."),
    Feature.SERVER_TOOLS: (asked(tools=(Tool("s", server="googleSearch", dialect="gemini", raw=msgspec.Raw(b'{"googleSearch":{}}')),)), "googleSearch"),
    Feature.FORCED_TOOL: (asked(tools=(TOOL,), tool_choice=ToolChoice("tool", "look")), '"ANY"'),
    Feature.ALLOWED_TOOLS: (asked(tools=(TOOL,), tool_choice=ToolChoice("auto", allowed=("look",))), "allowedFunctionNames"),
    Feature.SERIAL_TOOLS: (asked(tools=(TOOL,), tool_choice=ToolChoice(is_parallel=False)), "arallel"),
    Feature.FAILED_RESULTS: (said(ToolResult("i", (Text("x"),), is_error=True), role="user"), '"error"'),
    Feature.RESULT_MEDIA: (said(ToolResult("i", (Media("image", "image/png", "UElD"),)), role="user"), "UElD"),
    Feature.JSON_OUTPUT: (asked(output=OutputFormat("json")), "application/json"),
    Feature.SCHEMA_OUTPUT: (asked(output=OutputFormat("schema", OBJECT)), "responseJsonSchema"),
    Feature.VERBOSITY: (asked(output=OutputFormat(verbosity="terse")), "terse"),
    Feature.OUTPUT_MEDIA: (asked(output=OutputFormat(modalities=("text", "image"))), "IMAGE"),
    Feature.IMAGE_DATA: (said(Media("image", "image/png", "UElD"), role="user"), "UElD"),
    Feature.IMAGE_URL: (said(Media("image", url="https://p.example"), role="user"), "https://p.example"),
    Feature.DOCUMENT_DATA: (said(Media("document", "application/pdf", "UERG"), role="user"), "UERG"),
    Feature.DOCUMENT_URL: (said(Media("document", url="https://d.example"), role="user"), "https://d.example"),
    Feature.AUDIO: (said(Media("audio", "audio/wav", "QVVE"), role="user"), "QVVE"),
    Feature.VIDEO: (said(Media("video", "video/mp4", "VklE"), role="user"), "VklE"),
    Feature.FILE_ID: (said(Media("document", file_id="files/one"), role="user"), "files/one"),
    Feature.LATER_SYSTEM: (said(Text("a-rule"), role="system"), "a-rule"),
    Feature.NAMES: (said(Text("hi"), role="user", name="Ada"), "Ada"),
    Feature.CACHE_MARKS: (said(Text("hi", Cache("1h"))), "1h"),
    Feature.CITATIONS: (said(Text("hi", citations=(Citation(url="https://cited"),))), "cited"),
    Feature.REFUSALS: (said(Refusal("I decline.")), "I decline."),
    Feature.OPAQUE: (said(Opaque("gemini", "x", msgspec.Raw(b'{"executableCode":{}}'))), "executableCode"),
    Feature.CACHE_KEY: (asked(account=Account(cache_key="key-1")), "key-1"),
    Feature.SERVICE_TIER: (asked(account=Account(service_tier="flex")), "flex"),
    Feature.METADATA: (asked(account=Account(metadata=msgspec.Raw(b'{"a":"label"}'))), "label"),
    Feature.STORED: (asked(account=Account(is_stored=True)), "store"),
}  # fmt: skip


def test_the_table_has_every_feature() -> None:
    assert set(CARRIES) == set(Feature)
    refused = {feature for feature, carry in CARRIES.items() if carry.place is Place.REFUSED}
    assert refused == {Feature.COUNT}
    assert set(SHOWS) == set(Feature) - refused


@pytest.mark.parametrize("feature", SHOWS)
def test_the_body_holds_what_the_table_says(feature: Feature) -> None:
    conversation, shown = SHOWS[feature]
    assert feature in set(features_of(conversation))
    body = write_request(conversation, TARGET).decode()
    json.loads(body)
    assert (shown in body) is (carries_for(TARGET)[feature].place is not Place.DROPPED)


@pytest.mark.parametrize(
    "feature", [Feature.EFFORT, Feature.BUDGET, Feature.SIGNATURES, Feature.CALL_SIGNATURES]
)
def test_an_old_model_of_another_vendor_takes_less(feature: Feature) -> None:
    old = Target("gemini-1.5-flash")
    assert carries_for(old)[feature] == DROPPED
    conversation, shown = SHOWS[feature]
    assert shown not in write_request(conversation, old).decode()


def test_foreign_parts_and_tools_are_named() -> None:
    foreign = Conversation(
        (Message("assistant", (Opaque("openai_responses", "x", OBJECT), Media("image", url="u", detail="high"))),),
        tools=(Tool("s", server="web_search", dialect="openai_responses", raw=OBJECT),),
    )  # fmt: skip
    assert dropped_for(foreign, TARGET) == (
        Feature.SERVER_TOOLS.value,
        Feature.OPAQUE.value,
        "image detail",
    )


def test_marks_of_other_vendors_are_named_once() -> None:
    mused = (
        Thinking("mused", "sig-1", "anthropic"),
        Thinking("again", "sig-2", "google"),
        SealedThinking("sealed-1", "openai"),
        ToolCall("i", "t", "{}", signature="sig-3", vendor="xai"),
    )
    names = (
        Feature.SIGNATURES.value,
        Feature.SEALED_THINKING.value,
        Feature.CALL_SIGNATURES.value,
    )
    assert dropped_for(said(*mused, *mused), TARGET) == names
    body = write_request(said(*mused), TARGET).decode()
    assert "sig-2" in body
    assert not any(mark in body for mark in ("sig-1", "sealed-1", "sig-3"))
    assert dropped_for(said(*mused), Target("gemma-3")) == ()  # carries_for names them there
