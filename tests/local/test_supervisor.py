"""Restarts, with children that need no process and a clock that needs no waiting."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kilo_gateway.core.clock import SystemClock
from kilo_gateway.local.child import Child, child_environment
from kilo_gateway.local.supervisor import Means, State, Supervisor, Timing


class Time:
    """A clock that moves when told; sleepers wait until it has moved far enough."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self._moved = asyncio.Event()

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, delay_s: float) -> None:
        self.sleeps.append(delay_s)
        until = self.now + delay_s
        while self.now < until:
            await self._moved.wait()

    def move(self, seconds: float) -> None:
        self.now += seconds
        self._moved.set()
        self._moved = asyncio.Event()


class FakeChild:
    def __init__(self) -> None:
        self.becomes_ready = asyncio.Event()
        self.ends = asyncio.Event()
        self.is_stopped = False

    @property
    def is_ready(self) -> bool:
        return self.becomes_ready.is_set() and not self.ends.is_set()

    async def ready(self) -> None:
        await self.becomes_ready.wait()

    async def ended(self) -> int:
        await self.ends.wait()
        return 1

    async def stop(self) -> int:
        self.is_stopped = True
        self.ends.set()
        return 1


class Stage:
    """A supervisor, its children and what it told."""

    def __init__(self) -> None:
        self.time = Time()
        self.children: list[FakeChild] = []
        self.states: list[State] = []
        self.log: list[str] = []
        self.start_error: OSError | None = None
        means = Means(
            log=self.log.append,
            clock=self.time,
            dice=lambda: 0.0,
            on_change=self.states.append,
            sleep=self.time.sleep,
            timing=Timing(ready_s=100),
        )
        self.supervisor = Supervisor(self.start, means)

    async def start(self) -> FakeChild:
        if self.start_error is not None:
            raise self.start_error
        self.children.append(FakeChild())
        return self.children[-1]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the supervisor work until that holds."""
        for _ in range(1_000):
            if holds():
                return
            await asyncio.sleep(0)
        pytest.fail("it never came to that")

    async def made_ready(self) -> FakeChild:
        """The last child, made ready."""
        child = self.children[-1]
        child.becomes_ready.set()
        await self.until(lambda: self.supervisor.state is State.READY)
        return child

    async def fall(self, child: FakeChild) -> float:
        """End a child; the pause that follows, which is then over."""
        count = len(self.children)
        pauses = self.pauses()
        child.ends.set()
        await self.until(lambda: len(self.pauses()) > len(pauses))
        self.time.move(self.pauses()[-1])
        await self.until(lambda: len(self.children) > count)
        return self.pauses()[-1]

    def pauses(self) -> list[float]:
        return [slept for slept in self.time.sleeps if slept != 100]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with running(Stage()) as stage:
        yield stage


@asynccontextmanager
async def running(stage: Stage) -> AsyncIterator[Stage]:
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.supervisor.run())
        await stage.until(lambda: bool(stage.children) or bool(stage.log))
        yield stage
        await stage.supervisor.stop()


async def test_it_is_starting_until_its_child_is_ready(stage: Stage) -> None:
    assert stage.supervisor.state is State.STARTING
    assert not await stage.supervisor.wait_ready(0.001)
    await stage.made_ready()
    assert await stage.supervisor.wait_ready(0.001)


async def test_a_child_that_ends_is_started_again(stage: Stage) -> None:
    await stage.fall(await stage.made_ready())
    await stage.made_ready()
    assert stage.states == [State.READY, State.RESTARTING, State.READY]
    assert [child.is_stopped for child in stage.children] == [True, False]


async def test_pauses_double_up_to_the_longest(stage: Stage) -> None:
    pauses = [await stage.fall(stage.children[-1]) for _ in range(8)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


async def test_a_minute_of_health_resets_the_pause(stage: Stage) -> None:
    for _ in range(4):
        await stage.fall(await stage.made_ready())
    child = await stage.made_ready()
    stage.time.move(59)
    assert await stage.fall(child) == 8
    child = await stage.made_ready()
    stage.time.move(60)
    assert await stage.fall(child) == 0.5


async def test_a_child_that_is_never_ready_is_ended_and_counts_as_failed(stage: Stage) -> None:
    stage.time.move(100)
    await stage.until(lambda: stage.supervisor.state is State.RESTARTING)
    assert stage.children[0].is_stopped


async def test_a_child_that_cannot_be_started_is_tried_again() -> None:
    stage = Stage()
    stage.start_error = OSError("out of processes")
    async with running(stage):
        await stage.until(lambda: bool(stage.pauses()))
        stage.start_error = None
        stage.time.move(0.5)
        await stage.until(lambda: len(stage.children) == 1)
    assert stage.log[0] == "could not be started: out of processes"


async def test_stopping_ends_the_child() -> None:
    stage = Stage()
    async with running(stage):
        await stage.made_ready()
    assert stage.children[0].is_stopped
    assert stage.states == [State.READY, State.STOPPED]
    assert not await stage.supervisor.wait_ready(0.001)


async def test_stopping_ends_a_pause() -> None:
    stage = Stage()
    async with running(stage):
        stage.children[0].ends.set()
        await stage.until(lambda: bool(stage.pauses()))
    assert len(stage.children) == 1


async def test_stopping_before_running_runs_nothing() -> None:
    stage = Stage()
    await stage.supervisor.stop()
    await stage.supervisor.run()
    assert (stage.children, stage.supervisor.state) == ([], State.STOPPED)


async def test_cancelling_ends_the_child() -> None:
    stage = Stage()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(stage.supervisor.run())
        await stage.until(lambda: bool(stage.children))
        task.cancel()
    assert stage.children[0].is_stopped
    assert stage.supervisor.state is State.STOPPED


@pytest.mark.parametrize(
    ("failures", "dice", "pause_s"),
    [(0, 0.0, 0.5), (0, 1.0, 0.25), (3, 0.5, 3.0), (999, 0.0, 30.0)],
)
def test_dice_shorten_a_pause_by_up_to_half(failures: int, dice: float, pause_s: float) -> None:
    assert Timing().pause_s(failures, dice) == pause_s


async def test_a_real_process_that_dies_is_started_again(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\nsys.stdin.readline()\n"
    )
    log: list[str] = []
    children: list[Child] = []

    async def start() -> Child:
        command = [sys.executable, str(program)]
        children.append(await Child.start(command, b"", child_environment(os.environ), log.append))
        return children[-1]

    timing = Timing(first_pause_s=0.001)
    means = Means(log=log.append, clock=SystemClock(), dice=lambda: 0.0, timing=timing)
    supervisor = Supervisor(start, means)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        assert await supervisor.wait_ready(10)
        os.kill(children[0].pid, 9)
        await children[0].ended()
        assert await _ready_again(supervisor, children)
        await supervisor.stop()
    assert "ended with status -9" in log


async def _ready_again(supervisor: Supervisor, children: list[Child]) -> bool:
    while len(children) < 2:
        await asyncio.sleep(0)
    await children[1].ready()
    return await supervisor.wait_ready(10)
