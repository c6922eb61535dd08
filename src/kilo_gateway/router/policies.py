"""The order among eligible deployments of one model. A policy is a function of values and dice.

Each policy throws the dice once for each deployment, in the order given, so that equal throws give equal orders. Where it has
nothing to say, those of lower priority number come first, and equals share by weight.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.router.health import Averages

Dice = Callable[[], float]
# Calls in which another than the fastest is asked first: averages of those that are never asked say nothing.
EXPLORING_SHARE: Final = 0.05
# An answer of an agent, in tokens; a guess that is the same for all.
USUAL_OUTPUT_TOKENS: Final = 500
_MOST_FAILED: Final = 0.9


class Known(Protocol):
    """What is known of deployments at this moment."""

    def cost(self, deployment: Deployment) -> int | None:
        """What the answer is expected to cost there, in nanodollars; None if a price is not known."""
        ...

    def averages(self, deployment: Deployment) -> Averages | None:
        """How it did lately; None before the first answer."""
        ...

    def in_flight(self, deployment: Deployment) -> int:
        """Attempts that are under way there."""
        ...


Policy = Callable[[Sequence[Deployment], Known, Dice], tuple[Deployment, ...]]


def priority(
    deployments: Sequence[Deployment], _known: Known, dice: Dice
) -> tuple[Deployment, ...]:
    """By priority, lower first; those of equal priority in random order, the heavier ones earlier."""
    return _by(deployments, dice, lambda deployment: deployment.priority)


def weighted(
    deployments: Sequence[Deployment], _known: Known, dice: Dice
) -> tuple[Deployment, ...]:
    """In random order, the heavier ones earlier, whatever their priority."""
    lots = {deployment.id: lot(deployment, dice()) for deployment in deployments}
    return tuple(sorted(deployments, key=lambda deployment: lots[deployment.id]))


def cheapest(deployments: Sequence[Deployment], known: Known, dice: Dice) -> tuple[Deployment, ...]:
    """By what this very request is expected to cost; those of unknown price last."""
    return _by(deployments, dice, lambda one: _none_last(known.cost(one)))


def fastest(deployments: Sequence[Deployment], known: Known, dice: Dice) -> tuple[Deployment, ...]:
    """By the time that a usual answer takes, failures included; in a small share of calls another one goes first."""
    explores = dice() < EXPLORING_SHARE
    averages = {one.id: known.averages(one) or Averages() for one in deployments}
    has_speeds = all(one.tokens_per_s for one in averages.values() if one.first_byte_s is not None)
    seconds = {name: _seconds(one, has_speeds=has_speeds) for name, one in averages.items()}
    ordered = _by(deployments, dice, lambda one: _none_last(seconds[one.id]))
    if not explores or len(ordered) < 2:
        return ordered
    unknown = [one for one in ordered if seconds[one.id] is None]
    other = unknown[0] if unknown else ordered[1 + int(dice() * (len(ordered) - 1))]
    return (other, *(one for one in ordered if one is not other))


def least_busy(
    deployments: Sequence[Deployment], known: Known, dice: Dice
) -> tuple[Deployment, ...]:
    """By attempts under way, in relation to the weight."""
    return _by(deployments, dice, lambda one: known.in_flight(one) / max(one.weight, 1e-3))


def by_latency(
    deployments: Sequence[Deployment], known: Known, dice: Dice
) -> tuple[Deployment, ...]:
    """By the average time to the first byte; the unknown last."""

    def seconds(deployment: Deployment) -> object:
        averages = known.averages(deployment)
        return _none_last(averages.first_byte_s if averages else None)

    return _by(deployments, dice, seconds)


def by_throughput(
    deployments: Sequence[Deployment], known: Known, dice: Dice
) -> tuple[Deployment, ...]:
    """By the average tokens a second, the most first; the unknown last."""

    def slowness(deployment: Deployment) -> object:
        averages = known.averages(deployment)
        speed = averages.tokens_per_s if averages else None
        return _none_last(None if speed is None else -speed)

    return _by(deployments, dice, slowness)


# Those that the settings may name, and those that a client may ask for.
POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "priority": priority,
        "weighted": weighted,
        "cheapest": cheapest,
        "fastest": fastest,
        "least-busy": least_busy,
    }
)
SORTS: Final[Mapping[str, Policy]] = MappingProxyType(
    {"price": cheapest, "latency": by_latency, "throughput": by_throughput}
)


def lot(deployment: Deployment, throw: float) -> float:
    """A lot by weight: the least comes first with probability w / sum of weights (Efraimidis and Spirakis, weighted
    sampling without replacement). Weight 0 comes last.
    """
    weight = deployment.weight
    return -(throw ** (1.0 / weight)) if weight > 0 else 1.0


def _by(
    deployments: Sequence[Deployment], dice: Dice, rank: Callable[[Deployment], object]
) -> tuple[Deployment, ...]:
    if len(deployments) < 2:
        return tuple(deployments)
    ranked = [
        ((rank(deployment), deployment.priority, lot(deployment, dice()), place), deployment)
        for place, deployment in enumerate(deployments)
    ]
    return tuple(deployment for _, deployment in sorted(ranked, key=lambda pair: pair[0]))


def _none_last(value: float | None) -> tuple[bool, float]:
    return value is None, value or 0


def _seconds(averages: Averages, *, has_speeds: bool) -> float | None:
    """How long a usual answer takes, further attempts after failures included."""
    first_byte_s, speed = averages.first_byte_s, averages.tokens_per_s
    if first_byte_s is None:
        return None
    speaks_s = USUAL_OUTPUT_TOKENS / speed if has_speeds and speed else 0.0
    return (first_byte_s + speaks_s) / (1.0 - min(averages.failed, _MOST_FAILED))
