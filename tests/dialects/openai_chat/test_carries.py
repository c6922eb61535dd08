"""What is named as dropped is not in the body, and what is not named is: for every kind of server."""

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
    Part,
    Reasoning,
    Refusal,
    Role,
    Sampling,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Vendor,
)
from kilo_gateway.dialects.features import Feature, Place, features_of
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_chat.carries import (
    CARRIES,
    carries_for,
    is_openai,
    is_openai_reasoner,
    least_effort,
    marks,
)
from kilo_gateway.dialects.openai_chat.writing import write_request
from tests.dialects.openai_chat.targets import (
    ALL,
    CLAUDE,
    GEMINI,
    MISTRAL,
    OPENAI,
    REASONER,
    ROUTED,
)

TOOL = Tool("look", "Looks.", msgspec.Raw(b'{"type":"object"}'))


def asked(**members):
    return Conversation((Message("user", (Text("hello"),)),), **members)


def said(*parts: Part, role: Role = "user", name: str = ""):
    return Conversation((Message("user", (Text("hello"),)), Message(role, parts, name)))


def with_tools(*tools: Tool, **choice):
    return asked(tools=tools, tool_choice=ToolChoice(**choice))


def samples(vendor: Vendor) -> dict[Feature, tuple[Conversation, bytes]]:
    """A request for each feature, and what shows in a body that holds it."""
    odd, call = "c" * 30, "c" * 9
    found = {
        Feature.TEMPERATURE: (asked(sampling=Sampling(temperature=0.125)), b"0.125"),
        Feature.TOP_P: (asked(sampling=Sampling(top_p=0.125)), b"0.125"),
        Feature.TOP_K: (asked(sampling=Sampling(top_k=77)), b'"top_k":77'),
        Feature.MIN_P: (asked(sampling=Sampling(min_p=0.125)), b"0.125"),
        Feature.FREQUENCY_PENALTY: (asked(sampling=Sampling(frequency_penalty=0.125)), b"0.125"),
        Feature.PRESENCE_PENALTY: (asked(sampling=Sampling(presence_penalty=0.125)), b"0.125"),
        Feature.REPETITION_PENALTY: (asked(sampling=Sampling(repetition_penalty=1.125)), b"1.125"),
        Feature.SEED: (asked(sampling=Sampling(seed=77)), b"seed"),
        Feature.STOP: (asked(sampling=Sampling(stop=(odd,))), odd.encode()),
        Feature.COUNT: (asked(sampling=Sampling(count=2)), b'"n":'),
        Feature.LOGPROBS: (asked(sampling=Sampling(logprobs=True, top_logprobs=7)), b"logprobs"),
        Feature.LOGIT_BIAS: (
            asked(sampling=Sampling(logit_bias=msgspec.Raw(b'{"7":1}'))),
            b"logit_bias",
        ),
        Feature.MAX_TOKENS: (asked(sampling=Sampling(max_tokens=77)), b"77"),
        Feature.EFFORT: (asked(reasoning=Reasoning(effort="low")), b'"low"'),
        Feature.BUDGET: (asked(reasoning=Reasoning(budget_tokens=2_000)), b"reasoning"),
        Feature.HIDDEN_THINKING: (asked(reasoning=Reasoning(is_shown=False)), b"exclude"),
        Feature.THINKING: (said(*_thoughts(odd, vendor), role="assistant"), odd.encode()),
        Feature.SIGNATURES: (
            said(Thinking("t", odd, vendor or "openai"), role="assistant"),
            odd.encode(),
        ),
        Feature.SEALED_THINKING: (
            said(SealedThinking(odd, vendor or "openai"), role="assistant"),
            odd.encode(),
        ),
        Feature.CALL_SIGNATURES: (
            said(ToolCall(call, "look", "{}", signature=odd, vendor="google"), role="assistant"),
            odd.encode(),
        ),
        Feature.TOOLS: (with_tools(TOOL), b'"tools"'),
        Feature.STRICT_TOOLS: (with_tools(Tool("look", is_strict=True)), b"strict"),
        Feature.CUSTOM_TOOLS: (with_tools(Tool("look", is_custom=True)), b'"tools"'),
        Feature.SERVER_TOOLS: (
            with_tools(Tool("look", server="search", dialect="gemini", raw=msgspec.Raw(b"{}"))),
            b'"tools"',
        ),
        Feature.FORCED_TOOL: (with_tools(TOOL, mode="tool", name="look"), b'"tool_choice":{'),
        Feature.SERIAL_TOOLS: (with_tools(TOOL, is_parallel=False), b'"parallel_tool_calls":false'),
        Feature.FAILED_RESULTS: (said(ToolResult(call, (Text("no"),), is_error=True)), b"Error"),
        Feature.RESULT_MEDIA: (said(ToolResult(call, (_image(odd),))), odd.encode()),
        Feature.JSON_OUTPUT: (asked(output=OutputFormat("json")), b"json_object"),
        Feature.SCHEMA_OUTPUT: (
            asked(output=OutputFormat("schema", msgspec.Raw(b'{"a":1}'))),
            b'{"a":1}',
        ),
        Feature.VERBOSITY: (asked(output=OutputFormat(verbosity="low")), b"verbosity"),
        Feature.OUTPUT_MEDIA: (asked(output=OutputFormat(modalities=("image",))), b"modalities"),
        Feature.IMAGE_DATA: (said(_image(odd)), odd.encode()),
        Feature.IMAGE_URL: (said(Media("image", url=f"https://x/{odd}")), odd.encode()),
        Feature.DOCUMENT_DATA: (said(Media("document", data=odd)), odd.encode()),
        Feature.DOCUMENT_URL: (said(Media("document", url=f"https://x/{odd}")), odd.encode()),
        Feature.AUDIO: (said(Media("audio", data=odd)), odd.encode()),
        Feature.VIDEO: (said(Media("video", data=odd)), odd.encode()),
        Feature.FILE_ID: (said(Media("document", file_id=odd)), odd.encode()),
        Feature.LATER_SYSTEM: (said(Text(odd), role="system"), odd.encode()),
        Feature.NAMES: (said(Text("x"), name=odd), odd.encode()),
        Feature.CACHE_MARKS: (said(Text("x", Cache("5m"))), b'"cache_control"'),
        Feature.CITATIONS: (
            said(Text("x", citations=(Citation(odd),)), role="assistant"),
            odd.encode(),
        ),
        Feature.REFUSALS: (said(Refusal(odd), role="assistant"), odd.encode()),
        Feature.OPAQUE: (
            said(Opaque("gemini", "x", msgspec.Raw(b'"%b"' % odd.encode()))),
            odd.encode(),
        ),
        Feature.CACHE_KEY: (asked(account=Account(cache_key=odd)), odd.encode()),
        Feature.SERVICE_TIER: (asked(account=Account(service_tier="flex")), b"flex"),
        Feature.METADATA: (asked(account=Account(metadata=msgspec.Raw(b'{"a":"b"}'))), b"metadata"),
        Feature.STORED: (asked(account=Account(is_stored=True)), b'"store":true'),
    }
    other = Tool("other")
    found[Feature.ALLOWED_TOOLS] = (with_tools(TOOL, other, allowed=("look",)), b'"look"')
    return found


def _thoughts(text: str, vendor: Vendor) -> tuple[Part, ...]:
    return (Thinking(text, "mark" if vendor else "", vendor),)


def _image(data: str) -> Media:
    return Media("image", "image/png", data)


@pytest.mark.parametrize(
    "target", ALL, ids=lambda target: f"{target.model} {sorted(target.quirks)}"
)
def test_what_is_named_as_dropped_is_not_written_and_the_rest_is(target: Target):
    carries = carries_for(target)
    wrong = []
    for feature, (conversation, mark) in samples(target.reads_thinking).items():
        assert feature in set(features_of(conversation))
        if feature is Feature.CACHE_MARKS:
            mark = (marks(target) or "cache").encode()  # noqa: PLW2901 - the one mark that has two names
        if (mark in write_request(conversation, target)) != (
            carries[feature].place is not Place.DROPPED
        ):
            wrong.append(feature)
    assert not wrong


def test_every_feature_has_a_row_and_a_sample():
    assert set(CARRIES) == set(Feature) == set(samples(""))


def test_a_row_that_is_the_same_everywhere_is_not_decided_anew():
    for target in ALL:
        decided = carries_for(target)
        assert all(
            decided[feature] == carry
            for feature, carry in CARRIES.items()
            if carry.place is Place.DROPPED
        )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("o3-mini", True),
        ("gpt-5", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4.1", False),
        ("gpt-oss-20b", False),
    ],
)
def test_openai_models_that_reason_are_known_by_their_name(model, expected):
    assert is_openai_reasoner(Target(model, reads_thinking="openai")) is expected


def test_a_model_of_openai_behind_a_router_is_the_routers():
    assert not is_openai(Target("openai/gpt-5", "openai", frozenset({"ids_have_vendor"})))


@pytest.mark.parametrize(
    ("model", "least"),
    [
        ("gpt-5-mini", "minimal"),
        ("gpt-5.2", "none"),
        ("o4-mini", "low"),
        ("gpt-5.1-codex", "low"),
        ("gpt-4.1", None),
    ],
)
def test_the_least_effort_of_a_model(model, least):
    assert least_effort(Target(model, "openai")) == least


def test_cache_breakpoints_have_a_name_by_vendor():
    found = [marks(target) for target in (CLAUDE, ROUTED, GEMINI, REASONER, OPENAI, MISTRAL)]
    assert found == ["cache_control"] * 3 + ["prompt_cache_breakpoint", "", ""]
