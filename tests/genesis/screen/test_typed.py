"""A line is waited for without a thread: whoever is interrupted meanwhile ends at once."""

import asyncio
import contextlib
import os
import pty

import pytest

from genesis.screen.typed import typed_line


@pytest.fixture
def terminal():
    """What somebody types into, and what reads it."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as stream:
        yield master, stream
    with contextlib.suppress(OSError):  # a test may have closed it
        os.close(master)


async def test_lines_come_one_by_one(terminal):
    master, stream = terminal
    os.write(master, b"one\ntwo\n")
    assert [await typed_line(stream), await typed_line(stream)] == ["one\n", "two\n"]


async def test_waiting_for_a_line_can_be_interrupted(terminal):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await typed_line(terminal[1])


async def test_a_terminal_that_is_gone_gives_nothing(terminal):
    os.close(terminal[0])
    async with asyncio.timeout(30):
        assert await typed_line(terminal[1]) == ""
