"""An answer on its way out: written to the connection directly, in as few writes as there are things to say.

A whole answer is one write, and the head of a stream leaves with its first event. Header values are ours or were made
safe where they come from outside (`relay/heads.header_text`).
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from kilo_gateway.edge.request import Inbound
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


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    return _STATUS_LINES[status]


class Connection(Protocol):
    """What the reply needs of the connection that it is written to."""

    transport: asyncio.Transport
    is_writing_paused: bool
    is_gone: bool
    on_gone: Callable[[], object] | None

    @property
    def date_line(self) -> bytes:
        """The `Date` header of this moment, as a line."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes of an answer."""
        ...

    async def drain(self) -> None:
        """Wait until the client takes its bytes again, or is gone."""
        ...

    def answered(self) -> None:
        """The answer is complete."""
        ...


class WireReply:
    """Fulfils `relay.Reply` for one request.

    `extra` headers (CORS) go with every answer. Without `chunks` (HTTP/1.0) a stream ends with its connection.
    """

    __slots__ = (
        "_chunks",
        "_connection",
        "_head",
        "_is_head_only",
        "_keep_alive",
        "_leave",
        "_task",
        "extra",
        "has_ended",
        "has_started",
    )

    def __init__(
        self, connection: Connection, inbound: Inbound, *, keep_alive: bool, chunks: bool
    ) -> None:
        self._connection = connection
        self._keep_alive = keep_alive
        self._chunks = chunks
        self._is_head_only = inbound.method == "HEAD"
        self._head = b""
        self._task: asyncio.Task[None] | None = None
        self.extra: Headers = []
        self.has_started = False
        self.has_ended = False
        self._leave: Callable[[], object] = self.cut
        connection.on_gone = self._leave

    def attach(self, task: "asyncio.Task[None]") -> None:
        """The task that runs the call: it is cancelled when the client leaves."""
        self._task = task

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A complete answer."""
        if status not in _BODILESS:
            headers.append((b"content-length", b"%d" % len(body)))
        head = self._begin(status, headers)
        if self._is_head_only or status in _BODILESS:
            body = b""
        await self._room()
        if len(body) < _JOIN_BYTES:
            self._write(head + body)
        else:
            self._write(head)
            await self._room()
            self._write(body)
        self._finish()

    async def open(self, status: int, headers: Headers) -> None:
        """The head of a streamed answer. It leaves with what is written next, which follows at once."""
        if self._chunks:
            headers.append((b"transfer-encoding", b"chunked"))
        self._head = self._begin(status, headers)

    async def write(self, data: bytes) -> None:
        """Some of its bytes, never empty; waits while the client reads slowly. Nothing follows the end."""
        await self._room()
        if self.has_ended:
            return
        head, self._head = self._head, b""
        if self._chunks:
            data = b"%b%x\r\n%b\r\n" % (head, len(data), data)
        elif head:
            data = head + data
        self._write(data)

    async def end(self, data: bytes = b"") -> None:
        """Its last bytes. From here on a client that leaves has lost nothing."""
        self.has_ended = True
        await self._room()
        head, self._head = self._head, b""
        if self._chunks:
            chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            data = b"%b%b0\r\n\r\n" % (head, chunk)
        elif head:
            data = head + data
        self._write(data)
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
        self._connection.transport.abort()

    def _begin(self, status: int, headers: Headers) -> bytes:
        self.has_started = True
        if self.extra:
            headers = headers + self.extra
        lines = [_STATUS_LINES[status], self._connection.date_line]
        for name, value in headers:
            lines.append(b"%b: %b\r\n" % (name, value))
        lines.append(b"\r\n" if self._keep_alive else b"connection: close\r\n\r\n")
        return b"".join(lines)

    async def _room(self) -> None:
        """Wait until the client takes bytes. Nothing is lost if the wait is cancelled."""
        if self._connection.is_writing_paused:
            await self._connection.drain()

    def _write(self, data: bytes) -> None:
        if not self._connection.is_gone and data:
            self._connection.write(data)

    def _finish(self) -> None:
        self.has_ended = True
        self.detach()
        if not self._connection.is_gone:
            self._connection.answered()
