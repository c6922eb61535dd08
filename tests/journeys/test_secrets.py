"""Canaries: a key or a prompt never turns up where it does not belong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateways import Running, process, wait_for_entries
from tests.scripted import Close, ReadRequest, Send, Server, serve
from tests.talk import (
    CHAT,
    Answer,
    Client,
    ask,
    chat,
    free_port,
    healthy,
    in_thread,
    replying,
    upstream,
    whole,
)

UPSTREAM_KEY = "sk-canaryUPSTREAMkey0123456789abcdef"
HEADER_KEY = "canary-HEADER-value-98765"
PROMPT = "canary-prompt-quick-brown-fox"
WRONG_KEY = "kg_live_canaryWRONGkey"
QUERY_KEY = "canary-QUERY-key-5555"
# What a careless upstream says about us in its errors.
CARELESS = {
    "error": {
        "message": f"Incorrect API key provided: {UPSTREAM_KEY}. Bearer {UPSTREAM_KEY}",
        "param": UPSTREAM_KEY,
        "code": "nothing_known",
    }
}

REPLIES = {
    "refuses-key": whole(CARELESS, 401),
    "rejects": whole(CARELESS, 400),
    "fails": whole(CARELESS, 500),
    "limits": whole(CARELESS, 429, {"x-key": UPSTREAM_KEY, "request-id": "r1"}),
    "fails-in-200": whole(CARELESS),
}


async def _use(gateway: Running, models: list[str]) -> list[Answer]:
    """Good calls, bad calls and refused calls, with the canaries in all places."""
    answers = []
    prompt = {"messages": [{"role": "user", "content": PROMPT}]}
    for number, model in enumerate(models):
        for stream in (False, True):
            body = chat(model, stream=stream) | prompt
            answers.append(await ask(gateway, body, call=f"call-{number}-{stream}"))
    wrong = {"authorization": f"Bearer {WRONG_KEY}"}
    answers += [
        await ask(gateway, chat(), headers=wrong),
        await ask(gateway, chat(), headers={"authorization": "", "x-api-key": WRONG_KEY}),
        await ask(gateway, chat(), path=f"{CHAT}?key={QUERY_KEY}"),
        await ask(gateway, chat(), path=f"/v1/nothing?key={QUERY_KEY}"),
        await ask(gateway, {"model": "m", "messages": PROMPT}),
        await ask(gateway, f'{{"model": "m", "messages": ["{PROMPT}'.encode()),
    ]
    async with Client(gateway) as client:
        answers += [await client.get(path) for path in ("/v1/models", "/v1/providers", "/metrics")]
    return answers


@contextlib.asynccontextmanager
async def _careless_upstreams() -> AsyncIterator[tuple[str, Server]]:
    """The settings of one upstream that answers (given beside them) and of others that tell what they know."""
    secret = {"api_key": "env:CANARY_KEY", "headers.x-second": "env:CANARY_HEADER"}
    garbage = Send(f"{UPSTREAM_KEY} {PROMPT}\r\n\r\n".encode())
    async with contextlib.AsyncExitStack() as stack:
        good = await stack.enter_async_context(healthy())
        garbling = await stack.enter_async_context(serve([ReadRequest(), garbage, Close()]))
        config = upstream("good", good, **secret)
        config += upstream("garbling", garbling, models=["garbles"], **secret)
        config += upstream("gone", free_port(), models=["absent"], **secret)
        for model, reply in REPLIES.items():
            server = await stack.enter_async_context(replying(reply))
            config += upstream(model, server, models=[model], **secret)
        yield config, good


@pytest.mark.parametrize("form", ["console", "json"])
async def test_canaries_stay_out_of_every_sink(tmp_path: Path, form: str) -> None:
    settings = f'[telemetry]\nlog_format = "{form}"\nlog_level = "debug"\n'
    settings += "[routing]\nmax_attempts = 1\nbreaker_failures = 1000\n"
    environ = {"CANARY_KEY": UPSTREAM_KEY, "CANARY_HEADER": HEADER_KEY}
    async with _careless_upstreams() as (upstreams, good):
        running = process(tmp_path, settings + upstreams, environ=environ)
        async with in_thread(running) as gateway:
            answers = await _use(gateway, ["m", "garbles", "absent", *REPLIES])
            await asyncio.to_thread(wait_for_entries, tmp_path, ["call-0-False", "call-7-True"])
    assert UPSTREAM_KEY.encode() in good.requests[0].head
    assert HEADER_KEY.encode() in good.requests[0].head
    assert PROMPT.encode() in good.requests[0].body
    sinks = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"rights.json", "gateway.db", "cursor"} <= sinks.keys()
    del sinks["config.toml"]
    sinks["the log"] = "".join(gateway.log).encode()
    assert len(gateway.log) > len(REPLIES)
    for number, answer in enumerate(answers):
        sinks[f"answer {number}"] = repr(answer.headers).encode() + answer.body
    canaries = (UPSTREAM_KEY, HEADER_KEY, gateway.key, WRONG_KEY, QUERY_KEY, PROMPT)
    found = [
        (name, canary)
        for name, data in sinks.items()
        for canary in canaries
        if canary.encode() in data
    ]
    assert found == []


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_of_no_known_shape_is_struck_out(tmp_path: Path, stream: bool) -> None:
    key = "zZq7plainKEYofNoKnownShape"
    careless = {"error": {"message": f"the key {key} is not for this model"}}
    async with replying(whole(careless, 400)) as server:
        config = upstream("a", server, api_key="env:CANARY_KEY")
        running = process(tmp_path, config, environ={"CANARY_KEY": key})
        async with in_thread(running) as gateway:
            answer = await ask(gateway, chat(stream=stream), call="call-1")
            await asyncio.to_thread(wait_for_entries, tmp_path, ["call-1"])
    assert key.encode() in server.requests[0].head
    assert b"the key *** is not for this model" in answer.body
    assert key not in "".join(gateway.log)


async def test_a_proxy_that_cannot_be_used_does_not_end_the_start(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "socks5://127.0.0.1:1080", "CANARY_KEY": UPSTREAM_KEY}
    async with healthy() as server:
        config = upstream("a", server, api_key="env:CANARY_KEY")
        config += '[[upstreams]]\nname = "far"\nbase_url = "https://far.example/v1"\n'
        running = process(tmp_path, config, environ=environ)
        async with in_thread(running) as gateway:
            answer = await ask(gateway, chat())
    assert answer.status == 200
    [told] = [line for line in gateway.log if "upstream left out" in line]
    assert "far" in told
    assert "socks5://" in told
