"""A small HTTP server on loopback that answers as a test says and keeps what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self):
        return msgspec.json.decode(self.body)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Answer:
    """What is sent: whole, or piece by piece; after the pieces the connection ends, or is kept silent."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    is_silent: bool = False


@dataclass
class Server:
    url: str
    asked: list[Asked]


Respond = Callable[[Asked], Answer]


def events(*chunks: object, done: bool = True) -> Answer:
    """A stream of chunks."""
    lines = [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks]
    return Answer(
        200, b"".join(lines) + (b"data: [DONE]\n\n" if done else b""), "text/event-stream"
    )


def text_chunk(text: str, finish: str | None = None, **more: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], **more}


@asynccontextmanager
async def serving(respond: Respond) -> AsyncIterator[Server]:
    asked: list[Asked] = []
    ended = asyncio.Event()
    talks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        talks.add(talk)
        try:
            request = await _read(reader)
            asked.append(request)
            answer = respond(request)
            if answer.is_silent:
                await ended.wait()
                return
            length = len(answer.body) + (100 if answer.is_cut else 0)
            rows = {
                "content-type": answer.content_type,
                "content-length": str(length),
                "connection": "close",
            } | answer.headers
            head = (
                f"HTTP/1.1 {answer.status} X\r\n"
                + "".join(f"{k}: {v}\r\n" for k, v in rows.items())
                + "\r\n"
            )
            writer.write(head.encode() + answer.body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            await closed(writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Server(f"http://127.0.0.1:{port}/api/gateway/", asked)
    finally:
        ended.set()
        # A connection that is still open when the loop ends is another test's warning. One that was just accepted has its
        # handler some rounds of the loop later, and none at all once the server is closed.
        for _ in range(10):
            await asyncio.sleep(0)
        server.close()
        if talks:
            await asyncio.wait(talks)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait until it is."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Asked(method, path, headers, await reader.readexactly(length))
