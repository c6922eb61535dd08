"""An answer on its way out: written to the connection directly, in as few writes as there are things to say.

uvicorn's own `send` checks every header with two patterns and writes head and body apart; here a whole answer is one
write, and the head of a stream leaves with its first event. uvicorn's cycle keeps its books (keep-alive, pipelining,
shutdown), so its fields are kept as its `send` would. Header values are ours or were made safe where they come from
outside (`relay/heads.header_text`).
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from kilo_gateway.relay.reply import Headers

_JOIN_BYTES = 64 * 1024
_BODILESS = frozenset({204, 304})


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


_STATUS_LINES = {status: _status_line(status) for status in range(100, 600)}


class Connection(Protocol):
    """What the listener offers for a request in progress: `on_gone` is called once when the client leaves, `task` runs it."""

    on_gone: Callable[[], object] | None
    task: "asyncio.Task[None] | None"


class WireReply:
    """Fulfils `relay.Reply`. `extra` headers (CORS) go with every answer."""

    __slots__ = (
        "_connection",
        "_cycle",
        "_extra",
        "_head",
        "_leave",
        "_task",
        "has_ended",
        "has_started",
    )

    def __init__(
        self,
        cycle: RequestResponseCycle,
        extra: Headers,
        connection: Connection,
    ) -> None:
        self._cycle = cycle
        self._extra = extra
        self._connection = connection
        self._task = connection.task
        self._head = b""
        self.has_started = False
        self.has_ended = False
        self._leave = self.cut
        connection.on_gone = self._leave

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A complete answer."""
        headers.append((b"content-length", b"%d" % len(body)))
        head = self._begin(status, headers)
        if self._cycle.scope["method"] == "HEAD" or status in _BODILESS:
            body = b""
        if len(body) < _JOIN_BYTES:
            await self._write(head + body)
        else:
            await self._write(head)
            await self._write(body)
        self._finish()

    async def open(self, status: int, headers: Headers) -> None:
        """The head of a streamed answer. It leaves with what is written next, which follows at once."""
        headers.append((b"transfer-encoding", b"chunked"))
        self._head = self._begin(status, headers)

    async def write(self, data: bytes) -> None:
        """Some of its bytes, never empty; waits while the client reads slowly. Nothing follows the end."""
        if self.has_ended:
            return
        head, self._head = self._head, b""
        await self._write(b"%b%x\r\n%b\r\n" % (head, len(data), data))

    async def end(self, data: bytes = b"") -> None:
        """Its last bytes. From here on a client that leaves has lost nothing."""
        self.has_ended = True
        head, self._head = self._head, b""
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        await self._write(b"%b%b0\r\n\r\n" % (head, chunk))
        self._finish()

    def cut(self) -> None:
        """Cancel the task that runs the call."""
        if self._task is not None:
            self._task.cancel()

    def uncancel(self) -> None:
        """The cancellation has been dealt with."""
        if self._task is not None:
            self._task.uncancel()

    def detach(self) -> None:
        """The call is over: a client that leaves now is nobody's matter, unless its next request has begun."""
        if self._connection.on_gone is self._leave:
            self._connection.on_gone = None

    def abandon(self) -> None:
        """An answer that cannot be completed: the connection is closed, so that nobody takes what came for whole."""
        self.has_ended = True
        self._cycle.transport.abort()

    def _begin(self, status: int, headers: Headers) -> bytes:
        cycle = self._cycle
        self.has_started = cycle.response_started = True
        cycle.waiting_for_100_continue = False
        if self._extra:
            headers = headers + self._extra
        lines = [_STATUS_LINES[status]]
        for name, value in cycle.default_headers:
            lines.append(b"%b: %b\r\n" % (name, value))
        for name, value in headers:
            lines.append(b"%b: %b\r\n" % (name, value))
        lines.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        return b"".join(lines)

    async def _write(self, data: bytes) -> None:
        cycle = self._cycle
        while cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if not cycle.disconnected:
            cycle.transport.write(data)

    def _finish(self) -> None:
        cycle = self._cycle
        self.has_ended = True
        self.detach()
        if cycle.disconnected:
            return
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
