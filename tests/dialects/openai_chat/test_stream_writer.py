"""Streams, written: OpenAI's own client takes them, and they read back as what was told."""

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import (
    Answer,
    CallDelta,
    CallStarted,
    Failed,
    Finished,
    LogprobsTold,
    Started,
    TextDelta,
    UsageTold,
    collect,
    deltas_of,
)
from kilo_gateway.dialects.conversation import Citation, Text, Thinking
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.logprobs import Logprob
from tests.dialects.openai_chat.test_answers import FULL, comparable
from tests.dialects.openai_chat.test_deltas import chunks_of, read, written


def test_openais_own_client_puts_a_stream_together():
    answer = Answer(
        (
            *FULL.parts,
            Thinking("more", "sig2", "anthropic"),
            Text("end", citations=(Citation("https://y"),) * 2),
        ),
        "stop",
    )
    state = ChatCompletionStreamState()
    for chunk in chunks_of(written(deltas_of(answer), FULL.usage)):
        list(state.handle_chunk(ChatCompletionChunk.model_validate(chunk)))
    message = state.get_final_completion().choices[0].message
    told = message.model_dump()
    assert message.content == "hello end"
    assert [call.function.arguments for call in message.tool_calls or ()] == ['{"a":1}', "{}"]
    details = [
        (
            one["type"],
            one.get("text") or one.get("signature") or one.get("data") or one.get("summary"),
        )
        for one in told["reasoning_details"]
    ]
    assert details == [
        ("reasoning.text", "signed"),
        ("reasoning.summary", "sum"),
        ("reasoning.encrypted", "seal"),
        ("reasoning.encrypted", "mark"),
        ("reasoning.text", "more"),
    ]
    assert told["reasoning_details"][0]["format"] == "anthropic-claude-v1"
    assert [one["url_citation"]["url"] for one in told["annotations"]] == [
        "https://x",
        "https://y",
        "https://y",
    ]


def test_a_whole_answer_comes_back_through_a_stream():
    again = collect(read(written(deltas_of(FULL), FULL.usage)))
    assert comparable(again) == comparable(FULL)


def test_a_stream_as_openai_sends_it():
    deltas = [
        Started("r", "m", 5),
        TextDelta("hi"),
        CallStarted(0, "a", "f"),
        CallDelta(0, "{}"),
        CallStarted(1, "b", "g"),
        Finished("tool_calls", "tool_use"),
    ]
    out = written(deltas, Usage(3, 2), 1_000_000)
    assert out.endswith(b"data: [DONE]\n\n")
    chunks = chunks_of(out)
    deltas_told = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert deltas_told[0] == {"role": "assistant", "content": "", "refusal": None}
    assert deltas_told[1] == {"content": "hi"}
    assert deltas_told[2]["tool_calls"] == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    ]
    assert deltas_told[5]["tool_calls"] == [{"index": 1, "function": {"arguments": "{}"}}]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["cost"] == 0.001
    assert {chunk["id"] for chunk in chunks} == {"r"}


def test_usage_is_not_told_to_a_client_that_did_not_ask():
    shown = Shown("call_7", "m", 1, wants_usage=False)
    out = written(
        [Started(), TextDelta("x"), UsageTold(Usage(3, 2)), Finished("stop")],
        Usage(3, 2),
        shown=shown,
    )
    assert b"usage" not in out


def test_an_empty_answer_has_its_role_and_its_end():
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks_of(written([]))]
    assert reasons == [None, "stop"]


def test_an_error_in_the_middle_is_an_error_event_and_the_end():
    out = written(
        [
            Started("r"),
            TextDelta("x"),
            UsageTold(Usage(3, 2)),
            Failed(b'{"message":"boom","type":"overloaded_error"}'),
        ]
    )
    last = chunks_of(out)[-1]
    assert (last["id"], last["error"]["message"], last["error"]["type"]) == (
        "r",
        "boom",
        "overloaded_error",
    )
    assert last["choices"][0]["finish_reason"] == "error"
    assert last["usage"]["prompt_tokens"] == 3
    assert out.endswith(b"data: [DONE]\n\n")
    assert out.count(b"[DONE]") == 1
    assert isinstance(read(out)[-1], Failed)


def test_probabilities_wait_for_the_text_that_they_belong_to():
    deltas = [
        LogprobsTold((Logprob("a", -0.5),)),
        CallStarted(0, "c", "f"),
        TextDelta("a"),
        TextDelta("b"),
        Finished("stop"),
    ]
    told = [
        (choice["delta"].get("content"), choice["logprobs"])
        for chunk in chunks_of(written(deltas))
        for choice in chunk["choices"]
        if choice["delta"].get("content")
    ]
    likely = [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]
    assert told == [("a", {"content": likely, "refusal": None}), ("b", None)]
