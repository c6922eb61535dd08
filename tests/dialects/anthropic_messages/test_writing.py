"""Requests, written: the whole body, and every recorded request there and back."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.anthropic_messages.reading import read_request
from kilo_gateway.dialects.anthropic_messages.writing import (
    JSON_ALONE,
    dropped_for,
    write_request,
)
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import (
    Cache,
    Citation,
    Conversation,
    Message,
    Opaque,
    OutputFormat,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolChoice,
)
from kilo_gateway.dialects.hub import Target
from tests.dialects.anthropic_messages.wire import ADAPTIVE, CLAUDE, checked
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

HELLO = Message("user", (Text("hello"),))


def written(target=CLAUDE, messages=(HELLO,), **members):
    body = json.loads(write_request(Conversation(messages, **members), target))
    checked("MessageCreateParams", body)
    return body


def test_a_plain_request():
    assert written(is_stream=True, system=(Text("s", Cache()),)) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 8192,
        "stream": True,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
    }


def test_tools_have_a_schema_with_its_type():
    tools = (
        Tool("a", "d", msgspec.Raw(b'{"type":"object","properties":{}}'), True, cache=Cache("1h")),
        Tool("b", parameters=msgspec.Raw(b'{"properties":{"x":{}}}')),
        Tool("c"),
        Tool("e", is_custom=True),
        Tool("f", parameters=msgspec.Raw(b"[]")),
    )
    body = written(tools=tools)
    a, b, c, e, f = body["tools"]
    empty = {"type": "object", "properties": {}}
    assert a == {
        "name": "a",
        "description": "d",
        "input_schema": empty,
        "strict": True,
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    }
    assert b["input_schema"] == {"type": "object", "properties": {"x": {}}}
    assert c["input_schema"] == f["input_schema"] == empty
    assert e["input_schema"]["required"] == ["input"]


def test_server_tools_of_ones_own_go_as_they_came():
    raw = msgspec.Raw(b'{"type":"web_search_20250305","name":"web_search","max_uses":2}')
    own = Tool("web_search", server="web_search_20250305", dialect="anthropic_messages", raw=raw)
    foreign = Tool("x", server="x", dialect="gemini", raw=msgspec.Raw(b"{}"))
    body = written(tools=(own, foreign))
    assert body["tools"] == [json.loads(bytes(raw))]
    assert dropped_for(Conversation((HELLO,), tools=(own, foreign)), CLAUDE) == ("server tools",)


def test_tools_that_are_not_allowed_are_not_offered():
    body = written(tools=(Tool("a"), Tool("b")), tool_choice=ToolChoice("auto", allowed=("b",)))
    assert [tool["name"] for tool in body["tools"]] == ["b"]


def test_json_is_asked_for_in_words():
    body = written(output=OutputFormat("json"), system=(Text("s"),))
    assert [block["text"] for block in body["system"]] == ["s", JSON_ALONE]


def test_what_this_model_cannot_have_is_named():
    parts = (
        Thinking("t", "s", "openai"),
        SealedThinking("d", "google"),
        Text("t", citations=(Citation("u"),)),
        Opaque("gemini", "executableCode"),
    )
    told = dropped_for(Conversation((HELLO, Message("assistant", parts))), CLAUDE)
    assert told == (
        "thinking in messages",
        "thinking signatures",
        "sealed thinking",
        "citations in messages",
        "parts of one dialect only: executableCode",
    )
    assert dropped_for(Conversation((HELLO,)), CLAUDE) == ()


def test_a_large_picture_is_not_slow():
    import time

    data = "iVBOR" + "A" * 10_000_000
    source = {"type": "base64", "media_type": "image/png", "data": data}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "what?"}]
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}).encode()
    started = time.process_time()
    out = write_request(read_request(read_fields(body)), CLAUDE)
    assert time.process_time() - started < 1
    assert data.encode() in out


# What comes back otherwise, and why. The target is the model that was asked, as if it were reached through another dialect.
OTHERWISE = {
    "6485a01a": "an assistant that goes on is one turn",
    "834d5605": "an assistant that goes on is one turn",
    "0417cd56": "effort alone turns thinking on; xhigh is high for Claude 4.6, which refused it",
    "211dabfe": "effort alone turns thinking on",
    "65342971": "adaptive thinking is asked to be shown",
    "8f127517": "adaptive thinking is asked to be shown",
}


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_every_recorded_request_comes_back_as_it_was():
    seen, differing, named = 0, {}, {}
    for recording in recordings("anthropic-messages"):
        if recording.request is None:
            continue
        seen += 1
        once = read_request(read_fields(json.dumps(recording.request).encode()))
        target = Target(recording.request["model"], reads_thinking="anthropic")
        again = read_request(read_fields(write_request(once, target)))
        if msgspec.structs.replace(once, unknown=()) != again:
            differing[recording.id.rpartition(".")[2]] = [
                name
                for name in once.__struct_fields__
                if getattr(once, name) != getattr(again, name)
            ]
        if dropped_for(once, target):
            named[recording.id] = dropped_for(once, target)
    assert seen > 500
    assert set(differing) == set(OTHERWISE), differing
    assert named == {}


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_what_is_written_of_recorded_requests_is_what_the_sdk_takes():
    seen = 0
    for recording in recordings("anthropic-messages"):
        body = recording.request
        if body is None or seen > 60 or "betas" in body:
            continue
        once = read_request(read_fields(json.dumps(body).encode()))
        if once.unknown or "Opaque" in repr(once) or any(tool.server for tool in once.tools):
            continue
        told = json.loads(write_request(once, ADAPTIVE))
        if '"file_id"' not in json.dumps(told):
            checked("MessageCreateParams", told)
            seen += 1
    assert seen > 50
