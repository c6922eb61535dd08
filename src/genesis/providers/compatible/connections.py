"""Connections: how requests reach a server. Each has a client of its own, unless a program says that it asks often."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

CONNECT_S = 10.0
# A gateway sends a comment every 15 s while a model thinks: so long a silence is a dead connection.
SILENCE_S = 180.0
# A proxy of the environment cannot reach what is on this machine.
_HERE = ("127.0.0.1", "localhost", "[::1]")


class Connections:
    """Clients for requests. `keep` makes them share one, which `aclose` closes: a TLS handshake less for each request."""

    def __init__(self, *, connect_s: float = CONNECT_S, silence_s: float = SILENCE_S) -> None:
        self._timeout = httpx.Timeout(silence_s, connect=connect_s)
        self._tls: ssl.SSLContext | None = None
        self._is_keeping = False
        self._kept: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def keep(self) -> None:
        """Share one client from now on. Whoever says so calls `aclose` in the end."""
        self._is_keeping = True

    async def aclose(self) -> None:
        """Close the shared client. A request after that opens a new one."""
        kept, self._kept = self._kept, None
        if kept is not None and self._loop is asyncio.get_running_loop():
            await kept.aclose()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client for one request."""
        if not self._is_keeping:
            async with self._made() as client:
                yield client
            return
        loop = asyncio.get_running_loop()
        if self._kept is None or self._loop is not loop:
            # A client belongs to the loop that it was made in.
            self._kept, self._loop = self._made(), loop
        yield self._kept

    def _made(self) -> httpx.AsyncClient:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()  # reads all certificates: once, not per request
        return httpx.AsyncClient(
            verify=self._tls,
            timeout=self._timeout,
            follow_redirects=False,
            mounts={f"all://{host}": None for host in _HERE},
        )


class KeepsConnections:
    """What plug-ins have in common: their requests go through Connections, which a program may ask them to keep."""

    def __init__(self, connections: Connections | None = None) -> None:
        self._connections = connections or Connections()

    def keep_connections(self) -> None:
        """Requests share connections from now on, until `aclose`."""
        self._connections.keep()

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        await self._connections.aclose()
