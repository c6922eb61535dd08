"""After a fault: the same deployment again, the next one, another one again, or give up. A pure table over kinds of fault.

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
    OTHER = "other"
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


def next_step(
    fault: Fault, tries: Tries, *, is_committed: bool, others_wait_s: float | None = None
) -> Step:
    """What to do after this fault. After the first byte nothing can be tried any more.

    `others_wait_s` is when the soonest of the other tried deployments may be asked again, None if none may.
    """
    rule = RULES.get(fault.kind, _NOBODY)
    if is_committed or tries.made >= tries.allowed or tries.patience_s <= 0:
        return Step(Action.GIVE_UP)
    if rule.next and tries.untried > 0:
        return Step(Action.NEXT)
    own = wait_before_again(fault, tries)
    other = others_wait_s if rule.next else None
    if other is not None and other <= tries.patience_s and (own is None or other < own):
        return Step(Action.OTHER, other)
    return Step(Action.GIVE_UP) if own is None else Step(Action.AGAIN, own)


def wait_before_again(fault: Fault, tries: Tries) -> float | None:
    """Seconds before the same deployment may be asked again; None if it may not, or nobody would wait that long."""
    if not RULES.get(fault.kind, _NOBODY).again:
        return None
    if fault.retry_after is not None:
        wait = fault.retry_after
        limit = min(tries.longest_retry_after_s, tries.patience_s)
    else:
        wait = min(_FIRST_WAIT_S * 2 ** (tries.made - 1), _LONGEST_WAIT_S)
        limit = tries.patience_s
    return wait if wait <= limit else None
