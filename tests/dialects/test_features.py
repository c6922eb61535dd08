"""What a request holds is known, and what a target cannot carry is named or refused."""

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.conversation import (
    Account,
    Cache,
    Conversation,
    Media,
    Message,
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
from kilo_gateway.dialects.features import DROPPED, KEPT, Feature, features_of, lost, refused


def talk(*parts, role="user", **more) -> Conversation:
    return Conversation((Message(role, parts),), **more)


CASES = [
    (talk(Text("a"), sampling=Sampling(seed=1, temperature=0.0)), {"seed", "temperature"}),
    (talk(Text("a"), sampling=Sampling(count=1, frequency_penalty=0.0)), set()),
    (talk(Text("a"), sampling=Sampling(logit_bias=msgspec.Raw(b"{}"))), set()),
    (talk(Text("a"), reasoning=Reasoning(effort="low", budget_tokens=9)), {"reasoning effort", "reasoning budget"}),
    (talk(Text("a", cache=Cache())), {"cache breakpoints"}),
    (talk(Media("image", url="https://a.example/b.png")), {"image by URL"}),
    (talk(Media("document", data="AA")), {"document by data"}),
    (talk(Media("image", file_id="f")), {"file by id"}),
    (talk(Media("audio", data="AA")), {"audio"}),
    (talk(Thinking("t", "s"), role="assistant"), {"thinking in messages", "thinking signatures"}),
    (talk(SealedThinking("x"), role="assistant"), {"sealed thinking"}),
    (talk(ToolCall("a", "f", signature="s"), role="assistant"), {"tool call signatures"}),
    (talk(ToolResult("a", (Media("image", data="AA"),), is_error=True)), {"failed tool results", "media in tool results"}),
    (talk(Refusal("no"), role="assistant"), {"refusals in messages"}),
    (talk(Text("be brief"), role="system"), {"system message in between"}),
    (talk(Text("a"), tools=(Tool("f", is_strict=True), Tool("g", is_custom=True))), {"tools", "strict tools", "custom tools"}),
    (talk(Text("a"), tool_choice=ToolChoice("tool", "f", is_parallel=False)), {"tool_choice of one tool", "parallel tool calls off"}),
    (talk(Text("a"), output=OutputFormat("schema", verbosity="low")), {"structured output", "verbosity"}),
    (talk(Text("a"), account=Account(service_tier="auto", cache_key="k")), {"cache key"}),
]  # fmt: skip


@pytest.mark.parametrize(("conversation", "expected"), CASES)
def test_the_features_of_a_request(conversation: Conversation, expected: set[str]) -> None:
    assert {feature.value for feature in features_of(conversation)} == expected


def test_what_is_dropped_is_named_with_what_nobody_knows() -> None:
    conversation = talk(Text("a"), sampling=Sampling(seed=1, top_k=2), unknown=("brand_new",))
    carries = {Feature.SEED: DROPPED, Feature.TOP_K: KEPT, Feature.STOP: DROPPED}
    assert lost(conversation, carries, "Somewhere") == ("seed", "brand_new")


def test_what_would_change_the_answer_is_refused() -> None:
    conversation = talk(Text("a"), sampling=Sampling(count=2))
    carries = {Feature.COUNT: refused("Send one request for each answer.")}
    with pytest.raises(Fault) as caught:
        lost(conversation, carries, "Anthropic Messages")
    assert caught.value.kind is Kind.UNSUPPORTED_FIELD
    assert "Anthropic Messages" in caught.value.message
    assert "one request for each" in caught.value.message


def test_what_only_one_vendor_can_honour_is_refused_before_anything_else():
    asked = talk(
        Text("a"),
        sampling=Sampling(seed=1),
        needs=("previous_response_id",),
        dialect="openai_responses",
    )
    with pytest.raises(Fault) as raised:
        lost(asked, {Feature.SEED: DROPPED}, "Another")
    assert raised.value.kind is Kind.UNSUPPORTED_FIELD
    assert raised.value.param == "previous_response_id"
    assert "openai_responses" in raised.value.message
