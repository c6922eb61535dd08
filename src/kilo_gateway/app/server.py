"""The listening socket and the server on it."""

import asyncio
import socket
from typing import cast

from kilo_gateway.edge.guard import Guard
from kilo_gateway.edge.listener import ClientConnection

BACKLOG = 4096
_LAST_BYTES_S = 2.0


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises OSError when the address is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


class Server:
    """Serves the connections of one socket, from `start` to `stop`."""

    def __init__(self, guard: Guard, listener: socket.socket) -> None:
        self._guard = guard
        self._listener = listener
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        guard = self._guard

        def connection() -> asyncio.Protocol:
            # It has the shape of a protocol; asyncio asks for no more.
            return cast("asyncio.Protocol", ClientConnection(guard, loop))

        self._server = await loop.create_server(connection, sock=self._listener, backlog=BACKLOG)

    async def stop(self) -> None:
        """Accept no more, let written answers go out, and close what is left."""
        if self._server is None:
            return
        self._server.close()
        self._guard.close_idle()
        deadline = self._guard.monotonic() + _LAST_BYTES_S
        while self._guard.connections and self._guard.monotonic() < deadline:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)
        self._guard.abort_all()
        await asyncio.sleep(0)  # the loop tells aborted connections of their end in its next round
