"""A clock that moves when a test tells it to."""


class StillClock:
    """Wall and monotonic time in seconds; both stand still until `now` is set."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now
