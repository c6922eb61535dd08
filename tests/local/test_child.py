"""One run of a child, with small programs of our own."""

import asyncio
import os
import signal
import sys

import pytest

from kilo_gateway.local.child import MAX_LINE_BYTES, Child, child_environment

OBEDIENT = """
import sys
print("told", sys.stdin.readline().strip())
print("ready 1", flush=True)
sys.stdin.read()
"""
STUBBORN = """
import signal, sys, time
print("ready", flush=True)
while True:
    time.sleep(60)
"""


class Lines(list[str]):
    """A log."""


async def started(program: str, log: Lines, settings: bytes = b"") -> Child:
    command = [sys.executable, "-c", program]
    return await Child.start(command, settings, child_environment(os.environ), log.append)


async def test_it_reads_its_settings_says_ready_and_ends_with_its_stdin() -> None:
    log = Lines()
    child = await started(OBEDIENT, log, b'{"a":1}')
    async with asyncio.timeout(10):
        await child.ready()
        assert child.is_ready
        assert await child.stop() == 0
    assert log == ['told {"a":1}', "ready 1"]
    assert not child.is_ready


async def test_one_that_does_not_end_by_itself_is_killed() -> None:
    child = await started(STUBBORN, Lines())
    async with asyncio.timeout(10):
        await child.ready()
        assert await child.stop(grace_s=0.01) == -signal.SIGKILL


async def test_it_tells_how_it_ended() -> None:
    child = await started("raise SystemExit(7)", Lines())
    async with asyncio.timeout(10):
        assert await child.ended() == 7
        assert await child.stop() == 7


async def test_output_is_drained_cut_and_logged_from_both_streams() -> None:
    log = Lines()
    program = (
        "import sys; print('x' * 300_000); print('\\xff last', end=''); sys.stderr.write('oops\\n')"
    )
    child = await started(program, log)
    async with asyncio.timeout(10):
        await child.ended()
        await child.stop()
    assert sorted(log) == ["oops", "x" * MAX_LINE_BYTES, "\xff last"]


async def test_a_program_that_cannot_be_started_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no such program"):
        await Child.start(["/no such program"], b"", {}, Lines().append)


async def test_it_has_a_session_of_its_own() -> None:
    child = await started(STUBBORN, Lines())
    assert os.getsid(child.pid) == child.pid
    await child.stop(grace_s=0)


def test_no_vendor_key_is_inherited() -> None:
    given = {"PATH": "/bin", "OPENAI_API_KEY": "secret", "HOME": "/h"}
    assert child_environment(given) == {"PATH": "/bin", "HOME": "/h"}
