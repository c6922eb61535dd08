"""After a fault: the same deployment again, the next one, or give up. A pure table over kinds of fault.

Three columns: whether another deployment may do better, whether the same one may, and whether the wait that the
upstream asked for is worth keeping. What the caller did wrong is nobody else's to repair.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from kilo_gateway.core.fault import Fault, Kind

_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 8.0


class Action(StrEnum):
    """What to do after a fault."""

    AGAIN = "again"
    NEXT = "next"
    GIVE_UP = "give_up"


class Step(NamedTuple):
    """An action, and how many seconds to wait before it."""

    action: Action
    wait_s: float = 0.0


class Rule(NamedTuple):
    """One row: may the next deployment do better, may the same one."""

    next: bool
    again: bool


_ANOTHER_OR_AGAIN = Rule(next=True, again=True)
_ANOTHER = Rule(next=True, again=False)
_NOBODY = Rule(next=False, again=False)

RULES: dict[Kind, Rule] = {
    Kind.UPSTREAM_CONNECT: _ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_DISCONNECT: _ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_GARBAGE: _ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_RATE_LIMITED: _ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_OVERLOADED: _ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_ERROR: _ANOTHER_OR_AGAIN,
    Kind.OVERLOADED: _ANOTHER,
    # It took all the time it had: once more would take as long.
    Kind.UPSTREAM_TIMEOUT: _ANOTHER,
    Kind.UPSTREAM_REFUSED_KEY: _ANOTHER,
    Kind.UPSTREAM_NO_CREDIT: _ANOTHER,
    Kind.UPSTREAM_NO_MODEL: _ANOTHER,
    Kind.CONTEXT_OVERFLOW: _ANOTHER,
    Kind.UPSTREAM_REJECTED: _NOBODY,
    Kind.CONTENT_FILTERED: _NOBODY,
}


class Tries(msgspec.Struct, frozen=True):
    """Where a call stands: attempts made (this one included) and allowed, deployments still untried, seconds of the
    client's patience that are left, and the longest wait that an upstream may ask for."""

    made: int
    allowed: int
    untried: int
    patience_s: float
    longest_retry_after_s: float = 20.0


def next_step(fault: Fault, tries: Tries, *, is_committed: bool) -> Step:
    """What to do after this fault. After the first byte nothing can be tried any more."""
    rule = RULES.get(fault.kind, _NOBODY)
    if is_committed or tries.made >= tries.allowed or tries.patience_s <= 0:
        return Step(Action.GIVE_UP)
    if rule.next and tries.untried > 0:
        return Step(Action.NEXT)
    if not rule.again:
        return Step(Action.GIVE_UP)
    wait = _wait(fault, tries)
    return Step(Action.GIVE_UP) if wait is None else Step(Action.AGAIN, wait)


def _wait(fault: Fault, tries: Tries) -> float | None:
    """Seconds before the same deployment is asked again; None if that is longer than anybody wants to wait."""
    if fault.retry_after is not None:
        wait = fault.retry_after
        limit = min(tries.longest_retry_after_s, tries.patience_s)
    else:
        wait = min(_FIRST_WAIT_S * 2 ** (tries.made - 1), _LONGEST_WAIT_S)
        limit = tries.patience_s
    return wait if wait <= limit else None
