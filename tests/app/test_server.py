"""The listening socket and the server on it."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from kilo_gateway.app import server as room
from kilo_gateway.app.server import Server, listen
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.edge.guard import Guard
from kilo_gateway.edge.reply import WireReply
from kilo_gateway.edge.request import Inbound
from kilo_gateway.upstreams.outbox import Outbox

HELLO = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def test_a_taken_address_is_an_error_with_its_number() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port)
    listen("127.0.0.1", port).close()


def test_an_address_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        listen("203.0.113.1", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6_is_listened_on() -> None:
    try:
        listener = listen("::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        assert listener.family == socket.AF_INET6


class Served:
    """A server whose application waits for `finish` where the path says so."""

    def __init__(self) -> None:
        self.begun, self.finish = asyncio.Event(), asyncio.Event()
        guard = Guard(self.app, SystemClock.monotonic, outbox=Outbox())
        self.listener = listen("127.0.0.1", 0)
        self.server = Server(guard, self.listener)

    async def app(self, inbound: Inbound, reply: WireReply) -> None:
        if inbound.path == "/wait":
            self.begun.set()
            await self.finish.wait()
        await reply.whole(200, b"", b"hello")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.listener.getsockname())


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(room, "_LAST_BYTES_S", 0.3)
    served = Served()
    await served.server.start()
    yield served
    served.finish.set()
    await served.server.stop()
    served.listener.close()


async def test_it_serves_until_it_is_stopped(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(HELLO)
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
    await served.server.stop()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system has it
        await served.connect()


async def test_an_answer_under_way_goes_out_at_the_end(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(HELLO.replace(b"/ ", b"/wait "))
    await served.begun.wait()
    stopping = asyncio.ensure_future(served.server.stop())
    await asyncio.sleep(0)
    served.finish.set()
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"hello")
    await stopping
    writer.close()


async def test_one_that_takes_too_long_is_cut_at_the_end(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(HELLO.replace(b"/ ", b"/wait "))
    await served.begun.wait()
    await asyncio.wait_for(served.server.stop(), 5)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    writer.close()


async def test_stop_before_start_is_no_mistake() -> None:
    served = Served()
    await served.server.stop()
    served.listener.close()
