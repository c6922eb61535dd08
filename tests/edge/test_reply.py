"""Answers on the wire: their framing, their one head, and clients that are slow or gone; over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateways import Running, in_loop
from tests.scripted import ReadRequest, Repeat, Send, serve
from tests.talk import (
    ANSWER,
    CHAT,
    DONE,
    Client,
    chat,
    healthy,
    request,
    upstream,
    whole,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG = ANSWER | {
    "choices": [
        {"index": 0, "message": {"content": "x" * 3_000_000}, "finish_reason": "stop"},
    ]
}


@dataclass
class Rig:
    gateway: Running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    long = serve([Repeat([ReadRequest(), Send(whole(LONG))])])
    async with healthy() as server, long as talking:
        config = upstream("a", server) + upstream("long", talking, models=["long"])
        async with in_loop(tmp_path_factory.mktemp("edge"), config) as gateway:
            yield Rig(gateway)


async def test_a_whole_answer_has_a_length_and_no_chunks(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.ask(chat())
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert "transfer-encoding" not in answer.headers


async def test_a_stream_is_chunked_and_its_connection_is_used_again(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        for _ in range(3):
            answer = await client.ask(chat(stream=True))
            assert answer.headers["transfer-encoding"] == "chunked"
            assert "content-length" not in answer.headers
            assert answer.body.endswith(DONE)


async def test_a_long_answer_arrives_whole_at_a_client_that_reads_slowly(rig: Rig) -> None:
    async with Client(rig.gateway, receive_buffer_bytes=4096) as client:
        await client.post(chat("long"))
        head = await client.head()
        length, got = int(head.headers["content-length"]), 0
        async with asyncio.timeout(20):
            while got < length:
                got += len(await client.reader.read(65536))
                await asyncio.sleep(0)
        assert got == length
        assert (await client.ask(chat())).status == 200


async def test_a_bodiless_answer_has_no_body(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        await client.send(request("OPTIONS", CHAT, {}))
        assert (await client.head()).status == 204
        assert (await client.ask(chat())).status == 200


async def test_a_client_that_left_costs_nothing_after_its_answer(rig: Rig) -> None:
    """The connection is closed behind a complete answer: that is no lost client."""
    assert rig.gateway.parts is not None
    faults = rig.gateway.parts.metrics.faults
    before = dict(faults)
    for stream in (False, True):
        async with Client(rig.gateway) as client:
            assert (await client.ask(chat(stream=stream))).status == 200
            client.vanish()
    async with Client(rig.gateway) as client:
        assert (await client.ask(chat())).status == 200
    assert dict(faults) == before


async def test_a_header_of_upstream_cannot_break_the_head(tmp_path: Path) -> None:
    """What upstream says is made safe before it becomes a header of ours."""
    reply = whole(headers={"request-id": "a\tb" + "d" * 500})
    async with (
        serve([Repeat([ReadRequest(), Send(reply)])]) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        answer = await client.ask(chat())
        assert answer.status == 200
        assert len(answer.headers["request-id"]) <= 200
        assert (await client.get("/health/live")).status == 200
