"""Turns: which candidate of a plan is asked next, and after which wait.

Untried candidates come first, in the plan's order. Then those that may be asked again, each at its own moment: what one
upstream asked for (`Retry-After`) is no reason to wait for another, and one that refused for good is not asked again. After one
that was too small for the request, only larger ones are asked.
"""

from collections.abc import Sequence

import msgspec

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.relay.next_step import Action, Tries, next_step, wait_before_again


class Turns:
    """The order of one call's attempts. `index` is the candidate whose turn it is; times are monotonic seconds."""

    __slots__ = ("_ready_at", "_untried", "_windows", "index")

    def __init__(self, candidates: Sequence[Deployment]) -> None:
        self._windows = [candidate.limits.context or 0 for candidate in candidates]
        self._untried = list(range(1, len(candidates)))
        self._ready_at: dict[int, float] = {}
        self.index = 0

    @property
    def untried(self) -> int:
        """Candidates that were not asked yet, and may be."""
        return len(self._untried)

    def after(self, fault: Fault, tries: Tries, now: float, *, is_committed: bool) -> float | None:
        """The present candidate failed: move on. Gives the seconds to wait first, None to give up."""
        if fault.kind is Kind.CONTEXT_OVERFLOW:
            self._leave_small_ones()
            tries = msgspec.structs.replace(tries, untried=self.untried)
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
            self.index = self._untried.pop(0)
        elif step.action is Action.OTHER and other is not None:
            self.index = other
        return step.wait_s

    def skip(self) -> bool:
        """The candidate whose turn it is has just been given up by others: take the next untried one, if there is one."""
        if not self._untried:
            return False
        self.index = self._untried.pop(0)
        return True

    def _leave_small_ones(self) -> None:
        """The request was too long: windows that are not known to be larger would not hold it either."""
        window = self._windows[self.index]
        self._untried = [one for one in self._untried if self._windows[one] > window]
        self._ready_at = {
            one: at for one, at in self._ready_at.items() if self._windows[one] > window
        }
