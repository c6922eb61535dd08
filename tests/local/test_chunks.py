"""Answers on the wire."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.local.answer import Answer, answer
from kilo_gateway.local.asked import read_asked
from kilo_gateway.local.chunks import (
    CHAT,
    DONE,
    TEXT,
    Shape,
    status_error,
    stream_events,
    whole_body,
)
from kilo_gateway.local.scenario import parse_scenario

TOOLS = [
    {
        "function": {
            "name": "f",
            "parameters": {"properties": {"q": {"type": "string"}}, "required": ["q"]},
        }
    }
]


def said(scenario: str, text: str = "hello there", tools: object = None) -> Answer:
    messages = [{"role": "user", "content": text}]
    body = msgspec.json.encode({"model": "m", "messages": messages, "tools": tools})
    return answer(read_asked(body, "messages"), body, parse_scenario(scenario))


def events(reply: Answer, shape: Shape, *, with_usage: bool) -> list[dict[str, Any]]:
    raw = list(stream_events(reply, shape, 7, with_usage=with_usage))
    assert raw[-1] == DONE
    return [msgspec.json.decode(data.removeprefix(b"data: ")) for data in raw[:-1]]


def joined(deltas: list[dict[str, Any]], name: str) -> str:
    return "".join(delta.get(name) or "" for delta in deltas)


@given(st.text(max_size=60), st.sampled_from(["echo", "lorem-tokens-9", "reasoning-3", "tool"]))
def test_whole_and_streamed_replies_say_the_same(text: str, scenario: str) -> None:
    reply = said(scenario, text, TOOLS)
    whole = msgspec.json.decode(whole_body(reply, CHAT, 7, reports_usage=True))
    streamed = events(reply, CHAT, with_usage=True)
    message, deltas = (
        whole["choices"][0]["message"],
        [choice["delta"] for chunk in streamed for choice in chunk["choices"]],
    )
    assert joined(deltas, "content") == (message["content"] or "")
    assert joined(deltas, "reasoning_content") == message.get("reasoning_content", "")
    arguments = [
        call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", [])
    ]
    calls = message.get("tool_calls", [])
    assert "".join(arguments) == "".join(call["function"]["arguments"] for call in calls)
    assert streamed[-1]["usage"] == whole["usage"]
    assert streamed[-2]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert {chunk["id"] for chunk in streamed} == {whole["id"]}


def test_a_stream_begins_with_the_role() -> None:
    first = events(said("echo"), CHAT, with_usage=False)[0]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}


def test_usage_is_streamed_only_if_asked_for() -> None:
    assert not any("usage" in chunk for chunk in events(said("echo"), CHAT, with_usage=False))


def test_the_usage_chunk_has_no_choices_and_the_others_a_null_usage() -> None:
    *others, last = events(said("echo"), CHAT, with_usage=True)
    assert last["choices"] == []
    assert {chunk["usage"] for chunk in others} == {None}


def test_completions_have_text() -> None:
    reply = said("echo", "a b")
    whole = msgspec.json.decode(whole_body(reply, TEXT, 7, reports_usage=False))
    assert whole["choices"][0]["text"] == "You said: a b"
    assert "usage" not in whole
    streamed = events(reply, TEXT, with_usage=False)
    assert "".join(chunk["choices"][0]["text"] for chunk in streamed) == "You said: a b"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate_limit_error"), (418, "invalid_request_error"), (599, "server_error")],
)
def test_error_statuses_have_a_fitting_type(status: int, kind: str) -> None:
    assert status_error(status)["error"]["type"] == kind
