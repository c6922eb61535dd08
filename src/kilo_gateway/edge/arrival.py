"""Arrival: a request while it arrives."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from kilo_gateway.edge.request import Inbound


class Arrival(msgspec.Struct, eq=False):
    """A request as it arrives: its head, the body's pieces that nobody has taken yet, and who waits for more.

    `head` is None once the request is answered: what still comes of it is dropped. `wait` waits until more has come.
    """

    wait: "Callable[[Arrival], Awaitable[None]]"
    keep_alive: bool = True
    wants_chunks: bool = True
    expects_continue: bool = False
    is_complete: bool = False
    pieces: list[bytes] = []
    buffered: int = 0
    waiter: asyncio.Future[None] | None = None
    head: Inbound | None = None

    async def next_piece(self) -> bytes:
        """The body's next bytes, b"" at its end."""
        while not self.pieces:
            if self.is_complete:
                return b""
            await self.wait(self)
        data = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        self.buffered = 0
        return data

    def whole(self) -> bytes | None:
        """The body, if all of it is here; None if more is to come, or it came in many pieces."""
        if not self.is_complete or len(self.pieces) > 1:
            return None
        data = self.pieces.pop() if self.pieces else b""
        self.buffered = 0
        return data

    def wake(self) -> None:
        """Something has come: whoever waits goes on."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
