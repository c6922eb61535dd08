"""A terminal that goes away: what is written goes nowhere, and the program ends as a cancelled task."""

import asyncio
import os
import pty
import signal

import pytest

from genesis.screen.hangup import Terminals, ended_by_signals


@pytest.fixture
def terminal():
    """A terminal's other end, and a stream to it."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        yield master, stream


def test_a_terminal_that_is_closed_is_gone(terminal):
    master, stream = terminal
    terminals = Terminals(stream)
    assert not terminals.are_gone
    os.close(master)
    assert terminals.are_gone
    with pytest.raises(OSError, match="Input/output error"):
        os.write(stream.fileno(), b"x")
    terminals.silence()
    assert os.write(stream.fileno(), b"x") == 1


def test_a_file_is_no_terminal(tmp_path):
    with (tmp_path / "out").open("w") as file:
        terminals = Terminals(file)
        terminals.silence()
        file.write("kept")
    assert not terminals.are_gone
    assert (tmp_path / "out").read_text() == "kept"


@pytest.mark.parametrize(("number", "expected"), [("SIGHUP", ["left"]), ("SIGTERM", [])])
async def test_signals_cancel(number, expected):
    told = []

    async def work():
        with ended_by_signals(lambda: told.append("left"), Terminals()):
            os.kill(os.getpid(), signal.Signals[number])
            await asyncio.sleep(10)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(work())
    assert told == expected


async def test_a_hangup_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals(lambda: None, Terminals()):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_terminal_that_goes_without_a_signal_ends_it_too(terminal):
    master, stream = terminal
    told = []

    async def work():
        with ended_by_signals(lambda: told.append("left"), Terminals(stream), look_every_s=0.01):
            os.close(master)
            await asyncio.Event().wait()

    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(work())
    assert told == ["left"]
    stream.write("goes nowhere")
