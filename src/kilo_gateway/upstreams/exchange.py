"""Exchange: one request to an upstream and its reply. A request is written once and never sent again from here."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.upstreams.connection import Connection
from kilo_gateway.upstreams.encodings import Decoder, decoder
from kilo_gateway.upstreams.pool import Pool, Timeouts
from kilo_gateway.upstreams.reply import DONE, GARBAGE, HEAD

__all__ = ["Exchange", "Timeouts", "send"]

_NO_PIECES: Final[Iterator[bytes]] = iter(())


async def send(
    pool: Pool,
    request_head: bytes,
    body: bytes,
    lane: str,
    deadline: float | None,
    on_sent: Callable[[], object] | None = None,
) -> "Exchange":
    """Send a request and wait for the head of its reply; the body may still be under way.

    `request_head` is the whole HTTP/1.1 head with its blank line, `lane` the key for fair waiting, `deadline` the
    monotonic time by which the reply's head must be in (None: `first_byte_s` from now). `on_sent` is called as soon as
    upstream may have got it. Not for HEAD, whose replies are
    framed like no other's.
    Raises Fault: UPSTREAM_CONNECT, UPSTREAM_DISCONNECT, UPSTREAM_TIMEOUT, UPSTREAM_GARBAGE, OVERLOADED, DRAINING.
    """
    if deadline is None:
        deadline = pool.monotonic() + pool.timeouts.first_byte_s
    connection = pool.take()
    if connection is None:
        connection = await pool.acquire(lane, deadline)
    try:
        connection.send(request_head, body)
        if on_sent is not None:
            on_sent()
        reply = connection.reply
        while reply.state == HEAD:
            if not await connection.wait(deadline):
                raise _late(pool, "no head of a reply")
        if reply.status == 0:
            raise _broken(pool, connection)
        headers = reply.headers
        coding = headers.get(b"content-encoding")
        undo = None if coding is None else decoder(coding)
        return Exchange(pool, connection, reply.status, headers, undo)
    except BaseException:
        pool.drop(connection)
        raise


class Exchange(msgspec.Struct, eq=False):
    """A reply whose head is in.

    `headers` has lower-case names; of repeated ones the first wins. They are the upstream's own: the body that `read`
    gives has its content-encoding undone, so `content-encoding` and `content-length` do not describe it.
    `close` must be called in a `finally`.
    """

    pool: Pool
    connection: Connection | None
    status: int
    headers: dict[bytes, bytes]
    decoder: Decoder | None = None
    pieces: Iterator[bytes] = _NO_PIECES

    def whole(self, limit_bytes: int) -> bytes | None:
        """The whole body, if all of it is there already and none was taken before; else None: then read it."""
        connection = self.connection
        if connection is None or self.decoder is not None:
            return None
        reply = connection.reply
        if reply.state != DONE or len(reply.chunks) != 1 or reply.buffered_bytes > limit_bytes:
            return None
        return connection.take()

    async def read(self, deadline: float) -> bytes | None:
        """The next bytes of the body, b"" at its complete end, None if the deadline passes without any.

        After None, read again at will. Raises Fault: UPSTREAM_DISCONNECT if the reply was cut, UPSTREAM_GARBAGE if it
        cannot be parsed or decoded; all bytes that came before are given first.
        """
        connection = self._open_connection()
        while (data := self._at_hand(connection)) is None:
            if deadline <= self.pool.monotonic() or not await connection.wait(deadline):
                return self._at_hand(connection)
        return data

    def _open_connection(self) -> Connection:
        if self.connection is None:
            raise RuntimeError("read after close")
        return self.connection

    def _at_hand(self, connection: Connection) -> bytes | None:
        """What `read` gives without waiting; None if that is nothing yet."""
        reply = connection.reply
        if reply.chunks or self.decoder is not None:
            data = self._take(connection)
            if data:
                return data
        if reply.state == DONE:
            if self.decoder is not None:
                self.decoder.finish()
            return b""
        if reply.state > DONE:
            raise _broken(self.pool, connection)
        return None

    def _take(self, connection: Connection) -> bytes:
        """What is at hand, decoded; b"" if nothing is (an encoding may hold bytes back)."""
        if self.decoder is None:
            return connection.take()
        piece = next(self.pieces, b"")
        while not piece and connection.reply.chunks:
            self.pieces = self.decoder.decode(connection.take())
            piece = next(self.pieces, b"")
        return piece

    async def read_all(
        self, limit_bytes: int, deadline: float, silence_s: float | None = None
    ) -> bytes:
        """The whole body. Raises Fault as `read` does, UPSTREAM_GARBAGE above the limit, UPSTREAM_TIMEOUT when late.

        With `silence_s` the deadline moves: so long may pass between two pieces.
        """
        connection = self._open_connection()
        pieces: list[bytes] = []
        size = 0
        while True:
            data = self._at_hand(connection)
            if data is None:
                if silence_s is not None:
                    deadline = self.pool.monotonic() + silence_s
                data = await self.read(deadline)
            if data is None:
                raise _late(self.pool, f"{size} bytes of the body")
            if not data:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            size += len(data)
            if size > limit_bytes:
                raise Fault(
                    Kind.UPSTREAM_GARBAGE,
                    f"The reply of upstream {self.pool.target.name} is larger than the gateway accepts.",
                    detail=f"more than {limit_bytes} bytes",
                )
            pieces.append(data)

    def close(self) -> None:
        """End the exchange: a complete reply's connection goes back to the pool, any other is aborted."""
        connection = self.connection
        if connection is not None:
            self.connection = None
            self.pieces = _NO_PIECES
            self.pool.release(connection)


def _late(pool: Pool, got: str) -> Fault:
    return Fault(
        Kind.UPSTREAM_TIMEOUT,
        f"Upstream {pool.target.name} did not answer in time; try again, or allow it more time.",
        detail=f"{got} at the deadline",
    )


def _broken(pool: Pool, connection: Connection) -> Fault:
    """The Fault for a reply that was cut or is garbage; its detail says what a retry needs to know."""
    reply = connection.reply
    age = "fresh" if connection.requests == 1 else "reused"
    came = "some bytes" if reply.has_bytes else "no byte"
    detail = f"{reply.problem}; {age} connection, {came} of the reply received"
    if reply.state == GARBAGE:
        message = f"Upstream {pool.target.name} sent a reply that is not valid HTTP; try again or use another model."
        return Fault(Kind.UPSTREAM_GARBAGE, message, detail=detail)
    message = f"Upstream {pool.target.name} closed the connection before its reply was complete; try again."
    return Fault(Kind.UPSTREAM_DISCONNECT, message, detail=detail)
