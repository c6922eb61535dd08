"""Other terminals that watch a session's turn. A slow one is dropped; it never holds the turn up."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

from genesis.core.events import AgentEvent, Notice

MOST_WAITING = 512
DROPPED = Notice(
    "This terminal was too slow to watch along. Open the session again to see what it missed."
)


class Watchers:
    """Who watches which session. One event loop uses it."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, set[asyncio.Queue[AgentEvent | None]]] = defaultdict(set)

    def tell(self, session: str, event: AgentEvent) -> None:
        """Pass an event on to everybody who watches."""
        for queue in tuple(self._queues.get(session, ())):
            if queue.qsize() < MOST_WAITING:
                queue.put_nowait(event)
            else:
                self._queues[session].discard(queue)
                queue.put_nowait(DROPPED)
                queue.put_nowait(None)

    async def watch(self, session: str) -> AsyncIterator[AgentEvent]:
        """The session's events from now on, until the one who watches leaves, or is dropped."""
        queue: asyncio.Queue[AgentEvent | None] = asyncio.Queue()
        self._queues[session].add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues[session].discard(queue)
            if not self._queues[session]:
                del self._queues[session]
