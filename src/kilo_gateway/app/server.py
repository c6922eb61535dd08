"""uvicorn with our listener and without its signal handlers: the gateway decides when it stops."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from typing_extensions import override

from kilo_gateway.edge.app import EdgeApp
from kilo_gateway.edge.listener import Guard

BACKLOG = 4096


class Server(uvicorn.Server):
    """A server that stops when it is told, not by signals of its own."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the gateway's."""
        yield

    def abandon_clients(self) -> None:
        """Close every connection, whatever is under way on it."""
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises OSError, with the address in its text, when the address is not to be had."""
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


def make_server(app: EdgeApp, guard: Guard, keep_alive_s: float) -> Server:
    """The server for an application; run it with `serve(sockets=[...])`."""
    config = uvicorn.Config(
        app,
        http=guard.protocol,  # type: ignore[arg-type]  # any maker of protocols serves
        ws="none",
        loop="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=max(1, round(keep_alive_s)),
        backlog=BACKLOG,
    )
    return Server(config)
