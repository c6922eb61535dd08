"""Clock: wall time and monotonic time, injectable, so that tests own the time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings of time. `wall` is for people and records, `monotonic` for durations."""

    def wall(self) -> float:
        """Seconds since the Unix epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; comparable within one process only."""
        ...


class SystemClock:
    """The machine's own clock."""

    __slots__ = ()

    wall = staticmethod(time.time)  # noqa: TID251 - the one place where the real clock is read
    monotonic = staticmethod(time.monotonic)
