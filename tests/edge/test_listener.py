"""Heads, bodies and clients that are too large, too slow, or no HTTP at all; over real sockets."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest
import pytest_asyncio
import zstandard

from kilo_gateway.edge.guard import Guard
from kilo_gateway.edge.listener import MAX_HEADERS, ClientConnection
from kilo_gateway.edge.reply import WireReply
from kilo_gateway.edge.request import Inbound
from tests.gateways import Running, in_loop
from tests.scripted import ReadRequest, Send, Server, UntilGone, Wait, serve
from tests.talk import (
    CHAT,
    DONE,
    END,
    Client,
    chat,
    delta,
    healthy,
    piece,
    request,
    stream_head,
    upstream,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = """[server]
max_header_bytes = 4096
max_body_bytes = 65536
client_timeout_s = 0.4
keep_alive_s = 1.0
"""
BODY = msgspec.json.encode(chat())


@dataclass
class Rig:
    gateway: Running
    upstream: Server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with healthy() as server:
        home = tmp_path_factory.mktemp("edge")
        async with in_loop(home, LIMITS + upstream("a", server)) as gateway:
            yield Rig(gateway, server)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "zstd", "identity"])
async def test_a_packed_body_is_unpacked(rig: Rig, coding: str) -> None:
    packers = {"gzip": gzip.compress, "x-gzip": gzip.compress, "zstd": zstandard.compress}
    body = packers.get(coding, bytes)(BODY)
    async with Client(rig.gateway) as client:
        answer = await client.ask(body, headers={"content-encoding": coding})
    assert answer.status == 200
    sent = rig.upstream.requests[-1]
    assert msgspec.json.decode(sent.body)["messages"] == chat()["messages"]
    assert b"content-encoding" not in sent.head


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_body_that_is_not_what_it_says_is_refused(rig: Rig, coding: str) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.ask(BODY, headers={"content-encoding": coding})
        cut = gzip.compress(BODY)[:-12] if coding == "gzip" else zstandard.compress(BODY)[:-5]
        second = await client.ask(cut, headers={"content-encoding": coding})
    assert (answer.status, answer.error_type) == (400, "invalid_request")
    assert second.status == 400


async def test_another_coding_is_refused(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.ask(BODY, headers={"content-encoding": "br"})
    assert (answer.status, answer.error_type) == (415, "unsupported_encoding")


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_small_body_that_unpacks_too_large_is_refused(rig: Rig, coding: str) -> None:
    bomb = b" " * 50_000_000
    body = gzip.compress(bomb) if coding == "gzip" else zstandard.compress(bomb)
    assert len(body) < 65536
    async with Client(rig.gateway) as client:
        answer = await client.ask(body, headers={"content-encoding": coding})
    assert (answer.status, answer.error_type) == (413, "request_too_large")


async def test_a_declared_body_that_is_too_large_is_refused_before_it_comes(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        headers = rig.gateway.headers | {"content-length": "65537"}
        await client.send(request("POST", CHAT, headers, b""))
        answer = await client.answer()
    assert (answer.status, answer.error_type) == (413, "request_too_large")


async def test_a_body_that_grows_too_large_is_refused(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        headers = rig.gateway.headers | {"transfer-encoding": "chunked"}
        await client.send(request("POST", CHAT, headers, b""))
        for _ in range(5):
            await client.send(piece(b" " * 16384))
        answer = await client.answer()
    assert (answer.status, answer.error_type) == (413, "request_too_large")


async def test_a_chunked_body_is_read(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        headers = rig.gateway.headers | {"transfer-encoding": "chunked"}
        body = b"".join(piece(BODY[start : start + 7]) for start in range(0, len(BODY), 7))
        await client.send(request("POST", CHAT, headers, body + b"0\r\n\r\n"))
        assert (await client.answer()).status == 200
        assert (await client.ask(chat())).status == 200


async def test_a_large_body_within_the_limit_is_read(rig: Rig) -> None:
    body = chat(messages=[{"role": "user", "content": "x" * 60_000}])
    async with Client(rig.gateway) as client:
        assert (await client.ask(body)).status == 200


async def test_a_head_that_is_too_large_is_refused(rig: Rig) -> None:
    before = len(rig.upstream.requests)
    async with Client(rig.gateway) as client:
        await client.send(b"POST " + CHAT.encode() + b" HTTP/1.1\r\nx-long: ")
        answering = asyncio.ensure_future(client.answer())
        while not answering.done():
            await client.send(b"x" * 1000)
            await asyncio.sleep(0.005)
        answer = await answering
        assert answer.status == 431
        assert answer.json()["error"]["message"]
        assert await client.until_closed() == b""
    assert len(rig.upstream.requests) == before


async def test_a_large_head_in_one_piece_is_refused(rig: Rig) -> None:
    before = len(rig.upstream.requests)
    async with Client(rig.gateway) as client:
        await client.post(chat(), headers={"x-long": "x" * 6000})
        assert (await client.answer()).status == 431
    assert len(rig.upstream.requests) == before


async def test_too_many_headers_are_refused(rig: Rig) -> None:
    before = len(rig.upstream.requests)
    async with Client(rig.gateway) as client:
        await client.post(chat(), headers={f"x{number}": "" for number in range(MAX_HEADERS + 1)})
        answer = await client.answer()
        assert answer.status == 431
        await client.until_closed()
    assert len(rig.upstream.requests) == before


async def test_slow_heads_bodies_and_silent_clients_are_ended(rig: Rig) -> None:
    """Within client_timeout_s and a sweep."""
    head = request("POST", CHAT, rig.gateway.headers | {"content-length": "100"}, b"")
    starts = {
        "silent": b"",
        "slow head": b"POST /v1/chat/completions HTTP/1.1\r\nhost: ga",
        "no body": head,
        "slow body": head + b'{"model":',
    }

    async def ended(start: bytes) -> bytes:
        async with Client(rig.gateway) as client:
            await client.send(start)
            return await client.until_closed()

    answers = await asyncio.gather(*(ended(start) for start in starts.values()))
    for name, answer in zip(starts, answers, strict=True):
        assert answer.startswith(b"HTTP/1.1 408 "), name
    async with Client(rig.gateway) as client:
        assert (await client.ask(chat())).status == 200


async def test_a_client_that_trickles_is_ended_too(rig: Rig) -> None:
    """The limit is for the whole request, not for each byte of it."""
    async with Client(rig.gateway) as client:
        await client.send(
            request("POST", CHAT, rig.gateway.headers | {"content-length": "100"}, b"")
        )
        async with asyncio.timeout(5):
            while not client.reader.at_eof():
                try:
                    await client.send(b" ")
                except ConnectionError:
                    break
                await asyncio.sleep(0.05)


async def test_an_idle_connection_is_closed_after_keep_alive_s(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        assert (await client.ask(chat())).status == 200
        assert await asyncio.wait_for(client.until_closed(), 4) == b""


async def test_connections_are_used_again(rig: Rig) -> None:
    before = rig.upstream.accepted
    async with Client(rig.gateway) as client:
        for stream in (False, True, False):
            assert (await client.ask(chat(stream=stream))).status == 200
        assert (await client.ask(chat("nothing"))).status == 404
        assert (await client.get("/v1/models")).status == 200
        assert (await client.ask(chat())).status == 200
    assert rig.upstream.accepted - before <= 1


async def test_connection_close_is_honoured(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.ask(chat(), headers={"connection": "close"})
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await client.until_closed() == b""


async def test_http_1_0_gets_a_whole_answer_and_a_close(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        sent = request("POST", CHAT, rig.gateway.headers, BODY)
        await client.send(sent.replace(b"HTTP/1.1", b"HTTP/1.0"))
        answer = await client.answer()
        assert (answer.status, answer.json()["id"]) == (200, "chatcmpl-1")
        assert await client.until_closed() == b""


async def test_pipelined_requests_are_answered_in_order(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        first = request("POST", CHAT, rig.gateway.headers | {"x-request-id": "one"}, BODY)
        second = request("GET", "/v1/models", {"x-request-id": "two"})
        third = request("POST", CHAT, rig.gateway.headers | {"x-request-id": "three"}, BODY)
        await client.send(first + second + third)
        answers = [await client.answer() for _ in range(3)]
    assert [answer.headers["x-request-id"] for answer in answers] == ["one", "two", "three"]
    assert [answer.status for answer in answers] == [200, 200, 200]


async def test_expect_100_continue_is_answered(rig: Rig) -> None:
    headers = rig.gateway.headers | {"expect": "100-continue", "content-length": str(len(BODY))}
    async with Client(rig.gateway) as client:
        await client.send(request("POST", CHAT, headers, b""))
        assert (await client.head()).status == 100
        await client.send(BODY)
        assert (await client.answer()).status == 200


async def test_expect_100_continue_of_a_stranger_is_refused_at_once(rig: Rig) -> None:
    headers = {"expect": "100-continue", "content-length": str(len(BODY))}
    async with Client(rig.gateway) as client:
        await client.send(request("POST", CHAT, headers, b""))
        assert (await client.head()).status == 401


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"NONSENSE\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nno colon here\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc",
        b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 4\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["TLS", "a word", "no colon", "length", "two lengths", "chunk size", "both framings"],
)
async def test_what_is_no_http_is_refused_and_closed(rig: Rig, sent: bytes) -> None:
    before = len(rig.upstream.requests)
    async with Client(rig.gateway) as client:
        await client.send(sent)
        assert b" 400 " in (await client.until_closed())[:20]
    async with Client(rig.gateway) as client:
        assert (await client.get("/health/live")).status == 200
    assert len(rig.upstream.requests) == before


async def test_trailers_are_not_headers(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        headers = rig.gateway.headers | {"transfer-encoding": "chunked", "te": "trailers"}
        trailer = b"0\r\ncontent-encoding: br\r\nx-kilocode-taskid: late\r\n\r\n"
        await client.send(request("POST", CHAT, headers, piece(BODY) + trailer))
        assert (await client.answer()).status == 200


async def test_a_pipelined_request_does_not_end_the_stream_before_it(
    rig: Rig, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its body is not read while the first is answered: it is not the client that is slow."""
    finish = asyncio.Event()
    begun, rest = stream_head() + delta("Hello"), delta("", "stop") + END
    script = [ReadRequest(), Send(begun), Wait(finish), Send(rest), UntilGone()]
    async with (
        serve(script) as server,
        in_loop(tmp_path_factory.mktemp("edge"), LIMITS + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True))
        await client.head()
        await client.piece()
        await client.send(
            request("POST", CHAT, gateway.headers | {"content-length": "100"}, b'{"model":')
        )
        await asyncio.sleep(1.8)
        finish.set()
        got = b""
        async for more in client.pieces():
            got += more
    assert got.endswith(DONE)


async def test_a_head_that_comes_again_serves_its_own_body_each_time(rig: Rig) -> None:
    texts = ["one", "a longer two", "3", "the fourth"]
    async with Client(rig.gateway) as client:
        for text in texts:
            body = chat() | {"messages": [{"role": "user", "content": text}]}
            assert (await client.ask(body)).status == 200
            sent = msgspec.json.decode(rig.upstream.requests[-1].body)
            assert sent["messages"][0]["content"] == text


async def test_after_a_known_head_another_one_is_parsed_as_ever(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        for _ in range(3):
            assert (await client.ask(chat())).status == 200
        refused = await client.ask(chat(), headers={"authorization": "Bearer kg_live_wrong"})
        assert refused.status == 401
        assert (await client.ask(chat())).status == 200


async def test_a_known_head_that_comes_in_two_reads_is_served(rig: Rig) -> None:
    whole = request("POST", CHAT, rig.gateway.headers, BODY)
    async with Client(rig.gateway) as client:
        for _ in range(2):
            await client.send(whole)
            assert (await client.answer()).status == 200
        await client.send(whole[:-5])
        await client.send(whole[-5:])
        assert (await client.answer()).status == 200


async def test_one_task_answers_a_connection_and_a_busy_one_keeps_nobody_waiting() -> None:
    loop, tasks, linger = asyncio.get_running_loop(), list[object](), asyncio.Event()

    async def app(inbound: Inbound, reply: WireReply) -> None:
        tasks.append(asyncio.current_task())
        await reply.whole(200, b"", b"")
        if inbound.path == "/lingers":
            await linger.wait()

    guard = Guard(app, loop.time)
    server = await loop.create_server(lambda: ClientConnection(guard, loop), "127.0.0.1", 0)
    async with server, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for path in ("/a", "/lingers", "/b", "/c"):
            writer.write(request("GET", path, {}, b""))
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        linger.set()
        writer.close()
        while guard.connections:
            await asyncio.sleep(0.01)
    first, second, third, fourth = tasks
    assert (first is second, second is third, third is fourth) == (True, False, True)
