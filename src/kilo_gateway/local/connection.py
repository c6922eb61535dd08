"""One client's connection to the simulator: requests in turn, back-pressure, and an end at once when it goes."""

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from kilo_gateway.core.fault import Fault
from kilo_gateway.local.chunks import fault_body
from kilo_gateway.local.request import Headers, Request, RequestReader

MAX_WAITING_REQUESTS = 16
IDLE_S = 120.0

_PHRASES = {status.value: status.phrase for status in HTTPStatus}

# SO_LINGER, on, zero seconds: closing sends a reset.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Reply = Callable[[Request, "Connection"], Awaitable[None]]


def reply_head(status: int, headers: dict[str, str]) -> bytes:
    """The head of a reply, with its blank line."""
    lines = [
        f"HTTP/1.1 {status} {_PHRASES.get(status, 'Simulated')}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole_reply(status: int, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """A JSON reply with its length."""
    own = {"content-type": "application/json", "content-length": str(len(body))}
    return reply_head(status, own | (headers or {})) + body


class Connection:
    """An asyncio protocol by shape. `reply` answers one request by writing; the next one waits until it returns.

    A reply that ends its connection calls `reset` or `close`. When the client goes, the reply is cancelled.
    """

    __slots__ = (
        "_can_write",
        "_gone",
        "_idle",
        "_is_closed",
        "_loop",
        "_open_ones",
        "_reader",
        "_reply",
        "_task",
        "_transport",
        "_waiting",
    )

    def __init__(
        self, reply: Reply, admits: Callable[[Headers], bool], open_ones: set["Connection"]
    ) -> None:
        self._reply = reply
        self._open_ones = open_ones
        self._reader = RequestReader(admits)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Request] = deque()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._gone = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._is_closed = False

    # What the transport calls.

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to listen. No byte waits in our memory: `write` returns when the kernel has them all."""
        self._transport = transport
        self._open_ones.add(self)
        transport.set_write_buffer_limits(high=0)
        self._rest()

    def connection_lost(self, _error: Exception | None) -> None:
        """The client is gone: stop at once."""
        self._is_closed = True
        self._can_write.set()
        self._stop_resting()
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        else:
            self._leave()

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        try:
            self._waiting.extend(self._reader.feed(data))
        except Fault as fault:
            self.refuse(fault)
            return
        if len(self._waiting) > MAX_WAITING_REQUESTS:
            self.reset()
        elif self._waiting and self._task is None:
            self._stop_resting()
            self._task = self._loop.create_task(self._answer_all())
            self._task.add_done_callback(self._ended)

    def eof_received(self) -> bool:
        """The client has closed its side: that counts as gone."""
        return False

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._can_write.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._can_write.set()

    # What a reply calls.

    async def write(self, data: bytes) -> None:
        """Send bytes and wait until the kernel has them; ConnectionResetError if the client is gone."""
        if self._is_closed or self._transport is None:
            raise ConnectionResetError
        self._transport.write(data)
        await self._can_write.wait()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        if self._transport is not None and not self._is_closed:
            number = self._transport.get_extra_info("socket").fileno()
            # A twin, because not every event loop lets its own socket be set.
            with socket.socket(fileno=os.dup(number)) as twin:
                twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()

    def close(self) -> None:
        """End the connection in good order; what was written still arrives."""
        if self._transport is not None:
            self._transport.close()

    def refuse(self, fault: Fault) -> None:
        """Say why and close."""
        if self._transport is not None and not self._transport.is_closing():
            body = fault_body(fault)
            self._transport.write(whole_reply(fault.status, body, {"connection": "close"}))
            self._transport.close()

    async def ended(self) -> None:
        """Wait until the connection is closed and its reply over."""
        await self._gone.wait()

    async def _answer_all(self) -> None:
        while self._waiting and not self._is_ending():
            request = self._waiting.popleft()
            await self._reply(request, self)
            if not request.keeps_alive:
                self.close()
                return

    def _is_ending(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ConnectionError):
            context = {"message": "The simulator failed to reply", "exception": error}
            self._loop.call_exception_handler(context)
            self.reset()
        if self._is_closed:
            self._leave()
        else:
            self._rest()

    def _leave(self) -> None:
        self._gone.set()
        self._open_ones.discard(self)

    def _rest(self) -> None:
        self._idle = self._loop.call_later(IDLE_S, self.close)

    def _stop_resting(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
