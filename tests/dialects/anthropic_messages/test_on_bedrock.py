"""Claude by Bedrock's InvokeModel: the envelope, frames as events, and everything recorded of it."""

import base64
import gzip
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.dialects.answer import Failed, collect
from kilo_gateway.dialects.anthropic_messages import AnthropicMessages, AnthropicOnBedrock
from kilo_gateway.dialects.anthropic_messages.on_bedrock import (
    Reader,
    Stream,
    outbound,
    path,
    unpacked,
    write_request,
)
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import Conversation, Message, Text
from kilo_gateway.dialects.frames import Frames, event_frame, exception_frame
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.translate import passage
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED

MODEL = "us.anthropic.claude-opus-4-8"
DEPLOYMENT = Deployment("b", f"b/{MODEL}", MODEL, "bedrock_anthropic")
BODY = b'{"model":"m","stream":true,"max_tokens":9,"messages":[ ],"provider":{},"system":"s"}'


def chunk(event):
    data = base64.b64encode(json.dumps(event).encode()).decode()
    return event_frame("chunk", json.dumps({"bytes": data, "p": "abc"}).encode())


EVENTS = [
    {
        "type": "message_start",
        "message": {"id": "m1", "model": "claude", "usage": {"input_tokens": 3}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3}},
]
WIRE = b"".join(map(chunk, EVENTS))


def call(headers=None):
    return Call(
        "c",
        "anthropic_messages",
        "chat",
        "m",
        read_fields(BODY),
        0,
        True,
        0.0,
        0.0,
        headers=headers or {},
    )


def test_paths():
    assert path("chat", "a:0", is_stream=False) == "/model/a%3A0/invoke"
    assert path("chat", "a:0", is_stream=True) == "/model/a%3A0/invoke-with-response-stream"


def test_the_envelope():
    body = outbound(call({b"anthropic-beta": b"one, two"}), DEPLOYMENT, frozenset())
    assert body.startswith(
        b'{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[ ]'
    )
    told = json.loads(body)
    assert (told["anthropic_beta"], told["system"]) == (["one", "two"], "s")
    assert not {"model", "stream", "provider"} & set(told)
    assert b"beta" not in outbound(call(), DEPLOYMENT, frozenset())
    asked = Conversation((Message("user", (Text("Hi"),)),), is_stream=True)
    told = json.loads(write_request(asked, Target(MODEL, "anthropic")))
    assert set(told) == {"anthropic_version", "max_tokens", "messages"}


@given(st.integers(1, len(WIRE)))
def test_frames_are_the_events_of_the_api_whatever_the_cuts(size):
    stream, reader = Stream("chat"), Reader()
    out, found = b"", []
    for at in range(0, len(WIRE), size):
        out += stream.feed(WIRE[at : at + size])
        found += reader.feed(WIRE[at : at + size])
    out += stream.finish()
    names = [
        line.removeprefix("event: ")
        for line in out.decode().split("\n")
        if line.startswith("event: ")
    ]
    assert names == [event["type"] for event in EVENTS]
    assert (stream.is_done, stream.usage.input_tokens, stream.usage.output_tokens) == (True, 3, 2)
    answer = collect([*found, *reader.finish()])
    assert (answer.parts, answer.stop) == ((Text("Hi"),), "stop")


def test_an_exception_is_an_error_event():
    wire = WIRE[:200] + b""
    stream = Stream("chat")
    out = stream.feed(
        chunk(EVENTS[0]) + exception_frame("throttlingException", b'{"message":"slow"}')
    )
    assert out.endswith(
        b'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"slow"}}\n\n'
    )
    assert json.loads(stream.error)["message"] == "slow"
    assert stream.feed(wire) == b""
    *_, last = Reader().feed(exception_frame("modelStreamErrorException", b"["))
    assert isinstance(last, Failed)


def test_what_holds_no_event_is_passed_over():
    frames = Frames().feed(
        event_frame("chunk", b"{}")
        + event_frame("chunk", b'{"bytes":"%"}')
        + event_frame("chunk", b'{"bytes":"e30K"}')
        + event_frame("chunk", b'{"bytes":"e30="}')
    )
    assert unpacked(frames) == b"data: {}\n\n"


def test_clients_of_the_dialect_are_passed_on_and_others_are_translated():
    way = passage("anthropic_messages", "bedrock_anthropic")
    assert way.is_identity
    assert (way.client.name, way.upstream.name) == ("anthropic_messages", "bedrock_anthropic")
    assert isinstance(way.stream(call(), None, None), Stream)
    assert b"anthropic_version" in way.outbound(call(), DEPLOYMENT, frozenset(), None).body
    assert not passage("openai_chat", "bedrock_anthropic").is_identity
    assert isinstance(AnthropicOnBedrock().reader("chat"), Reader)


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_everything_recorded_of_claude_is_read():
    whole = streamed = 0
    with gzip.open(TRAFFIC / "bedrock.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        is_claude = (
            isinstance(row["request_body"], dict) and "anthropic_version" in row["request_body"]
        )
        if row["status"] != 200 or not is_claude or not row["api"].startswith("bedrock-invoke"):
            continue
        fields = read_fields(json.dumps({**row["request_body"], "model": "m"}).encode())
        asked = AnthropicMessages.read_request(fields)
        again = json.loads(write_request(asked, Target(row["model"], "anthropic")))
        assert again["anthropic_version"] == row["request_body"]["anthropic_version"]
        if row["framing"] == "eventstream":
            wire = base64.b64decode(row["response_body"])
            stream, reader = Stream("chat"), Reader()
            out = stream.feed(wire) + stream.finish()
            direct = AnthropicMessages.reader("chat")
            through = collect([*direct.feed(out), *direct.finish()])
            answer = collect([*reader.feed(wire), *reader.finish()])
            assert msgspec.structs.asdict(answer) == msgspec.structs.asdict(through)
            assert stream.is_done
            assert stream.usage.output_tokens, row["id"]
            streamed += 1
        else:
            answer = AnthropicOnBedrock.read_answer(row["response_body"].encode())
            assert answer is not None
            told = json.loads(row["response_body"]).get("usage", {})  # some were recorded without
            assert answer.usage.output_tokens == told.get("output_tokens"), row["id"]
            whole += 1
        assert answer.parts or answer.stop, row["id"]
    assert (whole, streamed) >= (20, 15)
