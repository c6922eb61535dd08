"""Background work that outlives its own mistakes: told in the log, started again after a pause."""

import asyncio
from collections.abc import Awaitable, Callable

from kilo_gateway.core.clock import SystemClock
from kilo_gateway.telemetry.log import Log

_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_HEALTHY_S = 120.0


class Background:
    """The background tasks of one process, in one task group."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        log: Log,
        monotonic: Callable[[], float] = SystemClock.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._group = tasks
        self._log = log
        self._tasks: list[asyncio.Task[None]] = []

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run some work; when it fails, log it and run it again. Work that returns is done."""
        self._tasks.append(self._group.create_task(self._supervise(name, work), name=name))

    def cancel(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()

    async def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = _PAUSE_S
        while True:
            began = self._monotonic()
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - one failing task must not end the others
                self._log.write(
                    "error",
                    "background work failed and is started again",
                    work=name,
                    error=type(error).__name__,
                    detail=str(error),
                    pause_s=pause,
                )
            else:
                return
            if self._monotonic() - began > _HEALTHY_S:
                pause = _PAUSE_S
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
