"""A chat client asks for a model that its vendor serves in Responses alone: recorded replies of OpenAI's come back as chat."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings
from tests.gateways import Running, in_loop
from tests.scripted import Peer, ReadRequest, Repeat, Send, Server, serve
from tests.talk import DONE, LAST_PIECE, ask, chat, piece, stream_head, upstream, whole

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not TRAFFIC.exists(), reason=WHY_SKIPPED),
]
WHOLE, STREAMED = "openai.openai-responses.7356d55c", "openai.openai-responses.7616e5f5"


def recorded(ident: str) -> bytes:
    return next(one.reply for one in recordings("openai-responses") if one.id == ident)


class Responses:
    """OpenAI, as far as it was recorded."""

    async def play(self, peer: Peer) -> None:
        body: Any = msgspec.json.decode(peer.server.requests[-1].body)
        if body.get("stream"):
            await Send(stream_head() + piece(recorded(STREAMED)) + LAST_PIECE).play(peer)
        else:
            await Send(whole(recorded(WHOLE))).play(peer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Running, Server]]:
    home: Path = tmp_path_factory.mktemp("responses")
    async with serve([Repeat([ReadRequest(), Responses()])]) as server:
        config = upstream(
            "openai", server, vendor="openai", models=["gpt-5-pro", "gpt-5.2"], api_key="k"
        )
        async with in_loop(home, config) as gateway:
            yield gateway, server


async def test_a_whole_answer_comes_back_as_chat(rig: tuple[Running, Server]) -> None:
    gateway, server = rig
    answer = await ask(gateway, chat("openai/gpt-5-pro", temperature=0.5))
    request = server.requests[-1]
    assert b"POST /v1/responses " in request.head
    assert json.loads(request.body)["model"] == "gpt-5-pro"
    assert (answer.status, answer.headers["x-kilo-dropped"]) == (200, "temperature")
    told, sent = answer.json(), json.loads(recorded(WHOLE))
    assert told["object"] == "chat.completion"
    text = next(item for item in sent["output"] if item["type"] == "message")["content"][0]["text"]
    assert told["choices"][0]["message"]["content"] == text
    assert told["choices"][0]["logprobs"]["content"][0]["token"] == "The"
    assert told["usage"]["prompt_tokens"] == sent["usage"]["input_tokens"]


async def test_so_does_a_stream(rig: tuple[Running, Server]) -> None:
    gateway, _ = rig
    answer = await ask(gateway, chat("openai/gpt-5-pro", stream=True))
    assert answer.body.endswith(DONE)
    chunks = [
        json.loads(line[6:]) for line in answer.body.splitlines() if line.startswith(b"data: {")
    ]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text.startswith("The")


async def test_other_models_of_the_vendor_are_asked_in_chat(rig: tuple[Running, Server]) -> None:
    gateway, server = rig
    await ask(gateway, chat("openai/gpt-5.2"))
    assert b"POST /v1/chat/completions " in server.requests[-1].head
