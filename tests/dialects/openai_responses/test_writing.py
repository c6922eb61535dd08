"""Requests for upstreams."""

import json

import msgspec

from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import (
    Account,
    Cache,
    Conversation,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Sampling,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_responses.reading import read_request
from kilo_gateway.dialects.openai_responses.writing import grouped, write_request
from tests.dialects.openai_responses.recorded import needs_recordings, recordings

OPENAI = Target("gpt-5", reads_thinking="openai")


def written(*messages: Message, target: Target = OPENAI, **members) -> dict:
    return json.loads(write_request(Conversation(messages, **members), target))


def user(*parts) -> Message:
    return Message("user", parts)


def assistant(*parts) -> Message:
    return Message("assistant", parts)


# What a request loses or gains on the way to the hub and back, each for a reason:
#   unknown, needs    cannot be written                  item_id      is not sent to an upstream that stores nothing
#   is_stored         always said, false by default      is_strict    always said, since this API's default is true
#   tool_choice       is not said without tools          thoughts     go only with what their vendor has sealed of them
#   a choice of one server tool is told by its type
def comparable(conversation: Conversation, maker: str) -> Conversation:
    change = msgspec.structs.replace
    messages = []
    for message in conversation.messages:
        parts = [
            change(part, item_id="") if isinstance(part, ToolCall) else part
            for part in message.parts
            if not (isinstance(part, Thinking) and not (maker and part.vendor == maker))
        ]
        if maker == "openai":
            while parts and isinstance(parts[-1], Thinking | SealedThinking):
                parts.pop()
        if parts:
            messages.append(change(message, parts=tuple(parts)))
    tools = tuple(
        change(tool, is_strict=bool(tool.is_strict)) if not tool.server else tool
        for tool in conversation.tools
    )
    choice = conversation.tool_choice if tools else type(conversation.tool_choice)()
    return change(
        conversation,
        messages=tuple(messages),
        tools=tools,
        tool_choice=choice,
        account=change(conversation.account, is_stored=bool(conversation.account.is_stored)),
        unknown=(),
        needs=(),
    )


@needs_recordings
def test_every_recorded_request_comes_back_from_the_hub():
    count = 0
    for one in recordings():
        if one.request is None:
            continue
        maker = "xai" if "grok" in one.model else "openai"
        capabilities = frozenset({"cache_breakpoints"})
        target = Target(
            str(one.request.get("model") or "m"), reads_thinking=maker, capabilities=capabilities
        )
        first = read_request(read_fields(json.dumps(one.request).encode()))
        again = read_request(read_fields(write_request(first, target)))
        assert comparable(again, maker) == comparable(first, maker), one.id
        count += 1
    assert count > 650


def test_a_request_is_stateless_unless_the_client_wants_it_stored():
    assert written(user(Text("x")))["store"] is False
    assert written(user(Text("x")), account=Account(is_stored=True))["store"] is True


def test_one_text_of_the_system_is_instructions_several_are_a_message():
    assert written(user(Text("x")), system=(Text("A"),))["instructions"] == "A"
    body = written(user(Text("x")), system=(Text("A"), Text("B")))
    assert [part["text"] for part in body["input"][0]["content"]] == ["A", "B"]
    assert "instructions" not in body


def test_items_keep_their_order():
    body = written(
        assistant(
            Thinking("why", "gAAAA", "openai", is_summary=True, id="rs_1"),
            Text("first"),
            ToolCall("c1", "f", '{"a":1}'),
            ToolCall("c2", "g"),
            ToolCall("c3", "free", "text", is_custom=True),
        ),
        user(ToolResult("c1", (Text("r1"),)), ToolResult("c3", (), is_custom=True), Text("go on")),
    )
    assert [item["type"] for item in body["input"]] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
        "custom_tool_call",
        "function_call_output",
        "custom_tool_call_output",
        "message",
    ]
    assert body["input"][0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "why"}],
        "encrypted_content": "gAAAA",
    }
    assert body["input"][3]["arguments"] == "{}"
    assert body["input"][5] == {"type": "function_call_output", "call_id": "c1", "output": "r1"}
    assert body["input"][6]["output"] == ""


def test_thoughts_go_only_to_their_vendor():
    message = assistant(
        Thinking("a", "sig", "anthropic"), SealedThinking("data", "google"), Text("x")
    )
    assert "sig" not in json.dumps(written(message))
    assert [item["type"] for item in written(message)["input"]] == ["message"]
    sealed = assistant(SealedThinking("gAAAA", "openai"), Text("x"))
    assert written(sealed)["input"][0] == {
        "type": "reasoning",
        "summary": [],
        "encrypted_content": "gAAAA",
    }


def test_an_upstream_that_reads_no_marks_gets_plain_thoughts():
    body = written(
        assistant(Thinking("a"), Thinking("s", is_summary=True), Text("x")),
        target=Target("deepseek"),
    )
    assert body["input"][0] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "s"}],
        "content": [{"type": "reasoning_text", "text": "a"}],
    }


def test_thoughts_that_nothing_follows_stay_away_from_openai():
    message = assistant(Text("x"), SealedThinking("gAAAA", "openai"))
    assert [item["type"] for item in written(message)["input"]] == ["message"]


def test_pieces_of_thinking_are_one_item_up_to_their_seal():
    groups = grouped(
        [
            Thinking("a", id="rs_1"),
            Thinking("b", id="rs_1"),
            SealedThinking("m", "openai", "rs_1"),
            Thinking("c", "n", "openai", id="rs_2"),
            Thinking("d", id="rs_3"),
            Thinking("e", id="rs_4"),
        ]
    )
    assert [(group.id, len(group.pieces), group.mark) for group in groups] == [
        ("rs_1", 2, "m"),
        ("rs_2", 1, "n"),
        ("rs_3", 1, ""),
        ("rs_4", 1, ""),
    ]


def test_failed_results_say_so_and_what_has_no_place_is_told():
    body = written(
        user(
            ToolResult("c1", (Text("gone"),), is_error=True),
            ToolResult("c2", (Text("Error: gone"),), is_error=True),
            ToolResult("c3", (Media("image", "image/png", "AAAA"), Media("audio", name="a.wav"))),
        )
    )
    outputs = [item["output"] for item in body["input"]]
    assert [part["text"] for part in outputs[0]] == ["Error: the tool failed.", "gone"]
    assert outputs[1] == "Error: gone"
    assert outputs[2][0]["image_url"] == "data:image/png;base64,AAAA"
    assert "a.wav" in outputs[2][1]["text"]


def test_long_ids_are_replaced_in_call_and_result_alike():
    ident = "call_" + "x" * 100
    body = written(assistant(ToolCall(ident, "f")), user(ToolResult(ident, (Text("r"),))))
    call, result = body["input"]
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) <= 64


def test_parts_of_other_dialects_are_not_written_and_ours_are():
    ours = Opaque("openai_responses", "web_search_call", msgspec.Raw(b'{"type":"web_search_call"}'))
    theirs = Opaque("gemini", "executableCode", msgspec.Raw(b'{"x":1}'))
    body = written(assistant(ours, theirs, Refusal("no"), Text("x")))
    assert body["input"][0] == {"type": "web_search_call"}
    assert body["input"][1]["content"] == [
        {"type": "refusal", "refusal": "no"},
        {"type": "output_text", "text": "x"},
    ]
    assert len(body["input"]) == 2


def test_a_picture_of_the_model_is_an_image_generation_call():
    body = written(assistant(Media("image", "image/webp", "AAAA")))
    assert body["input"][0]["result"] == "AAAA"
    assert body["input"][0]["output_format"] == "webp"


def test_breakpoints_go_where_the_deployment_takes_them():
    message = user(Text("x", cache=Cache()))
    system = (Text("s", cache=Cache()),)
    assert "breakpoint" not in json.dumps(written(message, system=system))
    target = Target("gpt-5.6", capabilities=frozenset({"cache_breakpoints"}))
    body = written(message, system=system, target=target)
    assert json.dumps(body).count('"prompt_cache_breakpoint": {"mode": "explicit"}') == 2


def test_reasoning():
    def reasoning(asked: Reasoning, *capabilities: str) -> tuple:
        target = Target("m", capabilities=frozenset(capabilities))
        body = written(user(Text("x")), reasoning=asked, target=target)
        return body.get("reasoning"), body.get("include")

    sealed = ["reasoning.encrypted_content"]
    assert reasoning(Reasoning()) == (None, None)
    assert reasoning(Reasoning(), "reasoning") == (None, sealed)
    assert reasoning(Reasoning(is_on=True, effort="max")) == ({"effort": "max"}, sealed)
    assert reasoning(Reasoning(is_on=True, budget_tokens=1_024)) == (
        {"effort": "low", "summary": "auto"},
        sealed,
    )
    assert reasoning(Reasoning(budget_tokens=4_096))[0] == {"effort": "medium"}
    assert reasoning(Reasoning(budget_tokens=32_000, is_shown=False))[0] == {"effort": "high"}
    assert reasoning(Reasoning(is_on=False)) == (None, None)
    assert reasoning(Reasoning(is_on=False), "reasoning")[0] == {"effort": "low"}
    assert reasoning(Reasoning(is_on=False, effort="none")) == ({"effort": "none"}, None)
    assert reasoning(Reasoning(is_shown=True))[0] == {"summary": "auto"}


def test_logprobs_are_included():
    target = Target("gpt-4.1", reads_thinking="openai")
    sampling = Sampling(logprobs=True, top_logprobs=3)
    body = written(user(Text("x")), target=target, sampling=sampling)
    assert body["include"] == ["message.output_text.logprobs"]
    assert body["top_logprobs"] == 3


def test_words_for_service_of_other_vendors_are_not_sent():
    def told(tier: str):
        return written(user(Text("x")), account=Account(service_tier=tier)).get("service_tier")

    assert told("flex") == "flex"
    assert told("standard_only") is None


def test_nothing_is_said_of_tools_without_tools():
    body = written(user(Text("x")), tools=(Tool("x", server="googleSearch", dialect="gemini"),))
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)
