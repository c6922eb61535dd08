"""The bytes of both sides of a gateway: a raw HTTP client, and replies as upstreams send them.

    async with Client(gateway) as client:
        answer = await client.ask(chat("m"), call="call-1")
        assert answer.status == 200

The client speaks HTTP/1.1 over one plain socket, so that a test can stop in the middle of anything. Replies are made with
`whole` (a JSON body) or `stream_head` and `event` (chunked server-sent events).
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kilo_gateway.app.home import Home
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.ledger.journal import Journal
from tests.gateways import Running, read_entries
from tests.scripted import Peer, ReadRequest, Repeat, Send, Server, serve

PATIENCE_S = 10.0
CHAT = "/v1/chat/completions"
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "upstream-name",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}
DONE = b"data: [DONE]\n\n"


# What a client sends.


def chat(model: str = "m", *, stream: bool = False, **more: Any) -> dict[str, Any]:
    """The body of a chat completion; `more` are further members."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return body | ({"stream": True} if stream else {}) | more


def request(method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """A whole request. Without a body there is no content-length."""
    lines = [f"{method} {path} HTTP/1.1", "host: gateway"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None and "transfer-encoding" not in headers and "content-length" not in headers:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


@dataclass
class Answer:
    """An answer as the client got it: names of headers in lower case; `is_cut` if it ended before its end."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    is_cut: bool = False

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error_type(self) -> str:
        return str(self.json()["error_type"])

    @property
    def events(self) -> list[bytes]:
        """The data of its events, comments left out."""
        blocks = self.body.split(b"\n\n")
        return [block[6:] for block in blocks if block.startswith(b"data: ")]


@dataclass
class Client:
    """One client connection."""

    gateway: Running
    headers: dict[str, str] = field(default_factory=dict)
    receive_buffer_bytes: int | None = None

    async def __aenter__(self) -> "Client":
        sock = socket.socket()
        sock.setblocking(False)
        if self.receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer_bytes)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.gateway.port))
        limit = {"limit": self.receive_buffer_bytes} if self.receive_buffer_bytes else {}
        self.reader, self.writer = await asyncio.open_connection(sock=sock, **limit)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the connection."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def vanish(self) -> None:
        """Close it with a TCP reset, as a process that dies."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def post(
        self, body: Any, *, call: str = "", path: str = CHAT, headers: Mapping[str, str] = {}
    ) -> None:
        """Send a request, with the gateway's key; `call` is its request id."""
        sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
        known = dict(self.gateway.headers) | self.headers | ({"x-request-id": call} if call else {})
        await self.send(request("POST", path, known | dict(headers), sent))

    async def get(self, path: str, headers: Mapping[str, str] = {}, method: str = "GET") -> Answer:
        await self.send(request(method, path, headers))
        return await self.answer(has_body=method != "HEAD")

    async def ask(
        self, body: Any, *, call: str = "", path: str = CHAT, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Send a request and read the whole answer."""
        await self.post(body, call=call, path=path, headers=headers)
        return await self.answer()

    async def head(self) -> Answer:
        """The head of an answer."""
        async with asyncio.timeout(PATIENCE_S):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return Answer(int(first.split(" ")[1]), headers)

    async def answer(self, *, has_body: bool = True) -> Answer:
        """A whole answer; what was cut is told by `is_cut`."""
        answer = await self.head()
        if not has_body or answer.status in {204, 304} or answer.status < 200:
            return answer
        try:
            async with asyncio.timeout(PATIENCE_S):
                if answer.headers.get("transfer-encoding") == "chunked":
                    async for piece in self.pieces():
                        answer.body += piece
                elif "content-length" in answer.headers:
                    length = int(answer.headers["content-length"])
                    answer.body = await self.reader.readexactly(length)
                else:
                    answer.body = await self.reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            answer.is_cut = True
        return answer

    async def pieces(self) -> AsyncIterator[bytes]:
        """The chunks of a chunked body, as they come."""
        while True:
            piece = await self.piece()
            if not piece:
                return
            yield piece

    async def piece(self) -> bytes:
        """The next chunk of a chunked body; b"" at its end."""
        async with asyncio.timeout(PATIENCE_S):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            data = await self.reader.readexactly(size + 2)
        return data[:-2]

    async def until_closed(self) -> bytes:
        """Everything until the gateway closes the connection."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""


async def ask(gateway: Running, body: Any, *, call: str = "", **more: Any) -> Answer:
    """One request on a connection of its own."""
    async with Client(gateway) as client:
        return await client.ask(body, call=call, **more)


# What an upstream sends.


def whole(body: Any = ANSWER, status: int = 200, headers: Mapping[str, str] = {}) -> bytes:
    """A reply with a body of known length, JSON unless it is bytes."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    rows = {"content-type": "application/json", "content-length": str(len(data))} | dict(headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in rows.items())
    return f"HTTP/1.1 {status} Reason\r\n{lines}\r\n".encode() + data


def stream_head(headers: Mapping[str, str] = {}) -> bytes:
    """The head of an event stream, chunked."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        f"transfer-encoding: chunked\r\n{lines}\r\n"
    ).encode()


def piece(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_PIECE = b"0\r\n\r\n"


def event(data: Any) -> bytes:
    """One event in a chunk of its own."""
    text = data if isinstance(data, bytes) else msgspec.json.encode(data)
    return piece(b"data: " + text + b"\n\n")


def delta(text: str = "Hello", finish_reason: str | None = None) -> bytes:
    """One event of a chat completion."""
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}],
        }
    )


USAGE = event({"id": "chatcmpl-1", "choices": [], "usage": ANSWER["usage"]})
END = event(b"[DONE]") + LAST_PIECE
STREAM = stream_head() + delta("Hello") + delta(" world", "stop") + USAGE + END


@dataclass
class SendAsAsked:
    """Answer the last request of this connection: with a stream if it wants one."""

    async def play(self, peer: Peer) -> None:
        asked = [request for request in peer.server.requests if request.connection == peer.number]
        await Send(STREAM if b'"stream":true' in asked[-1].body else whole()).play(peer)


def healthy() -> contextlib.AbstractAsyncContextManager[Server]:
    """An upstream that answers every call, streamed if asked to."""
    return serve([Repeat([ReadRequest(), SendAsAsked()])])


def replying(reply: bytes) -> contextlib.AbstractAsyncContextManager[Server]:
    """An upstream that answers every request with the same bytes, on connections that stay open."""
    return serve([Repeat([ReadRequest(), Send(reply)])])


def upstream(name: str, server: Server | int, priority: int = 0, **settings: Any) -> str:
    """The settings of one upstream that serves the model `m`."""
    port = server if isinstance(server, int) else server.port
    rows = {
        "name": name,
        "base_url": f"http://127.0.0.1:{port}/v1",
        "models": ["m"],
        "priority": priority,
    } | settings
    return "[[upstreams]]\n" + "".join(
        f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in rows.items()
    )


def free_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# What is left in the books.


def ledger(home: Path) -> dict[str, list[dict[str, Any]]]:
    """After a gateway has ended: its entries in the database and, if that was not open yet, in the spool, by call."""
    found = read_entries(home)
    journal = Journal(Home(home).spool, clock=SystemClock())
    try:
        known = {row["id"] for rows in found.values() for row in rows}
        for entry in journal.read_closed(100_000):
            if entry.opening.id not in known:
                opening, about = entry.opening, entry.opening.about
                row = {name: getattr(opening, name) for name in opening.__struct_fields__}
                row |= {name: getattr(about, name) for name in about.__struct_fields__}
                row |= {name: getattr(entry, name) for name in entry.__struct_fields__}
                row |= {
                    name: getattr(entry.usage, name) for name in ("input_tokens", "output_tokens")
                } | {"usage_source": entry.usage.source}
                found.setdefault(entry.opening.call_id, []).append(row)
        assert journal.open_count == 0, "an attempt was never settled"
    finally:
        journal.shut()
    for rows in found.values():
        rows.sort(key=lambda row: row["attempt"])
    return found


def outcomes(home: Path, call: str) -> list[tuple[str, str]]:
    """(upstream, outcome) of the attempts of a call, in order."""
    return [(row["upstream"], row["outcome"]) for row in ledger(home).get(call, [])]


@contextlib.asynccontextmanager
async def in_thread(manager: contextlib.AbstractContextManager[Running]) -> AsyncIterator[Running]:
    """A context manager that blocks (a gateway in a process), entered and left in a thread."""
    value = await asyncio.to_thread(manager.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
