"""Arrival: a request while it arrives."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import final

from kilo_gateway.edge.request import Inbound


@final
class Arrival:
    """A request as it arrives: its head, the body's pieces that nobody has taken yet, and who waits for more.

    `head` is None once the request is answered: what still comes of it is dropped. `wait` waits until more has come.
    """

    __slots__ = (
        "buffered",
        "expects_continue",
        "head",
        "is_complete",
        "keep_alive",
        "pieces",
        "wait",
        "waiter",
        "wants_chunks",
    )

    def __init__(self, wait: "Callable[[Arrival], Awaitable[None]]") -> None:
        self.wait = wait
        self.pieces: list[bytes] = []
        self.buffered = 0
        self.is_complete = False
        self.keep_alive = True
        self.wants_chunks = True
        self.expects_continue = False
        self.waiter: asyncio.Future[None] | None = None
        self.head: Inbound | None = None

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

    def wake(self) -> None:
        """Something has come: whoever waits goes on."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
