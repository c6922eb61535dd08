"""One client connection: HTTP/1.1 requests in, one at a time and in order; what is too large or too slow is refused.

    head --headers complete--> serving --answer and body complete--> head        requests that come early wait their turn
     |                            |
     '-- too large, too slow -----'--> closed

httptools (llhttp, strict) parses; a task per request runs the application; answers are written by `WireReply`. There is
no timer per connection: `Guard.sweep` closes what has been arriving, idle, or not taking its bytes for too long.
A body that is left over when its answer is complete is read to its end and dropped, so that the client sees the answer.
"""

import asyncio
from collections import deque
from typing import Final, final

import httptools

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge.guard import Guard
from kilo_gateway.edge.repeat import Repeat, repeat_of
from kilo_gateway.edge.reply import Leaver, WireReply
from kilo_gateway.edge.request import ClientGoneError, Inbound
from kilo_gateway.edge.routes import ROUTES
from kilo_gateway.edge.target import size_of, target_of

MAX_HEADERS: Final = 256
_MAX_UNREAD_BYTES: Final = 256 * 1024
_MAX_DROPPED_BYTES: Final = 64 * 1024 * 1024
_MAX_EARLY_REQUESTS: Final = 16
_MAX_MISSES: Final = 8  # of heads that never come again, before that is no longer looked for
_OUTBOX_BYTES: Final = 64 * 1024
_KNOWN: Final = {path.encode(): path for path in ROUTES}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@final
class ClientConnection:
    """One connection; a protocol for asyncio and uvloop."""

    __slots__ = (
        "_arriving", "_dropped_bytes", "_early", "_feed", "_framing_bytes", "_guard", "_head_bytes",
        "_headers", "_in_head", "_is_between", "_is_large_read", "_is_reading_paused", "_is_refused",
        "_loop", "_misses", "_parser", "_repeat", "_reply", "_serving", "_task", "_turn", "_url", "_write_waiters", "is_gone",
        "is_writing_paused", "on_gone", "transport",
    )  # fmt: skip

    def __init__(self, guard: Guard, loop: asyncio.AbstractEventLoop) -> None:
        self._guard = guard
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._feed = self._parser.feed_data
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = self._dropped_bytes = self._framing_bytes = 0
        self._is_refused = False
        self._is_between = True  # no byte of the next request has come
        self._in_head = True
        self._is_large_read = False
        self._arriving: Inbound | None = None  # the one that bytes are parsed for
        self._serving: Inbound | None = None  # the one that is being answered
        self._reply: WireReply | None = None
        self._early: deque[Inbound] = deque()
        self._repeat: Repeat | None = None
        self._misses = 0
        self._task: asyncio.Task[None] | None = None
        self._turn: asyncio.Future[tuple[Inbound, WireReply]] | None = None  # for the next request
        self._is_reading_paused = False
        self._write_waiters: list[asyncio.Future[None]] = []
        self.is_writing_paused = False
        self.is_gone = False
        self.on_gone: Leaver | None = None
        self.transport: asyncio.Transport

    @property
    def date_line(self) -> bytes:
        """The `Date` header of this moment."""
        return self._guard.date_line

    # Called by the event loop.

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected."""
        self.transport = transport
        self._guard.connections.add(self)
        self._guard.arriving[self] = self._guard.monotonic()

    def connection_lost(self, _error: Exception | None) -> None:
        """The client has left, or we have closed."""
        self.is_gone = True
        guard = self._guard
        guard.connections.discard(self)
        guard.arriving.pop(self, None)
        guard.idle.pop(self, None)
        guard.stuck.pop(self, None)
        self._wake_writers()
        if self._turn is not None:
            self._turn.cancel()
        for request in (self._arriving, self._serving):
            if request is not None:
                request.wake()
        gone, self.on_gone = self.on_gone, None
        if gone is not None:
            gone.cut()

    def eof_received(self) -> None:
        """The client sends no more: the transport closes itself."""

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self._is_refused:
            return
        may_repeat = self._is_between and self._serving is None
        if may_repeat and self._repeat is not None:
            guard = self._guard
            request = self._repeat.request_in(data, guard.monotonic(), self.wait_for_body)
            if request is not None:
                guard.idle.pop(self, None)
                self._misses = 0
                self._serve(request)
                return
        self._parse(data)
        if may_repeat and self._misses < _MAX_MISSES:
            self._remember(data)

    def _parse(self, data: bytes) -> None:
        size, limit = len(data), self._guard.max_head_bytes
        self._framing_bytes += size
        # A head that comes in one read is measured by its parts, if it can be too large at all.
        self._is_large_read = size > limit
        if self._in_head:
            self._head_bytes += size
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            return  # refused when its head was complete: nothing of this connection is parsed any more
        except httptools.HttpParserError:
            self.refuse(Kind.INVALID_REQUEST, "This is not a valid HTTP/1.1 request.")
            return
        if self._in_head and self._head_bytes > limit:
            self._refuse_head()
        elif self._framing_bytes > limit and self._framing_bytes > 2 * size:
            self._refuse_head()  # trailers, chunk extensions, blank lines: bytes without end that are no body

    def pause_writing(self) -> None:
        """The client does not take its bytes."""
        self.is_writing_paused = True
        self._guard.stuck[self] = self._guard.monotonic()

    def resume_writing(self) -> None:
        """The client takes its bytes again."""
        self.is_writing_paused = False
        self._guard.stuck.pop(self, None)
        self._wake_writers()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._is_between = False
        self._framing_bytes = 0
        self._url = b""
        self._headers = {}
        self._in_head = True
        self._head_bytes = 0
        guard = self._guard
        guard.idle.pop(self, None)
        if self not in guard.arriving:
            guard.arriving[self] = guard.monotonic()

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. Of one that is sent twice the last counts; one behind the body (a trailer) does not."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is there: serve the request, or let it wait for those before it."""
        self._in_head = False
        self._framing_bytes = 0
        parser, headers = self._parser, self._headers
        self._headers = {}  # a trailer's, which nobody looks at
        if len(headers) > MAX_HEADERS or (
            self._is_large_read and size_of(self._url, headers) > self._guard.max_head_bytes
        ):
            self._refuse_head()
            return
        if parser.should_upgrade():
            # What follows such a head is not HTTP as we speak it, and must not be read as if it were.
            self.refuse(
                Kind.INVALID_REQUEST, "Upgrade is not supported: send the request without it."
            )
            return
        is_old = parser.get_http_version() == "1.0"
        known = _KNOWN.get(self._url)
        path, query = (known, b"") if known is not None else target_of(self._url)
        method = parser.get_method()
        request = self._arriving = Inbound(
            "POST" if method == b"POST" else method.decode("latin-1"),
            path,
            query,
            headers,
            self._guard.monotonic(),
            self.wait_for_body,
            parser.should_keep_alive() and not is_old,
            not is_old,
        )
        if b"expect" in headers:
            request.expects_continue = headers[b"expect"].lower() == b"100-continue"
        if self._serving is None:
            self._serve(request)
        elif len(self._early) < _MAX_EARLY_REQUESTS:
            self._early.append(request)
            # Nothing more of it is read until its turn: what it lacks then is not the client's delay.
            self._guard.arriving.pop(self, None)
            self._pause_reading()
        else:
            self.refuse(Kind.INVALID_REQUEST, "Too many requests were sent at once.")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._framing_bytes = 0
        request = self._arriving
        if request is None:
            return
        if request.is_answered:  # answered already: nobody reads this
            self._dropped_bytes += len(body)
            if self._dropped_bytes > _MAX_DROPPED_BYTES:
                self.abort()
            return
        request.pieces.append(body)
        request.buffered += len(body)
        if request.buffered > _MAX_UNREAD_BYTES:
            self._pause_reading()
        if request.waiter is not None:
            request.wake()

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._is_between = True
        self._guard.arriving.pop(self, None)
        request, self._arriving = self._arriving, None
        if request is None:
            return
        request.is_complete = True
        if request.waiter is not None:
            request.wake()
        if request.is_answered:
            self._next(request)

    def _remember(self, data: bytes) -> None:
        """What was parsed of these bytes may come again, if they are one request and nothing else."""
        request = self._serving
        if (
            request is not None
            and self._is_between
            and request.keep_alive
            and not request.is_answered
        ):
            self._misses += 1
            self._repeat = repeat_of(data[: len(data) - request.buffered], request)

    # Called by the reply and the request.

    async def wait_for_body(self, request: Inbound) -> None:
        """Wait until more of a body has come. Raises ClientGoneError."""
        if self.is_gone:
            raise ClientGoneError
        if request.expects_continue:
            request.expects_continue = False
            self.transport.write(_CONTINUE)
        self._resume_reading()
        request.waiter = self._loop.create_future()
        try:
            await request.waiter
        finally:
            request.waiter = None
        if self.is_gone:
            raise ClientGoneError

    def write(self, data: bytes) -> None:
        """Send bytes of an answer."""
        if len(data) < _OUTBOX_BYTES:
            self._guard.outbox.write(self.transport, data)
        else:
            self._guard.outbox.flush()
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the client takes its bytes again, or is gone."""
        while self.is_writing_paused and not self.is_gone:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._write_waiters.append(waiter)
            await waiter

    def answered(self) -> None:
        """The answer is written: go on with the next request, once this one has arrived completely."""
        request = self._serving
        if request is None:
            return
        request.is_answered = True
        if request.is_complete:
            self._next(request)
        else:
            request.pieces.clear()
            request.expects_continue = False
            self._resume_reading()

    # Our own.

    def _serve(self, request: Inbound) -> None:
        guard = self._guard
        self._serving = request
        if not request.is_complete and self not in guard.arriving:
            guard.arriving[self] = guard.monotonic()
        if guard.is_closing:
            request.keep_alive = False
        reply = self._reply = self.on_gone = WireReply(
            self, request.keep_alive, request.wants_chunks, request.method == "HEAD"
        )
        turn, self._turn = self._turn, None
        if turn is not None and not turn.done():
            reply.task = self._task
            turn.set_result((request, reply))
        else:  # the first request, or the task still has to do with the last one
            self._task = reply.task = self._loop.create_task(self._answer(request, reply))

    async def _answer(self, request: Inbound, reply: WireReply) -> None:
        """Run the application, for one request after the other: a task for each of them would cost more than some of its work."""
        app = self._guard.app
        while True:
            await app(request, reply)
            if self.is_gone or self._task is not reply.task:
                return
            self._turn = turn = self._loop.create_future()
            request, reply = await turn

    def _next(self, request: Inbound) -> None:
        guard = self._guard
        self._serving = self._reply = None
        if not request.keep_alive or guard.is_closing:
            self.close()
        elif self._early:
            self._serve(self._early.popleft())
        else:
            if self._is_reading_paused:
                self._resume_reading()
            if self._arriving is None:
                guard.idle[self] = guard.monotonic()

    def _refuse_head(self) -> None:
        self.refuse(Kind.HEAD_TOO_LARGE, "The head (or the trailer) of the request is too large.")

    def _pause_reading(self) -> None:
        if not self._is_reading_paused and not self.transport.is_closing():
            self._is_reading_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_reading_paused and not self.transport.is_closing():
            self._is_reading_paused = False
            self.transport.resume_reading()

    def _wake_writers(self) -> None:
        waiters, self._write_waiters = self._write_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def refuse(self, kind: Kind, message: str) -> None:
        """Answer without the application, if no answer has begun, and close. Nothing more is parsed."""
        self._is_refused = True
        self._guard.arriving.pop(self, None)
        self._guard.outbox.flush()
        if self.transport.is_closing():
            return
        reply = self._reply
        if reply is None or (self._serving is self._arriving and not reply.has_started):
            self.transport.write(self._guard.refusal(Fault(kind, message)))
        self.transport.close()

    def close_after_answer(self) -> None:
        """Close now if nothing is being served, else after it."""
        if self._serving is None:
            self.close()
        else:
            self._serving.keep_alive = False

    def close(self) -> None:
        """Close when what is written has gone out."""
        self._guard.outbox.flush()
        self._guard.idle.pop(self, None)
        self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()
