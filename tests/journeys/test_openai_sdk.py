"""The OpenAI Python SDK, unchanged, against a running gateway: what its users do, and every error class they catch.

The gateway is a process of its own with the simulator and, for embeddings, an upstream of this test.
"""

import asyncio
import base64
import json
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, OpenAI

from kilo_gateway.local.model import find_weights
from tests.gateways import Running, process, wait_for_entries, wait_for_model
from tests.journeys.wire import Script, Upstream

T = TypeVar("T")

pytestmark = pytest.mark.asyncio(loop_scope="module")

MESSAGES: list[Any] = [{"role": "user", "content": "good morning"}]
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
VECTOR = (0.5, -0.25, 1.0)
CONFIG = """
[simulator]
enabled = true
[routing]
max_attempts = 1
breaker_failures = 1000
[[upstreams]]
name = "vectors"
base_url = "http://127.0.0.1:{port}/v1"
models = ["embed-test"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vectors() -> AsyncIterator[int]:
    """The port of an upstream that embeds everything as VECTOR, in base64 as the SDK asks for it."""
    packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    row = {"object": "embedding", "index": 0, "embedding": packed}
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    reply = {"object": "list", "data": [row], "model": "embed-test", "usage": usage}
    upstream = Upstream({"": Script(200, "application/json", [json.dumps(reply).encode()])})
    yield await upstream.start()
    await upstream.stop()


@pytest.fixture(scope="module")
def gateway(vectors: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("sdk") / "home"
    with process(home, CONFIG.format(port=vectors)) as running:
        wait_for_model(running, "sim/echo")
        yield running


def sync_client(gateway: Running, **options: Any) -> OpenAI:
    http = httpx2.Client(trust_env=False)
    settings = {"api_key": gateway.key, "max_retries": 0, "timeout": 20, **options}
    return OpenAI(base_url=f"{gateway.url}/v1", http_client=http, **settings)


async def sync(gateway: Running, work: Callable[[OpenAI], T], **options: Any) -> T:
    """Do some work with the synchronous client, in a thread: this loop has an upstream to play."""

    def run() -> T:
        with sync_client(gateway, **options) as client:
            return work(client)

    return await asyncio.to_thread(run)


@pytest_asyncio.fixture(loop_scope="module")
async def client(gateway: Running) -> AsyncIterator[AsyncOpenAI]:
    http = httpx2.AsyncClient(trust_env=False)
    url = f"{gateway.url}/v1"
    async with AsyncOpenAI(
        base_url=url, api_key=gateway.key, max_retries=0, timeout=20, http_client=http
    ) as client:
        yield client


async def test_a_chat_is_answered_with_its_usage(gateway: Running) -> None:
    def ask(client: OpenAI) -> Any:
        return client.chat.completions.create(model="sim/echo", messages=MESSAGES)

    reply = await sync(gateway, ask)
    assert reply.choices[0].message.content == "You said: good morning"
    assert reply.choices[0].finish_reason == "stop"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (2, 4)


async def test_a_chat_streams_to_a_synchronous_client(gateway: Running) -> None:
    def ask(client: OpenAI) -> list[Any]:
        return list(
            client.chat.completions.create(model="sim/echo", messages=MESSAGES, stream=True)
        )

    chunks = await sync(gateway, ask)
    assert text_of(chunks) == "You said: good morning"
    assert [chunk for chunk in chunks if not chunk.choices] == []


async def test_a_stream_ends_with_usage_when_it_is_asked_for(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="sim/echo", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert text_of(chunks) == "You said: good morning"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 4


async def test_the_stream_helper_puts_a_tool_call_together(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(
        model="sim/tool", messages=MESSAGES, tools=TOOLS
    ) as stream:
        async for _ in stream:
            pass
        reply = await stream.get_final_completion()
    calls = reply.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.name == "get_weather"
    assert isinstance(json.loads(calls[0].function.arguments), dict)
    assert reply.choices[0].finish_reason == "tool_calls"


async def test_the_answer_to_a_tool_call_is_taken(client: AsyncOpenAI) -> None:
    first = await client.chat.completions.create(model="sim/tool", messages=MESSAGES, tools=TOOLS)
    message = first.choices[0].message
    assert message.tool_calls
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"}
    turns: list[Any] = [*MESSAGES, message, result]
    second = await client.chat.completions.create(model="sim/echo", messages=turns, tools=TOOLS)
    assert second.choices[0].message.content


async def test_a_stream_left_early_frees_its_connection(
    client: AsyncOpenAI, gateway: Running
) -> None:
    headers = {"x-request-id": "sdk-left-early"}
    stream = await client.chat.completions.create(
        model="sim/tokens-200-delay-10ms", messages=MESSAGES, stream=True, extra_headers=headers
    )
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    entries = await asyncio.to_thread(wait_for_entries, gateway.home, ["sdk-left-early"])
    row = entries["sdk-left-early"][0]
    assert row["outcome"] == "client_disconnect"
    assert row["output_tokens"] < 200


async def test_many_calls_at_once_share_one_client(client: AsyncOpenAI) -> None:
    async def ask(number: int) -> str | None:
        turn: Any = {"role": "user", "content": f"number {number}"}
        reply = await client.chat.completions.create(model="sim/echo", messages=[turn])
        return reply.choices[0].message.content

    answers = await asyncio.gather(*(ask(number) for number in range(20)))
    assert answers == [f"You said: number {number}" for number in range(20)]


async def test_the_raw_response_tells_who_answered(client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="sim/echo", messages=MESSAGES, extra_headers={"x-request-id": "sdk-raw"}
    )
    assert raw.headers["x-request-id"] == "sdk-raw"
    assert raw.headers["x-kilo-model"] == "sim/echo"
    assert raw.headers["x-kilo-upstream"] == "sim"
    assert raw.headers["x-kilo-attempts"] == "1"
    assert "upstream;dur=" in raw.headers["server-timing"]
    assert raw.parse().choices[0].message.content == "You said: good morning"


async def test_the_streaming_response_gives_the_lines(client: AsyncOpenAI) -> None:
    async with client.chat.completions.with_streaming_response.create(
        model="sim/echo", messages=MESSAGES, stream=True
    ) as raw:
        assert raw.headers["content-type"].startswith("text/event-stream")
        lines = [line async for line in raw.iter_lines()]
    assert [line for line in lines if line][-1] == "data: [DONE]"


async def test_completions_answer_and_stream(client: AsyncOpenAI) -> None:
    whole = await client.completions.create(model="sim/echo", prompt="once upon")
    assert whole.choices[0].text == "You said: once upon"
    stream = await client.completions.create(model="sim/echo", prompt="once upon", stream=True)
    assert "".join([chunk.choices[0].text async for chunk in stream]) == "You said: once upon"


async def test_embeddings_come_back_as_floats(gateway: Running) -> None:
    def ask(client: OpenAI) -> Any:
        return client.embeddings.create(model="embed-test", input="a text")

    reply = await sync(gateway, ask)
    assert tuple(reply.data[0].embedding) == VECTOR
    assert reply.usage.prompt_tokens == 4


async def test_models_are_listed_and_found(client: AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert {"sim/echo", "embed-test"} <= set(names)
    found = await client.models.retrieve("sim/echo")
    assert (found.id, found.object, found.owned_by) == ("sim/echo", "model", "sim")


async def test_a_wrong_key_is_an_authentication_error(gateway: Running) -> None:
    def ask(client: OpenAI) -> Any:
        return client.chat.completions.create(model="sim/echo", messages=MESSAGES)

    with pytest.raises(openai.AuthenticationError) as caught:
        await sync(gateway, ask, api_key="kg_live_wrong")
    assert caught.value.status_code == 401
    assert caught.value.request_id


async def test_an_unknown_model_is_not_found_and_a_like_one_is_named(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"Did you mean sim/echo") as caught:
        await client.chat.completions.create(model="ecko", messages=MESSAGES)
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"


async def test_an_unknown_model_cannot_be_retrieved(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("ecko")


async def test_a_bad_field_is_a_bad_request_that_names_it(client: AsyncOpenAI) -> None:
    wrong: Any = "not a list"
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="sim/echo", messages=wrong)
    assert caught.value.param == "messages"


async def test_too_long_a_prompt_is_a_bad_request_with_the_known_code(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="sim/overflow", messages=MESSAGES)
    assert caught.value.code == "context_length_exceeded"


async def test_a_rate_limit_says_when_to_come_back(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model="sim/status-429-retry-3", messages=MESSAGES)
    assert caught.value.response.headers["retry-after"] == "3"


async def test_an_upstream_that_fails_is_an_internal_server_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        await client.chat.completions.create(model="sim/status-503", messages=MESSAGES)
    assert caught.value.status_code == 503


async def test_an_error_in_the_stream_is_raised_where_it_comes(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="sim/error-in-stream-after-3-delay-20ms", messages=MESSAGES, stream=True
    )
    assert (await anext(stream)).choices[0].delta.role == "assistant"
    with pytest.raises(openai.APIError):
        await drain(stream)


async def test_a_stream_that_is_cut_is_raised_too(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="sim/cut-after-5", messages=MESSAGES, stream=True
    )
    with pytest.raises(openai.APIError, match="closed the connection"):
        await drain(stream)


async def drain(stream: AsyncIterator[Any]) -> None:
    """Read a stream to its end."""
    async for _ in stream:
        pass


def text_of(chunks: list[Any]) -> str:
    """The text of all chunks."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with the built-in model, and nothing else."""
    if find_weights() is None:
        pytest.skip("the local extra is not installed")
    home: Path = tmp_path_factory.mktemp("local") / "home"
    with process(home, "[local_model]\nenabled = true\n") as running:
        wait_for_model(running, "local/smollm2-135m-instruct", 60)
        yield running


@pytest.mark.real_model
async def test_the_local_model_answers_and_streams(local: Running) -> None:
    def ask(client: OpenAI) -> tuple[Any, list[Any]]:
        whole = client.chat.completions.create(
            model="kilo/auto", messages=MESSAGES, max_tokens=12, temperature=0
        )
        chunks = client.chat.completions.create(
            model="local/smollm2-135m-instruct",
            messages=MESSAGES,
            max_tokens=12,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        return whole, list(chunks)

    whole, chunks = await sync(local, ask, timeout=60)
    assert whole.choices[0].message.content
    assert text_of(chunks) == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
