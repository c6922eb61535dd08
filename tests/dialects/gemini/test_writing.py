"""Requests, written: turns, results, signatures, and what Gemini 3 insists on."""

import json
from typing import Any

import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.conversation import (
    Conversation,
    Media,
    Message,
    Opaque,
    OutputFormat,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from kilo_gateway.dialects.gemini.writing import NO_SIGNATURE, write_request
from kilo_gateway.dialects.hub import Target
from tests.dialects.gemini.wire import raw

THREE = Target("gemini-3-pro", reads_thinking="google")
TWO = Target("gemini-2.5-flash", reads_thinking="google")
HELLO = Message("user", (Text("hello"),))


def written(*messages: Message, target: Target = THREE, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(write_request(Conversation(messages, **more), target))
    return body


def turns(*messages: Message, target: Target = THREE) -> list[Any]:
    return written(*messages, target=target)["contents"]


def test_the_system_prompt_stands_apart() -> None:
    body = written(HELLO, system=(Text("be brief"),))
    assert body["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert written(system=(Text("be brief"),))["contents"] == [
        {"role": "user", "parts": [{"text": "be brief"}]}
    ]


def test_results_of_parallel_calls_stand_together_in_the_order_of_their_calls() -> None:
    asked = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")))
    one = Message("user", (ToolResult("a", (Text("A"),)),))
    other = Message("user", (ToolResult("b", (Text("B"),), is_error=True),))
    _, answered = turns(asked, one, other, target=TWO)
    responses = [part["functionResponse"] for part in answered["parts"]]
    assert [(one["name"], one["response"]) for one in responses] == [
        ("f", {"output": "A"}),
        ("g", {"error": "B"}),
    ]


def test_gemini_3_wants_a_signature_at_the_first_call_of_a_turn() -> None:
    asked = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")))
    (turn,) = turns(asked)
    assert [part.get("thoughtSignature") for part in turn["parts"]] == [NO_SIGNATURE, None]
    (turn,) = turns(asked, target=TWO)
    assert "thoughtSignature" not in turn["parts"][0]


def test_a_signature_that_was_seen_is_filled_in() -> None:
    target = Target("gemini-3-pro", "google", signature_of=lambda call_id: f"sig of {call_id}")
    (turn,) = turns(Message("assistant", (ToolCall("a", "f", "{}"),)), target=target)
    assert turn["parts"][0]["thoughtSignature"] == "sig of a"


def test_marks_of_other_vendors_never_go_to_google() -> None:
    said = Message(
        "assistant",
        (Thinking("hm", "foreign", "anthropic"), SealedThinking("sealed", "openai"), Text("a", signature="x", vendor="anthropic")),
    )  # fmt: skip
    text = json.dumps(turns(said))
    assert "foreign" not in text
    assert "sealed" not in text
    assert "thoughtSignature" not in text


def test_googles_own_marks_go_back() -> None:
    said = Message("assistant", (Thinking("hm", "own", "google"), SealedThinking("s", "google")))
    (turn,) = turns(said)
    assert [part.get("thoughtSignature") for part in turn["parts"]] == ["own", "s"]


def test_media_of_a_result_stand_in_it_from_gemini_3_on() -> None:
    result = Message("user", (ToolResult("a", (Text("see"), Media("image", "image/png", "AAAA"))),))
    (turn,) = turns(result)
    assert "parts" in turn["parts"][0]["functionResponse"]
    (turn,) = turns(result, target=TWO)
    assert "inlineData" in turn["parts"][1]


def test_tools_and_their_choice() -> None:
    tools = (
        Tool("f", "Does.", raw({"type": "object"})),
        Tool("c", is_custom=True),
        Tool("s", server="x", dialect="other", raw=raw({})),
    )
    body = written(HELLO, tools=tools, tool_choice=ToolChoice("tool", "f"))
    (declared,) = body["tools"]
    assert [one["name"] for one in declared["functionDeclarations"]] == ["f", "c"]
    assert body["toolConfig"]["functionCallingConfig"] == {
        "mode": "ANY",
        "allowedFunctionNames": ["f"],
    }


def test_a_schema_goes_as_it_is() -> None:
    schema = raw({"type": "object", "$defs": {}})
    config = written(HELLO, output=OutputFormat("schema", schema))["generationConfig"]
    assert config["responseJsonSchema"] == {"type": "object", "$defs": {}}
    assert config["responseMimeType"] == "application/json"


def test_a_refusal_is_text_and_foreign_parts_are_left_out() -> None:
    said = Message("assistant", (Refusal("No."), Opaque("anthropic_messages", "x", raw({"a": 1}))))
    assert turns(said) == [{"role": "model", "parts": [{"text": "No."}]}]


def test_a_file_of_another_vendor_is_refused() -> None:
    with pytest.raises(Fault) as caught:
        turns(Message("user", (Media("document", file_id="file-abc"),)))
    assert "file-abc" in caught.value.message
