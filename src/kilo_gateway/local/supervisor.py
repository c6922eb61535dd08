"""Supervisor: keeps one child running; starts it again, after longer and longer pauses, when it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from kilo_gateway.core.clock import Clock
from kilo_gateway.local.child import Log


class State(StrEnum):
    """Where the child stands. ABSENT: it cannot run here at all. RESTARTING: it ran or tried to, and will again."""

    ABSENT = "absent"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class Timing(msgspec.Struct, frozen=True):
    """Pauses between two starts double from the first to the longest; a run of `healthy_s` begins anew with the first.

    A child that is not ready within `ready_s` is ended and counts as failed. All in seconds.
    """

    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    healthy_s: float = 60.0
    ready_s: float = 120.0

    def pause_s(self, failures: int, dice: float) -> float:
        """The pause after that many failures in a row (0 for the first); dice in 0..1 take away up to half of it."""
        doubled = self.first_pause_s * 2.0 ** min(failures, 32)
        return min(doubled, self.longest_pause_s) * (1.0 - dice / 2)


class Supervised(Protocol):
    """A started child; see child.py."""

    @property
    def is_ready(self) -> bool:
        """Whether it runs and is ready."""
        ...

    async def ready(self) -> None:
        """Return when it is ready."""
        ...

    async def ended(self) -> int:
        """Return its exit status when it ends."""
        ...

    async def stop(self) -> int:
        """End it, if it has not, and clean up."""
        ...


Sleep = Callable[[float], Coroutine[Any, Any, None]]


class Means(msgspec.Struct, frozen=True):
    """What a supervisor works with. `dice` gives numbers from 0 to 1; `on_change` is told each new state."""

    log: Log
    clock: Clock
    dice: Callable[[], float]
    on_change: Callable[[State], None] = lambda _state: None
    sleep: Sleep = asyncio.sleep
    timing: Timing = Timing()


class Supervisor:
    """Runs what `start` starts until it is stopped or cancelled."""

    def __init__(self, start: Callable[[], Awaitable[Supervised]], means: Means) -> None:
        self.state = State.STARTING
        self._start = start
        self._means = means
        self._stopping = asyncio.Event()
        self._ready = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()

    async def run(self) -> None:
        """Keep the child running. Returns after `stop`; when cancelled, it ends the child first."""
        self._over.clear()
        failures = 0
        try:
            while not self._stopping.is_set():
                healthy_s = await self._run_once()
                failures = 0 if healthy_s >= self._means.timing.healthy_s else failures
                await self._pause(failures)
                failures += 1
        finally:
            self._change(State.STOPPED)
            self._over.set()

    async def wait_ready(self, timeout_s: float) -> bool:
        """Whether the child is ready, now or within that time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End the child and `run`; returns when both are over."""
        self._stopping.set()
        await self._over.wait()
        self._change(State.STOPPED)

    async def _run_once(self) -> float:
        """One run from start to end; for how many seconds it was ready."""
        try:
            child = await self._start()
        except OSError as error:
            self._means.log(f"could not be started: {error}")
            return 0.0
        ready_at: float | None = None
        try:
            limit = self._means.sleep(self._means.timing.ready_s)
            await self._first_of(child.ready(), child.ended(), limit)
            if child.is_ready and not self._stopping.is_set():
                ready_at = self._means.clock.monotonic()
                self._change(State.READY)
                await self._first_of(child.ended())
        finally:
            if not self._stopping.is_set():
                self._change(State.RESTARTING)
            status = await child.stop()
            self._means.log(f"ended with status {status}")
        return 0.0 if ready_at is None else self._means.clock.monotonic() - ready_at

    async def _pause(self, failures: int) -> None:
        if self._stopping.is_set():
            return
        self._change(State.RESTARTING)
        pause_s = self._means.timing.pause_s(failures, self._means.dice())
        self._means.log(f"is started again in {pause_s:.1f} s")
        await self._first_of(self._means.sleep(pause_s))

    async def _first_of(self, *works: Coroutine[Any, Any, object]) -> None:
        """Return when one of these is done, or when we shall stop; the others are cancelled."""
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[object]] = [loop.create_task(work) for work in works]
        tasks.append(loop.create_task(self._stopping.wait()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    def _change(self, state: State) -> None:
        if state is self.state:
            return
        self.state = state
        if state is State.READY:
            self._ready.set()
        else:
            self._ready.clear()
        self._means.on_change(state)
