"""What becomes of a program whose terminal has gone away: it ends as somebody would have ended it, and no write fails."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import TextIO


class Terminals:
    """Those of the streams that are terminals now."""

    def __init__(self, *streams: TextIO) -> None:
        self._numbers = [stream.fileno() for stream in streams if stream.isatty()]

    @property
    def are_gone(self) -> bool:
        """Whether there was a terminal and is none any more."""
        return bool(self._numbers) and not any(map(os.isatty, self._numbers))

    def silence(self) -> None:
        """Let what is written to them go nowhere: a terminal that is gone takes no more words."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in self._numbers:
            os.dup2(nowhere, number)
        os.close(nowhere)


# SIGHUP reaches only those whose own terminal it was; the others see it within this time.
_LOOK_EVERY_S = 2.0


@contextlib.contextmanager
def ended_by_signals(
    on_hangup: Callable[[], None], terminals: Terminals, look_every_s: float = _LOOK_EVERY_S
) -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as a cancelled task, so that it saves what it has and leaves the terminal as it was.

    So does a terminal that has gone without a signal: nobody can answer any more. Where SIGHUP is ignored (nohup), it
    stays so.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def end() -> None:
        if task is not None:
            task.cancel()

    def hang_up() -> None:
        terminals.silence()
        on_hangup()
        end()

    async def look() -> None:
        while not terminals.are_gone:  # noqa: ASYNC110 - nothing tells when one goes
            await asyncio.sleep(look_every_s)
        hang_up()

    looks = loop.create_task(look())
    added: list[signal.Signals] = []
    with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not the main thread
        for number, action in ((signal.SIGTERM, end), (signal.SIGHUP, hang_up)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, action)
                added.append(number)
    try:
        yield
    finally:
        looks.cancel()
        for number in added:
            loop.remove_signal_handler(number)
