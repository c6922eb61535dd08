"""Limit: how long a turn may take. What is waited for a person does not count."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Limit:
    """Of one turn. None or 0 seconds: as long as it takes."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds or None
        self._timeout: asyncio.Timeout | None = None

    @property
    def is_over(self) -> bool:
        """Whether it was this limit that ended the turn, and not a time limit of somebody else."""
        return self._timeout is not None and self._timeout.expired()

    @property
    def sentence(self) -> str:
        """What people read then."""
        return (
            f"The turn took longer than {self.seconds:g} s and was stopped; what came until then is saved. "
            "agents.defaults.timeoutSeconds gives turns more time."
        )

    @property
    def compacting_sentence(self) -> str:
        """The same of a conversation that is shortened by hand."""
        return (
            f"Shortening took longer than {self.seconds:g} s and was stopped; nothing was changed. "
            "agents.defaults.timeoutSeconds gives it more time."
        )

    @asynccontextmanager
    async def counting(self) -> AsyncGenerator[None]:
        """Raise TimeoutError in what runs inside when the time is up."""
        async with asyncio.timeout(self.seconds) as self._timeout:
            yield

    @asynccontextmanager
    async def paused(self) -> AsyncGenerator[None]:
        """Time inside does not count."""
        timeout = self._timeout
        ends = timeout.when() if timeout is not None else None
        if timeout is None or ends is None:
            yield
            return
        loop = asyncio.get_running_loop()
        left = ends - loop.time()
        timeout.reschedule(None)
        try:
            yield
        finally:
            timeout.reschedule(loop.time() + left)
