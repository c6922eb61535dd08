"""Reply: the protocol to which a call's answer is written. The edge fulfils it; the relay knows no ASGI."""

from typing import Protocol

# Header lines as they go on the wire, each with its CRLF. What comes from outside is made safe by who writes them.
Lines = bytes


class Reply(Protocol):
    """One answer to one client. Exactly one of `whole`, or `open` … `end`, is called, once.

    Each method waits while the client reads slowly (back-pressure). When the client is gone the task that runs the call
    is cancelled.
    """

    async def whole(self, status: int, headers: Lines, body: bytes) -> None:
        """A complete answer."""
        ...

    async def open(self, status: int, headers: Lines) -> None:
        """The head of a streamed answer."""
        ...

    async def write(self, data: bytes) -> None:
        """Some of its bytes, never empty."""
        ...

    async def end(self, data: bytes = b"") -> None:
        """Its last bytes."""
        ...

    def cut(self) -> None:
        """Cancel the task that runs the call, from outside of it."""
        ...
