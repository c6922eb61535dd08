"""uvicorn's protocol with limits for heads and slow clients, and a word when a client leaves.

uvicorn parses requests and speaks ASGI; what it lacks for a server on the open net is added here, without a timer per
connection: one sweep closes connections whose request is taking too long to arrive.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEADERS = 256


class Guard:
    """Limits of one listening server, and the connections whose request is on its way.

    `max_head_bytes` bounds a request's head, `client_timeout_s` the time from its first byte to its last one (and from
    connecting to the first byte), and the time for which a client may refuse to take what it asked for.
    """

    def __init__(self, max_head_bytes: int, client_timeout_s: float) -> None:
        self.max_head_bytes = max_head_bytes
        self.client_timeout_s = client_timeout_s
        self.arriving: dict[ListenerProtocol, float] = {}
        self.stuck: dict[ListenerProtocol, float] = {}

    def sweep(self, now: float) -> int:
        """Close what has been arriving for too long; `now` is the event loop's time. Gives how many."""
        late = self._older(self.arriving, now)
        for protocol in late:
            protocol.refuse(408, "Request Timeout", "The request took too long to arrive.")
        stuck = self._older(self.stuck, now)
        for protocol in stuck:
            protocol.transport.abort()
        return len(late) + len(stuck)

    def _older(
        self, since: "dict[ListenerProtocol, float]", now: float
    ) -> "list[ListenerProtocol]":
        return [protocol for protocol, at in since.items() if now - at > self.client_timeout_s]

    def protocol(self, *args: Any, **kwargs: Any) -> asyncio.Protocol:
        """Makes the protocol of one connection, with uvicorn's arguments."""
        return ListenerProtocol(self, *args, **kwargs)


class ListenerProtocol(HttpToolsProtocol):
    """One client connection."""

    def __init__(self, guard: Guard, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = guard
        self._head_bytes = self._part_bytes = 0
        self._in_head = True
        self.on_gone: Callable[[], object] | None = None
        self.task: asyncio.Task[None] | None = None
        self.app_state = {"connection": self}

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._guard.arriving[self] = self.loop.time()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.arriving.pop(self, None)
        self._guard.stuck.pop(self, None)
        super().connection_lost(exc)
        gone, self.on_gone = self.on_gone, None
        if gone is not None:
            gone()

    @override
    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self._guard.max_head_bytes:
            self.refuse(431, "Request Header Fields Too Large", "The request's head is too large.")

    @override
    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = self._part_bytes = 0
        if self not in self._guard.arriving:
            self._guard.arriving[self] = self.loop.time()
        super().on_message_begin()

    @override
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_head(len(url))

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_head(len(name) + len(value) + 4)

    def _count_head(self, size: int) -> None:
        """A head that came in one read is measured by its parts, one that trickles in by its reads."""
        self._part_bytes += size
        if self._part_bytes > self._guard.max_head_bytes or len(self.headers) > MAX_HEADERS:
            self.refuse(431, "Request Header Fields Too Large", "The request's head is too large.")

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """As uvicorn does it, and the task is kept: it is what is cancelled when the client leaves."""
        task = self.task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    @override
    def on_message_complete(self) -> None:
        self._guard.arriving.pop(self, None)
        super().on_message_complete()

    @override
    def pause_writing(self) -> None:
        self._guard.stuck[self] = self.loop.time()
        super().pause_writing()

    @override
    def resume_writing(self) -> None:
        self._guard.stuck.pop(self, None)
        super().resume_writing()

    def refuse(self, status: int, reason: str, message: str) -> None:
        """Answer without the application, if no answer has begun, and close."""
        self._guard.arriving.pop(self, None)
        if self.transport.is_closing():
            return
        # uvicorn leaves `cycle` None until the first head is complete, whatever its annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = f'{{"error":{{"message":"{message}","type":"invalid_request_error"}}}}'
            self.transport.write(
                f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode()
            )
        self.transport.close()
