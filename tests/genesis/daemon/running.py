"""A daemon's server for tests, on a free port of loopback."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from genesis.core.secret import Secret
from genesis.daemon.access import Access
from genesis.daemon.client import DaemonConversation
from genesis.daemon.server import Server
from genesis.daemon.serving import Serving, listen

TOKEN = Secret("token-canary")
HEADERS = {"Authorization": "Bearer token-canary"}


@asynccontextmanager
async def serving(server, reload=lambda: None):
    """The server serves; its access and what serves."""
    access = Access("127.0.0.1", 0, TOKEN)
    door = listen(access)
    access = replace(access, port=door.getsockname()[1])
    is_ready = asyncio.Event()
    it = Serving(server.app(access), server.turns, ready=is_ready.set, reload=reload)
    task = asyncio.ensure_future(it.serve(sockets=[door]))
    await is_ready.wait()
    try:
        yield access, it
    finally:
        it.stop()
        it.stop()
        await task


@asynccontextmanager
async def running(conversation, more=None):
    """A daemon in front of that conversation; its access."""
    async with serving(Server(conversation, more)) as (access, _):
        yield access


@asynccontextmanager
async def attached(conversation):
    """A client of such a daemon, and the daemon's access."""
    async with running(conversation) as access:
        client = DaemonConversation(access)
        try:
            yield client, access
        finally:
            await client.aclose()
