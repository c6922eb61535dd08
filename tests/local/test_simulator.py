"""The simulator as its users meet it: over HTTP."""

import asyncio
import resource
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import uvloop
from openai import AsyncOpenAI, BadRequestError, RateLimitError

from kilo_gateway.local.scenario import parse_scenario
from kilo_gateway.local.simulator import EXAMPLES, Sessions, Simulator

Loop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "one two"}]}


async def ask(client: httpx2.AsyncClient, model: str, **more: Any) -> httpx2.Response:
    return await client.post("/chat/completions", json=ASK | {"model": model} | more)


async def _opened(
    simulator: Simulator, body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a chat request was sent."""
    port = int(simulator.base_url.rpartition(":")[2].removesuffix("/v1"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
    head += f"Authorization: Bearer {simulator.api_key.reveal()}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    return reader, writer


async def test_a_chat_is_answered(client: httpx2.AsyncClient) -> None:
    reply = await ask(client, "echo")
    assert reply.status_code == 200
    assert reply.json()["choices"][0]["message"]["content"] == "You said: one two"
    assert reply.json()["usage"] == {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}
    assert reply.headers["x-request-id"].startswith("sim-")


async def test_the_same_request_gives_the_same_bytes_but_for_the_time() -> None:
    class Frozen:
        def wall(self) -> float:
            return 1_000.5

        def monotonic(self) -> float:
            return 0.0

    running = Simulator(clock=Frozen())
    await running.start()
    headers = {"authorization": f"Bearer {running.api_key.reveal()}"}
    async with httpx2.AsyncClient(
        base_url=running.base_url, headers=headers, trust_env=False
    ) as client:
        one, two = await ask(client, "echo"), await ask(client, "echo")
    await running.stop()
    assert one.content == two.content
    assert one.json()["created"] == 1_000


async def test_the_official_client_streams_with_usage(simulator: Simulator) -> None:
    async with AsyncOpenAI(
        base_url=simulator.base_url, api_key=simulator.api_key.reveal(), max_retries=0
    ) as openai:
        stream = await openai.chat.completions.create(
            model="sim/lorem-tokens-5",
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        assert (
            "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]).count(" ") == 4
        )
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 5


async def test_the_official_client_understands_errors(simulator: Simulator) -> None:
    async with AsyncOpenAI(
        base_url=simulator.base_url, api_key=simulator.api_key.reveal(), max_retries=0
    ) as openai:
        with pytest.raises(RateLimitError) as limited:
            await openai.completions.create(model="status-429-retry-3", prompt="a")
        assert limited.value.response.headers["retry-after"] == "3"
        with pytest.raises(BadRequestError, match="tokens-N"):
            await openai.embeddings.create(model="gpt-4", input="a")


async def test_the_official_client_reads_embeddings(simulator: Simulator) -> None:
    async with AsyncOpenAI(
        base_url=simulator.base_url, api_key=simulator.api_key.reveal()
    ) as openai:
        reply = await openai.embeddings.create(model="echo", input=["a", "b"], dimensions=16)
        assert [len(row.embedding) for row in reply.data] == [16, 16]


@pytest.mark.parametrize("key", [None, "", "Bearer", "Bearer wrong", "Basic x", "Bearer \xe9"])
async def test_strangers_are_refused(simulator: Simulator, key: str | None) -> None:
    headers = {} if key is None else {"authorization": key.encode("latin-1")}
    async with httpx2.AsyncClient(
        base_url=simulator.base_url, headers=headers, trust_env=False
    ) as client:
        for reply in (await ask(client, "echo"), await client.get("/models")):
            assert reply.status_code == 401
            assert reply.json()["error"]["type"] == "authentication_error"


async def test_it_listens_on_loopback_only(simulator: Simulator) -> None:
    assert simulator.base_url.startswith("http://127.0.0.1:")


async def test_the_models_are_listed_and_can_all_be_read(client: httpx2.AsyncClient) -> None:
    rows = (await client.get("/models")).json()["data"]
    assert [row["id"] for row in rows] == list(EXAMPLES)
    assert all(row["name"] for row in rows)
    assert all(parse_scenario(row["id"]) for row in rows)


async def test_the_header_wins_over_the_model(client: httpx2.AsyncClient) -> None:
    reply = await client.post(
        "/chat/completions", json=ASK | {"model": "echo"}, headers={"x-kilo-sim": "status-418"}
    )
    assert reply.status_code == 418


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", b"", 404),
        ("GET", "/chat/completions", b"", 405),
        ("POST", "/models", b"{}", 405),
        ("POST", "/chat/completions", b"{", 400),
        ("POST", "/chat/completions", b'{"model":"gpt-4","messages":[]}', 400),
        ("POST", "/embeddings", b'{"model":"echo"}', 400),
    ],
)
async def test_what_it_does_not_serve_is_a_clear_error(
    client: httpx2.AsyncClient, method: str, path: str, body: bytes, status: int
) -> None:
    reply = await client.request(method, path, content=body)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]


async def test_a_session_fails_so_often_and_then_is_fine(client: httpx2.AsyncClient) -> None:
    statuses = [(await ask(client, "fail-2")).status_code for _ in range(4)]
    assert statuses == [503, 503, 200, 200]
    other = {"messages": [{"role": "user", "content": "another session"}]}
    assert (await ask(client, "fail-2", **other)).status_code == 503
    assert (await ask(client, "fail-2", user="third session")).status_code == 503


def test_sessions_are_forgotten_when_there_are_too_many() -> None:
    sessions = Sessions(limit=2)
    assert [sessions.count(name) for name in "aabac"] == [0, 1, 0, 2, 0]
    assert (sessions.count("a"), sessions.count("b")) == (3, 0)


async def _cut_stream() -> tuple[bytes, bool]:
    """What arrives of a cut stream, and whether it ended by a reset."""
    running = Simulator()
    await running.start()
    reader, writer = await _opened(running, b'{"model":"cut-after-2","stream":true,"messages":[]}')
    seen = b""
    is_reset = False
    try:
        while data := await reader.read(65_536):
            seen += data
    except ConnectionResetError:
        is_reset = True
    writer.close()
    await running.stop()
    return seen, is_reset


@pytest.mark.parametrize("loop", LOOPS)
def test_a_cut_stream_delivers_its_chunks_and_is_reset(loop: Loop) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        seen, is_reset = runner.run(_cut_stream())
    assert seen.count(b"data: ") == 2
    assert is_reset


@pytest.mark.parametrize("scenario", ["cut", "close", "garbage"])
async def test_breaches_before_the_first_byte_leave_no_reply(
    client: httpx2.AsyncClient, scenario: str
) -> None:
    with pytest.raises(httpx2.TransportError):
        await ask(client, scenario)


async def test_stopping_ends_stalled_calls(
    simulator: Simulator, client: httpx2.AsyncClient
) -> None:
    async with asyncio.TaskGroup() as group:
        call = group.create_task(_failure_of(ask(client, "stall")))
        while not simulator._connections:
            await asyncio.sleep(0)
        await simulator.stop()
    assert isinstance(call.result(), httpx2.TransportError)


async def _failure_of(call: Any) -> Exception | None:
    try:
        await call
    except httpx2.TransportError as error:
        return error
    return None


async def test_connections_beyond_the_limit_are_refused() -> None:
    running = Simulator(max_connections=1)
    await running.start()
    headers = {"authorization": f"Bearer {running.api_key.reveal()}"}
    async with (
        httpx2.AsyncClient(base_url=running.base_url, headers=headers, trust_env=False) as one,
        httpx2.AsyncClient(base_url=running.base_url, headers=headers, trust_env=False) as two,
    ):
        assert (await ask(one, "echo")).status_code == 200
        assert (await ask(two, "echo")).status_code == 503
        assert (await ask(one, "echo")).status_code == 200
    await running.stop()


async def _read_stream(simulator: Simulator) -> bytes:
    reader, writer = await _opened(
        simulator, b'{"model":"tokens-5-delay-20ms","stream":true,"messages":[]}'
    )
    whole = await reader.read()
    writer.close()
    return whole


async def _many_streams(count: int) -> tuple[int, float]:
    """How many of so many streams at once were whole, and the seconds that all took."""
    running = Simulator()
    await running.start()
    begun = time.monotonic()
    replies = await asyncio.gather(*[_read_stream(running) for _ in range(count)])
    took_s = time.monotonic() - begun
    await running.stop()
    return sum(reply.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n") for reply in replies), took_s


@pytest.mark.parametrize("loop", LOOPS)
def test_a_thousand_slow_streams_run_side_by_side(loop: Loop) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8_192), hard))
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            whole, took_s = runner.run(_many_streams(1_000))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert whole == 1_000
    assert took_s < 1_000 * 0.1  # one after the other
