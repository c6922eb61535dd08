"""Serves the daemon's application on a socket, and stops without tearing turns apart."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from genesis.core.fault import GenesisError
from genesis.daemon.access import Access
from genesis.daemon.turns import Turns
from genesis.screen.hangup import Terminals

DRAIN_S = 10.0
# What streams still have to say once their turns have ended.
_LAST_WORDS_S = 1
_MOST_CONNECTIONS = 256


def listen(access: Access) -> socket.socket:
    """The socket. Raises GenesisError that says why there is none."""
    family = socket.AF_INET6 if ":" in access.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((access.host.strip("[]"), access.port))
        found.listen(128)
    except OSError as error:
        found.close()
        raise GenesisError(
            f"The daemon cannot listen on {access.url}: {error.strerror or error}. Another program may have the port: "
            "`genesis config set gateway.port <number>` chooses another."
        ) from None
    return found


class Serving(uvicorn.Server):
    """`ready` is called once it listens, `reload` on SIGHUP. A first signal lets turns end, a second one does not.

    SIGHUP also tells that the terminal has gone which the daemon was started in: that stops it.
    """

    def __init__(
        self,
        app: ASGIApp,
        turns: Turns,
        *,
        ready: Callable[[], None],
        reload: Callable[[], None],
        terminals: Terminals | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=_LAST_WORDS_S,
                server_header=False,
            )
        )
        self._turns = turns
        self._ready = ready
        self._reload = reload
        self._terminals = terminals or Terminals()
        self._hurry = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Still listening: who answers an approval now lets a turn end well.
        drained = asyncio.ensure_future(self._turns.drain(DRAIN_S))
        hurried = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({drained, hurried}, return_when=asyncio.FIRST_COMPLETED)
        if not drained.done():
            drained.cancel()
            await self._turns.drain(0)
        hurried.cancel()
        await super().shutdown(sockets)

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGTERM: self.stop,
            signal.SIGINT: self.stop,
            signal.SIGHUP: self._hang_up,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _hang_up(self) -> None:
        if self._terminals.are_gone:
            self._terminals.silence()
            self.stop()
        else:
            self._reload()

    def stop(self) -> None:
        """Stop; once more: at once."""
        if self.should_exit:
            self._hurry.set()
            self.force_exit = True
        self.should_exit = True
