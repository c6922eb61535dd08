"""An answer on its way out: written to the connection directly, in as few writes as there are things to say.

A whole answer is one write, and the head of a stream leaves with its first event. Header values are ours or were made
safe where they come from outside (`relay/heads.header_text`).
"""

import asyncio
from http import HTTPStatus
from typing import Protocol

import msgspec

from kilo_gateway.relay.reply import Lines

_JOIN_BYTES = 64 * 1024
_BODILESS = frozenset({204, 304})
_LAST_LINES = {True: b"\r\n", False: b"connection: close\r\n\r\n"}


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


class Leaver(Protocol):
    """Who is told that the client has left."""

    def cut(self) -> None:
        """End what is done for the client."""
        ...


class Connection(Protocol):
    """What the reply needs of the connection that it is written to."""

    transport: asyncio.Transport
    is_writing_paused: bool
    is_gone: bool
    on_gone: Leaver | None

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


class WireReply(msgspec.Struct, eq=False):
    """Fulfils `relay.Reply` for one request on a connection, whose `on_gone` it is.

    `extra` headers (CORS) go with every answer. Without `chunks` (HTTP/1.0) a stream ends with its connection. `task`
    runs the call: it is cancelled when the client leaves. `head` waits for what is written next.
    """

    connection: Connection
    keep_alive: bool
    chunks: bool
    is_head_only: bool
    task: asyncio.Task[None] | None = None
    extra: Lines = b""
    head: bytes = b""
    has_started: bool = False
    has_ended: bool = False

    async def whole(self, status: int, headers: Lines, body: bytes) -> None:
        """A complete answer."""
        connection = self.connection
        self.has_started = True
        is_bodiless = status in _BODILESS
        head = (
            _STATUS_LINES[status],
            connection.date_line,
            headers,
            b"" if is_bodiless else b"content-length: %d\r\n" % len(body),
            self.extra,
            _LAST_LINES[self.keep_alive],
        )
        if connection.is_writing_paused:
            await connection.drain()
        if not connection.is_gone:
            if is_bodiless or self.is_head_only:
                connection.write(b"".join(head))
            elif len(body) < _JOIN_BYTES:
                connection.write(b"".join((*head, body)))
            else:
                connection.write(b"".join(head))
                if connection.is_writing_paused:
                    await connection.drain()
                self._write(body)
        self._finish()

    async def open(self, status: int, headers: Lines) -> None:
        """The head of a streamed answer. It leaves with what is written next, which follows at once."""
        if self.chunks:
            headers += b"transfer-encoding: chunked\r\n"
        self.has_started = True
        self.head = b"%b%b%b%b%b" % (
            _STATUS_LINES[status],
            self.connection.date_line,
            headers,
            self.extra,
            _LAST_LINES[self.keep_alive],
        )

    async def write(self, data: bytes) -> None:
        """Some of its bytes, never empty; waits while the client reads slowly. Nothing follows the end."""
        if self.connection.is_writing_paused:
            await self.connection.drain()
        if self.has_ended:
            return
        head, self.head = self.head, b""
        if self.chunks:
            data = b"%b%x\r\n%b\r\n" % (head, len(data), data)
        elif head:
            data = head + data
        self._write(data)

    async def end(self, data: bytes = b"") -> None:
        """Its last bytes. From here on a client that leaves has lost nothing."""
        self.has_ended = True
        if self.connection.is_writing_paused:
            await self.connection.drain()
        head, self.head = self.head, b""
        if self.chunks:
            chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            data = b"%b%b0\r\n\r\n" % (head, chunk)
        elif head:
            data = head + data
        self._write(data)
        self._finish()

    def cut(self) -> None:
        """Cancel the task that runs the call."""
        if self.task is not None:
            self.task.cancel()

    def uncancel(self) -> None:
        """The cancellation has been dealt with."""
        if self.task is not None:
            self.task.uncancel()

    def detach(self) -> None:
        """The call is over: a client that leaves now is nobody's matter, unless its next request has begun."""
        if self.connection.on_gone is self:
            self.connection.on_gone = None

    def abandon(self) -> None:
        """An answer that cannot be completed: the connection is closed, so that nobody takes what came for whole."""
        self.has_ended = True
        self.connection.transport.abort()

    def _write(self, data: bytes) -> None:
        if data and not self.connection.is_gone:
            self.connection.write(data)

    def _finish(self) -> None:
        self.has_ended = True
        connection = self.connection
        if connection.on_gone is self:
            connection.on_gone = None
        if not connection.is_gone:
            connection.answered()
