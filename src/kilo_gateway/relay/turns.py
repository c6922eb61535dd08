"""Turns: which candidate of a plan is asked next, and after which wait.

Untried candidates come first, in the plan's order. Then those that may be asked again, each at its own moment: what one
upstream asked for (`Retry-After`) is no reason to wait for another, and one that refused for good is not asked again.
"""

from kilo_gateway.core.fault import Fault
from kilo_gateway.relay.next_step import Action, Tries, next_step, wait_before_again


class Turns:
    """The order of one call's attempts. `index` is the candidate whose turn it is; times are monotonic seconds."""

    __slots__ = ("_count", "_ready_at", "_tried", "index")

    def __init__(self, count: int) -> None:
        self._count = count
        self._tried = 1
        self._ready_at: dict[int, float] = {}
        self.index = 0

    @property
    def untried(self) -> int:
        """Candidates that were not asked yet."""
        return self._count - self._tried

    def after(self, fault: Fault, tries: Tries, now: float, *, is_committed: bool) -> float | None:
        """The present candidate failed: move on. Gives the seconds to wait first, None to give up."""
        wait = wait_before_again(fault, tries)
        if wait is None:
            self._ready_at.pop(self.index, None)
        else:
            self._ready_at[self.index] = now + wait
        other = min(
            (index for index in self._ready_at if index != self.index),
            key=self._ready_at.__getitem__,
            default=None,
        )
        others_wait = None if other is None else max(0.0, self._ready_at[other] - now)
        step = next_step(fault, tries, is_committed=is_committed, others_wait_s=others_wait)
        if step.action is Action.GIVE_UP:
            return None
        if step.action is Action.NEXT:
            self.index = self._tried
            self._tried += 1
        elif step.action is Action.OTHER and other is not None:
            self.index = other
        return step.wait_s

    def skip(self) -> bool:
        """The candidate whose turn it is has just been given up by others: take the next untried one, if there is one."""
        if self._tried >= self._count:
            return False
        self.index = self._tried
        self._tried += 1
        return True
