"""One POST whose answer streams, against a real server on loopback."""

import asyncio
import socket
from contextlib import asynccontextmanager

import msgspec
import pytest

from genesis.core.events import StreamEnd, TextDelta
from genesis.core.fault import GenesisError, ProviderError
from genesis.core.model import Cost
from genesis.core.secret import Secret
from genesis.providers.compatible.asking import Post, ask, headers_of
from genesis.providers.compatible.connections import Connections
from genesis.providers.compatible.stream import ChunkReader
from genesis.providers.provider import Endpoint
from tests.genesis.servers import Answer, closed, events, serving, text_chunk

KEY = Secret("kk-canary-9")


def asked(url, *, key=KEY, silence_s=5.0):
    post = Post(url, {}, b"{}", "kilocode", "m", key)
    reader = ChunkReader(Cost(), provider="kilocode", model="m")
    return ask(post, reader, Connections(silence_s=silence_s))


async def failure(url, **options):
    with pytest.raises(GenesisError) as caught:
        [event async for event in asked(url, **options)]
    return caught.value


@asynccontextmanager
async def talking(*lines, arrived=None):
    """A server that sends these events and then waits; it tells when it was asked, and when the client has gone."""
    gone = asyncio.Event()

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if arrived is not None:
            arrived.set()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(lines)
        )
        await writer.drain()
        try:
            while await reader.read(1000):
                pass
        finally:
            await closed(writer)
            gone.set()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", gone
    finally:
        server.close()
        await gone.wait()


def event(chunk):
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


async def test_closing_the_answer_ends_the_request():
    async with talking(event(text_chunk("hi"))) as (url, gone):
        stream = asked(url)
        assert await anext(stream) == TextDelta("hi")
        await stream.aclose()
        async with asyncio.timeout(30):
            await gone.wait()


async def test_cancelling_the_reader_ends_the_request():
    arrived = asyncio.Event()
    async with talking(b": wait\n\n", arrived=arrived) as (url, gone), asyncio.timeout(30):
        task = asyncio.ensure_future(anext(asked(url)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gone.wait()


async def test_a_server_that_falls_silent_is_not_waited_for():
    async with talking(event(text_chunk("hi"))) as (url, _):
        error = await failure(url, silence_s=0.05)
    assert (error.code, error.streamed) == ("ETIMEDOUT", True)
    assert error.message.startswith("Request timed out")


async def test_comments_and_other_fields_are_no_events():
    body = (
        b": keep-alive\n\nevent: ping\nid: 1\nretry: 5\n\n" + events(text_chunk("a", "stop")).body
    )
    async with serving(lambda _: Answer(200, body, "text/event-stream; charset=utf-8")) as server:
        assert [one async for one in asked(server.url)] == [TextDelta("a"), StreamEnd("stop")]


async def test_a_cut_after_the_last_word_takes_nothing_away():
    body = events(text_chunk("a", "stop"), done=False).body
    async with serving(lambda _: Answer(200, body, "text/event-stream", is_cut=True)) as server:
        assert [one async for one in asked(server.url)] == [TextDelta("a"), StreamEnd("stop")]


FAILURES = {
    "quoted key": (
        Answer(401, b'{"error":{"message":"no key kk-canary-9"}}'),
        "401 no key \\*\\*\\*",
    ),
    "redirect": (
        Answer(307, headers={"location": "http://x/"}),
        "307 the server redirects to http",
    ),
    "html": (Answer(200, b"<html>", "text/html"), "no event stream: is the baseUrl right"),
    "compressed": (
        Answer(200, b"x", "text/event-stream", {"content-encoding": "gzip"}),
        "compressed stream",
    ),
    "empty": (Answer(200, b"", "text/event-stream"), "empty stream"),
    "malformed": (Answer(200, b"data: {\n\n", "text/event-stream"), "malformed stream chunk"),
    "cut": (Answer(200, b"data: {", "text/event-stream", is_cut=True), "socket hang up"),
    "error with the key": (
        events({"error": {"message": "key kk-canary-9 is gone"}}),
        "key \\*\\*\\* is gone",
    ),
    "endless line": (Answer(200, b"x" * 4_200_000, "text/event-stream"), "Exceeded the size limit"),
}


@pytest.mark.parametrize(("answer", "words"), FAILURES.values(), ids=FAILURES)
async def test_what_goes_wrong_is_told(answer, words):
    async with serving(lambda _: answer) as server:
        error = await failure(server.url)
    assert isinstance(error, ProviderError)
    assert (error.provider, error.model) == ("kilocode", "m")
    with pytest.raises(ProviderError, match=words):
        raise error


async def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await failure(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert error.code == "ECONNREFUSED"


@pytest.mark.parametrize("url", ["ftp://x/", "/v1/chat", "http://x:port/"])
async def test_a_base_url_that_is_none(url):
    assert "models.providers.kilocode.baseUrl" in (await failure(url)).message


def test_of_headers_that_differ_in_case_ours_are_sent():
    endpoint = Endpoint("http://x", KEY, {"x-a": "theirs", "X-B": "b", "User-Agent": "mine"})
    assert headers_of(endpoint, {"X-A": "ours"}, without=frozenset({"x-b"})) == {
        b"User-Agent": b"mine",
        b"X-A": b"ours",
    }


def test_C9_the_settings_headers_stand_beside_ours():
    sent = headers_of(Endpoint("http://x", KEY, {"X-Tenant": "a"}), {})
    assert sent == {b"X-Tenant": b"a", b"User-Agent": b"genesis/0.1"}
