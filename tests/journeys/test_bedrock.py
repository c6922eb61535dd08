"""Amazon Bedrock behind a running gateway, and clients of Bedrock in front of it.

The scripted upstream checks the signature of every request (tests/sigv4.py), keeps what it got, and answers with what the
test gives it. Recorded exchanges go through in their own dialect, under several chunkings, byte for byte.
"""

import base64
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anthropic
import openai
import pytest

from kilo_gateway.dialects.frames import Frames, event_frame, exception_frame
from tests import sigv4
from tests.gateways import Running, in_loop
from tests.scripted import Peer, ReadRequest, Repeat, Send, Server, serve
from tests.talk import Answer, ask, ledger, whole

TRAFFIC = Path(__file__).parents[3] / "shared" / "data" / "traffic" / "bedrock.jsonl.gz"
STREAM_TYPE = "application/vnd.amazon.eventstream"
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/claude"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
KEYS = {
    "AWS_ACCESS_KEY_ID": sigv4.ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": sigv4.SECRET_KEY,
    "AWS_REGION": "us-east-1",
}
USAGE = {
    "inputTokens": 3,
    "outputTokens": 5,
    "totalTokens": 1820,
    "cacheReadInputTokens": 1712,
    "cacheWriteInputTokens": 100,
}
CALL = {"toolUse": {"toolUseId": "tooluse_1", "name": "look", "input": {"at": "sky"}}}
REPLY: dict[str, Any] = {
    "output": {"message": {"role": "assistant", "content": [{"text": "I look."}, CALL]}},
    "stopReason": "tool_use",
    "usage": USAGE,
    "metrics": {"latencyMs": 9},
}
STREAM = b"".join(
    event_frame(name, json.dumps(payload).encode())
    for name, payload in (
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "I "}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "look."}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        (
            "contentBlockStart",
            {
                "contentBlockIndex": 1,
                "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "look"}},
            },
        ),
        (
            "contentBlockDelta",
            {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"at":'}}},
        ),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '"sky"}'}}}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}}),
    )
)


@dataclass
class Asked:
    """A request as the service got it, and what is wrong with its signature."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    problem: str


@dataclass
class Service:
    """Plays Bedrock: `reply` is what comes next, cut into pieces of `every` bytes."""

    reply: bytes = b""
    every: int = 0
    asked: list[Asked] = field(default_factory=list)

    async def play(self, peer: Peer) -> None:
        request = peer.server.requests[-1]
        first, *rows = request.head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, value in (row.split(": ", 1) for row in rows)}
        method, path, _ = first.split(" ")
        problem = sigv4.problem(method, path, headers, request.body)
        self.asked.append(Asked(path, headers, json.loads(request.body), problem))
        await Send(self.reply, self.every).play(peer)


def streamed(data: bytes) -> bytes:
    return whole(data, headers={"content-type": STREAM_TYPE})


@asynccontextmanager
async def served(
    home: Path, models: list[str], environ: dict[str, str] | None = None, **more: str
) -> AsyncIterator[tuple[Running, Service]]:
    service = Service()
    async with serve([Repeat([ReadRequest(), service])]) as server:
        config = settings(server, models, **more)
        async with in_loop(home, config, environ=KEYS if environ is None else environ) as gateway:
            yield gateway, service


def settings(server: Server, models: list[str], **more: str) -> str:
    rows = {"name": "bedrock", "base_url": server.url, "models": models, **more}
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in rows.items())
    return (
        f"[server]\ncost_in_body = false\n[routing]\nbreaker_failures = 1000\n[[upstreams]]\n{text}"
    )


async def test_a_request_of_another_dialect_is_signed_and_translated(tmp_path: Path):
    body = {
        "model": f"bedrock/{CLAUDE}",
        "messages": [{"role": "user", "content": "Look!"}],
        "max_tokens": 100,
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
    }
    async with served(tmp_path, [CLAUDE]) as (gateway, service):
        service.reply = whole(REPLY, headers={"x-amzn-requestid": "aws-1"})
        answer = await ask(gateway, body, call="c1")
    (asked,) = service.asked
    assert asked.problem == ""
    assert asked.path == f"/model/{quote(CLAUDE, safe='')}/converse"
    assert asked.body["messages"][0]["content"][0] == {"text": "Look!"}
    assert asked.body["inferenceConfig"] == {"maxTokens": 100}
    assert answer.headers["request-id"] == "aws-1"
    told = answer.json()
    assert told["choices"][0]["finish_reason"] == "tool_calls"
    assert told["usage"]["prompt_tokens"] == 1815
    assert told["usage"]["prompt_tokens_details"]["cached_tokens"] == 1712
    (row,) = ledger(tmp_path)["c1"]
    assert (row["outcome"], row["input_tokens"], row["output_tokens"]) == ("ok", 1815, 5)
    assert sigv4.SECRET_KEY not in "".join(gateway.log)


@pytest.mark.parametrize("every", [0, 1, 37])
async def test_openais_own_client_streams_from_bedrock(tmp_path: Path, every: int):
    async with served(tmp_path, [CLAUDE]) as (gateway, service):
        service.reply, service.every = streamed(STREAM), every
        client = openai.AsyncOpenAI(api_key=gateway.key, base_url=f"{gateway.url}/v1")
        async with client:
            stream = client.chat.completions.stream(
                model=f"bedrock/{CLAUDE}",
                messages=[{"role": "user", "content": "Look!"}],
                stream_options={"include_usage": True},
            )
            async with stream as events:
                done = await events.get_final_completion()
    (asked,) = service.asked
    assert (asked.problem, asked.path.rpartition("/")[2]) == ("", "converse-stream")
    choice = done.choices[0]
    assert choice.message.content == "I look."
    assert choice.message.tool_calls[0].function.arguments == '{"at":"sky"}'
    assert choice.finish_reason == "tool_calls"
    assert done.usage.prompt_tokens == 1815


@pytest.mark.parametrize("every", [0, 5])
async def test_anthropics_own_client_streams_from_bedrock(tmp_path: Path, every: int):
    async with served(tmp_path, [CLAUDE]) as (gateway, service):
        service.reply, service.every = streamed(STREAM), every
        client = anthropic.AsyncAnthropic(api_key=gateway.key, base_url=gateway.url)
        async with client:
            stream = client.messages.stream(
                model=f"bedrock/{CLAUDE}",
                max_tokens=5_000,
                system=[
                    {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
                ],
                thinking={"type": "enabled", "budget_tokens": 2_000},
                messages=[{"role": "user", "content": "Look!"}],
            )
            async with stream as events:
                done = await events.get_final_message()
    (asked,) = service.asked
    assert asked.problem == ""
    assert asked.body["system"] == [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}]
    more = asked.body["additionalModelRequestFields"]
    assert more == {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
    assert [block.type for block in done.content] == ["text", "tool_use"]
    assert done.content[1].input == {"at": "sky"}
    assert done.stop_reason == "tool_use"
    assert (done.usage.input_tokens, done.usage.cache_read_input_tokens) == (3, 1712)
    assert done.usage.cache_creation_input_tokens == 100


async def test_claude_is_asked_in_its_own_words_by_invoke_model(tmp_path: Path):
    """`dialect = "bedrock_anthropic"`: what Anthropic's client sends and gets is only put into another envelope."""
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {
                "id": "m1",
                "type": "message",
                "role": "assistant",
                "model": "claude",
                "content": [],
                "stop_reason": None,
                "usage": {"input_tokens": 3, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    frames = (
        event_frame(
            "chunk",
            json.dumps({"bytes": base64.b64encode(json.dumps(one).encode()).decode()}).encode(),
        )
        for one in events
    )
    own = {"vendor": "bedrock", "dialect": "bedrock_anthropic"}
    async with served(tmp_path, [CLAUDE], **own) as (gateway, service):
        service.reply, service.every = streamed(b"".join(frames)), 11
        client = anthropic.AsyncAnthropic(api_key=gateway.key, base_url=gateway.url)
        async with client:
            stream = client.messages.stream(
                model=f"bedrock/{CLAUDE}",
                max_tokens=50,
                messages=[{"role": "user", "content": "Look!"}],
                extra_headers={"anthropic-beta": "context-1m-2025-08-07"},
            )
            async with stream as told:
                done = await told.get_final_message()
    (asked,) = service.asked
    assert asked.problem == ""
    assert asked.path == f"/model/{quote(CLAUDE, safe='')}/invoke-with-response-stream"
    assert asked.body["anthropic_version"] == "bedrock-2023-05-31"
    assert asked.body["anthropic_beta"] == ["context-1m-2025-08-07"]
    assert "model" not in asked.body
    assert "stream" not in asked.body
    assert "anthropic-version" not in asked.headers
    assert done.content[0].text == "Hi"
    assert (done.usage.input_tokens, done.usage.output_tokens) == (3, 2)


async def test_a_key_for_bedrock_is_sent_as_it_is(tmp_path: Path):
    async with served(tmp_path, [CLAUDE], api_key="bedrock-api-key-1") as (gateway, service):
        service.reply = whole(REPLY)
        body = {"model": f"bedrock/{CLAUDE}", "messages": [{"role": "user", "content": "Look!"}]}
        assert (await ask(gateway, body)).status == 200
    assert service.asked[0].headers["authorization"] == "Bearer bedrock-api-key-1"
    assert "x-amz-date" not in service.asked[0].headers


async def test_every_attempt_is_signed_anew(tmp_path: Path):
    async with served(tmp_path, [CLAUDE]) as (gateway, service):
        service.reply = whole({"message": "Too many requests"}, 429, {"retry-after": "0"})
        body = {"model": f"bedrock/{CLAUDE}", "messages": [{"role": "user", "content": "Look!"}]}
        answer = await ask(gateway, body)
    assert answer.status == 429
    assert len(service.asked) > 1
    assert {asked.problem for asked in service.asked} == {""}


async def test_an_exception_in_the_stream_is_told_in_the_clients_words(tmp_path: Path):
    error = {"message": f"Slow down, {sigv4.ACCESS_KEY}0123456789 of 127.0.0.1"}
    start = event_frame("messageStart", b'{"role":"assistant"}') + event_frame(
        "contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"Hi"}}'
    )
    async with served(tmp_path, [CLAUDE]) as (gateway, service):
        failed = exception_frame("throttlingException", json.dumps(error).encode())
        service.reply = streamed(start + failed)
        body = {"model": f"bedrock/{CLAUDE}", "messages": [{"role": "user", "content": "Look!"}]}
        answer = await ask(gateway, body | {"stream": True}, call="c1")
        own = await converse(gateway, CLAUDE, {"messages": []}, is_stream=True, call="c2")
    assert b"Slow down" in answer.body
    assert answer.body.endswith(b"data: [DONE]\n\n")
    *_, last = Frames().feed(own.body)
    assert last.event == "throttlingException"
    assert b"Slow down" in last.payload
    assert {row["outcome"] for rows in ledger(tmp_path).values() for row in rows} == {
        "rate_limit_exceeded"
    }


async def test_a_fault_has_the_services_shape(tmp_path: Path):
    async with served(tmp_path, [CLAUDE]) as (gateway, service):
        missing = await converse(gateway, "no/such", {"messages": []})
        broken = await converse(gateway, CLAUDE, {"messages": 1})
        nowhere = await ask(gateway, {}, path="/model/m/nothing")
        service.reply = whole({"message": "The model is out of order."}, 400)
        rejected = await converse(gateway, CLAUDE, {"messages": []})
    assert missing.status == 404
    assert missing.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert broken.status == 400
    assert broken.headers["x-amzn-errortype"] == "ValidationException"
    assert "messages" in broken.json()["message"]
    assert nowhere.status == 404
    assert nowhere.json()["__type"] == "ResourceNotFoundException"
    assert rejected.json() == {"message": "The model is out of order."}


async def test_an_arn_is_a_model(tmp_path: Path):
    async with served(tmp_path, [ARN]) as (gateway, service):
        service.reply = whole(REPLY)
        answer = await converse(gateway, ARN, {"messages": []})
    assert answer.status == 200
    assert service.asked[0].path == f"/model/{quote(ARN, safe='')}/converse"
    assert service.asked[0].problem == ""


async def test_bedrocks_clients_reach_models_of_other_dialects(tmp_path: Path):
    reply = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "text", "text": "Hi"},
        ],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    async with serve([Repeat([ReadRequest(), Send(whole(reply))])]) as server:
        config = f'[[upstreams]]\nname = "a"\nvendor = "anthropic"\nbase_url = "{server.url}"\napi_key = "k"\nmodels = ["claude"]\n'
        async with in_loop(tmp_path, config) as gateway:
            body = {
                "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
                "inferenceConfig": {"maxTokens": 50},
            }
            answer = await converse(gateway, "a/claude", body)
    assert json.loads(server.requests[0].body)["max_tokens"] == 50
    thought = {"reasoningText": {"text": "Hm.", "signature": "sig"}}
    assert answer.json()["output"]["message"]["content"] == [
        {"reasoningContent": thought},
        {"text": "Hi"},
    ]
    assert answer.json()["usage"]["totalTokens"] == 3


async def converse(
    gateway: Running, model: str, body: Any, *, is_stream: bool = False, call: str = ""
) -> Answer:
    name = model if "/" in model and not model.startswith("arn:") else f"bedrock/{model}"
    verb = "converse-stream" if is_stream else "converse"
    return await ask(gateway, body, path=f"/model/{quote(name, safe='')}/{verb}", call=call)


@pytest.mark.skipif(not TRAFFIC.is_file(), reason=f"no recorded traffic: {TRAFFIC} is absent")
@pytest.mark.parametrize("every", [0, 1_000, 61])
async def test_recorded_exchanges_go_through_as_they_are(tmp_path: Path, every: int):
    """Requests reach upstream as they were recorded; replies reach the client byte for byte."""
    rows = recorded()
    models = sorted({row["model"] for row in rows})
    async with served(tmp_path, models) as (gateway, service):
        for number, row in enumerate(rows):
            is_stream = row["api"].endswith("-stream")
            if every and not is_stream:
                continue
            kind = STREAM_TYPE if row["framing"] == "eventstream" else "application/json"
            data = body_of(row)
            headers = {"content-type": kind}
            service.reply, service.every = whole(data, row["status"], headers), every
            answer = await converse(
                gateway, row["model"], row["request_body"], is_stream=is_stream, call=f"c{number}"
            )
            asked = service.asked[-1]
            assert asked.problem == "", row["id"]
            assert asked.body == row["request_body"], row["id"]
            if row["status"] == 200:
                assert answer.body == data, row["id"]
                assert answer.headers["content-type"] == kind
            else:
                assert answer.status >= 400, row["id"]
                assert "message" in answer.json(), row["id"]


def recorded() -> list[dict[str, Any]]:
    with gzip.open(TRAFFIC, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        row
        for row in rows
        if row["api"].startswith("bedrock-converse") and isinstance(row["request_body"], dict)
    ]


def body_of(row: dict[str, Any]) -> bytes:
    text = row["response_body"]
    return base64.b64decode(text) if row["response_body_encoding"] == "base64" else text.encode()
