"""Background work that outlives its own mistakes."""

import asyncio

import pytest

from kilo_gateway.app import background
from kilo_gateway.app.background import Background
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.telemetry.log import Log


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(background, "_PAUSE_S", 0.001)
    return []


async def test_failing_work_is_told_and_started_again(lines: list[str]) -> None:
    log = Log(lines.append, SystemClock())
    tries, worked = 0, asyncio.Event()

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RuntimeError(f"try {tries}")
        worked.set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        Background(tasks, log).keep("lamp", work)
    assert worked.is_set()
    log.flush()
    told = "".join(lines)
    assert told.count("background work failed and is started again") == 2
    assert "work=lamp" in told
    assert "try 2" in told


async def test_one_failing_work_does_not_end_the_others(lines: list[str]) -> None:
    log = Log(lines.append, SystemClock())
    rounds = 0

    async def fail() -> None:
        raise ValueError

    async def go_on() -> None:
        nonlocal rounds
        while rounds < 20:
            rounds += 1
            await asyncio.sleep(0.001)
        keeper.cancel()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        keeper = Background(tasks, log)
        keeper.keep("fails", fail)
        keeper.keep("goes on", go_on)
    assert rounds == 20


async def test_cancel_ends_all_of_it(lines: list[str]) -> None:
    ended = []

    async def forever(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        keeper = Background(tasks, Log(lines.append, SystemClock()))
        keeper.keep("a", lambda: forever("a"))
        keeper.keep("b", lambda: forever("b"))
        await asyncio.sleep(0)
        keeper.cancel()
    assert ended == ["a", "b"]


async def test_the_pause_grows_to_a_limit(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_LONGEST_PAUSE_S", 0.003)
    log = Log(lines.append, SystemClock(), form="json")
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries <= 5:
            raise RuntimeError

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        Background(tasks, log).keep("lamp", work)
    log.flush()
    pauses = [line.partition('"pause_s":')[2].rstrip("}\n") for line in "".join(lines).splitlines()]
    assert pauses == ["0.001", "0.002", "0.003", "0.003", "0.003"]
