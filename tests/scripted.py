"""A server on loopback that plays a script of steps on each connection and records what it received.

    async with serve([ReadRequest(), Send(reply), Close()]) as server:
        ... connect to server.port ...
        assert server.requests[0].body == b"..."

The n-th connection plays the n-th script; further ones play the last script again. After its last step a connection is
closed, so end a script with Stall() or UntilGone() to keep it open, or wrap it in Repeat().
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass
class Request:
    """One request as it came: head with its blank line, body with framing removed, number of its connection."""

    head: bytes
    body: bytes
    connection: int

    @property
    def line(self) -> bytes:
        return self.head.partition(b"\r\n")[0]


@dataclass
class Peer:
    """One accepted connection, as the steps see it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "Server"


class Step(Protocol):
    async def play(self, peer: Peer) -> None: ...


@dataclass
class Server:
    """What happened so far. `gone[n]` is set when the client has closed connection n (seen by UntilGone)."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    accepted: int = 0
    gone: dict[int, asyncio.Event] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class ReadRequest:
    """Read one whole request (content-length or none) and record it."""

    async def play(self, peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = await peer.reader.readexactly(length)
        peer.server.requests.append(Request(head, body, peer.number))


@dataclass
class ReadHead:
    """Read a request's head only and record it; its body stays unread in the socket."""

    async def play(self, peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        peer.server.requests.append(Request(head, b"", peer.number))


@dataclass
class Send:
    """Send bytes, in writes of `every` bytes (0: at once)."""

    data: bytes
    every: int = 0

    async def play(self, peer: Peer) -> None:
        size = self.every or max(len(self.data), 1)
        for start in range(0, len(self.data), size):
            peer.writer.write(self.data[start : start + size])
            await peer.writer.drain()
            await asyncio.sleep(0)


@dataclass
class Wait:
    """Wait until the test sets an event."""

    event: asyncio.Event

    async def play(self, peer: Peer) -> None:
        await self.event.wait()


@dataclass
class Set:
    """Tell the test that this step was reached."""

    event: asyncio.Event

    async def play(self, peer: Peer) -> None:
        self.event.set()


@dataclass
class Stall:
    """Do nothing until the server is closed."""

    async def play(self, peer: Peer) -> None:
        await asyncio.Event().wait()


@dataclass
class UntilGone:
    """Read and drop until the client closes or resets, then set `server.gone[number]`."""

    async def play(self, peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            while await peer.reader.read(65536):
                pass
        peer.server.gone[peer.number].set()


@dataclass
class Reset:
    """Close with a TCP reset."""

    async def play(self, peer: Peer) -> None:
        sock = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.writer.transport.abort()


@dataclass
class HalfClose:
    """Send no more, but go on reading."""

    async def play(self, peer: Peer) -> None:
        peer.writer.write_eof()


@dataclass
class Close:
    """Close in order."""

    async def play(self, peer: Peer) -> None:
        peer.writer.close()


@dataclass
class Repeat:
    """Play steps again and again until the client goes."""

    steps: Sequence[Step]

    async def play(self, peer: Peer) -> None:
        while not peer.reader.at_eof():
            for step in self.steps:
                await step.play(peer)


@dataclass
class Relay:
    """Be a tunnel to another port of loopback from here on (what a CONNECT proxy does)."""

    port: int

    async def play(self, peer: Peer) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(peer.reader, writer))
                group.create_task(_copy(reader, peer.writer))
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def serve(
    *scripts: Sequence[Step], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Listen on a free port of loopback; at the end, end all scripts and close all connections."""
    server = Server()
    players: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        players.add(task)
        number = server.accepted
        server.accepted += 1
        server.gone[number] = asyncio.Event()
        peer = Peer(number, reader, writer, server)
        # A client that goes in the middle of a script is what many tests are about.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                for step in scripts[min(number, len(scripts) - 1)]:
                    await step.play(peer)
            except asyncio.CancelledError:
                pass  # the end of the test
            finally:
                players.discard(task)
                writer.close()
                await writer.wait_closed()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for player in tuple(players):
            player.cancel()
        await asyncio.gather(*players, return_exceptions=True)
        await listener.wait_closed()
