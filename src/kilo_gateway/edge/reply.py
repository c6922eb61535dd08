"""An answer on its way out, over ASGI. Knows whether it has begun, so that nothing answers twice."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from kilo_gateway.relay.reply import Headers

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Connection(Protocol):
    """What the listener offers for a request in progress: `on_gone` is called once when the client leaves."""

    on_gone: Callable[[], object] | None


class AsgiReply:
    """Fulfils `relay.Reply`. `extra` headers (CORS, the gateway's name) go with every answer."""

    __slots__ = ("_connection", "_extra", "_send", "has_ended", "has_started")

    def __init__(self, send: Send, extra: Headers, connection: Connection | None) -> None:
        self._send = send
        self._extra = extra
        self._connection = connection
        self.has_started = False
        self.has_ended = False

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A complete answer."""
        self.has_started = True
        headers = [*headers, (b"content-length", b"%d" % len(body)), *self._extra]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self.end(body)

    async def open(self, status: int, headers: Headers) -> None:
        """The head of a streamed answer."""
        self.has_started = True
        await self._send(
            {"type": "http.response.start", "status": status, "headers": headers + self._extra}
        )

    async def write(self, data: bytes) -> None:
        """Some of its bytes."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """Its last bytes. From here on a client that leaves has lost nothing."""
        self.has_ended = True
        if self._connection is not None:
            self._connection.on_gone = None
        await self._send({"type": "http.response.body", "body": data, "more_body": False})
