"""Connection: one HTTP/1.1 connection to an upstream, on which one request runs at a time.

A protocol for asyncio and uvloop (by its methods, not by inheritance). All waiting is done by one future, `wait`:
whatever happens (bytes, end, error, deadline) wakes the one who waits, who then looks at `reply.state`. Deadlines
are not timers: the pool's sweep calls `expire`.
"""

import asyncio
from math import inf
from typing import Final, Protocol, final

from kilo_gateway.upstreams.outbox import Outbox
from kilo_gateway.upstreams.reply import BODY, DONE, HEAD, IDLE, Reply

_JOIN_BYTES: Final = 64 * 1024
_SLICE_BYTES: Final = 256 * 1024
_MAX_UNREAD_BYTES: Final = 256 * 1024
_ABORTED: Final = ConnectionAbortedError("aborted by the gateway")


class Owner(Protocol):
    """What a connection tells its pool; `is_watching` while the timer that ends waits is running."""

    is_watching: bool

    def lost(self, connection: "Connection") -> None:
        """The connection cannot be used any more; may be said more than once."""
        ...

    def made(self) -> None:
        """A transport is open."""
        ...

    def gone(self) -> None:
        """A transport is closed; said once for each one made."""
        ...

    def watch(self) -> None:
        """Somebody waits on this connection, with a deadline."""
        ...


@final
class Connection:
    """One connection. `deadline` is when the present wait ends, `expires` when it is too old to be used again."""

    __slots__ = (
        "_is_reading_paused",
        "_is_writing_paused",
        "_loop",
        "_outbox",
        "_owner",
        "_unsent",
        "_waiter",
        "deadline",
        "expires",
        "is_idle",
        "reply",
        "requests",
        "transport",
    )

    def __init__(
        self, owner: Owner, loop: asyncio.AbstractEventLoop, outbox: Outbox | None = None
    ) -> None:
        self._outbox = outbox or Outbox()
        self._owner = owner
        self._loop = loop
        self._waiter: asyncio.Future[bool] | None = None
        self._unsent: memoryview | None = None
        self._is_reading_paused = False
        self._is_writing_paused = False
        self.transport: asyncio.Transport | None = None
        self.reply = Reply()
        self.requests = 0
        self.deadline = inf
        self.expires = inf
        self.is_idle = False

    def is_usable(self) -> bool:
        """Whether a request may be written now."""
        return self.transport is not None and not self.transport.is_closing()

    def is_reusable(self) -> bool:
        """Whether the next request may follow: this one is sent, its reply complete, and the server keeps on."""
        reply, transport = self.reply, self.transport
        return (
            reply.state == DONE
            and reply.keep_alive
            and self._unsent is None
            and transport is not None
            and not transport.is_closing()
        )

    def send(self, head: bytes, body: bytes) -> None:
        """Write a request. A small one leaves in one write; of a large body, the rest follows as the peer reads."""
        transport = self.transport
        if transport is None:
            raise RuntimeError("send on a connection that was never made")
        self.reply.expect()
        self.requests += 1
        if len(body) < _JOIN_BYTES:
            self._outbox.write(transport, head + body)
            return
        self._outbox.flush()
        view = memoryview(body)
        self._unsent = view[_SLICE_BYTES:]
        transport.writelines((head, view[:_SLICE_BYTES]))
        self._send_rest(transport)

    def _send_rest(self, transport: asyncio.Transport) -> None:
        while self._unsent is not None and not self._is_writing_paused:
            if transport.is_closing():
                return
            piece, rest = self._unsent[:_SLICE_BYTES], self._unsent[_SLICE_BYTES:]
            self._unsent = rest or None
            if piece:
                transport.write(piece)

    def take(self) -> bytes:
        """The body bytes at hand; lets the peer send on if it was held back."""
        data = self.reply.take()
        if self._is_reading_paused and self.transport is not None:
            self._is_reading_paused = False
            self.transport.resume_reading()
        return data

    def wait(self, deadline: float) -> asyncio.Future[bool]:
        """Wait until something happens (True) or the deadline passes (False). One waits at a time.

        A wait that is cancelled needs no clean-up: the next one takes its place.
        """
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiter = waiter
        self.deadline = deadline
        if not self._owner.is_watching:
            self._owner.watch()
        return waiter

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._end_wait(waiter, happened=True)

    def expire(self) -> None:
        """The deadline has passed: end the wait."""
        waiter = self._waiter
        if waiter is not None:
            self._end_wait(waiter, happened=False)

    def _end_wait(self, waiter: asyncio.Future[bool], *, happened: bool) -> None:
        self._waiter = None
        self.deadline = inf
        if not waiter.done():  # else it was cancelled
            waiter.set_result(happened)

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._unsent = None
        self.reply.end(_ABORTED)  # else the end of the connection could pass for the end of a body
        self._wake()
        if self.transport is not None:
            self.transport.abort()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The connection is open, TLS included."""
        self.transport = transport
        self._owner.made()

    def data_received(self, data: bytes) -> None:
        """Bytes came; while nothing is expected they make the connection useless."""
        reply = self.reply
        state = reply.state
        if state == IDLE or state >= DONE:
            reply.keep_alive = False
            self._owner.lost(self)
            self.abort()
            return
        reply.feed(data)
        state = reply.state
        if state == BODY and reply.buffered_bytes > _MAX_UNREAD_BYTES:
            self._hold_back()
        waiter = self._waiter
        if waiter is not None and state != HEAD:
            self._waiter = None
            self.deadline = inf
            if not waiter.done():  # else it was cancelled
                waiter.set_result(True)

    def _hold_back(self) -> None:
        if not self._is_reading_paused and self.transport is not None:
            self._is_reading_paused = True
            self.transport.pause_reading()

    def eof_received(self) -> None:
        """The peer sends no more, so nothing can follow: what we have not sent is of no use to it either."""
        self._end(None)
        self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """The transport is closed."""
        self._end(error)
        if self.transport is not None:
            self._owner.gone()

    def _end(self, error: Exception | None) -> None:
        self._unsent = None
        self.reply.end(error)
        self._owner.lost(self)
        self._wake()

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        """The peer has read on."""
        self._is_writing_paused = False
        if self._unsent is not None and self.transport is not None:
            self._send_rest(self.transport)
