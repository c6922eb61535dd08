"""Passages: the same dialect stays bytes; another one goes through the hub, and its streams end as they must."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.answer import Answer
from kilo_gateway.dialects.conversation import ToolCall
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.dialects.translate import hub_of, passage, reads_thinking

NONE = frozenset[str]()


class Kept(dict[str, str]):
    """Marks that stay."""

    def keep(self, call_id: str, signature: str) -> None:
        self[call_id] = signature

    def find(self, call_id: str) -> str:
        return self.get(call_id, "")


def call(dialect: str, *, stream: bool = False, **members: Any) -> Call:
    fields = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in members.items()}
    return Call("req_1", dialect, "chat", "m", fields, 9, stream, 0.0, 0.0, wants_usage=True)


def deployment(dialect: str) -> Deployment:
    return Deployment("up", "m", "real-name", dialect)


CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CHUNKS = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
)


def test_the_same_dialect_keeps_the_bytes() -> None:
    way = passage("openai_chat", "openai_chat")
    assert way.is_identity
    sent = way.outbound(call("openai_chat", **CHAT), deployment("openai_chat"), NONE, Kept())
    assert json.loads(sent.body) == CHAT | {"model": "real-name"}
    body = b'{"choices":[],"usage":{}}'
    assert way.answer(call("openai_chat"), body, UNKNOWN_USAGE, None, Kept()) is body


def test_another_dialect_gets_its_own_words_and_the_loss_is_named() -> None:
    way = passage("openai_chat", "anthropic_messages")
    asked = call("openai_chat", **CHAT, seed=1, brand_new=True)
    sent = way.outbound(asked, deployment("anthropic_messages"), NONE, Kept())
    assert json.loads(sent.body)["model"] == "real-name"
    assert set(sent.dropped) >= {"seed", "brand_new"}


@pytest.mark.parametrize(
    ("target", "quirks", "expected"),
    [
        ("openai_responses", NONE, {"zdr": True}),
        ("anthropic_messages", NONE, {"zdr": True}),
        ("openai_responses", frozenset({"no_routing_fields"}), None),
        ("gemini", NONE, None),
    ],
)
def test_wishes_about_upstreams_go_to_routers_in_their_dialect(
    target: str, quirks: frozenset[str], expected: object
) -> None:
    way = passage("openai_chat", target)
    asked = call("openai_chat", **CHAT, provider={"zdr": True})
    sent = way.outbound(asked, deployment(target), quirks, Kept())
    assert json.loads(sent.body).get("provider") == expected
    assert "provider" not in sent.dropped


def test_a_stream_is_written_anew_and_ends_with_its_usage() -> None:
    way = passage("anthropic_messages", "openai_chat")
    stream = way.stream(call("anthropic_messages", stream=True), None, Kept())
    out = b"".join(stream.feed(CHUNKS[at : at + 7]) for at in range(0, len(CHUNKS), 7))
    out += stream.feed(b"data: [DONE]\n\n") or stream.finish()
    assert out.count(b"event: message_stop") == 1
    assert b'"input_tokens":3' in out
    assert (stream.usage.input_tokens, stream.usage.output_tokens) == (3, 2)
    assert stream.has_ended


@pytest.mark.parametrize("client", DIALECTS)
def test_an_error_at_once_may_still_be_answered_by_another(client: str) -> None:
    upstream = "anthropic_messages" if client != "anthropic_messages" else "openai_chat"
    stream = passage(client, upstream).stream(call(client, stream=True), None, Kept())
    if upstream == "openai_chat":
        out = stream.feed(b'data: {"error":{"message":"x","code":500}}\n\n')
    else:
        event = (
            b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}\n\n'
        )
        out = stream.feed(event)
    assert stream.failed_at_once
    assert stream.error is not None
    assert out


def test_an_empty_stream_is_no_answer() -> None:
    stream = passage("openai_responses", "openai_chat").stream(
        call("openai_responses"), None, Kept()
    )
    with pytest.raises(Fault) as caught:
        stream.finish()
    assert caught.value.kind in {Kind.UPSTREAM_GARBAGE, Kind.UPSTREAM_DISCONNECT}


def test_a_reply_that_is_none_is_garbage() -> None:
    way = passage("openai_chat", "anthropic_messages")
    with pytest.raises(Fault) as caught:
        way.answer(call("openai_chat"), b"[]", UNKNOWN_USAGE, None, Kept())
    assert caught.value.kind is Kind.UPSTREAM_GARBAGE


def test_signatures_of_calls_are_kept() -> None:
    kept = Kept()
    answer = Answer(
        (ToolCall("call_1", "f", "{}", signature="sig", vendor="google"),), "tool_calls"
    )
    body = hub_of("openai_chat").write_answer(answer, hub_shown())
    passage("anthropic_messages", "openai_chat").answer(
        call("anthropic_messages"), body, UNKNOWN_USAGE, None, kept
    )
    assert kept == {"call_1": "sig"}


def hub_shown() -> Any:
    return Shown("req_1", "m", 1)


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("claude-x", "anthropic"),
        ("google/gemini-3", "google"),
        ("openai/gpt-5", "openai"),
        ("a/b", ""),
    ],
)
def test_whose_thoughts_a_model_takes_follows_from_its_name(model: str, vendor: str) -> None:
    assert reads_thinking(Deployment("up", model, "x", "openai_chat")) == vendor


def test_a_dialect_that_is_none_is_told() -> None:
    with pytest.raises(Fault):
        hub_of("klingon")
