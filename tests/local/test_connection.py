"""Connections on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from kilo_gateway.local.connection import MAX_WAITING_REQUESTS, Connection, whole_reply
from kilo_gateway.local.request import Request

Reply = Callable[[Request, Connection], Awaitable[None]]
GET = b"GET /%d HTTP/1.1\r\n\r\n"


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer


@asynccontextmanager
async def connected(reply: Reply) -> AsyncIterator[tuple[Client, set[Connection]]]:
    """A client of a server that answers so, and the server's open connections."""
    loop = asyncio.get_running_loop()
    open_ones: set[Connection] = set()
    factory = cast(
        "Callable[[], asyncio.Protocol]", lambda: Connection(reply, lambda _: True, open_ones)
    )
    server = await loop.create_server(factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield client, open_ones
    finally:
        client.writer.close()
        server.close()
        for connection in list(open_ones):
            connection.reset()
            await connection.ended()


async def echo_path(request: Request, connection: Connection) -> None:
    await connection.write(whole_reply(200, request.path.encode()))


async def read_reply(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


async def test_requests_of_one_connection_are_answered_in_turn() -> None:
    async with connected(echo_path) as (client, _):
        client.writer.write(GET % 1 + GET % 2)
        assert [await read_reply(client.reader) for _ in range(2)] == [b"/1", b"/2"]
        client.writer.write(GET % 3)
        assert await read_reply(client.reader) == b"/3"


async def test_connection_close_is_honoured() -> None:
    async with connected(echo_path) as (client, _):
        client.writer.write(b"GET /1 HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert (await client.reader.read()).endswith(b"/1")


async def test_what_is_not_http_is_told_so() -> None:
    async with connected(echo_path) as (client, _):
        client.writer.write(b"NONSENSE\r\n\r\n")
        assert (await client.reader.read()).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_too_many_requests_at_once_reset_the_connection() -> None:
    async def never(_request: Request, _connection: Connection) -> None:
        await asyncio.Event().wait()

    async with connected(never) as (client, _):
        client.writer.write(GET % 1 * (MAX_WAITING_REQUESTS + 1))
        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_a_reply_is_cancelled_when_its_client_goes() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(_request: Request, _connection: Connection) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with connected(wait) as (client, open_ones):
        client.writer.write(GET % 1)
        await begun.wait()
        (connection,) = open_ones
        client.writer.close()
        async with asyncio.timeout(5):
            await cancelled.wait()
            await connection.ended()
        assert not open_ones


async def test_a_slow_reader_holds_the_writer_back() -> None:
    written = 0
    piece = bytes(65_536)

    async def pour(_request: Request, connection: Connection) -> None:
        nonlocal written
        for _ in range(1_024):
            await connection.write(piece)
            written += len(piece)

    async with connected(pour) as (client, _):
        client.writer.write(GET % 1)
        await client.reader.readexactly(1_000)
        seen = -1
        while seen != written:
            seen = written
            for _ in range(50):
                await asyncio.sleep(0)
        assert 0 < written < 1_024 * len(piece)


async def test_reset_reaches_the_client_as_a_reset() -> None:
    async def reset(_request: Request, connection: Connection) -> None:
        await connection.write(b"HTTP/1.1 200 OK\r\n")
        connection.reset()

    async with connected(reset) as (client, _):
        client.writer.write(GET % 1)
        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_a_bug_in_a_reply_is_reported_and_resets() -> None:
    async def bug(_request: Request, _connection: Connection) -> None:
        raise LookupError("a bug")

    reported: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    async with connected(bug) as (client, _):
        client.writer.write(GET % 1)
        with pytest.raises(ConnectionResetError):
            await client.reader.read()
    assert [type(error) for error in reported] == [LookupError]
