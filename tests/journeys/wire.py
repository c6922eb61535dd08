"""Both ends of a gateway, on raw sockets: an upstream that plays recorded replies, and a client that keeps every byte."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httptools

SEEN_S = 5.0
FRAMINGS = ("chunked", "length", "close")


@dataclass
class Script:
    """What upstream answers to one call: `pieces` of the body, each sent in a write of its own.

    With `seen`, the second piece waits until the client has got something of the first one; `is_held` tells that it
    never did.
    """

    status: int
    content_type: str
    pieces: list[bytes]
    framing: str = "chunked"
    seen: asyncio.Event | None = None
    is_held: bool = False

    async def wait_until_seen(self) -> None:
        if self.seen is not None:
            try:
                async with asyncio.timeout(SEEN_S):
                    await self.seen.wait()
            except TimeoutError:
                self.is_held = True

    @property
    def head(self) -> bytes:
        framing = {
            "chunked": "transfer-encoding: chunked\r\n",
            "length": f"content-length: {sum(map(len, self.pieces))}\r\n",
            "close": "connection: close\r\n",
        }[self.framing]
        return f"HTTP/1.1 {self.status} Recorded\r\ncontent-type: {self.content_type}\r\n{framing}\r\n".encode()


@dataclass
class Heard:
    """One request as upstream got it."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Upstream:
    """Answers by script: a request for `/path?call=ID` plays `scripts[ID]` and is noted in `heard[ID]`."""

    scripts: dict[str, Script] = field(default_factory=dict)
    heard: dict[str, Heard] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    transports: set[asyncio.Transport] = field(default_factory=set)
    server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free port of loopback."""
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: _UpstreamEnd(self), "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for transport in tuple(self.transports):
            transport.abort()
        await self.server.wait_closed()
        while self.transports:
            await asyncio.sleep(0.001)


class _UpstreamEnd(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._parser = httptools.HttpRequestParser(self)
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._start()

    def _start(self) -> None:
        self._url, self._body = b"", b""
        self._headers: dict[str, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop has a class of its own
        self._transport = transport
        self._upstream.transports.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._upstream.transports.discard(self._transport)
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode().lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        target = self._url.decode()
        call = parse_qs(urlsplit(target).query).get("call", [""])[0]
        self._upstream.heard[call] = Heard(target, self._headers, self._body)
        self._start()
        task = asyncio.ensure_future(self._play(self._upstream.scripts[call]))
        self._upstream.tasks.add(task)
        task.add_done_callback(self._upstream.tasks.discard)

    async def _play(self, script: Script) -> None:
        write = self._transport.write
        write(script.head)
        for number, piece in enumerate(script.pieces):
            if number == 1:
                await script.wait_until_seen()
            write(b"%x\r\n%b\r\n" % (len(piece), piece) if script.framing == "chunked" else piece)
            await asyncio.sleep(0)
            await self._may_write.wait()
            if self._transport.is_closing():
                return
        if script.framing == "chunked":
            write(b"0\r\n\r\n")
        elif script.framing == "close":
            self._transport.close()


@dataclass
class Answer:
    """What a client got: `is_whole` if the reply came to its end as its framing says."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False


class Client(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._answer = Answer()
        self._pieces: list[bytes] = []
        self._waiting: asyncio.Future[Answer] | None = None
        self._is_closed = asyncio.Event()

    @classmethod
    async def connect(cls, port: int) -> "Client":
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(cls, "127.0.0.1", port)
        return client

    async def close(self) -> None:
        self._transport.close()
        await self._is_closed.wait()

    async def post(
        self,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        seen: asyncio.Event | None = None,
    ) -> Answer:
        """Send one request; the answer, complete or cut. `seen` is set as soon as anything of its body is there."""
        self._seen = seen
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {target} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        )
        self._answer, self._pieces = Answer(), []
        self._parser = httptools.HttpResponseParser(self)
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(head.encode() + body)
        async with asyncio.timeout(30):
            return await self._waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop has a class of its own
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(is_whole=False)
        self._is_closed.set()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_status(self, status: bytes) -> None:
        self._answer.status = self._parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self._pieces.append(data)
        if self._seen is not None:
            self._seen.set()

    def on_message_complete(self) -> None:
        self._finish(is_whole=True)

    def _finish(self, *, is_whole: bool) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            self._answer.body = b"".join(self._pieces)
            self._answer.is_whole = is_whole
            waiting.set_result(self._answer)
